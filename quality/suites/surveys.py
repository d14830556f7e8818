"""Rules for survey answers. Columns are those of quality/sql/survey_responses.sql."""

from quality.bounds import Bounds
from quality.references import References
from quality.rules import Rule, at_least, at_most, in_set, is_true
from quality.suites.phrases import (
    ADD_WORD,
    CONTRACT,
    FIX_AT_SOURCE,
    one_row_a_key,
    region_known,
    rest_readable,
    row_whole,
)


def surveys(references: References, _bounds: Bounds) -> list[Rule]:
    """What must hold for a respondent to enter a satisfaction figure."""
    return [
        row_whole("survey_row_whole"),
        Rule(
            rule_id="respondent_present",
            column="respondent_key",
            expectation=is_true("has_key"),
            text_en="no survey code or no respondent",
            text_id="kode survei atau responden kosong",
            action=FIX_AT_SOURCE,
            source=CONTRACT,
            waivable=False,
        ),
        one_row_a_key(
            "respondent_unique",
            "respondent_key",
            (
                "survey_code",
                "respondent_key",
            ),
            "the respondent stands twice in one night's delivery",
            "responden muncul dua kali dalam satu kiriman",
        ),
        Rule(
            rule_id="answers_readable",
            column="answers",
            expectation=is_true("answers_are_readable"),
            text_en="an answer is none of the scale's words",
            text_id="ada jawaban di luar kata-kata skala",
            action=ADD_WORD,
            source=CONTRACT,
            owner="data engineer",
        ),
        Rule(
            rule_id="answers_present",
            column="answers",
            expectation=at_least("answered_count", 1),
            text_en="not one attribute was answered",
            text_id="tidak ada satu pun unsur yang dijawab",
            action=FIX_AT_SOURCE,
            source="domain 3.3",
        ),
        Rule(
            rule_id="scores_on_scale",
            column="answers",
            expectation=is_true("scores_are_on_scale"),
            text_en="a score is off the survey's scale",
            text_id="ada nilai di luar skala survei",
            action=FIX_AT_SOURCE,
            source="domain 3.2 and 3.3; seed survey_waves, else bounds.yml survey_lowest_score, survey_highest_score",
        ),
        Rule(
            rule_id="weight_positive",
            column="sampling_weight",
            expectation=at_least("sampling_weight", 0, strictly=True),
            text_en="sampling weight missing or not above zero",
            text_id="bobot sampel kosong atau tidak lebih dari nol",
            action=FIX_AT_SOURCE,
            source="domain 3.3",
        ),
        Rule(
            rule_id="survey_known",
            column="survey_code",
            expectation=in_set("survey_code", references.scales),
            text_en="a survey of which neither frame nor scale is known",
            text_id="survei yang kerangka dan skalanya belum dikenal",
            action="Add the wave, its frame and scale to the seed survey_waves; until then it is published nowhere.",
            source="domain 3.3; seed survey_waves",
            severity="warning",
            owner="data engineer",
        ),
        Rule(
            rule_id="attributes_known",
            column="answers",
            expectation=is_true("attributes_are_known"),
            text_en="answers attributes that the survey did not ask",
            text_id="ada unsur yang tidak ditanyakan dalam survei",
            action="Name the attribute in the profile as the seed survey_attributes does.",
            source="domain 3.3; seed survey_attributes",
            severity="warning",
            owner="data engineer",
        ),
        Rule(
            rule_id="responded_before_cut_off",
            column="responded_on",
            expectation=at_most("days_after_night", 1),
            text_en="answered more than a day after the night",
            text_id="tanggal jawaban lebih dari sehari sesudah malam ini",
            action=FIX_AT_SOURCE,
            source="bounds.yml clock_skew_hours",
        ),
        region_known("survey_region_known", references),
        rest_readable("survey_rest_readable"),
    ]
