"""What the page of a night shows, read in one transaction: a handful of queries over `ops` and `quality`.

Counts, codes, places and our own words only. What the loader said about a row stays where it is: it may quote the row.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from psycopg2.extensions import cursor as Cursor

from quality.errors import NotEvaluated
from quality.rules import Rule
from warehouse.connection import connect

NIGHTS = 60
AGENCIES_SHOWN = 100
HELD_SHOWN = 50
DECISIONS_SHOWN = 20


class NightFacts(NamedTuple):
    """One calendar night: `verdict` is that of its last attempt, None if it was not judged (or not even opened)."""

    night: date
    is_open: bool
    verdict: str | None
    attempt: int | None
    detail: str | None
    judged_at: datetime | None
    standing_attempt: int | None
    released_by: str | None
    release_note: str | None
    expected: int
    delivered: int
    held: int
    quarantined: int


class ResourceFacts(NamedTuple):
    """The deliveries of one resource by what became of them; they add up to `deliveries`."""

    resource: str
    deliveries: int
    rows: int
    passed: int
    with_quarantine: int
    held: int
    not_gated: int
    empty: int
    late: int
    failed: int
    not_asked: int
    not_connected: int


class HeldDelivery(NamedTuple):
    """A delivery whose verdict is `held`; not `is_current`: loaded again since, so it waits for the gate."""

    night: date
    agency_code: str
    resource: str
    rule_ids: list[str]
    reasons: list[str]
    is_current: bool


class QuarantinedRule(NamedTuple):
    """Rows kept out under one rule (a row counts under each it broke), and where the newest open one stands."""

    rule_id: str
    tonight: int
    open: int
    agencies: int
    example: str | None


class AgencyBacklog(NamedTuple):
    """An agency with open rows: how many, the oldest night, and the rules they broke."""

    agency_code: str
    open: int
    since: date
    rule_ids: list[str]


class AgencyNights(NamedTuple):
    """An agency over the shown nights; `marks` has a letter for each of `nights` (h held, q, m no answer, p passed)."""

    agency_code: str
    held: int
    with_quarantine: int
    missing: int
    last: date
    nights: list[date]
    marks: str


class RuleNight(NamedTuple):
    """One rule on one night as last judged."""

    night: date
    suite: str
    rule_id: str
    severity: str
    judged: int
    broken: int
    red_nights: int


class Decision(NamedTuple):
    """One entry of the decision log."""

    decided_at: datetime
    decision: str
    decided_by: str
    note: str
    records: int
    delivery: str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything on the page; `nights` are consecutive calendar nights, the last one the page's."""

    is_simulated: bool
    nights: list[NightFacts]
    resources: list[ResourceFacts]
    held: list[HeldDelivery]
    quarantine: list[QuarantinedRule]
    statuses: dict[str, tuple[int, int]]
    open_ours: int
    backlog: list[AgencyBacklog]
    history: list[RuleNight]
    agencies: list[AgencyNights]
    agency_count: int
    decisions: list[Decision]
    names: dict[str, str]

    @property
    def tonight(self) -> NightFacts:
        """The page's own night."""
        return self.nights[-1]


def read_facts(night: date, rules: dict[str, Rule]) -> Facts:
    """The facts as the tables stand now. Raises NotEvaluated if the night was never opened."""
    connection = connect("gate", "lapor/quality page")
    try:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection, connection.cursor() as cursor:
            return _read(cursor, night, rules)
    finally:
        connection.close()


def _read(cursor: Cursor, night: date, rules: dict[str, Rule]) -> Facts:
    def rows(query: str) -> list[tuple[Any, ...]]:
        cursor.execute(query, values)
        return cursor.fetchall()

    ours = [rule.rule_id for rule in rules.values() if rule.owner == "data engineer"]
    values = {"night": night, "first": night - timedelta(days=NIGHTS - 1), "ours": ours,
              "warnings": [rule.rule_id for rule in rules.values() if rule.severity != "critical"],
              "agencies": AGENCIES_SHOWN, "decisions": DECISIONS_SHOWN}  # fmt: skip
    opened = rows("select is_simulated from ops.nights where night = %(night)s")
    if not opened:
        raise NotEvaluated(f"night {night} is not open. Run: python -m extract open --night {night}")
    statuses = rows(_STATUSES)
    agencies = rows(_AGENCIES)
    return Facts(
        is_simulated=opened[0][0],
        nights=[NightFacts(*row) for row in rows(_NIGHTS)],
        resources=[ResourceFacts(*row) for row in rows(_RESOURCES)],
        held=[HeldDelivery(*row) for row in rows(_HELD)],
        quarantine=[QuarantinedRule(*row) for row in rows(_QUARANTINE)],
        statuses={status: (tonight, in_all) for status, tonight, in_all, _ in statuses},
        open_ours=sum(count for *_, count in statuses),
        backlog=[AgencyBacklog(*row) for row in rows(_BACKLOG)],
        history=[RuleNight(*row) for row in rows(_HISTORY)],
        agencies=[AgencyNights(*row[:-1]) for row in agencies],
        agency_count=agencies[0][-1] if agencies else 0,
        decisions=[Decision(*row) for row in rows(_DECISIONS)],
        names=dict(rows(_NAMES)),
    )


# Calendar nights, so that a night that was never opened is a gap and not silently left out.
_NIGHTS = """
with calendar as (
    select %(night)s::date - days_ago as night
    from generate_series(0, %(night)s::date - %(first)s::date) as days_ago
    where %(night)s::date - days_ago >= (select min(night) from ops.nights)
),

deliveries as (
    select
        night,
        count(*) filter (where frequency = 'nightly' and state <> 'not_connected') as expected_count,
        count(*) filter (where frequency = 'nightly' and state in ('received', 'empty')) as delivered_count,
        count(*) filter (where verdict = 'held') as held_count
    from ops.deliveries
    left join quality.agency_verdict using (night, agency_code, resource, attempt)
    where night between %(first)s and %(night)s
    group by night
),

quarantine as (
    select night, count(*) as row_count
    from quality.quarantined_record
    where night between %(first)s and %(night)s
    group by night
),

runs as (
    select distinct on (night)
        night, run_id, verdict, attempt, detail, finished_at,
        max(attempt) filter (where verdict <> 'error') over (partition by night) as standing_attempt
    from quality.validation_run
    where resource = 'night' and night between %(first)s and %(night)s
    order by night, attempt desc
),

-- A release counts as long as no other rule than those it names holds the night.
releases as (
    select release.night, release.released_by, release.note
    from quality.night_release as release
    inner join runs using (night)
    where not exists (
        select from quality.expectation_result as result
        where
            result.run_id = runs.run_id and result.severity = 'critical' and result.unexpected_count > 0
            and not result.rule_id = any(release.rule_ids)
    )
)

select
    calendar.night, opened.night is not null, runs.verdict, runs.attempt, runs.detail, runs.finished_at,
    runs.standing_attempt, releases.released_by, releases.note,
    coalesce(deliveries.expected_count, 0), coalesce(deliveries.delivered_count, 0),
    coalesce(deliveries.held_count, 0), coalesce(quarantine.row_count, 0)
from calendar
left join ops.nights as opened using (night)
left join runs using (night)
left join releases using (night)
left join deliveries using (night)
left join quarantine using (night)
order by calendar.night
"""

_RESOURCES = """
select
    resource, count(*), sum(received_rows)::bigint,
    count(*) filter (where state = 'received' and verdict = 'pass'),
    count(*) filter (where state = 'received' and verdict = 'pass_with_quarantine'),
    count(*) filter (where state = 'received' and verdict = 'held'),
    count(*) filter (where state = 'received' and verdict is null),
    count(*) filter (where state = 'empty'),
    count(*) filter (where state = 'late'),
    count(*) filter (where state = 'failed'),
    count(*) filter (where state = 'expected'),
    count(*) filter (where state = 'not_connected')
from ops.deliveries
left join quality.agency_verdict using (night, agency_code, resource, attempt)
where night = %(night)s
group by resource
order by count(*) filter (where state <> 'not_connected') desc, resource
"""

_HELD = """
select
    verdict.night, verdict.agency_code, verdict.resource, verdict.rule_ids, verdict.reasons,
    delivery.attempt = verdict.attempt
from quality.agency_verdict as verdict
inner join ops.deliveries as delivery using (night, agency_code, resource)
where verdict.verdict = 'held' and verdict.night between %(first)s and %(night)s
order by verdict.night desc, verdict.resource, verdict.agency_code
"""

_QUARANTINE = """
select
    rule_id,
    count(*) filter (where night = %(night)s),
    count(*) filter (where status = 'open'),
    count(distinct agency_code) filter (where status = 'open'),
    (array_agg(agency_code || ', ' || source_position order by record_id desc) filter (where status = 'open'))[1]
from quality.quarantined_record, unnest(rule_ids) as rule_id
where
    night <= %(night)s and (status = 'open' or night = %(night)s)
    -- A row kept out carries its warnings too; they are not what keeps it out.
    and rule_id <> all(%(warnings)s::text[])
group by rule_id
order by 2 desc, 3 desc, rule_id
"""

_STATUSES = """
select
    status, count(*) filter (where night = %(night)s), count(*),
    count(*) filter (where status = 'open' and rule_ids && %(ours)s::text[])
from quality.quarantined_record
where night <= %(night)s
group by status
"""

_BACKLOG = """
select agency_code, count(distinct record_id), min(night), array_agg(distinct rule_id order by rule_id)
from quality.quarantined_record, unnest(rule_ids) as rule_id
where night <= %(night)s and status = 'open'
group by agency_code
order by 2 desc, agency_code
limit 10
"""

_HISTORY = """
select night, suite, rule_id, severity, judged_count, broken_count, red_nights
from quality.rule_history
where night between %(first)s and %(night)s
order by night
"""

_AGENCIES = """
with marked as (
    select
        agency_code, night,
        case
            when bool_or(verdict = 'held') then 'h'
            when bool_or(verdict = 'pass_with_quarantine') then 'q'
            when bool_or(state in ('late', 'failed')) then 'm'
            when bool_or(verdict = 'pass' or state = 'empty') then 'p'
        end as mark
    from ops.deliveries
    left join quality.agency_verdict using (night, agency_code, resource, attempt)
    where night between %(first)s and %(night)s
    group by agency_code, night
)

select
    agency_code,
    count(*) filter (where mark = 'h'), count(*) filter (where mark = 'q'), count(*) filter (where mark = 'm'),
    max(night) filter (where mark in ('h', 'q')),
    array_agg(night order by night) filter (where mark is not null), string_agg(mark, '' order by night),
    count(*) over ()
from marked
group by agency_code
having bool_or(mark in ('h', 'q'))
order by 2 desc, 3 desc, agency_code
limit %(agencies)s
"""

_DECISIONS = """
select decided_at, decision, decided_by, note, cardinality(record_ids), delivery
from quality.decision_log
order by decision_id desc
limit %(decisions)s
"""

_NAMES = """
select distinct on (agency_code) agency_code, name
from raw.agencies
where night <= %(night)s
order by agency_code, night desc
"""
