"""Rules for how agencies keep their side running. Columns are those of quality/sql/agency_activity.sql."""

from quality.bounds import Bounds
from quality.references import References
from quality.rules import Rule, at_least, at_most, is_true, unique
from quality.suites.phrases import CONTRACT, FIX_AT_SOURCE, LOADER_FAULT, NOTHING_DOUBLE, READ_PROBLEMS


def activity(_references: References, bounds: Bounds) -> list[Rule]:
    """What must hold for an agency's decree, logins, action plan and officers to be reported."""
    return [
        Rule(
            rule_id="activity_row_whole",
            column="_problems",
            expectation=is_true("row_is_whole"),
            text_en="the source's row could not be taken apart",
            text_id="baris dari sumber tidak dapat diurai",
            action=FIX_AT_SOURCE,
            source=CONTRACT,
        ),
        Rule(
            rule_id="activity_dated",
            column="as_of_date",
            expectation=is_true("has_key"),
            text_en="the row does not say for which day it holds",
            text_id="tanggal keadaan tidak disebut",
            action=FIX_AT_SOURCE,
            source=CONTRACT,
        ),
        Rule(
            rule_id="activity_unique",
            column="as_of_date",
            expectation=unique("agency_code", "as_of_date"),
            text_en="the same day stands twice in one night's delivery",
            text_id="tanggal yang sama muncul dua kali dalam satu kiriman",
            action=LOADER_FAULT,
            source=NOTHING_DOUBLE,
            owner="data engineer",
        ),
        Rule(
            rule_id="activity_readable",
            column="_problems",
            expectation=is_true("all_is_readable"),
            text_en="a date, count or yes/no of it could not be read",
            text_id="ada tanggal, jumlah, atau ya/tidak yang tidak terbaca",
            action=READ_PROBLEMS,
            source=CONTRACT,
        ),
        Rule(
            rule_id="officers_not_negative",
            column="liaison_officer_count",
            expectation=at_least("lowest_count", 0),
            text_en="a number of persons is negative",
            text_id="jumlah petugas negatif",
            action=FIX_AT_SOURCE,
            source=CONTRACT,
        ),
        Rule(
            rule_id="login_before_cut_off",
            column="last_login_at",
            expectation=at_most("hours_after_cut_off", bounds.clock_skew_hours),
            text_en="the last login is after the night's cut-off, beyond what a wrong clock explains",
            text_id="login terakhir setelah batas waktu malam itu, melebihi selisih jam yang wajar",
            action=FIX_AT_SOURCE,
            source="bounds.yml clock_skew_hours",
        ),
    ]
