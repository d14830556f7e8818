"""What KSP's report counts: programmes with agencies and provinces, by the weeks that end in its period."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

from psycopg2.extensions import cursor as Cursor

from reports.contents import frame
from reports.contents.frame import KIND_SHORT, LEAST_FOR_RATE, SmallCells
from reports.periods import Period
from reports.report import Hidden, Value
from reports.suppression import Cell

Key = TypeVar("Key")
# One family for programmes, agencies and provinces: a regency's open complaints are nearly all in its own province.
OPEN = "open_by_programme_agency_province_week"
CAME = "came_by_programme_week"
TOTAL = "all"


@dataclass(frozen=True, slots=True)
class Stay:
    """What a programme had with one agency in one province over the weeks of the report."""

    programme: str
    programme_name: str
    agency_code: str
    agency_name: str
    kind: str
    province_code: str
    opening: int
    came: int
    left: int
    closing: int
    overdue: int
    overdue_before: int

    def member(self, week: str) -> str:
        """This stay at the end of a week (2021-W25), as the base cell of every sum it is part of."""
        return f"{self.programme}/{self.agency_code}/{self.province_code}/{week}"


@dataclass(frozen=True, slots=True)
class Stock:
    """The sum of some stays. `members` and `members_before` name what is open at the end and at the start."""

    opening: int
    came: int
    left: int
    closing: int
    overdue: int
    members: frozenset[str]
    members_before: frozenset[str]

    @property
    def cell(self) -> Cell:
        return Cell(OPEN, self.members, self.closing)

    @property
    def cell_before(self) -> Cell:
        return Cell(OPEN, self.members_before, self.opening)

    @property
    def overdue_share(self) -> Decimal | None:
        """Of what is open; None under 10, where a share says nothing."""
        return Decimal(self.overdue) / self.closing if self.closing >= LEAST_FOR_RATE else None

    def is_hidden(self, small: SmallCells) -> bool:
        return small.hides(OPEN, self.members)

    def growth(self, small: SmallCells) -> Value:
        """Open at the end less open at the start: hidden with either."""
        if self.is_hidden(small) or small.hides(OPEN, self.members_before):
            return Hidden.SMALL
        return self.closing - self.opening

    def growth_percent(self, small: SmallCells) -> Value:
        """Of what was open at the start; None where that was under 20."""
        growth = self.growth(small)
        if not isinstance(growth, int):
            return growth
        return Decimal(100 * growth) / self.opening if self.opening >= frame.LEAST_FOR_CHANGE else None


@dataclass(frozen=True, slots=True)
class Weeks:
    """The weeks of the report that the marts hold, first and last Monday."""

    first: date
    last: date
    last_day: date

    @property
    def before(self) -> date:
        return self.first - timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Names:
    """How readers know what the keys stand for."""

    programmes: Mapping[str, str]
    agencies: Mapping[str, tuple[str, str]]
    provinces: Mapping[str, str]

    @classmethod
    def of(cls, stays: Sequence[Stay], provinces: Mapping[str, str]) -> "Names":
        return cls(
            {stay.programme: stay.programme_name for stay in stays},
            {stay.agency_code: (stay.agency_name, KIND_SHORT.get(stay.kind, stay.kind)) for stay in stays},
            provinces,
        )


def read_weeks(cursor: Cursor, period: Period) -> Weeks | None:
    """The weeks that end in the period, the running one with the cut-off; None where the mart has none."""
    cursor.execute(
        "select min(week), max(week), max(week_end_date) from marts.rpt_ksp_strategic_issues_weekly"
        " where week_end_date between %(first)s and %(last)s",
        {"first": period.first_date, "last": period.last_date},
    )
    row = cursor.fetchone()
    return None if row is None or row[0] is None else Weeks(*row)


def read_stays(cursor: Cursor, weeks: Weeks) -> list[Stay]:
    """Programme, agency and province over these weeks, and what was overdue the week before."""
    cursor.execute(
        "select programme, min(programme_name), agency_code, min(agency_name), min(kind), province_code,"
        " coalesce(sum(opening_count) filter (where week = %(first)s), 0)::integer,"
        " coalesce(sum(in_count) filter (where week >= %(first)s), 0)::integer,"
        " coalesce(sum(out_count) filter (where week >= %(first)s), 0)::integer,"
        " coalesce(sum(closing_count) filter (where week = %(last)s), 0)::integer,"
        " coalesce(sum(overdue_14_days_count) filter (where week = %(last)s), 0)::integer,"
        " coalesce(sum(overdue_14_days_count) filter (where week = %(before)s), 0)::integer"
        " from marts.rpt_ksp_strategic_issues_weekly where week between %(before)s and %(last)s"
        " group by programme, agency_code, province_code order by programme, agency_code, province_code",
        {"first": weeks.first, "last": weeks.last, "before": weeks.before},
    )
    return [Stay(*row) for row in cursor.fetchall()]


def summed(stays: Iterable[Stay], weeks: Weeks | None, key: Callable[[Stay], Key]) -> dict[Key, Stock]:
    """The stays added up by a key; what stands open nowhere and never moved is left out."""
    if weeks is None:
        return {}
    last, before = (Period.containing("week", monday).id for monday in (weeks.last, weeks.before))
    groups: dict[Key, list[Stay]] = defaultdict(list)
    for stay in stays:
        groups[key(stay)].append(stay)
    return {
        name: Stock(
            opening=sum(stay.opening for stay in group),
            came=sum(stay.came for stay in group),
            left=sum(stay.left for stay in group),
            closing=sum(stay.closing for stay in group),
            overdue=sum(stay.overdue for stay in group),
            members=frozenset(stay.member(last) for stay in group),
            members_before=frozenset(stay.member(before) for stay in group),
        )
        for name, group in groups.items()
    }


def came_cells(cursor: Cursor, weeks: Weeks | None) -> list[Cell]:
    """What came in to each programme, in each week and over all: the month's sum must not give a week's away."""
    if weeks is None:
        return []
    cursor.execute(
        "select programme, week, sum(in_count)::integer from marts.rpt_ksp_strategic_issues_weekly"
        " where week between %(first)s and %(last)s group by programme, week order by programme, week",
        {"first": weeks.first, "last": weeks.last},
    )
    came: dict[str, dict[date, int]] = defaultdict(dict)
    for programme, week, count in cursor.fetchall():
        came[programme][week] = count
    cells = [Cell(CAME, came_members([programme], weeks), sum(by_week.values())) for programme, by_week in came.items()]
    return (
        [*cells, Cell(CAME, came_members(came, weeks), sum(cell.count for cell in cells))] if len(cells) > 1 else cells
    )


def came_members(programmes: Iterable[str], weeks: Weeks) -> frozenset[str]:
    """The base cells of what came in to these programmes in these weeks."""
    count = (weeks.last - weeks.first).days // 7 + 1
    names = [Period.containing("week", weeks.first + timedelta(days=7 * step)).id for step in range(count)]
    return frozenset(f"{programme}/{name}" for programme in programmes for name in names)


def read_province_names(cursor: Cursor) -> dict[str, str]:
    """Names of the provinces by code, the centre and the unknown among them."""
    cursor.execute("select kemendagri_code, name from marts.dim_regions where kind = 'provinsi' and is_current")
    return {**dict(cursor.fetchall()), "00": "Instansi pusat", "TIDAK DIKETAHUI": "Tidak diketahui"}
