"""What the gate decided, for a person at a terminal; and the README's table of rules."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

from psycopg2.extensions import cursor as Cursor

from quality.decisions import Outcome
from quality.errors import NotEvaluated
from quality.rules import Rule
from quality.suites import rules_by_id, rules_by_suite
from warehouse.connection import connect

HELD_SHOWN = 20
WORDS_SHOWN = 5


def summarise(outcome: Outcome) -> str:
    """The outcome of a gate run in a few lines, for the log of the night."""
    verdicts = Counter(delivery.verdict for delivery in outcome.deliveries)
    lines = [
        f"Night {outcome.night}, attempt {outcome.attempt}: {outcome.verdict.upper().replace('_', ' ')}",
        f"deliveries: {verdicts['pass']:,} pass, {verdicts['pass_with_quarantine']:,} pass with quarantine, "
        f"{verdicts['held']:,} held",
    ]
    quarantined = {decisions.table: len(decisions.quarantined) for decisions in outcome.rows}
    flagged = {decisions.table: sum(map(len, decisions.flags.values())) for decisions in outcome.rows}
    judged = [run for run in outcome.runs if run.name not in ("deliveries", "night")]
    for run, table in zip(judged, quarantined, strict=True):
        if run.row_count:
            lines.append(
                f"{table}: {run.row_count:,} rows judged, {quarantined[table]:,} quarantined, {flagged[table]:,} flags"
            )
    lines += _held_lines([(d.agency_code, d.resource, d.reasons) for d in outcome.deliveries if d.verdict == "held"])
    night_run = outcome.runs[-1]
    lines += [
        f"{result.rule.severity} {result.rule.rule_id}: {result.rule.text_en}. {result.rule.action}"
        for result in night_run.results
        if result.row_ids
    ]
    lines.append(
        "the next build redoes this night" if outcome.changed else "nothing changed since the night was gated before"
    )
    return "\n".join(lines)


def show(night: date) -> str:
    """What stands decided on a night: verdicts, held deliveries, quarantine by rule with what to do, and words unknown.

    Raises NotEvaluated if the night was never gated.
    """
    rules = rules_by_id()
    connection = connect("gate", "lapor/quality")
    try:
        with connection, connection.cursor() as cursor:
            blocks = [
                _runs(cursor, night),
                _verdicts(cursor, night),
                _quarantine(cursor, night, rules),
                _flags(cursor, night, rules),
                _problems(cursor, night),
            ]
    finally:
        connection.close()
    return "\n\n".join(block for block in blocks if block)


def _runs(cursor: Cursor, night: date) -> str:
    rows = _query(
        cursor,
        "select attempt, resource, row_count, verdict, detail from quality.validation_run"
        " where night = %(night)s"
        " and attempt = (select max(attempt) from quality.validation_run where night = %(night)s)"
        " order by run_id",
        night,
    )
    if not rows:
        raise NotEvaluated(f"night {night} was never gated. Run: python -m quality --night {night}")
    table = [(resource, f"{count:,}", verdict, detail or "") for _, resource, count, verdict, detail in rows]
    return f"Night {night}, attempt {rows[0][0]}\n" + _table(("suite", "rows", "verdict", ""), table)


def _verdicts(cursor: Cursor, night: date) -> str:
    counts = _query(
        cursor,
        """
        select delivery.resource, coalesce(verdict.verdict, 'not gated'), count(*)
        from ops.deliveries as delivery
        left join quality.agency_verdict as verdict
            on
                verdict.night = delivery.night and verdict.agency_code = delivery.agency_code
                and verdict.resource = delivery.resource and verdict.attempt = delivery.attempt
        where delivery.night = %(night)s and delivery.state = 'received'
        group by 1, 2 order by 1, 2
        """,
        night,
    )
    held = _query(
        cursor,
        "select agency_code, resource, reasons from quality.agency_verdict"
        " where night = %(night)s and verdict = 'held' order by resource, agency_code",
        night,
    )
    released = _query(
        cursor,
        "select agency_code, resource, released_by, release_note from quality.agency_verdict"
        " where night = %(night)s and released_by is not null order by resource, agency_code",
        night,
    )
    lines = [_table(("received deliveries", "verdict", "count"), [(r, v, f"{c:,}") for r, v, c in counts])]
    lines += _held_lines(held)
    lines += [f"released: {agency} {resource} by {by}: {note}" for agency, resource, by, note in released]
    return "\n".join(lines)


def _held_lines(held: Sequence[tuple[Any, ...]]) -> list[str]:
    lines = [f"held: {agency} {resource}: {'; '.join(reasons)}" for agency, resource, reasons in held[:HELD_SHOWN]]
    if more := len(held) - len(lines):
        lines.append(f"held: and {more} more (quality.agency_verdict)")
    return lines


def _quarantine(cursor: Cursor, night: date, rules: dict[str, Rule]) -> str:
    rows = _query(
        cursor,
        """
        select
            rule_id,
            count(*),
            count(distinct agency_code),
            count(*) filter (where status in ('open', 'superseded', 'discarded')),
            (array_agg(agency_code || ' ' || source_position order by record_id))[1]
        from quality.quarantined_record, unnest(rule_ids) as rule_id
        where night = %(night)s and rule_id <> all(%(warnings)s)
        group by rule_id order by count(*) desc, rule_id
        """,
        night,
        warnings=[rule_id for rule_id, rule in rules.items() if rule.severity != "critical"],
    )
    if not rows:
        return "No row is quarantined."
    table = [
        (rule_id, f"{count:,}", f"{open_count:,}", f"{agencies:,}", example)
        for rule_id, count, agencies, open_count, example in rows
    ]
    lines = ["Quarantined rows by rule (a row counts under every critical rule it broke)"]
    lines.append(_table(("rule", "rows", "kept out", "agencies", "first"), table))
    lines += [_advice(rules[rule_id]) for rule_id, *_ in rows if rule_id in rules]
    return "\n".join(lines)


def _flags(cursor: Cursor, night: date, rules: dict[str, Rule]) -> str:
    rows = _query(
        cursor,
        "select rule_id, count(*) from quality.row_flag where night = %(night)s group by rule_id order by 2 desc, 1",
        night,
    )
    if not rows:
        return ""
    lines = ["Flagged rows (they are in the marts)", _table(("rule", "rows"), [(r, f"{c:,}") for r, c in rows])]
    return "\n".join([*lines, *(_advice(rules[rule_id]) for rule_id, _ in rows if rule_id in rules)])


def _problems(cursor: Cursor, night: date) -> str:
    """The loader's most frequent complaints about quarantined rows: usually a word that a profile lacks."""
    rows = _query(
        cursor,
        """
        select problem, count(*), count(distinct agency_code)
        from (
            select agency_code, unnest(_problems) as problem from raw.complaints where night = %(night)s
            union all
            select agency_code, unnest(_problems) from raw.complaint_events where night = %(night)s
        ) as problems
        group by problem order by count(*) desc, problem limit %(limit)s
        """,
        night,
        limit=WORDS_SHOWN,
    )
    if not rows:
        return ""
    table = [(f"{count:,}", f"{agencies:,}", problem[:100]) for problem, count, agencies in rows]
    return "Most frequent problems of complaints and events\n" + _table(("rows", "agencies", "problem"), table)


def _advice(rule: Rule) -> str:
    return f"  {rule.rule_id}: {rule.text_en}. [{rule.owner}] {rule.action}"


def _query(cursor: Cursor, query: str, night: date, **values: Any) -> list[tuple[Any, ...]]:
    cursor.execute(query, {"night": night, **values})
    return cursor.fetchall()


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Aligned columns; those whose every cell is a number stand right."""
    widths = [max(len(row[index]) for row in (head, *rows)) for index in range(len(head))]
    right = [all(row[index].replace(",", "").isdigit() for row in rows) for index in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if on_right else cell.ljust(width)
            for cell, width, on_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in (head, *rows)
    )


def rule_table() -> str:
    """The table of rules as Markdown, one row per rule, in the order of the suites."""
    lines = ["| suite | rule | severity | fails when | who fixes it | source |", "|---|---|---|---|---|---|"]
    for suite, rules in rules_by_suite().items():
        lines += [
            f"| {suite} | `{rule.rule_id}` | {rule.severity} | {rule.text_en} | {rule.owner} | {rule.source} |"
            for rule in rules
        ]
    return "\n".join(lines)
