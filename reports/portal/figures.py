"""What several pages ask the marts, and how they tell a share.

A page's queries run in the reader's own transaction (`database.ask`), so the database decides what is seen.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg2.extensions import cursor as Cursor

from reports.intervals import wilson_interval
from reports.report import Hidden

Row = dict[str, Any]

MINIMUM_FOR_A_RATE = 10  # below it counts are shown and no rate: docs/fairness.md
HIDDEN_BELOW = 5  # a count of 1 to 4 people is not shown, nor what it follows from


@dataclass(frozen=True, slots=True)
class Night:
    """The last night in the marts and how complete it was. published_at: when its figures, maybe again, were told."""

    night: date
    published_at: datetime | None
    is_simulated: bool
    delivered: int
    expected: int

    @property
    def first_month(self) -> date:
        """First month of the year so far, which pages speak of unless they say otherwise."""
        return date(self.night.year, 1, 1)

    @property
    def last_month(self) -> date:
        """Month of the night."""
        return self.night.replace(day=1)


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its counts and 95 % interval; the shares are None under MINIMUM_FOR_A_RATE."""

    count: int | Hidden | None
    of: int | Hidden | None
    value: float | None = None
    low: float | None = None
    high: float | None = None


def fetch(cursor: Cursor, query: str, parameters: Mapping[str, object] | None = None) -> list[Row]:
    """All rows of a query, by column name."""
    cursor.execute(query, parameters)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def last_night(cursor: Cursor) -> Night | None:
    """The last night of the marts; None before the first."""
    if not readable(cursor, ["rpt_coverage_daily"]):
        return None
    rows = fetch(
        cursor,
        "select night, bool_or(is_simulated) as is_simulated, sum(expected_count)::integer as expected,"
        " sum(delivered_count + empty_count)::integer as delivered,"
        " (select nights.published_at from ops.nights as nights where nights.night = coverage.night) as published_at"
        " from marts.rpt_coverage_daily as coverage where night = (select max(night) from marts.rpt_coverage_daily)"
        " group by night",
    )
    return Night(**rows[0]) if rows else None


def readable(cursor: Cursor, marts: Iterable[str]) -> frozenset[str]:
    """Those of the marts that the reader's role may read."""
    rows = fetch(
        cursor,
        "select name from unnest(%(names)s) as named (name)"
        " where to_regclass('marts.' || name) is not null and has_table_privilege('marts.' || name, 'select')",
        {"names": list(marts)},
    )
    return frozenset(row["name"] for row in rows)


def rate(count: int | Hidden | None, of: int | Hidden | None) -> Rate:
    """A share of a count, with Wilson's interval; no share of a hidden count, nor under MINIMUM_FOR_A_RATE."""
    if not isinstance(count, int) or not isinstance(of, int) or of < MINIMUM_FOR_A_RATE:
        return Rate(count, of)
    interval = wilson_interval(count, of)
    assert interval is not None, "of is not zero"
    return Rate(count, of, count / of, *interval)


def concealed(row: Row, keys: Iterable[str]) -> Row:
    """The row with these of its figures hidden."""
    return {**row, **dict.fromkeys(keys, Hidden.SMALL)}
