"""What an agency's scorecard counts, read from the marts for all agencies at once, and which of it stays hidden."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from psycopg2.extensions import cursor as Cursor

from reports.charts import FlowDay
from reports.contents.frame import FAMILY, LEAST_FOR_RATE, Basis, SmallCells, base_cell
from reports.periods import Period
from reports.suppression import K_ANONYMITY, Cell, decide

UNITS = "received_by_unit_month"
RATINGS = "ratings_by_agency_month"

LONGEST_WAIT = 60  # working days: longer is the Ombudsman's penundaan berlarut (Perpres 76/2013)


# The metrics of the comparison, by the columns that make them: rpt_agency_performance_monthly.
MEASURES = {
    "followed_up_rate": ("Tingkat tindak lanjut", "followed_up", "received"),
    "completed_rate": ("Tingkat penyelesaian", "completed", "received"),
    "completed_rate_of_valid": ("Selesai dari laporan valid", "completed", "valid"),
    "first_response_within_limit_rate_of_due": ("Tindak lanjut tepat waktu", "response_within", "response_due"),
    "completion_within_limit_rate_of_due": ("Selesai tepat waktu", "completion_within", "completion_due"),
    "routing_accuracy_rate_of_routed": ("Ketepatan disposisi", "routed_once", "routed"),
}


@dataclass(frozen=True, slots=True)
class Counts:
    """What an agency or a unit received in some months and how far it got by the cut-off."""

    received: int = 0
    valid: int = 0
    routed: int = 0
    followed_up: int = 0
    completed: int = 0
    automatic: int = 0
    reassigned: int = 0
    response_due: int = 0
    response_within: int = 0
    completion_due: int = 0
    completion_within: int = 0

    @property
    def routed_once(self) -> int:
        return self.routed - self.reassigned

    def plus(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    def rate(self, measure: str) -> Decimal | None:
        """None under a denominator of 10, where a rate says nothing."""
        _, part, whole = MEASURES[measure]
        return share(getattr(self, part), getattr(self, whole))


@dataclass(slots=True)
class World:
    """All that the marts say of one agency, as far as its scorecard needs it."""

    code: str
    name: str
    kind: str
    province: str | None
    months: dict[date, Counts] = field(default_factory=dict)
    backlog: dict[date, tuple[int, int]] = field(default_factory=dict)
    comparison: dict[str, dict[str, Any]] = field(default_factory=dict)
    timeliness: dict[str, dict[str, Any]] = field(default_factory=dict)
    curves: dict[str, list[tuple[int, float]]] = field(default_factory=lambda: defaultdict(list))
    stock: list[FlowDay] = field(default_factory=list)
    is_stock_small: bool = False
    units: dict[tuple[str, str], "Unit"] = field(default_factory=dict)
    ratings: list[dict[str, Any]] = field(default_factory=list)
    satisfaction: dict[str, Any] | None = None
    nights: dict[str, int] = field(default_factory=dict)
    first_night: date | None = None  # with data: what is older came in with it
    recap: list[dict[str, Any]] = field(default_factory=list)

    def total(self, months: Iterable[date]) -> Counts:
        """The sum over these months."""
        summed = Counts()
        for month in months:
            summed = summed.plus(self.months.get(month, Counts()))
        return summed

    def add_stock(self, row: Mapping[str, Any]) -> None:
        """The next month: small at first, the stock is told from where it has grown; small later on, not at all."""
        is_small = any(0 < row[name] < K_ANONYMITY for name in ("opening", "came", "closing"))
        if is_small or not self.stock:
            self.is_stock_small = is_small
        if self.stock or not is_small:
            self.stock.append(FlowDay(row["month"], row["came"], row["went"], row["closing"]))


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of the agency over the period, and which months of it have complaints; not told: no unit was named."""

    name: str
    counts: Counts
    members: frozenset[str]
    is_told: bool = True


def share(part: int, whole: int) -> Decimal | None:
    """part / whole; None under 10, where it says nothing."""
    return Decimal(part) / whole if whole >= LEAST_FOR_RATE else None


def year_to_date(period: Period) -> list[date]:
    """January to the last month of the period."""
    last = period.months[-1]
    return [date(last.year, number_of, 1) for number_of in range(1, last.month + 1)]


# ---- what is read, for all agencies at once ----


def read(cursor: Cursor, basis: Basis, agency_codes: Sequence[str] | None) -> dict[str, World]:
    """Agencies by code, in order; of all that are known now when no codes are given."""
    period = basis.period
    cursor.execute(
        "select agencies.agency_code, agencies.name, agencies.kind, regions.name from marts.dim_agencies as agencies"
        " left join marts.dim_regions as regions on agencies.province_code = regions.kemendagri_code"
        " and regions.kind = 'provinsi' and regions.is_current"
        " where agencies.is_current and (%(codes)s::text[] is null or agencies.agency_code = any(%(codes)s))"
        " order by agencies.agency_code",
        {"codes": None if agency_codes is None else list(agency_codes)},
    )
    worlds = {row[0]: World(*row) for row in cursor.fetchall()}
    before = period.before()
    asked = {
        "codes": list(worlds),
        "first": period.first_date,
        "last": period.last_date,
        "year": date(period.last_date.year, 1, 1),
        "since": min(before.first_date, date(period.last_date.year, 1, 1)),
        "least": LEAST_FOR_RATE,
        "longest": LONGEST_WAIT,
        "window_kind": "semester" if period.kind == "semester" else "twelve_months",
    }
    for row in _rows(cursor, MONTHS, asked):
        code, month = row.pop("agency_code"), row.pop("month")
        worlds[code].months[month] = Counts(*row.values())
    for row in _rows(cursor, BACKLOG, asked):
        worlds[row["agency_code"]].backlog[row["month"]] = (row["backlog_count"], row["backlog_over_limit_count"])
    for row in _rows(cursor, COMPARISON, asked):
        worlds[row["agency_code"]].comparison[row["metric"]] = row
    for row in _rows(cursor, TIMELINESS, asked):
        worlds[row["agency_code"]].timeliness[row["clock"]] = row
    for row in _rows(cursor, CURVES, asked):
        worlds[row["agency_code"]].curves[row["clock"]].append((row["working_days"], row["survival_rate"]))
    for row in _rows(cursor, STOCK, asked):
        worlds[row["agency_code"]].add_stock(row)
    for row in _rows(cursor, UNIT_MONTHS, asked):
        code, month = row.pop("agency_code"), row.pop("month")
        key, name = (row.pop("unit_basis"), row.pop("unit_key")), row.pop("unit_name")
        is_told = key[0] != "not_told"
        known = worlds[code].units.get(key, Unit("", Counts(), frozenset()))
        member = f"{code}/{key[0]}:{key[1]}/{month:%Y-%m}"
        worlds[code].units[key] = Unit(
            name if is_told else "Unit tidak disebutkan",
            known.counts.plus(Counts(*row.values())),
            known.members | {member},
            is_told,
        )
    for row in _rows(cursor, RATING_MONTHS, asked):
        worlds[row["agency_code"]].ratings.append(row)
    for row in _rows(cursor, SATISFACTION, asked):
        worlds[row["agency_code"]].satisfaction = row
    for row in _rows(cursor, NIGHTS, asked):
        worlds[row["agency_code"]].nights[row["state"]] = row["nights"]
    for row in _rows(cursor, FIRST_NIGHTS, asked):
        worlds[row["agency_code"]].first_night = row["night"]
    for row in _rows(cursor, RECAPS, asked):
        worlds[row["subject_code"]].recap.append(row)
    return worlds


def _rows(cursor: Cursor, query: str, parameters: Mapping[str, object]) -> list[dict[str, Any]]:
    cursor.execute(query, parameters)
    names = [column.name for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


MONTHS = """
    select
        agency_code, month,
        received_count, valid_count, routed_count, followed_up_count, completed_count,
        completed_automatic_count, reassigned_count, first_response_due_count, first_response_within_limit_count,
        completion_due_count, completion_within_limit_count
    from marts.rpt_agency_performance_monthly
    where agency_code = any(%(codes)s) and month between %(since)s and %(last)s
"""
BACKLOG = """
    select agency_code, month, backlog_count, backlog_over_limit_count
    from marts.rpt_panrb_monev_monthly
    where agency_code = any(%(codes)s) and month between %(year)s and %(last)s
"""
COMPARISON = """
    select
        agency_code, window_id, metric, first_date, last_date, peer_group, is_comparable, not_comparable_reason,
        numerator_count, denominator_count, value, value_low, value_high, shrunk_value, shrunk_low, shrunk_high,
        rank, rank_low, rank_high, ranked_count, funnel_target, funnel_tau_squared, funnel_position, agency_coverage
    from marts.rpt_agency_comparison
    where agency_code = any(%(codes)s) and window_kind = %(window_kind)s and last_date = %(last)s
"""
TIMELINESS = """
    select
        timeliness.agency_code, timeliness.clock, timeliness.routed_count, timeliness.open_count,
        timeliness.working_days_median, timeliness.working_days_p90, timeliness.limit_working_days,
        timeliness.ended_by_limit_rate, timeliness.ended_by_limit_rate_low, timeliness.ended_by_limit_rate_high
    from marts.rpt_agency_timeliness as timeliness
    inner join marts.dim_agency_peer_groups as windows using (agency_code, window_id)
    where timeliness.agency_code = any(%(codes)s) and windows.window_kind = %(window_kind)s
        and windows.last_date = %(last)s
"""
CURVES = """
    select curves.agency_code, curves.clock, curves.working_days, curves.survival_rate::float as survival_rate
    from marts.rpt_survival_curves as curves
    inner join marts.dim_agency_peer_groups as windows using (agency_code, window_id)
    where curves.agency_code = any(%(codes)s) and windows.window_kind = %(window_kind)s
        and windows.last_date = %(last)s and curves.routed_count >= %(least)s and curves.working_days <= %(longest)s
    order by curves.agency_code, curves.clock, curves.working_days
"""
# A month's first opening and last closing by the days that the mart holds.
STOCK = """
    select
        agency_code,
        date_trunc('month', business_date)::date as month,
        (array_agg(opening_count order by business_date))[1] as opening,
        sum(received_count + transferred_in_count + reopened_count)::integer as came,
        sum(completed_count + archived_count + transferred_out_count)::integer as went,
        (array_agg(closing_count order by business_date desc))[1] as closing
    from marts.rpt_agency_stock_flow_daily
    where agency_code = any(%(codes)s) and business_date between %(year)s and %(last)s
    group by agency_code, date_trunc('month', business_date)
    order by agency_code, month
"""
UNIT_MONTHS = """
    select
        agency_code, month, unit_basis, unit_key, unit_name,
        received_count, valid_count, routed_count, followed_up_count, completed_count,
        completed_automatic_count, reassigned_count, first_response_due_count, first_response_within_limit_count,
        completion_due_count, completion_within_limit_count
    from marts.rpt_unit_performance_monthly
    where agency_code = any(%(codes)s) and month between %(first)s and %(last)s
    order by agency_code, unit_basis, unit_key, month
"""
RATING_MONTHS = """
    select
        agency_code, month, rating_count, completion_count, rated_completion_count,
        one_star_count + 2 * two_stars_count + 3 * three_stars_count + 4 * four_stars_count
        + 5 * five_stars_count as stars
    from marts.rpt_ratings_monthly
    where agency_code = any(%(codes)s) and month between %(first)s and %(last)s
    order by agency_code, month
"""
SATISFACTION = """
    select distinct on (agency_code)
        agency_code, year, is_reported, respondent_count, min_respondent_count, value, value_low, value_high, grade
    from marts.rpt_agency_satisfaction
    where agency_code = any(%(codes)s) and year <= extract(year from %(last)s::date)
    order by agency_code, year desc
"""
NIGHTS = """
    select
        agency_code,
        case
            when gate_verdict = 'held' then 'held'
            when state = 'received' then 'received'
            else state
        end as state,
        count(*)::integer as nights
    from marts.fct_deliveries
    where agency_code = any(%(codes)s) and resource = 'complaints' and night between %(first)s and %(last)s
    group by 1, 2
"""
FIRST_NIGHTS = """
    select agency_code, min(night) as night
    from marts.fct_deliveries
    where agency_code = any(%(codes)s) and resource = 'complaints' and state in ('received', 'empty')
    group by agency_code
"""
RECAPS = """
    select subject_code, period_start, period_end, figure, stated_count, computed_count, difference, verdict
    from marts.rpt_recap_reconciliation
    where subject_code = any(%(codes)s) and agency_code = subject_code
        and period_start >= %(year)s and period_end between %(first)s and %(last)s
    order by subject_code, period_end desc, period_start, figure
"""


def read_quantiles(cursor: Cursor, worlds: Iterable[World]) -> dict[tuple[str, str, str], tuple[float, ...]]:
    """p10, p25, p50, p75 and p90 of the adjusted values of a peer group, by group, window and metric."""
    groups = sorted({row["peer_group"] for world in worlds for row in world.comparison.values() if row["peer_group"]})
    cursor.execute(
        "select peer_group, window_id, metric, p10::float, p25::float, p50::float, p75::float, p90::float"
        " from marts.rpt_peer_distribution where peer_group = any(%s) and p50 is not null",
        (groups,),
    )
    return {(group, window, metric): tuple(values) for group, window, metric, *values in cursor.fetchall()}


# ---- small cells ----


def cells_of(period: Period, world: World) -> list[Cell]:
    """Every count of people the scorecard shows: months, period and window; units and their sum; ratings."""
    spans = [[month] for month in year_to_date(period)] + [list(period.months)]
    cells = {
        (members := frozenset(base_cell(world.code, month) for month in span)): Cell(
            FAMILY, members, world.total(span).received
        )
        for span in spans
    }
    window = world.comparison.get("followed_up_rate")
    if window is not None:
        members = window_members(world.code, window)
        cells.setdefault(members, Cell(FAMILY, members, window["denominator_count"]))
    units = [Cell(UNITS, unit.members, unit.counts.received) for unit in world.units.values()]
    if len(units) > 1:
        members = frozenset(member for unit in units for member in unit.members)
        units.append(Cell(UNITS, members, sum(unit.count for unit in units)))
    ratings = [
        Cell(RATINGS, frozenset({base_cell(world.code, row["month"])}), row["rating_count"]) for row in world.ratings
    ]
    if len(ratings) > 1:
        members = frozenset(member for cell in ratings for member in cell.members)
        ratings.append(Cell(RATINGS, members, sum(cell.count for cell in ratings)))
    return [*cells.values(), *units, *ratings]


def window_members(agency_code: str, window: Mapping[str, Any]) -> frozenset[str]:
    """The base cells of a window of the comparison."""
    months = Period("year", window["first_date"], window["last_date"]).months
    return frozenset(base_cell(agency_code, month) for month in months)


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was issued of these agencies before, in the same calendar year.

    own: cells of their own scorecards, and of reports over many agencies that are about one of them. hidden: what those
    hide, be it small or to keep another one hidden; here such a cell stays hidden with every sum it is part of, as
    nothing here shows the rest.
    """

    own: Mapping[str, Sequence[Cell]]
    hidden: Mapping[str, frozenset[str]]

    @classmethod
    def read(cls, cursor: Cursor, basis: Basis, codes: Sequence[str]) -> "Earlier":
        """Of issues made before the first issue of the same scorecard on this night, so that it comes out the same."""
        cursor.execute(
            "select agency_code, min(issued_at) from library.issues where body = 'agency' and period = %s"
            " and night = %s and not is_preview and agency_code = any(%s) group by agency_code",
            (basis.period.id, basis.night, list(codes)),
        )
        first: dict[str, datetime] = dict(cursor.fetchall())
        cursor.execute(
            "select issues.agency_code, issues.issued_at, cells.family, cells.members, cells.cell_count,"
            " cells.is_hidden from library.cells as cells inner join library.issues as issues using (issue_id)"
            " where not issues.is_preview and left(issues.period, 4) = %s and (issues.agency_code = any(%s)"
            " or issues.body <> 'agency' and cells.family = %s"
            " and cardinality(cells.members) <= 12)"
            " order by issues.issued_at, issues.issue_id, cells.family, cells.members",
            (basis.period.id[:4], list(codes), FAMILY),
        )
        own: dict[str, list[Cell]] = defaultdict(list)
        hidden: dict[str, set[str]] = defaultdict(set)
        for agency_code, issued_at, family, members, count, is_hidden in cursor.fetchall():
            code = agency_code or members[0].partition("/")[0]
            if code in first and issued_at >= first[code]:
                continue
            if agency_code:
                own[code].append(Cell(family, frozenset(members), count, is_hidden))
            elif all(member.startswith(f"{code}/") for member in members):
                own[code].append(Cell(family, frozenset(members), count, is_hidden))
                if is_hidden:
                    hidden[code] |= set(members)
        return cls(own, {code: frozenset(members) for code, members in hidden.items()})

    def decide(self, code: str, cells: Sequence[Cell]) -> SmallCells:
        """Which cells of this agency's scorecard stay hidden."""
        kept = self.hidden.get(code, frozenset())
        decided = [
            replace(cell, is_hidden=True) if cell.family == FAMILY and cell.members & kept else cell
            for cell in decide(cells, self.own.get(code, ()))
        ]
        return SmallCells(tuple(decided), frozenset((cell.family, cell.members) for cell in decided if cell.is_hidden))
