"""Each row rule lets good rows in and stops, or flags, the bad one it is for; and only that rule does."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from quality.gate import gate
from quality.suites import ROW_SUITES, rules_by_suite
from tests.quality.world import CUT_OFF, GOOD, NIGHT, WIB, World


def nothing(table: str) -> dict[str, Any]:
    """A row of which the loader could read nothing."""
    return dict.fromkeys(GOOD[table]) | {"_problems": ["row: 12 cells instead of 10"]}


CASES: dict[str, tuple[str, dict[str, Any], set[str]]] = {
    "a good complaint": ("complaints", {}, set()),
    "no channel stated": ("complaints", {"channel": None, "input_method": None}, set()),
    "not yet completed": ("complaints", {"completed_at": None, "status": "DIPROSES"}, set()),
    "no region, no category": ("complaints", {"kemendagri_code": None, "category_main": None}, set()),
    "category with a label": ("complaints", {"category_label": "PELAYANAN KESEHATAN"}, set()),
    "a clock an hour ahead": (
        "complaints",
        {"received_at": CUT_OFF + timedelta(hours=1), "completed_at": None, "updated_at": None},
        set(),
    ),
    "completed the moment it came": ("complaints", {"completed_at": GOOD["complaints"]["received_at"]}, set()),
    "a ragged row": ("complaints", nothing("complaints"), {"row_whole"}),
    "no tracking id": ("complaints", {"tracking_id": None, "_problems": ["tracking_id: missing"]}, {"key_present"}),
    "the same key": ("complaints", {"tracking_id": "7000000"}, {"key_unique"}),
    "the same key again": ("complaints", {"tracking_id": "7000000"}, {"key_unique"}),
    "no class": ("complaints", {"report_class": None}, {"class_known"}),
    "a class nobody knows": ("complaints", {"report_class": "KELUHAN"}, {"class_known"}),
    "no status": ("complaints", {"status": None}, {"status_known"}),
    "a status word nobody knows": (
        "complaints",
        {"status": None, "_problems": ["status: 'Selesai Bersyarat' is not a word of profile lapor_v3"]},
        {"status_known"},
    ),
    "a channel nobody knows": ("complaints", {"channel": "TELEGRAF"}, {"channel_known"}),
    "a channel word nobody knows": (
        "complaints",
        {"channel": None, "_problems": ["channel: 'Telegraf' is not a word of profile lapor_v3"]},
        {"channel_known"},
    ),
    "entered by nobody we know": (
        "complaints",
        {"input_method": None, "_problems": ["input_method: 'robot' is not a word"]},
        {"input_method_known"},
    ),
    "an unreadable time of receipt": (
        "complaints",
        {"received_at": None, "_problems": ["received_at: '99/99/9999' is no time"]},
        {"dates_readable"},
    ),
    "an unreadable completion": (
        "complaints",
        {"completed_at": None, "_problems": ["completed_at: '99/99/9999' is no time"]},
        {"dates_readable"},
    ),
    "no time of receipt": ("complaints", {"received_at": None}, {"received_at_present"}),
    "received in the future": (
        "complaints",
        {"received_at": CUT_OFF + timedelta(hours=25), "completed_at": None, "updated_at": None},
        {"received_before_cut_off"},
    ),
    "closed before created": (
        "complaints",
        {"completed_at": GOOD["complaints"]["received_at"] - timedelta(seconds=1)},
        {"closed_before_created"},
    ),
    "secret, perhaps": (
        "complaints",
        {"is_secret": None, "_problems": ["is_secret: 'mungkin' is neither yes nor no"]},
        {"flags_readable"},
    ),
    "anonymous yet keyed": ("complaints", {"is_anonymous": True}, {"anonymity_kept"}),
    "changed before received": (
        "complaints",
        {"updated_at": GOOD["complaints"]["received_at"] - timedelta(days=1)},
        {"updated_after_received"},
    ),
    "a BPS code": ("complaints", {"kemendagri_code": "99.99"}, {"region_known"}),
    "a category of their own": ("complaints", {"category_main": "ANEKA"}, {"category_known"}),
    "an unreadable side column": (
        "complaints",
        {"updated_at": None, "_problems": ["updated_at: 'kemarin' is no time"]},
        {"rest_readable"},
    ),
    "three things wrong": (
        "complaints",
        {
            "status": None,
            "kemendagri_code": "99.99",
            "completed_at": GOOD["complaints"]["received_at"] - timedelta(days=1),
        },
        {"status_known", "closed_before_created", "region_known"},
    ),
    "received when the computer was born": (
        "complaints",
        {"received_at": datetime(1970, 1, 1, tzinfo=WIB), "completed_at": None},
        {"received_at_plausible"},
    ),
    "received when LAPOR! began": (
        "complaints",
        {"received_at": datetime(2011, 1, 1, tzinfo=WIB), "completed_at": None},
        set(),
    ),
    "a regency that had moved to the new province": (
        "complaints",
        {"kemendagri_code": "94.01"},
        {"region_in_force"},
    ),
    "a whistleblower not hidden": ("complaints", {"report_class": "WBS"}, {"whistleblower_hidden"}),
    "a whistleblower hidden": ("complaints", {"report_class": "WBS", "is_secret": True}, set()),
    "the first step": ("complaint_events", {"tracking_id": "5900003", "event_seq": 1}, set()),
    "a step that follows": (
        "complaint_events",
        {"tracking_id": "5900003", "event_seq": 2, "event_type": "VERIFIKASI"},
        set(),
    ),
    "reopened before it was closed": (
        "complaint_events",
        {"tracking_id": "5900003", "event_seq": 3, "event_type": "BUKA_KEMBALI"},
        {"transition_allowed"},
    ),
    "a step long before the last": (
        "complaint_events",
        {
            "tracking_id": "5900003", "event_seq": 4, "event_type": "TINDAK_LANJUT",
            "occurred_at": GOOD["complaint_events"]["occurred_at"] - timedelta(hours=25),
        },
        {"events_in_order"},
    ),
    "a good event": ("complaint_events", {}, set()),
    "an event before receipt, same day": (
        "complaint_events",
        {"tracking_id": "6000001", "occurred_at": GOOD["complaints"]["received_at"] - timedelta(hours=23)},
        set(),
    ),
    "a ragged event": ("complaint_events", nothing("complaint_events"), {"event_row_whole"}),
    "an event of nothing": (
        "complaint_events",
        {"tracking_id": None, "_problems": ["tracking_id: missing"]},
        {"event_key_present"},
    ),
    "an event without a place": ("complaint_events", {"event_seq": None}, {"event_key_present"}),
    "the same place": ("complaint_events", {"tracking_id": "6000002", "event_seq": 9000, "event_type": "TINDAK_LANJUT"}, {"event_key_unique"}),
    "the same place again": ("complaint_events", {"tracking_id": "6000002", "event_seq": 9000, "event_type": "TINDAK_LANJUT"}, {"event_key_unique"}),
    "an event nobody knows": ("complaint_events", {"event_type": None}, {"event_type_known"}),
    "an unreadable time of an event": (
        "complaint_events",
        {"occurred_at": None, "_problems": ["occurred_at: '31/31/2021' is no time"]},
        {"event_dates_readable"},
    ),
    "an event without time": ("complaint_events", {"occurred_at": None}, {"occurred_at_present"}),
    "an event of tomorrow": (
        "complaint_events",
        {"occurred_at": CUT_OFF + timedelta(hours=25)},
        {"occurred_before_cut_off"},
    ),
    "an event before its complaint": (
        "complaint_events",
        {
            "tracking_id": "6000001", "event_type": "VERIFIKASI",
            "occurred_at": GOOD["complaints"]["received_at"] - timedelta(hours=25),
        },
        {"occurred_after_receipt"},
    ),
    "an unreadable actor": (
        "complaint_events",
        {"actor_level": None, "_problems": ["actor_level: 'robot' is not a word"]},
        {"event_rest_readable"},
    ),
    "a good respondent": ("survey_responses", {}, set()),
    "an attribute left out": ("survey_responses", {"answers": {"kerahasiaan": 3, "kesopanan": None}}, set()),
    "a ragged answer": ("survey_responses", nothing("survey_responses"), {"survey_row_whole"}),
    "nobody answered": ("survey_responses", {"respondent_key": None}, {"respondent_present"}),
    "the same respondent": ("survey_responses", {"respondent_key": "r"}, {"respondent_unique"}),
    "the same respondent again": ("survey_responses", {"respondent_key": "r"}, {"respondent_unique"}),
    "a word off the scale": (
        "survey_responses",
        {"_problems": ["answers: kejelasan: 'Lumayan' is not a word of profile lapor_survey"]},
        {"answers_readable"},
    ),
    "no answer at all": ("survey_responses", {"answers": {}}, {"answers_present"}),
    "five of four": ("survey_responses", {"answers": {"kerahasiaan": 5}}, {"scores_on_scale"}),
    "zero of four": ("survey_responses", {"answers": {"kerahasiaan": 0}}, {"scores_on_scale"}),
    "a score in words": ("survey_responses", {"answers": {"kerahasiaan": "Puas"}}, {"scores_on_scale"}),
    "no weight": ("survey_responses", {"sampling_weight": None}, {"weight_positive"}),
    "weight zero": ("survey_responses", {"sampling_weight": 0}, {"weight_positive"}),
    "an unreadable stratum": (
        "survey_responses",
        {"_problems": ["responded_on: 'kemarin' is no date"]},
        {"survey_rest_readable"},
    ),
    "a survey nobody knows": ("survey_responses", {"survey_code": "SURVEI-LAIN-2021"}, {"survey_known"}),
    "an attribute not asked": ("survey_responses", {"answers": {"keindahan": 3}}, {"attributes_known"}),
    "answered in the future": (
        "survey_responses",
        {"responded_on": NIGHT + timedelta(days=2)},
        {"responded_before_cut_off"},
    ),
    "a respondent from nowhere": ("survey_responses", {"kemendagri_code": "99"}, {"survey_region_known"}),
    "more completed than received": (
        "recaps",
        {"period_start": date(2021, 1, 2), "received_count": 45},
        {"parts_within_whole"},
    ),
    "a period not begun": (
        "recaps",
        {"period_start": date(2021, 1, 3), "period_end": date(2021, 8, 1)},
        {"period_begun"},
    ),
    "a period long over": (
        "recaps",
        {"period_start": date(2016, 1, 1), "period_end": date(2016, 6, 25)},
        {"period_recent"},
    ),
    "rated before it was told": (
        "ratings",
        {"tracking_id": "6000001", "rated_at": GOOD["complaints"]["received_at"] - timedelta(hours=25)},
        {"rated_after_receipt"},
    ),
    "a unit below a known one": ("units", {"unit_code": "U-2", "parent_unit_code": "U-1"}, set()),
    "a unit below nobody": ("units", {"unit_code": "U-3", "parent_unit_code": "U-0"}, {"parent_known"}),
    "activity of the week to come": (
        "agency_activity",
        {"as_of_date": date(2021, 7, 2)},
        {"activity_of_the_past"},
    ),
    "a decree of next year": (
        "agency_activity",
        {"as_of_date": date(2021, 6, 5), "decree_date": date(2022, 1, 1)},
        {"papers_of_the_past"},
    ),
    "Batam's own recap, parts not stated": ("recaps", {}, set()),
    "parts that add up": (
        "recaps",
        {
            "period_start": date(2021, 2, 1), "received_count": 60, "unverified_count": 3, "unanswered_count": 0,
            "in_progress_count": 10, "completed_count": 46, "on_hold_count": 1, "archived_count": 0,
        },
        set(),
    ),
    "V9: parts short of a thousand": (
        "recaps",
        {
            "period_start": date(2018, 1, 1), "period_end": date(2018, 6, 15), "received_count": 57171,
            "unverified_count": 7542, "unanswered_count": 4876, "in_progress_count": 3189, "completed_count": 15061,
            "on_hold_count": 1158, "archived_count": 24345,
        },
        {"parts_add_up"},
    ),
    "a ragged recap": ("recaps", nothing("recaps"), {"recap_row_whole"}),
    "a recap of a stranger": ("recaps", {"subject_code": "KOTA-99.99"}, {"subject_known"}),
    "a recap of nobody": ("recaps", {"subject_code": None}, {"subject_known"}),
    "a recap of no time": ("recaps", {"period_start": None}, {"period_present"}),
    "a period that ends before it starts": ("recaps", {"period_start": date(2021, 7, 1)}, {"period_present"}),
    "the same recap": ("recaps", {"period_end": date(2021, 3, 31)}, {"recap_unique"}),
    "the same recap again": ("recaps", {"period_end": date(2021, 3, 31)}, {"recap_unique"}),
    "a count in words": (
        "recaps",
        {"period_start": date(2021, 3, 1), "_problems": ["completed_count: 'banyak' is no number"]},
        {"counts_readable"},
    ),
    "a negative count": ("recaps", {"period_start": date(2021, 4, 1), "completed_count": -1}, {"counts_not_negative"}),
    "an unreadable name": (
        "recaps",
        {"period_start": date(2021, 5, 1), "completed_count": 5, "received_count": 5, "_problems": ["subject_name: unreadable"]},
        {"recap_rest_readable"},
    ),
    "a good rating": ("ratings", {}, set()),
    "a ragged rating": ("ratings", nothing("ratings"), {"rating_row_whole"}),
    "a rating of nothing": ("ratings", {"tracking_id": None}, {"rated_complaint_present"}),
    "rated once": ("ratings", {"tracking_id": "6999999"}, {"rating_unique"}),
    "rated twice": ("ratings", {"tracking_id": "6999999"}, {"rating_unique"}),
    "no stars": ("ratings", {"stars": None}, {"stars_at_least_lowest"}),
    "six stars": ("ratings", {"stars": 6}, {"stars_at_most_highest"}),
    "rated tomorrow": ("ratings", {"rated_at": CUT_OFF + timedelta(hours=25)}, {"rated_before_cut_off"}),
    "an unreadable time of rating": ("ratings", {"_problems": ["rated_at: no time"]}, {"rating_rest_readable"}),
    "a good unit": ("units", {}, set()),
    "a ragged unit": ("units", nothing("units"), {"unit_row_whole"}),
    "a unit without code": ("units", {"unit_code": None}, {"unit_code_present"}),
    "a unit": ("units", {"unit_code": "U-1"}, {"unit_unique"}),
    "a unit again": ("units", {"unit_code": "U-1"}, {"unit_unique"}),
    "a unit without name": ("units", {"unit_name": None}, {"unit_named"}),
    "a unit that ended before it began": ("units", {"valid_to": date(2019, 1, 1)}, {"unit_dates_ordered"}),
    "an unreadable kind of unit": ("units", {"_problems": ["unit_kind: not a word"]}, {"unit_rest_readable"}),
    "good activity": ("agency_activity", {}, set()),
    "ragged activity": ("agency_activity", nothing("agency_activity"), {"activity_row_whole"}),
    "activity of no day": ("agency_activity", {"as_of_date": None}, {"activity_dated"}),
    "activity": ("agency_activity", {"as_of_date": date(2021, 6, 1)}, {"activity_unique"}),
    "activity again": ("agency_activity", {"as_of_date": date(2021, 6, 1)}, {"activity_unique"}),
    "unreadable login": (
        "agency_activity",
        {"as_of_date": date(2021, 6, 2), "last_login_at": None, "_problems": ["last_login_at: no time"]},
        {"activity_readable"},
    ),
    "fewer than no officers": (
        "agency_activity",
        {"as_of_date": date(2021, 6, 3), "liaison_officer_count": -1},
        {"officers_not_negative"},
    ),
    "a login tomorrow": (
        "agency_activity",
        {"as_of_date": date(2021, 6, 4), "last_login_at": CUT_OFF + timedelta(hours=25)},
        {"login_before_cut_off"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def broken(shared_world: World) -> dict[str, set[str]]:
    """What each case broke: one gate run over all of them, read back from quarantine and flags."""
    world = shared_world
    deliveries = {
        "complaints": world.delivery(),
        "survey_responses": world.delivery(resource="surveys"),
        "recaps": world.delivery(resource="recaps"),
        "ratings": world.delivery(resource="ratings"),
        "units": world.delivery(resource="units"),
        "agency_activity": world.delivery(resource="activity"),
    }
    deliveries["complaint_events"] = deliveries["complaints"]
    good = world.complaint(deliveries["complaints"], tracking_id="6000001")
    cases = {("complaints", good): "the complaint that others speak of"}
    for case, (table, values, _) in CASES.items():
        cases[table, world.row(table, deliveries[table], **values)] = case
    gate(NIGHT)
    found: dict[str, set[str]] = defaultdict(set)
    for table, row_id, rule_ids in world.run("select table_name, row_id, rule_ids from quality.quarantined_record"):
        found[cases[table, row_id]] |= set(rule_ids)
    for table, row_id, rule_id in world.run("select table_name, row_id, rule_id from quality.row_flag"):
        found[cases[table, row_id]].add(rule_id)
    return found


@pytest.mark.parametrize("case", CASES)
def test_a_row_breaks_exactly_the_rules_it_should(broken: dict[str, set[str]], case: str) -> None:
    assert broken[case] == CASES[case][2]


def test_every_row_rule_has_a_case_that_breaks_it() -> None:
    rules = {rule.rule_id for suite in ROW_SUITES for rule in rules_by_suite()[suite.name]}
    # What needs several rows, texts or a seed of its own has tests in test_stale_recaps.py and test_rules_across_rows.py.
    assert rules - set().union(*(expected for _, _, expected in CASES.values())) == {
        "stale_copy", "told_alike", "told_once", "text_told", "text_in_indonesian", "category_in_force", "mass_closing",
    }  # fmt: skip


def test_rule_ids_are_unique_over_all_suites() -> None:
    rule_ids = [rule.rule_id for rules in rules_by_suite().values() for rule in rules]
    assert len(rule_ids) == len(set(rule_ids)) > 40
