"""Rules for an agency's units (OPD). Columns are those of quality/sql/units.sql."""

from quality.bounds import Bounds
from quality.references import References
from quality.rules import Rule, is_true
from quality.suites.phrases import CONTRACT, FIX_AT_SOURCE, one_row_a_key, rest_readable, row_whole


def units(_references: References, _bounds: Bounds) -> list[Rule]:
    """What must hold for a unit to be named in reports."""
    return [
        row_whole("unit_row_whole"),
        Rule(
            rule_id="unit_code_present",
            column="unit_code",
            expectation=is_true("has_key"),
            text_en="the unit has no code",
            text_id="unit kerja tanpa kode",
            action=FIX_AT_SOURCE,
            source=CONTRACT,
            waivable=False,
        ),
        one_row_a_key(
            "unit_unique",
            "unit_code",
            ("unit_code",),
            "the unit stands twice in one night's delivery",
            "unit kerja muncul dua kali dalam satu kiriman",
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
            rule_id="parent_known",
            column="parent_unit_code",
            expectation=is_true("parent_is_known"),
            text_en="belongs to a unit that the agency has not named",
            text_id="unit induk tidak ada dalam daftar unit instansi",
            action=FIX_AT_SOURCE,
            source=CONTRACT,
            severity="warning",
        ),
        rest_readable("unit_rest_readable"),
    ]
