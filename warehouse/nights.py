"""What the ledger says of a night: how far it came, with what figures, and what the gate and the build made of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import psycopg2
from psycopg2.extensions import cursor as Cursor

from warehouse.findings import WIB, Line, State, StatusSettings, clock, few, one_row

PUBLISHED_BY = time(5)  # of the morning after, WIB: what lapor_nightly promises
NIGHT_TAKES = timedelta(hours=4)
# Seed comparison_rules, min_coverage: below it no report is issued.
LEAST_COVERAGE = 0.9
USUAL_NIGHTS = 14
_WHAT_FAILED = (
    "make sql Q=\"select name, message, failing_rows_in from ops.build_results where status in ('fail', 'error')\""
)


@dataclass(frozen=True, slots=True)
class Night:
    """What the ledger says of a night."""

    night: date
    is_simulated: bool
    opened_at: datetime
    gated_at: datetime | None
    published_at: datetime | None
    changed_seq: int
    built_seq: int
    published_seq: int
    states: dict[str, int]
    agencies: int
    good_agencies: int
    held: int
    verdict: str | None
    loaded_rows: int

    @property
    def is_published(self) -> bool:
        """Whether all of its rows and verdicts are in the marts."""
        return self.published_at is not None and self.published_seq == self.changed_seq

    @property
    def stage(self) -> str:
        """How far it came."""
        if self.is_published:
            return f"published {clock(self.published_at)}"
        if self.published_at:
            return "changed since it was published"
        if waiting := self.states.get("expected", 0):
            return f"opened, {waiting:,} deliveries not fetched yet"
        if self.gated_at is None or self.verdict is None:
            return "extracted, not judged"
        if self.verdict in ("held", "error"):
            return {"held": "HELD by the gate", "error": "not evaluated by the gate"}[self.verdict]
        return "built, not published" if self.built_seq == self.changed_seq else "judged, not built"

    @property
    def mending(self) -> str:
        """The command for where it stands."""
        if self.verdict in ("held", "error") and not self.states.get("expected"):
            return f"python -m quality show --night {self.night}"
        return f"clear the red task of lapor_nightly, or run the night again: {self.night}"


def read_night(cursor: Cursor, night: date | None = None) -> Night | None:
    """The ledger's words about a night, by default the newest; None if it was never opened."""
    cursor.execute(
        """
        select
            nights.night, nights.is_simulated, nights.opened_at, nights.gated_at, nights.published_at,
            nights.changed_seq, nights.built_seq, nights.published_seq,
            coalesce((
                select jsonb_object_agg(state, number)
                from (
                    select state, count(*) as number from ops.deliveries where night = nights.night group by state
                ) as each
            ), '{}'),
            coalesce(told.agencies, 0), coalesce(told.good, 0), coalesce(told.held, 0),
            (
                select verdict from quality.validation_run
                where night = nights.night and resource = 'night' order by attempt desc limit 1
            ),
            coalesce(told.loaded_rows, 0)
        from ops.nights as nights
        left join lateral (
            select
                count(*) filter (where delivery.resource = 'complaints') as agencies,
                count(*) filter (
                    where delivery.resource = 'complaints' and delivery.state in ('received', 'empty')
                        and verdict.verdict is distinct from 'held'
                ) as good,
                count(*) filter (where verdict.verdict = 'held') as held,
                sum(delivery.loaded_rows) as loaded_rows
            from ops.deliveries as delivery
            left join quality.agency_verdict as verdict
                on verdict.night = delivery.night and verdict.agency_code = delivery.agency_code
                and verdict.resource = delivery.resource and verdict.attempt = delivery.attempt
            where delivery.night = nights.night
        ) as told on true
        where nights.night = coalesce(%s, (select max(night) from ops.nights))
        """,
        [night],
    )
    found = cursor.fetchone()
    return Night(*found) if found else None


def figures(cursor: Cursor, night: date) -> str:
    """A night's figures in one line; raises ValueError if it was never opened."""
    told = read_night(cursor, night)
    if told is None:
        raise ValueError(f"night {night} was never opened. Run: python -m extract open --night {night}")
    cursor.execute("select count(*) from quality.quarantined_record where night = %s and status = 'open'", [night])
    (quarantined,) = one_row(cursor)
    states = ", ".join(f"{count:,} {state}" for state, count in sorted(told.states.items()))
    return (
        f"night {night}: {told.stage}; complaints of {told.good_agencies:,} of {told.agencies:,} agencies;"
        f" deliveries: {states}; {told.loaded_rows:,} rows new or changed, {quarantined:,} in quarantine,"
        f" {told.held:,} held"
    )


def night_lines(cursor: Cursor, now: datetime) -> Iterator[Line]:
    told = read_night(cursor)
    if told is None:
        yield Line("night", "warning", "none was ever opened", "trigger lapor_nightly in Airflow, or: make demo")
        return
    expected = (now.astimezone(WIB) - timedelta(hours=PUBLISHED_BY.hour)).date() - timedelta(days=1)
    due = datetime.combine(told.night + timedelta(days=1), PUBLISHED_BY, WIB)
    has_time = now < max(due, told.opened_at + NIGHT_TAKES)
    age = (now.astimezone(WIB).date() - told.night).days
    seen = f"{told.night} ({'simulated' if told.is_simulated else f'{age} days ago'}): {told.stage}"
    if not told.is_published:
        yield Line("night", "warning" if has_time else "broken", seen, told.mending)
    elif told.night < expected and not told.is_simulated:
        yield Line(
            "night", "broken", f"{seen}, and {expected} should be there", "see the runs of lapor_nightly in Airflow"
        )
    else:
        yield Line("night", "ok", seen)
    share = told.good_agencies / told.agencies if told.agencies else 0.0
    seen = f"complaints of {told.good_agencies:,} of {told.agencies:,} agencies are in ({100 * share:.1f} %)"
    if share < LEAST_COVERAGE and not told.states.get("expected"):
        yield Line(
            "coverage", "warning", f"{seen}: too few for a report", f"python -m quality show --night {told.night}"
        )
    else:
        yield Line("coverage", "ok", seen)


def gate_lines(cursor: Cursor, rules: StatusSettings) -> Iterator[Line]:
    told = read_night(cursor)
    if told is None:
        return
    show = f"python -m quality show --night {told.night}"
    cursor.execute(
        """
        with counted as (
            select nights.night, count(record.record_id) as number
            from ops.nights as nights
            left join quality.quarantined_record as record on record.night = nights.night and record.status = 'open'
            where nights.night > %(night)s - %(nights)s - 1 and nights.gated_at is not null
            group by nights.night
        )

        select
            coalesce(max(number) filter (where night = %(night)s), 0),
            percentile_cont(0.5) within group (order by number) filter (where night < %(night)s)
        from counted
        """,
        {"night": told.night, "nights": USUAL_NIGHTS},
    )
    count, usual = one_row(cursor)
    seen = f"{count:,} rows of {told.night}" + ("" if usual is None else f", usually {usual:,.0f}")
    if usual is not None and count > max(rules.quarantine_factor * usual, usual + rules.quarantine_floor):
        yield Line("quarantine", "warning", seen, show)
    else:
        yield Line("quarantine", "ok", seen)
    if told.held:
        yield Line("held", "warning", f"{told.held:,} deliver{'y' if told.held == 1 else 'ies'} of {told.night}", show)
    else:
        yield Line("held", "ok", "nothing")
    cursor.execute("select level, headline from quality.night_alert where night = %s", [told.night])
    for level, headline in cursor.fetchall():
        state: State = {"act": "broken", "look": "warning"}.get(level, "ok")  # type: ignore[assignment]
        yield Line("gate", state, f"{level}: {headline}", show if state != "ok" else "")


def build_lines(cursor: Cursor) -> Iterator[Line]:
    cursor.execute(
        "select is_successful, finished_at, passed_count, failed_count, build_id from ops.builds"
        " where command = 'build' and as_of is null order by started_at desc limit 1"
    )
    found = cursor.fetchone()
    if found is None:
        return
    is_successful, finished, passed, failed, build_id = found
    if is_successful:
        yield Line("build", "ok", f"{passed:,} models, seeds and tests passed, {clock(finished)}")
        return
    cursor.execute(
        "select name from ops.build_results where build_id = %s and status in ('fail', 'error') order by name",
        [build_id],
    )
    names = [name for (name,) in cursor.fetchall()]
    seen = f"{failed:,} failed on {clock(finished)}: {few(names)}"
    yield Line("build", "broken", seen, _WHAT_FAILED)


def last_published(cursor: Cursor) -> date | None:
    """The newest night that is published; None without one, also without the table."""
    try:
        cursor.execute("select max(night) from ops.nights where published_at is not null")
    except psycopg2.Error:
        return None
    row = cursor.fetchone()
    return row[0] if row else None
