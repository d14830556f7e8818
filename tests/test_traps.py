"""The ways in which figures about complaints go wrong, and the published figures we must reproduce: each with its tests."""

import re

import pytest

from tests.proofs import REPOSITORY, missing

BUILT = "tests/dbt_project/test_a_built_night.py"
MACROS = "tests/dbt_project/test_macros.py"
SEEDS = "tests/dbt_project/test_seeds.py"
MAPPING = "tests/extract/test_mapping.py"
TRAPS: dict[int, tuple[str, tuple[str, ...]]] = {
    1: ("no rows and no answer look alike", (
        "tests/extract/test_night.py::test_zero_rows_and_no_answer_are_different_states",
        f"{BUILT}::test_coverage_tells_held_from_empty",
        f"{BUILT}::test_months_without_complaints_are_zero_rows_with_null_rates",
    )),
    2: ("657 agencies are a count of 1 July 2021, not a constant", (
        "tests/test_traps.py::test_the_number_of_agencies_is_in_no_code",
        "tests/simulator/test_server.py::test_every_agency_hands_over_what_the_truth_expects",
    )),
    3: ("followed up is not completed", (
        "dbt: provinces_have_their_published_rates",
        "dbt: milestones_are_first_times_and_completion_must_stand",
    )),
    4: ("75.7 % gets a grade of the SKM", (
        "dbt: wave_2020_is_computed_and_the_others_are_as_published",
    )),
    5: ("weights of 0.11 instead of 1/9", (
        "dbt: the_published_vector_is_79_86_and_not_79_06",
    )),
    6: ("an index between two bands of the SKM", (
        "dbt: the_gaps_of_the_bands_are_closed_by_rounding_first",
        f"{SEEDS}::test_bands_leave_no_hole_at_two_decimals",
    )),
    7: ("another sample reads as a fall", (
        "dbt: wave_2020_is_computed_and_the_others_are_as_published",
        f"{BUILT}::test_the_survey_of_2020_is_computed_from_its_answers",
    )),
    8: ("the Ombudsman's bands of another year", (
        f"{SEEDS}::test_a_score_of_the_ombudsman_means_what_it_meant_that_year",
    )),
    9: ("a BPS code read as a Kemendagri code", (
        f"{SEEDS}::test_the_two_systems_of_region_codes_differ_for_199_of_514_and_collide_for_166",
        f"{SEEDS}::test_no_column_of_a_mart_is_a_code_of_just_any_region",
        "dbt: a_renamed_agency_keeps_its_code_and_its_past_name",
    )),
    10: ("34 provinces became 38", (
        f"{BUILT}::test_regions_follow_the_split_of_papua",
    )),
    11: ("one label of two categories", (
        f"{SEEDS}::test_seven_labels_stand_under_two_main_categories",
        f"{MACROS}::test_a_category_is_known_by_both_its_names",
    )),
    12: ("blanks, case and typing errors make new words", (
        f"{MAPPING}::test_a_record_of_the_national_system_reads_as_the_contract_says",
        f"{MAPPING}::test_what_does_not_read_is_null_with_a_problem",
    )),
    13: ("two channels in one word", (
        f"{MAPPING}::test_a_record_of_the_national_system_reads_as_the_contract_says",
        "tests/simulator/test_server.py::test_quirks_of_the_truth_show_on_the_wire",
    )),
    14: ("a tracking id in a text", (
        "tests/extract/test_privacy.py::test_personal_numbers_become_marks_and_the_rest_stays",
    )),
    15: ("anonymous reporters repeat", (
        f"{MAPPING}::test_an_anonymous_reporter_has_no_key",
        "dbt: told_again_the_same_day_is_a_duplicate_later_a_repeat",
    )),
    16: ("secret complaints in a drill-down", (
        f"{BUILT}::test_whistleblowing_is_always_secret",
        "tests/dbt_project/test_models_are_described.py::test_a_mart_says_who_may_see_what",
    )),
    # Marts are exact. What is shown beyond them suppresses by what they declare; that a mart declares it is what is tested here.
    17: ("a small cell is the total less the others", (
        "tests/dbt_project/test_models_are_described.py::test_a_mart_says_who_may_see_what",
    )),
    18: ("working days over Lebaran, joint leave changed in mid-year", (
        "dbt: working_days_skip_lebaran_and_pauses",
        f"{BUILT}::test_working_days_skip_lebaran",
        f"{MACROS}::test_a_day_off_counts_from_its_announcement_until_it_is_revoked",
    )),
    19: ("a complaint of the night, or of another time zone", (
        f"{MACROS}::test_a_moment_belongs_to_the_day_it_has_in_jakarta",
        f"{BUILT}::test_the_month_of_a_complaint_is_that_of_jakarta",
    )),
    20: ("ten days until automatic completion: of which kind, and whose work", (
        f"{SEEDS}::test_limits_say_whether_their_days_are_working_days",
        "tests/simulator/test_world.py::test_automatic_completion_comes_ten_working_days_after_the_last_answer",
        "dbt: batam_has_its_published_rates",
    )),
    21: ("a closed month changes when a complaint is reopened", (
        "dbt: later_progress_changes_nothing_at_the_cut_off",
        "dbt: a_restatement_stands_beside_what_was_published",
        f"{MAPPING}::test_a_reopened_complaint_is_not_completed",
    )),
    22: ("the clock runs on while a complaint is on hold", (
        "dbt: working_days_skip_lebaran_and_pauses",
        f"{MACROS}::test_a_clock_ends_in_one_of_seven_ways",
    )),
    23: ("a complaint passed on counts twice, or nowhere", (
        "dbt: the_agency_routed_to_last_owns_the_complaint",
        "dbt: no_complaint_is_counted_twice_nationally",
        f"{BUILT}::test_a_complaint_two_agencies_had_counts_once_nationally_and_once_per_agency",
    )),
    24: ("archived complaints in the denominator, or not", (
        "dbt: provinces_have_their_published_rates",
        f"{BUILT}::test_the_months_of_an_agency_add_up",
    )),
    25: ("only what is closed has a length", (
        "dbt: kaplan_meier_by_hand",
        "dbt: medians_count_open_cases_in",
    )),
    26: ("a rate of nothing", (
        f"{MACROS}::test_a_rate_is_exact_and_null_of_nothing",
        f"{MACROS}::test_nothing_tried_has_no_interval",
        f"{BUILT}::test_months_without_complaints_are_zero_rows_with_null_rates",
    )),
    27: ("a funnel in which everybody is an outlier", (
        "dbt: four_published_provinces_lie_far_apart",
    )),
    28: ("an office of the centre that is called like a town", (
        "dbt: a_renamed_agency_keeps_its_code_and_its_past_name",
    )),
    29: ("agencies are merged and renamed", (
        "dbt: a_renamed_agency_keeps_its_code_and_its_past_name",
    )),
    30: ("official parts that do not add up", (
        "dbt: stated_totals_are_judged_and_never_corrected",
        "dbt: figures_with_two_readings_are_not_forced_into_parts",
        f"{BUILT}::test_east_java_states_66_recaps_that_do_not_add_up_and_a_month_copied_from_the_last",
        "tests/quality/test_stale_recaps.py::test_east_java_66_do_not_add_up_and_all_38_of_february_2024_are_copies",
    )),
    31: ("official percentages with their digits cut", (
        "dbt: official_percentages_are_reproduced_or_told_truncated",
    )),
    32: ("closed before it came, or within minutes", (
        "tests/quality/test_row_rules.py::test_a_row_breaks_exactly_the_rules_it_should",
        "tests/quality/test_rules_across_rows.py::test_closing_twenty_within_minutes_is_flagged",
    )),
    33: ("told on a local channel and on LAPOR!", (
        "tests/quality/test_rules_across_rows.py::test_a_matter_told_twice_is_flagged_under_both_numbers",
        "dbt: told_again_the_same_day_is_a_duplicate_later_a_repeat",
    )),
    34: ("a person's data in what validation writes", (
        "tests/quality/test_gate.py::test_nobodys_words_leave_raw",
        "tests/quality/test_page.py::test_nobodys_words_stand_on_the_page",
        "tests/dbt_project/test_build_results.py::test_tests_read_what_dbt_made_and_keep_nothing_of_a_person",
        "tests/integration/test_the_night.py::test_no_identity_is_found_in_anything_the_pipeline_writes",
    )),
}  # fmt: skip

KNOWN_ANSWERS: dict[str, tuple[str, ...]] = {
    "V1 Kota Batam, January to June 2021: 71, 61, 46, 1; the ten have two readings": (
        "dbt: batam_has_its_published_rates",
        "dbt: figures_with_two_readings_are_not_forced_into_parts",
        "tests/integration/test_the_night.py::test_kota_batam_is_exact",
    ),
    "V2 Kalimantan Tengah 2020: 81, 78, 3 %": (
        "dbt: provinces_have_their_published_rates", "dbt: official_percentages_are_reproduced_or_told_truncated",
    ),
    "V3 Kalimantan Selatan 2020: 98, 94, 4 %": (
        "dbt: provinces_have_their_published_rates", "dbt: official_percentages_are_reproduced_or_told_truncated",
    ),
    "V4 Jambi 2020: 35.81 printed 35": ("dbt: official_percentages_are_reproduced_or_told_truncated",),
    "V5 Lampung 2020: 143 of 633": ("dbt: provinces_have_their_published_rates",),
    "V6 East Java, first half of 2024: parts add up to 1,011": (
        "dbt: stated_totals_are_judged_and_never_corrected", "dbt: provinces_have_their_published_rates",
    ),
    "V7 East Java, January to July 2025: parts add up to 2,809": (
        "dbt: figures_with_two_readings_are_not_forced_into_parts",
    ),
    "V8 the nation, Lebaran 2018: 1,295 has two meanings": (
        "dbt: figures_with_two_readings_are_not_forced_into_parts",
    ),
    "V9 the nation, to mid June 2018: parts are 1,000 short": ("dbt: stated_totals_are_judged_and_never_corrected",),
    "V10 BP Batam 2025: 98.496 printed 98.49": ("dbt: official_percentages_are_reproduced_or_told_truncated",),
    "V11 CPGRAMS, February 2023: an exact stock and flow": (
        "dbt: a_published_stock_follows_from_its_flows_to_the_row",
    ),
    "V12 CPGRAMS, March 2023: four off, within tolerance": (
        "dbt: a_published_stock_follows_from_its_flows_to_the_row", "dbt: stated_totals_are_judged_and_never_corrected",
    ),
    "Wilson: 46/71, 46/61, 61/71, 0/5, 5/5, nothing": (
        f"{MACROS}::test_the_interval_is_wilsons", f"{MACROS}::test_nothing_tried_has_no_interval",
    ),
    "SKM: 79.8611 and not 79.0625; all fours 100": ("dbt: the_published_vector_is_79_86_and_not_79_06",),
    "the survey of 2020: 75.7 %, n = 1,329": (
        "dbt: wave_2020_is_computed_and_the_others_are_as_published",
        "tests/integration/test_the_night.py::test_the_survey_of_2020_is_computed_from_its_answers",
    ),
    "funnel: phi = 343, tau squared = .1329": ("dbt: four_published_provinces_lie_far_apart",),
    "Kaplan-Meier: median 10, not 4 or 5": ("dbt: kaplan_meier_by_hand",),
    "East Java's recaps: 66 of 760 do not add up, February 2024 is January": (
        f"{BUILT}::test_east_java_states_66_recaps_that_do_not_add_up_and_a_month_copied_from_the_last",
    ),
}  # fmt: skip


def test_all_34_traps_are_here() -> None:
    assert list(TRAPS) == list(range(1, 35))


@pytest.mark.parametrize("number", TRAPS)
def test_a_trap_has_its_tests(number: int) -> None:
    trap, proofs = TRAPS[number]
    assert proofs
    assert missing(proofs) == [], trap


@pytest.mark.parametrize("answer", KNOWN_ANSWERS)
def test_a_known_answer_has_its_tests(answer: str) -> None:
    assert KNOWN_ANSWERS[answer]
    assert missing(KNOWN_ANSWERS[answer]) == []


def test_the_number_of_agencies_is_in_no_code() -> None:
    code = [
        path
        for folder in ("dbt_project/models", "dbt_project/macros", "extract", "quality", "reports", "warehouse")
        for path in (REPOSITORY / folder).rglob("*")
        if path.suffix in {".py", ".sql"}
    ]
    assert len(code) > 100
    # Prose may name the number; no comparison, limit or divisor may.
    named = re.compile(r"[=<>+*/(,-]\s*657\b|\b657\s*[=<>+*/),-]")
    assert [str(path) for path in code if named.search(path.read_text(encoding="utf-8"))] == []
