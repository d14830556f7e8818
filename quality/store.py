"""Write what was decided: runs, results, quarantine, flags, verdicts, metrics, in one transaction.

Everything but validation_run and expectation_result (one set per attempt) is brought to the decided state, not
appended to, so that gating a night again changes nothing that has not changed.
"""

from collections.abc import Iterable
from datetime import date

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json, execute_values

from quality.decisions import Delivery, Outcome, RowDecisions
from quality.errors import NotEvaluated
from quality.quarantine import clear_superseded, write_quarantine
from quality.suites import ROW_SUITES


def begin(connection: Connection, night: date) -> int:
    """Wait for any other gate to finish and return the number of this attempt at the night.

    The lock ends with the transaction. Raises NotEvaluated if the night was never opened.
    """
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('lapor.quality.gate'))")
        cursor.execute("select 1 from ops.nights where night = %s", [night])
        if cursor.fetchone() is None:
            raise NotEvaluated(f"night {night} is not open. Run: python -m extract open --night {night}")
        cursor.execute("select coalesce(max(attempt), 0) + 1 from quality.validation_run where night = %s", [night])
        row = cursor.fetchone()
        assert row is not None
        return int(row[0])


def refresh_statistics(connection: Connection) -> None:
    """Tell the planner about tables filled since it last looked: else it takes them for empty, and minutes to join.

    Before PostgreSQL 17 only a table's owner may; there the server's own autovacuum has to come round first.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            select string_agg(format('analyze %I.%I', schemaname, relname), '; ')
            from pg_stat_user_tables
            where schemaname in ('raw', 'restricted', 'ops', 'quality')
                and n_mod_since_analyze > 500 + n_live_tup / 10
                and current_setting('server_version_num')::integer >= 170000
            """
        )
        row = cursor.fetchone()
        if row and row[0]:
            cursor.execute(row[0])


def unjudged_nights(connection: Connection, night: date) -> list[date]:
    """Earlier nights with a received delivery whose present attempt has no verdict, oldest first."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            select distinct delivery.night
            from ops.deliveries as delivery
            where delivery.night < %s and delivery.state = 'received'
                and exists (select from ops.nights where night = delivery.night and gated_at is not null)
                and not exists (
                    select from quality.agency_verdict as verdict
                    where verdict.night = delivery.night and verdict.agency_code = delivery.agency_code
                        and verdict.resource = delivery.resource and verdict.attempt = delivery.attempt
                )
            order by delivery.night
            """,
            [night],
        )
        return [earlier for (earlier,) in cursor.fetchall()]


def released_rules(connection: Connection, night: date) -> list[str]:
    """The rules over the night in spite of which someone let it be published."""
    with connection.cursor() as cursor:
        cursor.execute("select rule_ids from quality.night_release where night = %s", [night])
        row = cursor.fetchone()
        return list(row[0]) if row else []


def write(connection: Connection, outcome: Outcome) -> bool:
    """Write every decision of the night and commit. True if other rows than before enter the marts.

    Then ops.nights.changed_seq moves, which makes the next build redo the night.
    """
    with connection, connection.cursor() as cursor:
        before = staged_signature(cursor, outcome.night)
        _write_runs(cursor, outcome)
        _write_flags(cursor, outcome.night, outcome.rows)
        _write_verdicts(cursor, outcome.night, outcome.deliveries)
        _write_metrics(cursor, outcome.night, outcome.deliveries)
        write_quarantine(cursor, outcome.night, outcome.rows)
        clear_superseded(cursor, outcome.night)
        changed = staged_signature(cursor, outcome.night) != before
        cursor.execute(
            "update ops.nights set gated_at = now(), changed_seq = changed_seq + %s where night = %s",
            [int(changed), outcome.night],
        )
    return changed


def record_error(connection: Connection, night: date, attempt: int, detail: str) -> None:
    """Record in a transaction of its own that the night could not be judged."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into quality.validation_run"
            " (night, attempt, resource, suite_hash, row_count, verdict, detail, started_at, finished_at)"
            " values (%s, %s, 'night', '', 0, 'error', %s, now(), now()) on conflict do nothing",
            [night, attempt, detail],
        )


def staged_signature(cursor: Cursor, night: date) -> str:
    """A digest of what decides which rows of the night are staged: current passes and rows kept out."""
    cursor.execute(
        """
        select md5(coalesce(string_agg(part, '|' order by part), '')) from (
            select concat_ws(' ', agency_code, resource, attempt) as part
            from quality.agency_verdict where night = %(night)s and verdict <> 'held'
            union all
            select concat_ws(' ', table_name, row_id)
            from quality.quarantined_record where night = %(night)s and status in ('open', 'superseded', 'discarded')
        ) as parts
        """,
        {"night": night},
    )
    row = cursor.fetchone()
    assert row is not None
    return str(row[0])


def _write_runs(cursor: Cursor, outcome: Outcome) -> None:
    kept_out = {decisions.table: len(decisions.quarantined) for decisions in outcome.rows}
    tables = {suite.name: suite.table for suite in ROW_SUITES}
    held = sum(delivery.verdict == "held" for delivery in outcome.deliveries)
    for run in outcome.runs:
        if run.name == "night":
            verdict, detail = outcome.verdict, None
        elif run.name == "deliveries":
            verdict, detail = ("passed_with_quarantine", f"{held} held") if held else ("passed", None)
        else:
            rows = kept_out.get(tables[run.name] or "", 0)
            verdict, detail = ("passed_with_quarantine", f"{rows} rows quarantined") if rows else ("passed", None)
        cursor.execute(
            "insert into quality.validation_run"
            " (night, attempt, resource, suite_hash, row_count, verdict, detail, started_at, finished_at)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s) returning run_id",
            [outcome.night, outcome.attempt, run.name, run.suite_hash, run.row_count, verdict, detail,
             run.started_at, run.finished_at],
        )  # fmt: skip
        row = cursor.fetchone()
        assert row is not None
        execute_values(
            cursor,
            "insert into quality.expectation_result"
            " (run_id, rule_id, severity, element_count, unexpected_count) values %s",
            [
                (row[0], result.rule.rule_id, result.rule.severity, result.element_count, len(result.row_ids))
                for result in run.results
            ],
        )


def _write_flags(cursor: Cursor, night: date, rows: Iterable[RowDecisions]) -> None:
    cursor.execute("delete from quality.row_flag where night = %s", [night])
    for decisions in rows:
        for rule_id, row_ids in decisions.flags.items():
            cursor.execute(
                "insert into quality.row_flag (night, table_name, row_id, rule_id)"
                " select %s, %s, row_id, %s from unnest(%s::bigint[]) as row_id",
                [night, decisions.table, rule_id, row_ids],
            )


def _write_verdicts(cursor: Cursor, night: date, deliveries: list[Delivery]) -> None:
    """The verdicts of the night. A release by name lasts while the content is the same and no further rule holds it."""
    cursor.execute(
        "delete from quality.agency_verdict as verdict where night = %s and not exists ("
        " select from unnest(%s::text[], %s::text[]) as judged (agency_code, resource)"
        " where judged.agency_code = verdict.agency_code and judged.resource = verdict.resource)",
        [night, [delivery.agency_code for delivery in deliveries], [delivery.resource for delivery in deliveries]],
    )
    execute_values(
        cursor,
        """
        insert into quality.agency_verdict as standing
            (night, agency_code, resource, attempt, verdict, rule_ids, reasons, released_by, release_note)
        select
            judged.night, judged.agency_code, judged.resource, judged.attempt,
            case when released.released_by is null then judged.verdict
                when judged.has_quarantine then 'pass_with_quarantine' else 'pass'
            end,
            judged.rule_ids, judged.reasons, released.released_by, released.release_note
        from (values %s) as judged
            (night, agency_code, resource, attempt, verdict, has_quarantine, content_sha256, rule_ids, reasons)
        left join quality.agency_metric as judged_before using (night, agency_code, resource)
        left join quality.agency_verdict as released
            on
                released.night = judged.night and released.agency_code = judged.agency_code
                and released.resource = judged.resource and released.released_by is not null
                and judged.verdict = 'held' and judged.rule_ids <@ released.rule_ids
                and (released.attempt = judged.attempt or judged_before.content_sha256 = judged.content_sha256)
        on conflict (night, agency_code, resource) do update set
            attempt = excluded.attempt, verdict = excluded.verdict, rule_ids = excluded.rule_ids,
            reasons = excluded.reasons, released_by = excluded.released_by, release_note = excluded.release_note,
            decided_at = excluded.decided_at
        where
            (standing.attempt, standing.verdict, standing.rule_ids, standing.reasons, standing.released_by)
            is distinct from
            (excluded.attempt, excluded.verdict, excluded.rule_ids, excluded.reasons, excluded.released_by)
        """,
        [
            (night, delivery.agency_code, delivery.resource, delivery.attempt, delivery.verdict,
             delivery.has_quarantine, delivery.content_sha256, delivery.rule_ids, delivery.reasons)
            for delivery in deliveries
        ],
        template="(%s::date, %s, %s, %s, %s, %s, %s::text, %s::text[], %s::text[])",
        page_size=2000,
    )  # fmt: skip


def _write_metrics(cursor: Cursor, night: date, deliveries: list[Delivery]) -> None:
    cursor.execute("delete from quality.agency_metric where night = %s", [night])
    execute_values(
        cursor,
        "insert into quality.agency_metric"
        " (night, agency_code, resource, received_rows, loaded_rows, bad_rows, trailing_median, content_sha256, counts)"
        " values %s",
        [
            (night, delivery.agency_code, delivery.resource, delivery.received_rows, delivery.loaded_rows,
             delivery.bad_rows, delivery.trailing_median, delivery.content_sha256, Json(delivery.counts))
            for delivery in deliveries
        ],
        page_size=2000,
    )  # fmt: skip
