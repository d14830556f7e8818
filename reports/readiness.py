"""Whether a period may be reported: is it over, published, let in by the gate and complete enough.

A report that is issued stays for good, so one that would rest on half the data is refused with what to do about it;
`--preview` shows it all the same.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from psycopg2.extensions import cursor as Cursor

from reports.language import percent
from reports.periods import Period, PeriodKind
from reports.report import Body

# Seed comparison_rules, min_coverage: who delivered less is judged by what is missing; for a report it is the same.
LEAST_COVERAGE = Decimal("0.9")
# A report that was refused on its day is tried again for as many nights; afterwards a person decides.
DUE_NIGHTS = 7

SCHEDULE: dict[Body, tuple[PeriodKind, ...]] = {
    "panrb": ("month", "quarter", "semester", "year"),
    "ksp": ("week", "month"),
    "ombudsman": ("quarter", "semester", "year"),
    "agency": ("month", "semester"),
}


@dataclass(frozen=True, slots=True)
class Deliveries:
    """An agency's deliveries of complaints in the nights of a period up to the last one."""

    agency_code: str
    night_count: int
    good_count: int
    held_nights: tuple[date, ...]

    @property
    def coverage(self) -> Decimal:
        """Share of its nights that were delivered or empty, and not held."""
        return Decimal(self.good_count) / self.night_count if self.night_count else Decimal(0)


def refusals(cursor: Cursor, period: Period) -> list[str]:
    """Why the period may not be reported to anybody, each with what to do; empty when it may."""
    night = last_published(cursor)
    if night is None:
        return ["No night has been published yet. Run one: dags/lapor_nightly.py, or make demo."]
    reasons = []
    if period.last_date > night:
        reasons.append(
            f"{period.id} ends on {period.last_date} and the last published night is {night}."
            f" Publish the nights up to {period.last_date} first."
        )
    if _is_stale(cursor, night):
        reasons.append(
            f"Night {night} has changed since it was published. Build and publish it again: dbt build, then"
            f" python -m extract close --night {night}."
        )
    reasons += _incomplete(cursor, period, night)
    return reasons


def _incomplete(cursor: Cursor, period: Period, night: date) -> list[str]:
    cursor.execute(
        "select coalesce(sum(expected_count), 0)::integer,"
        " coalesce(sum(delivered_count + empty_count), 0)::integer from marts.rpt_coverage_daily where night = %s",
        (night,),
    )
    expected, delivered = cursor.fetchone() or (0, 0)
    held = [deliveries for deliveries in read_deliveries(cursor, period, night) if deliveries.held_nights]
    complete = delivered - sum(1 for deliveries in held if night not in deliveries.held_nights)
    if expected and Decimal(complete) / expected >= LEAST_COVERAGE:
        return []
    share = percent(Decimal(complete) / expected if expected else None, language="en")
    why = f", and {len(held)} had a delivery held by the gate" if held else ""
    return [
        f"Night {night}: {delivered} of {expected} agencies delivered{why}: {share} are complete, fewer than"
        f" {percent(LEAST_COVERAGE, 0, 'en')}. See who is missing: python -m reports summary; what is held and what"
        f" releases it: python -m quality show --night {night}."
    ]


def agency_refusal(deliveries: Deliveries | None, period: Period) -> str | None:
    """Why an agency has no scorecard of the period, with what to do; None when it may have one."""
    if deliveries is None:
        return f"it has no delivery in the nights of {period.id}"
    code = deliveries.agency_code
    if deliveries.held_nights:
        night = deliveries.held_nights[0]
        return (
            f"{code}: the gate holds its complaints of {night}. Look: python -m quality show --night {night}; let them"
            f" in: python -m quality release --night {night} --agency {code} --resource complaints"
            " --by NAME --note TEXT"
        )
    if deliveries.coverage < LEAST_COVERAGE:
        return (
            f"{code}: {deliveries.good_count} of its {deliveries.night_count} nights were delivered, fewer than"
            f" {percent(LEAST_COVERAGE, 0, 'en')}. Fetch them again: python -m extract --night D --agency {code}"
        )
    return None


def read_deliveries(cursor: Cursor, period: Period, night: date) -> list[Deliveries]:
    """Every agency's deliveries of complaints from the period's first day to `night`, by code."""
    cursor.execute(
        "select agency_code, count(*)::integer,"
        " (count(*) filter (where state in ('received', 'empty') and gate_verdict is distinct from 'held'))::integer,"
        " coalesce(array_agg(night order by night) filter (where gate_verdict = 'held'), '{}')"
        " from marts.fct_deliveries where resource = 'complaints' and night between %s and %s"
        " group by agency_code order by agency_code",
        (period.first_date, night),
    )
    return [Deliveries(code, nights, good, tuple(held)) for code, nights, good, held in cursor.fetchall()]


def due(night: date) -> list[tuple[Body, Period]]:
    """Reports whose period is over with `night` or has been for less than a week, by body."""
    found: list[tuple[Body, Period]] = []
    for body, kinds in SCHEDULE.items():
        for kind in kinds:
            period = Period.containing(kind, night + timedelta(days=1)).before()
            if (night - period.last_date).days < DUE_NIGHTS:
                found.append((body, period))
    return found


def last_published(cursor: Cursor) -> date | None:
    """The last published night; None before the first."""
    cursor.execute("select max(night) from ops.nights where published_at is not null")
    row = cursor.fetchone()
    return row[0] if row else None


def _is_stale(cursor: Cursor, night: date) -> bool:
    cursor.execute("select changed_seq > published_seq from ops.nights where night = %s", (night,))
    row = cursor.fetchone()
    return bool(row and row[0])
