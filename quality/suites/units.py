"""Rules for an agency's units (OPD). Columns are those of quality/sql/units.sql."""

from quality.bounds import Bounds
from quality.references import References
from quality.rules import Rule, is_true, unique
from quality.suites.phrases import CONTRACT, FIX_AT_SOURCE, LOADER_FAULT, NOTHING_DOUBLE, READ_PROBLEMS


def units(_references: References, _bounds: Bounds) -> list[Rule]:
    """What must hold for a unit to be named in reports."""
    return [
        Rule(
            rule_id="unit_row_whole",
            column="_problems",
            expectation=is_true("row_is_whole"),
            text_en="the source's row could not be taken apart",
            text_id="baris dari sumber tidak dapat diurai",
            action=FIX_AT_SOURCE,
            source=CONTRACT,
        ),
        Rule(
            rule_id="unit_code_present",
            column="unit_code",
            expectation=is_true("has_key"),
            text_en="the unit has no code",
            text_id="unit kerja tanpa kode",
            action=FIX_AT_SOURCE,
            source=CONTRACT,
        ),
        Rule(
            rule_id="unit_unique",
            column="unit_code",
            expectation=unique("agency_code", "unit_code"),
            text_en="the unit stands twice in one night's delivery",
            text_id="unit kerja muncul dua kali dalam satu kiriman",
            action=LOADER_FAULT,
            source=NOTHING_DOUBLE,
            owner="data engineer",
        ),
        Rule(
            rule_id="unit_named",
            column="unit_name",
            expectation=is_true("has_name"),
            text_en="the unit has no name",
            text_id="unit kerja tanpa nama",
            action=FIX_AT_SOURCE,
            source=CONTRACT,
        ),
        Rule(
            rule_id="unit_dates_ordered",
            column="valid_to",
            expectation=is_true("dates_are_ordered"),
            text_en="the unit ends before it begins, or a date cannot be read",
            text_id="masa berlaku unit kerja terbalik atau tidak terbaca",
            action=FIX_AT_SOURCE,
            source=CONTRACT,
        ),
        Rule(
            rule_id="unit_rest_readable",
            column="_problems",
            expectation=is_true("rest_is_readable"),
            text_en="a column that nothing counts on could not be read and is empty",
            text_id="kolom pelengkap tidak terbaca dan dikosongkan",
            action=READ_PROBLEMS,
            source=CONTRACT,
            severity="warning",
        ),
    ]
