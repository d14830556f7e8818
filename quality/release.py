"""Let a held delivery in, or a held night be published, by name and note.

The quarantined rows in it stay out: each has its own way out.
"""

from datetime import date

from quality.errors import NotHeld
from quality.quarantine import clear_superseded
from quality.steward import log, require_name
from quality.suites import ROW_SUITES
from warehouse.connection import connect


def release(night: date, agency_code: str, resource: str, by: str, note: str) -> str:
    """Turn the verdict `held` of one delivery into a pass and return the new verdict; the next build stages it.

    The release lasts as long as the delivery's content does. Raises NotHeld if the delivery is not held, or has been
    loaded again since and needs the gate first, NotDecidable without a name or a reason.
    """
    require_name(by, note)
    connection = connect("gate", "lapor/quality")
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(hashtext('lapor.quality.gate'))")
            cursor.execute(
                """
                update quality.agency_verdict as verdict
                set
                    verdict = case when exists (
                        select
                        from quality.quarantined_record as record
                        where
                            record.night = verdict.night and record.agency_code = verdict.agency_code
                            and record.status in ('open', 'superseded', 'discarded')
                            and record.table_name = any(%(tables)s)
                    ) then 'pass_with_quarantine' else 'pass' end,
                    released_by = %(by)s, release_note = %(note)s, decided_at = now()
                from ops.deliveries as delivery
                where
                    verdict.night = %(night)s and verdict.agency_code = %(agency_code)s
                    and verdict.resource = %(resource)s and verdict.verdict = 'held'
                    and delivery.night = verdict.night and delivery.agency_code = verdict.agency_code
                    and delivery.resource = verdict.resource and delivery.attempt = verdict.attempt
                returning verdict.verdict
                """,
                {"night": night, "agency_code": agency_code, "resource": resource, "by": by, "note": note,
                 "tables": [suite.table for suite in ROW_SUITES if suite.resource == resource]},
            )  # fmt: skip
            released = cursor.fetchone()
            if released is None:
                raise NotHeld(
                    f"{agency_code} {resource}, night {night}: no current verdict `held`. "
                    f"See: python -m quality show --night {night}; gate the night first if it was extracted again."
                )
            clear_superseded(cursor, night)
            log(cursor, "released", by, note, delivery=f"{night} {agency_code} {resource}")
            cursor.execute("update ops.nights set changed_seq = changed_seq + 1 where night = %s", [night])
            return str(released[0])
    finally:
        connection.close()


def release_night(night: date, by: str, note: str) -> list[str]:
    """Let a held night be published and return the rules it was held by; gating it again lets the build start.

    It stays held, or is held again, by any rule that did not hold it when it was released. Raises NotHeld if the latest
    judgement of the night is not `held`, NotDecidable without a name or a reason.
    """
    require_name(by, note)
    connection = connect("gate", "lapor/quality")
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(hashtext('lapor.quality.gate'))")
            cursor.execute(
                """
                select array_agg(result.rule_id order by result.rule_id)
                from quality.validation_run as run
                inner join quality.expectation_result as result using (run_id)
                where
                    run.night = %(night)s and run.resource = 'night' and run.verdict = 'held'
                    and run.attempt = (select max(attempt) from quality.validation_run where night = %(night)s)
                    and result.severity = 'critical' and result.unexpected_count > 0
                """,
                {"night": night},
            )
            found = cursor.fetchone()
            if found is None or found[0] is None:
                raise NotHeld(f"night {night} is not held as last judged. See: python -m quality show --night {night}")
            rule_ids = list(found[0])
            cursor.execute(
                "insert into quality.night_release (night, rule_ids, released_by, note) values (%s, %s, %s, %s)"
                " on conflict (night) do update set rule_ids = excluded.rule_ids, released_by = excluded.released_by,"
                " note = excluded.note, released_at = now()",
                [night, rule_ids, by, note],
            )
            log(cursor, "released", by, note, delivery=f"night {night}: {', '.join(rule_ids)}")
            return rule_ids
    finally:
        connection.close()
