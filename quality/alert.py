"""One message a night for whoever is on duty, rolled up: what must be done now, what to look at, or that all is usual.

What breaks every night at its usual rate does not ring: a rule is compared with its own past, a delivery is told of
when it becomes held and not while it stays so. Only the tables of `ops` and `quality` are read; no value of any row is
in them, so none is in the message.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Literal, NamedTuple

from psycopg2.extensions import cursor as Cursor

from quality.bounds import Bounds, read_bounds
from quality.errors import NotEvaluated
from quality.rules import Rule
from quality.suites import rules_by_id
from warehouse.connection import connect

Level = Literal["quiet", "look", "act"]
LINES_AT_MOST = 15
NAMES_AT_MOST = 10
RED_NIGHTS = 7


@dataclass(frozen=True, slots=True)
class Alert:
    """What one night says: `act` now, `look` this morning, or `quiet`, which has no lines."""

    night: date
    level: Level
    headline: str
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([f"{self.level.upper()} {self.night}: {self.headline}", *(f"- {line}" for line in self.lines)])


class _Run(NamedTuple):
    """How the night was judged last: `verdict` None if never, `standing_attempt` the newest one with decisions."""

    attempt: int | None
    verdict: str | None
    detail: str | None
    standing_attempt: int | None
    excused: list[str]


class _Broken(NamedTuple):
    """A rule that something broke tonight, beside its median of the judged nights before (None without any)."""

    rule_id: str
    suite: str
    severity: str
    judged: int
    broken: int
    red_nights: int
    nights_before: int
    usual: float | None


class _Held(NamedTuple):
    """A delivery held tonight by `rule_id` (the first of them)."""

    agency_code: str
    resource: str
    rule_id: str
    is_new: bool


def compose_alert(night: date, bounds: Bounds | None = None) -> Alert:
    """The message of a night, from what stands in the tables; the same tables give the same message.

    Raises NotEvaluated if the night was never opened.
    """
    connection = connect("gate", "lapor/quality alert")
    try:
        with connection, connection.cursor() as cursor:
            return _compose(cursor, night, bounds or read_bounds())
    finally:
        connection.close()


def store_alert(night: date, bounds: Bounds | None = None) -> Alert:
    """Compose the message of a night and keep it in quality.night_alert in place of an earlier one."""
    connection = connect("gate", "lapor/quality alert")
    try:
        with connection, connection.cursor() as cursor:
            alert = _compose(cursor, night, bounds or read_bounds())
            cursor.execute(
                "insert into quality.night_alert (night, level, headline, lines) values (%s, %s, %s, %s::text[])"
                " on conflict (night) do update set level = excluded.level, headline = excluded.headline,"
                " lines = excluded.lines, composed_at = now()",
                [night, alert.level, alert.headline, list(alert.lines)],
            )
            return alert
    finally:
        connection.close()


def _compose(cursor: Cursor, night: date, bounds: Bounds) -> Alert:
    run = _last_run(cursor, night)
    if run.verdict in (None, "error"):
        return _not_evaluated(night, run)
    broken = _broken_rules(cursor, night, bounds)
    held = _held_deliveries(cursor, night)
    new = [delivery for delivery in held if delivery.is_new]
    holding = [
        rule for rule in broken
        if run.verdict == "held" and (rule.suite, rule.severity) == ("night", "critical")
        and rule.rule_id not in run.excused
    ]  # fmt: skip
    unusual = [rule for rule in broken if rule not in holding and _is_unusual(rule, bounds)]
    lasting = [rule for rule in broken if rule.red_nights == RED_NIGHTS and rule not in unusual]
    flood = new if len(new) >= bounds.newly_held_min_deliveries else []
    if not (holding or flood or unusual or any(rule.red_nights == RED_NIGHTS for rule in broken)):
        return Alert(night, "quiet", _quiet(cursor, night, held, new))
    lines = [_rule_line(night, "holds the night", rule) for rule in holding]
    lines += _held_lines(night, flood, broken)
    lines += _unusual_lines(cursor, night, unusual)
    lines += [_rule_line(night, f"is red for the {RED_NIGHTS}th night", rule) for rule in lasting]
    level: Level = "act" if holding or flood else "look"
    headline = _headline(holding, held, new, unusual, lasting)
    return Alert(night, level, headline, _at_most(lines, _standing(broken), night))


def _last_run(cursor: Cursor, night: date) -> _Run:
    cursor.execute(
        """
        select last.attempt, last.verdict, last.detail, standing.attempt, coalesce(release.rule_ids, '{}')
        from ops.nights as opened
        left join lateral (
            select attempt, verdict, detail from quality.validation_run
            where night = opened.night and resource = 'night' order by attempt desc limit 1
        ) as last on true
        left join lateral (
            select max(attempt) as attempt from quality.validation_run
            where night = opened.night and verdict <> 'error'
        ) as standing on true
        left join quality.night_release as release on release.night = opened.night
        where opened.night = %s
        """,
        [night],
    )
    found = cursor.fetchone()
    if found is None:
        raise NotEvaluated(f"night {night} is not open. Run: python -m extract open --night {night}")
    return _Run(*found)


def _broken_rules(cursor: Cursor, night: date, bounds: Bounds) -> list[_Broken]:
    """Rules broken tonight, those furthest above their usual first."""
    cursor.execute(
        """
        with history as (
            select *, row_number() over (partition by rule_id order by night desc) as place
            from quality.rule_history
            where night <= %(night)s
        )

        select
            tonight.rule_id, tonight.suite, tonight.severity, tonight.judged_count, tonight.broken_count,
            tonight.red_nights, count(earlier.night),
            percentile_cont(0.5) within group (order by earlier.broken_count)
        from history as tonight
        left join history as earlier
            on earlier.rule_id = tonight.rule_id and earlier.place between 2 and 1 + %(usual_nights)s
        where tonight.night = %(night)s and tonight.broken_count > 0
        group by
            tonight.rule_id, tonight.suite, tonight.severity, tonight.judged_count, tonight.broken_count,
            tonight.red_nights
        """,
        {"night": night, "usual_nights": bounds.trailing_nights},
    )
    rules = [_Broken(*row) for row in cursor.fetchall()]
    return sorted(rules, key=lambda rule: (-rule.broken / ((rule.usual or 0) + 1), rule.rule_id))


def _held_deliveries(cursor: Cursor, night: date) -> list[_Held]:
    """Deliveries held tonight; new are those whose last judged delivery of the sixty nights before was not."""
    cursor.execute(
        """
        with held as (
            select verdict.agency_code, verdict.resource, coalesce(verdict.rule_ids[1], '?') as rule_id
            from quality.agency_verdict as verdict
            inner join ops.deliveries as delivery using (night, agency_code, resource, attempt)
            where verdict.night = %(night)s and verdict.verdict = 'held'
        ),

        before as (
            select distinct on (verdict.agency_code, verdict.resource)
                verdict.agency_code, verdict.resource, verdict.verdict
            from quality.agency_verdict as verdict
            inner join held using (agency_code, resource)
            where verdict.night between %(night)s - 60 and %(night)s - 1
            order by verdict.agency_code, verdict.resource, verdict.night desc
        )

        select held.agency_code, held.resource, held.rule_id, before.verdict is distinct from 'held'
        from held
        left join before using (agency_code, resource)
        order by held.agency_code, held.resource
        """,
        {"night": night},
    )
    return [_Held(*row) for row in cursor.fetchall()]


def _is_unusual(rule: _Broken, bounds: Bounds) -> bool:
    return (
        rule.usual is not None
        and rule.nights_before >= bounds.volume_min_nights
        and rule.broken > max(bounds.unusual_floor_rows, bounds.unusual_factor * rule.usual)
    )


def _not_evaluated(night: date, run: _Run) -> Alert:
    gate = f"Mend what it names, then: python -m quality --night {night}"
    if run.verdict is None:
        return Alert(night, "act", "NOT EVALUATED: nothing of the night is released",
                     (f"The gate has not judged it. Run: python -m quality --night {night}",))  # fmt: skip
    if run.standing_attempt is None:
        return Alert(night, "act", "NOT EVALUATED: nothing of the night is released", (run.detail or "", gate))
    stands = f"The decisions of attempt {run.standing_attempt} stand; what was loaded since is not released."
    return Alert(night, "act", f"NOT EVALUATED in attempt {run.attempt}", (run.detail or "", stands, gate))


def _quiet(cursor: Cursor, night: date, held: list[_Held], new: list[_Held]) -> str:
    cursor.execute(
        "select count(*) filter (where verdict = 'pass'), count(*) filter (where verdict = 'pass_with_quarantine')"
        " from quality.agency_verdict inner join ops.deliveries using (night, agency_code, resource, attempt)"
        " where night = %s",
        [night],
    )
    row = cursor.fetchone()
    assert row is not None
    waiting = f", {len(held):,} held ({len(new):,} newly)" if held else ""
    passed = _count(row[0], "delivery", "deliveries")
    return f"{passed} passed, {row[1]:,} with rows in quarantine{waiting}; nothing is out of the usual"


def _headline(
    holding: list[_Broken], held: list[_Held], new: list[_Held], unusual: list[_Broken], lasting: list[_Broken]
) -> str:
    parts = [f"HELD by {', '.join(rule.rule_id for rule in holding)}: it is not published"] if holding else []
    if new:
        parts.append(f"{_count(len(new), 'delivery', 'deliveries')} newly held, {len(held):,} in all")
    if unusual:
        parts.append(f"{_count(len(unusual), 'rule')} broken far above usual")
    if lasting:
        parts.append(f"{_count(len(lasting), 'rule')} red for the {RED_NIGHTS}th night")
    return "; ".join(parts)


def _rule_line(night: date, what: str, rule: _Broken, where: str = "") -> str:
    usual = "no usual yet" if rule.usual is None else f"usually {rule.usual:,.0f}"
    return f"{rule.rule_id} {what}: {rule.broken:,} of {rule.judged:,} ({usual}{where}).{_advice(night, rule.rule_id)}"


def _advice(night: date, rule_id: str) -> str:
    """Who mends it and how, commands with the night filled in."""
    rule = _rules().get(rule_id)
    return f" {rule.owner}: {rule.action.replace('--night D', f'--night {night}')}" if rule else ""


def _unusual_lines(cursor: Cursor, night: date, unusual: list[_Broken]) -> list[str]:
    """One line a rule, with the agency that most of its rows kept out come from."""
    cursor.execute(
        "select distinct on (rule_id) rule_id, agency_code, count(*)"
        " from quality.quarantined_record, unnest(rule_ids) as rule_id where night = %s and rule_id = any(%s)"
        " group by rule_id, agency_code order by rule_id, count(*) desc, agency_code",
        [night, [rule.rule_id for rule in unusual]],
    )
    most = {rule_id: f"; most from {agency}: {count:,}" for rule_id, agency, count in cursor.fetchall()}
    return [_rule_line(night, "breaks far above usual", rule, most.get(rule.rule_id, "")) for rule in unusual]


def _held_lines(night: date, new: list[_Held], broken: list[_Broken]) -> list[str]:
    usual = {rule.rule_id: rule.usual for rule in broken}
    by_rule: dict[str, list[str]] = defaultdict(list)
    for delivery in new:
        by_rule[delivery.rule_id].append(f"{delivery.agency_code} {delivery.resource}")
    return [
        f"{rule_id} newly holds {_count(len(names), 'delivery', 'deliveries')} "
        f"(usually {usual.get(rule_id) or 0:,.0f} held): {_listed(names)}.{_advice(night, rule_id)}"
        for rule_id, names in sorted(by_rule.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    ]


def _standing(broken: list[_Broken]) -> list[str]:
    """The rules red for a week or longer in one line: they need a decision, not a bell."""
    old = sorted((rule for rule in broken if rule.red_nights >= RED_NIGHTS), key=lambda rule: -rule.red_nights)
    names = [f"{rule.rule_id} ({rule.red_nights})" for rule in old]
    return [f"Red for {RED_NIGHTS} nights or more, mend the source or the rule: {_listed(names)}"] if names else []


def _at_most(lines: list[str], standing: list[str], night: date) -> tuple[str, ...]:
    room = LINES_AT_MOST - len(standing)
    if len(lines) > room:
        more = len(lines) - room + 1
        lines = [*lines[: room - 1], f"and {more:,} more: python -m quality show --night {night}"]
    return (*lines, *standing)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMES_AT_MOST:,} more" if len(names) > NAMES_AT_MOST else ""
    return ", ".join(names[:NAMES_AT_MOST]) + more


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


@cache
def _rules() -> dict[str, Rule]:
    return rules_by_id()
