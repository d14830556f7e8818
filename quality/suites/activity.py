"""Rules for how agencies keep their side running. Columns are those of quality/sql/agency_activity.sql."""

from quality.bounds import Bounds
from quality.references import References
from quality.rules import Rule, at_least, at_most, is_true
from quality.suites.phrases import CONTRACT, FIX_AT_SOURCE, READ_PROBLEMS, one_row_a_key, row_whole


def activity(_references: References, bounds: Bounds) -> list[Rule]:
    """What must hold for an agency's decree, logins, action plan and officers to be reported."""
    return [
        row_whole("activity_row_whole"),
        Rule(
            rule_id="activity_dated",
            column="as_of_date",
            expectation=is_true("has_key"),
            text_en="the row does not say for which day it holds",
            text_id="tanggal keadaan tidak disebut",
            action=FIX_AT_SOURCE,
            source=CONTRACT,
            waivable=False,
        ),
        one_row_a_key(
            "activity_unique",
            "as_of_date",
            ("as_of_date",),
            "the same day stands twice in one night's delivery",
            "tanggal yang sama muncul dua kali dalam satu kiriman",
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
        Rule(
            rule_id="activity_of_the_past",
            column="as_of_date",
            expectation=at_most("days_after_night", 1),
            text_en="speaks for a day more than one after the night",
            text_id="menyatakan keadaan lebih dari sehari sesudah malam ini",
            action=FIX_AT_SOURCE,
            source="bounds.yml clock_skew_hours",
        ),
        Rule(
            rule_id="papers_of_the_past",
            column="decree_date",
            expectation=at_most("days_papers_after_night", 1),
            text_en="the decree or the action plan bears a date after the night",
            text_id="tanggal SK atau rencana aksi sesudah malam ini",
            action=FIX_AT_SOURCE,
            source="bounds.yml clock_skew_hours",
            severity="warning",
        ),
    ]
