"""A rule: what is expected of a row, why, who mends it and how. Suites are lists of these.

Nothing here imports Great Expectations (seconds of import): `validation.py` turns a rule into an expectation, and the
summary and the README read the same rules without it.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Severity = Literal["critical", "warning", "info"]
Owner = Literal["agency", "data engineer", "steward"]


@dataclass(frozen=True, slots=True)
class Expectation:
    """The name of a Great Expectations class and its arguments, e.g. ExpectColumnValuesToBeInSet(column, value_set)."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of one suite.

    critical keeps the row out (or holds the delivery, or the night); warning lets it in with a flag; info only counts.
    `column` is the raw column a reader should look at, `source` the document or decision the rule comes from. A row
    that breaks a rule which is not `waivable` lacks what the marts cannot do without: no steward can let it in as it
    is.
    """

    rule_id: str
    column: str
    expectation: Expectation = field(repr=False)
    text_en: str
    text_id: str
    action: str
    source: str
    severity: Severity = "critical"
    owner: Owner = "agency"
    waivable: bool = True

    def meta(self) -> dict[str, str]:
        """What travels with the expectation through Great Expectations and comes back with its result."""
        return {name: value for name, value in asdict(self).items() if name != "expectation"}


def not_null(column: str) -> Expectation:
    """Every row has a value."""
    return Expectation("ExpectColumnValuesToNotBeNull", {"column": column})


def in_set(column: str, values: Collection[Any]) -> Expectation:
    """Every value is one of `values`; nulls are not judged."""
    return Expectation("ExpectColumnValuesToBeInSet", {"column": column, "value_set": sorted(values)})


def is_true(column: str) -> Expectation:
    """Every value of a yes/no column is yes; nulls are not judged."""
    return Expectation("ExpectColumnValuesToBeInSet", {"column": column, "value_set": [True]})


def at_least(column: str, value: float, *, strictly: bool = False) -> Expectation:
    """Every value is at least (strictly: above) `value`; nulls are not judged."""
    arguments = {"column": column, "min_value": value, "strict_min": strictly}
    return Expectation("ExpectColumnValuesToBeBetween", arguments)


def at_most(column: str, value: float) -> Expectation:
    """Every value is at most `value`; nulls are not judged."""
    return Expectation("ExpectColumnValuesToBeBetween", {"column": column, "max_value": value})


def below(column: str, value: float) -> Expectation:
    """Every value is below `value`; nulls are not judged."""
    arguments = {"column": column, "max_value": value, "strict_max": True}
    return Expectation("ExpectColumnValuesToBeBetween", arguments)


def unique(*columns: str) -> Expectation:
    """No two rows share these columns; rows lacking one of them are not judged."""
    arguments = {"column_list": list(columns), "ignore_row_if": "any_value_is_missing"}
    return Expectation("ExpectCompoundColumnsToBeUnique", arguments)
