"""Rules for reporters' ratings of closed complaints. Columns are those of quality/sql/ratings.sql."""

from quality.bounds import Bounds
from quality.references import References
from quality.rules import Rule, at_least, at_most, is_true
from quality.suites.phrases import CONTRACT, FIX_AT_SOURCE, one_row_a_key, rest_readable, row_whole


def ratings(_references: References, bounds: Bounds) -> list[Rule]:
    """What must hold for a rating to be counted."""
    return [
        row_whole("rating_row_whole"),
        Rule(
            rule_id="rated_complaint_present",
            column="tracking_id",
            expectation=is_true("has_key"),
            text_en="the rating does not say which complaint it is for",
            text_id="penilaian tidak menyebut nomor laporannya",
            action=FIX_AT_SOURCE,
            source=CONTRACT,
            waivable=False,
        ),
        one_row_a_key(
            "rating_unique",
            "tracking_id",
            (
                "source_system",
                "tracking_id",
            ),
            "the complaint is rated twice in one night's delivery",
            "laporan yang sama dinilai dua kali dalam satu kiriman",
        ),
        Rule(
            rule_id="stars_at_least_lowest",
            column="stars",
            expectation=at_least("stars", bounds.lowest_stars),
            text_en=f"fewer than {bounds.lowest_stars} stars, or none that can be read",
            text_id=f"kurang dari {bounds.lowest_stars} bintang, atau tidak terbaca",
            action=FIX_AT_SOURCE,
            source="domain 3: RATING_PELAPOR; bounds.yml lowest_stars",
        ),
        Rule(
            rule_id="stars_at_most_highest",
            column="stars",
            expectation=at_most("stars", bounds.highest_stars),
            text_en=f"more than {bounds.highest_stars} stars",
            text_id=f"lebih dari {bounds.highest_stars} bintang",
            action=FIX_AT_SOURCE,
            source="domain 3: RATING_PELAPOR; bounds.yml highest_stars",
        ),
        Rule(
            rule_id="rated_before_cut_off",
            column="rated_at",
            expectation=at_most("hours_after_cut_off", bounds.clock_skew_hours),
            text_en="rated after the night's cut-off, beyond what a wrong clock explains",
            text_id="dinilai setelah batas waktu malam itu, melebihi selisih jam yang wajar",
            action=FIX_AT_SOURCE,
            source="bounds.yml clock_skew_hours",
        ),
        Rule(
            rule_id="rated_after_receipt",
            column="rated_at",
            expectation=at_least("hours_after_receipt", -bounds.early_event_hours),
            text_en="rated more than a day before the complaint was received",
            text_id="dinilai lebih dari sehari sebelum laporan masuk",
            action=FIX_AT_SOURCE,
            source="bounds.yml early_event_hours",
            severity="warning",
        ),
        rest_readable("rating_rest_readable"),
    ]
