"""What PANRB's report counts, read from the marts for a period."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal

from psycopg2.extensions import cursor as Cursor

from reports.contents.frame import CENTRAL, FAMILY, LEAST_FOR_RATE, base_cell
from reports.periods import Period
from reports.suppression import Cell

NATIONAL = "received_national_month"


@dataclass(frozen=True, slots=True)
class Agency:
    """An agency's sums over the period, its year to the last month of it, and what it last told of its management."""

    code: str
    name: str
    kind: str
    province_code: str
    received: int
    followed_up: int
    completed: int
    in_progress: int
    backlog: int
    over_limit: int
    year_received: int
    year_followed_up: int
    year_verdict: str | None
    has_decree: bool | None
    has_action_plan: bool | None
    is_active: bool | None
    last_login: date | None
    liaison_officers: int | None


@dataclass(frozen=True, slots=True)
class Sum:
    """Agencies taken together: how many, and what they count."""

    agencies: int
    received: int
    followed_up: int
    completed: int
    in_progress: int
    backlog: int
    over_limit: int
    good: int
    judged: int


@dataclass(frozen=True, slots=True)
class NationalMonth:
    """A month of the nation, each complaint counted once."""

    month: date
    received: int
    followed_up: int
    completed: int


@dataclass(frozen=True, slots=True)
class Speed:
    """How long a step took at all agencies, in working days from routing; over the dates of a window.

    median and p90 are of all routed (Kaplan-Meier), None where not reached; mean is of what has ended.
    """

    first: date
    last: date
    routed: int
    median: int | None
    p90: int | None
    mean: Decimal | None


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the nation's complaints of the period: a class, a channel, a category."""

    label: str
    received: int
    followed_up: int
    completed: int


def read_agencies(cursor: Cursor, period: Period) -> list[Agency]:
    """Every agency with a month in the period, by code."""
    cursor.execute(
        "select agency_code, max(agency_name), max(kind), coalesce(max(province_code), %(central)s),"
        " sum(received_count)::integer, sum(followed_up_count)::integer, sum(completed_count)::integer,"
        " sum(in_progress_count)::integer, sum(backlog_count)::integer, sum(backlog_over_limit_count)::integer,"
        " (array_agg(year_received_count order by month desc))[1],"
        " (array_agg(year_followed_up_count order by month desc))[1],"
        " (array_agg(year_follow_up_verdict order by month desc))[1],"
        " (array_agg(has_decree order by month desc))[1], (array_agg(has_action_plan order by month desc))[1],"
        " (array_agg(is_active order by month desc))[1], (array_agg(last_login_date order by month desc))[1],"
        " (array_agg(liaison_officer_count order by month desc))[1]"
        " from marts.rpt_panrb_monev_monthly where month = any(%(months)s) group by agency_code order by agency_code",
        {"central": CENTRAL, "months": list(period.months)},
    )
    return [Agency(*row) for row in cursor.fetchall()]


def read_provinces(cursor: Cursor, period: Period) -> dict[str, str]:
    """Names of the provinces, and of the centre, by code."""
    cursor.execute(
        "select distinct province_code, province_name from marts.rpt_panrb_monev_province_monthly"
        " where month = any(%s) order by province_code",
        (list(period.months),),
    )
    return dict(cursor.fetchall())


def read_nation(cursor: Cursor, last: date, months: int) -> list[NationalMonth]:
    """The months up to that of `last`, at most so many, in order."""
    cursor.execute(
        "select month, received_count, followed_up_count, completed_count from marts.rpt_national_performance_monthly"
        " where month <= %s order by month desc limit %s",
        (last, months),
    )
    return [NationalMonth(*row) for row in reversed(cursor.fetchall())]


def read_within_limit(cursor: Cursor, period: Period) -> tuple[int, int]:
    """Complaints followed up within the limit, and those whose limit has passed, over all agencies."""
    cursor.execute(
        "select coalesce(sum(first_response_within_limit_count), 0)::integer,"
        " coalesce(sum(first_response_due_count), 0)::integer"
        " from marts.rpt_agency_performance_monthly where month = any(%s)",
        (list(period.months),),
    )
    within, due = cursor.fetchone() or (0, 0)
    return within, due


def window_kind(period: Period) -> str:
    """The window in which agencies are compared for a period: the semester for a semester, else twelve months."""
    return "semester" if period.kind == "semester" else "twelve_months"


def read_speeds(cursor: Cursor, period: Period) -> dict[str, Speed]:
    """By clock ("first_response", "completion") over the window that ends with the period; empty without one."""
    cursor.execute(
        "select clock, first_date, last_date, routed_count, working_days_median, working_days_p90,"
        " ended_only_working_days_mean from marts.rpt_national_timeliness"
        " where last_date = %(last)s and window_kind = %(kind)s and routed_count >= %(least)s",
        {"last": period.last_date, "kind": window_kind(period), "least": LEAST_FOR_RATE},
    )
    return {clock: Speed(*figures) for clock, *figures in cursor.fetchall()}


def read_satisfaction(cursor: Cursor, period: Period) -> tuple[int, Decimal, int] | None:
    """Wave, value in percent and answers of the last survey of LAPOR! users that was nationwide and not later."""
    cursor.execute(
        "select wave, value, respondent_count from marts.rpt_national_satisfaction"
        " where metric_kind = 'TOP2BOX_LAPOR' and basis = 'computed' and wave <= %s order by wave desc limit 1",
        (period.last_date.year,),
    )
    row = cursor.fetchone()
    return None if row is None else (row[0], row[1], row[2])


def read_shares(cursor: Cursor, period: Period, by: str) -> list[Share]:
    """The nation's complaints of the period by "report_class", "channel" or "category_main", the largest first."""
    cursor.execute(
        "select coalesce(channels.name_id, mix.value) as label, sum(mix.received_count)::integer,"
        " sum(mix.followed_up_count)::integer, sum(mix.completed_count)::integer"
        " from marts.rpt_national_mix_monthly as mix"
        " left join marts.dim_channels as channels on mix.dimension = 'channel' and mix.value = channels.channel_code"
        " where mix.dimension = %(by)s and mix.month = any(%(months)s)"
        " group by label order by sum(mix.received_count) desc, label",
        {"by": by, "months": list(period.months)},
    )
    return [Share(*row) for row in cursor.fetchall()]


def rate(part: int, whole: int) -> Decimal | None:
    """part / whole; None where there is nothing to divide by."""
    return Decimal(part) / whole if whole else None


def total(agencies: Iterable[Agency]) -> Sum:
    """The agencies together. good and judged: by the year's verdict, where there is enough to judge."""
    chosen = list(agencies)
    summed = {
        field.name: sum(getattr(agency, field.name) for agency in chosen)
        for field in fields(Sum)
        if field.name not in ("agencies", "good", "judged")
    }
    verdicts = [agency.year_verdict for agency in chosen]
    good = verdicts.count("baik")
    return Sum(agencies=len(chosen), good=good, judged=good + verdicts.count("belum baik"), **summed)


def period_members(agencies: Iterable[Agency], period: Period) -> frozenset[str]:
    """The base cells of these agencies in the period."""
    return frozenset(base_cell(agency.code, month) for agency in agencies for month in period.months)


def year_months(period: Period) -> tuple[date, ...]:
    """January to the last month of the period."""
    last = period.months[-1]
    return tuple(date(last.year, number, 1) for number in range(1, last.month + 1))


def year_members(agency: Agency, period: Period) -> frozenset[str]:
    """The base cells of an agency's year to date."""
    return frozenset(base_cell(agency.code, month) for month in year_months(period))


def agency_cells(groups: Sequence[Sequence[Agency]], agencies: Sequence[Agency], period: Period) -> list[Cell]:
    """Complaints received by each agency in the period and in the year, by each group, and by all."""
    cells = [Cell(FAMILY, period_members([agency], period), agency.received) for agency in agencies]
    cells += [Cell(FAMILY, year_members(agency, period), agency.year_received) for agency in agencies]
    cells += [Cell(FAMILY, period_members(group, period), total(group).received) for group in groups if group]
    return list({cell.members: cell for cell in cells}.values())


def national_cells(months: Sequence[NationalMonth], period: Period) -> list[Cell]:
    """The nation's months, and the period and the one before it, whose sums are told."""
    received = {month.month: month.received for month in months}
    spans = [[month] for month in received] + [
        [month for month in span.months if month in received] for span in (period, period.before())
    ]
    cells = [Cell(NATIONAL, national_members(span), sum(received[month] for month in span)) for span in spans if span]
    return list({cell.members: cell for cell in cells}.values())


def national_members(months: Iterable[date]) -> frozenset[str]:
    """The base cells of the nation in these months."""
    return frozenset(f"{month:%Y-%m}" for month in months)


def share_cells(shares: Sequence[Share], by: str, period: Period) -> list[Cell]:
    """The parts of the nation's complaints by one grouping, and their sum."""
    parts = [Cell(share_family(by), share_members(share.label, period), share.received) for share in shares]
    if not parts:
        return []
    whole = frozenset(member for cell in parts for member in cell.members)
    return list(
        {
            cell.members: cell for cell in (*parts, Cell(share_family(by), whole, sum(cell.count for cell in parts)))
        }.values()
    )


def share_family(by: str) -> str:
    """The family of a grouping's cells."""
    return f"received_national_by_{by}"


def share_members(label: str, period: Period) -> frozenset[str]:
    """The base cells of a part in the period."""
    return frozenset(f"{label}/{month:%Y-%m}" for month in period.months)
