"""Load one delivery into raw, part by part, each all or nothing.

The rows, the texts, the files taken and the ledger row with its checkpoint commit in one transaction: a crash leaves a
part stored or not, so going on is always safe. A new attempt first takes away what the one before it loaded. A version
is kept only when its content differs from the latest one of an earlier night; of two versions in one delivery the newer
stays. A row that PostgreSQL refuses is found by bisection and stays as an empty row with the reason, so that it is
counted and quarantined; the others are unharmed.

What can meet nothing (first_load.py) goes straight into its table; all else is compared in a staging table first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json, execute_values

from extract.connectors import FileTaken
from extract.errors import DeliveryTaken
from extract.first_load import is_allowed, may_meet, repeats, write
from extract.ledger import Planned
from extract.records import CARRIED, COLUMNS, COMPLAINTS, EVENTS, KEYS, Line, Row
from extract.staging import Staging


@dataclass(frozen=True, slots=True)
class Part:
    """A stored part of a delivery: its rows, and what the ledger row says from then on.

    `begins` is true for the first part of an attempt. `state` is `expected` while more is to come: then `checkpoint` is
    where to go on (None when the delivery can only be read whole). `content_sha256` is over all pages so far.
    """

    number: int
    begins: bool
    state: str
    rows: list[Row | Line] = field(default_factory=list)
    events: list[Row | Line] = field(default_factory=list)
    files: Sequence[FileTaken] = ()
    checkpoint: str | None = None
    reason: str | None = None
    stated_total: int | None = None
    page_count: int = 0
    byte_count: int = 0
    content_sha256: str | None = None
    landing_path: str | None = None
    watermark_to: datetime | None = None
    unknown_fields: Sequence[str] = ()
    missing_fields: Sequence[str] = ()
    retyped_fields: Sequence[str] = ()
    field_types: dict[str, str] = field(default_factory=dict)
    started_at: datetime | None = None


class Loader:
    """Writes deliveries over one connection (role loader)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._staging = Staging(connection)

    def store(self, planned: Planned, part: Part, table: str) -> int:
        """Write one part; returns the rows that are new or changed. Raises database trouble, or as `_claim` does.

        The first part of a new attempt takes away what earlier attempts had loaded, unless the delivery is extended.
        """
        rows, events = _lines(table, part.rows), _lines(EVENTS, part.events)
        for name, lines in ((table, rows), (EVENTS, events)):
            if lines:
                self._staging.make(name)
        for careful in (False, True):
            try:
                return self._store(planned, part, table, rows, events, careful=careful)
            except psycopg2.DataError:  # some row is refused: once more, with a way back to before it
                if careful:
                    raise
        raise AssertionError("the loop returns or raises")

    def _store(
        self, planned: Planned, part: Part, table: str, rows: list[Line], events: list[Line], *, careful: bool
    ) -> int:
        with self._connection, self._connection.cursor() as cursor:
            self._claim(cursor, planned, part)
            if part.begins and planned.attempt and not planned.keeps_rows:
                self._remove(cursor, planned, table)
            known = bool(rows) and self._has_earlier_rows(cursor, planned, table)
            follows = not part.begins or planned.keeps_rows
            met = follows and (known or table != COMPLAINTS or may_meet(cursor, planned, rows))
            alone = table == COMPLAINTS and not (careful or known or met or repeats(rows) or repeats(events))
            if alone and is_allowed(cursor):
                write(cursor, planned, rows, events)
                loaded, loaded_events, replaced, replaced_events = len(rows), len(events), 0, 0
            else:
                given = {"known": known, "met": met, "careful": careful}
                loaded, replaced = self._append(cursor, planned, table, rows, **given)
                loaded_events, replaced_events = self._append(cursor, planned, EVENTS, events, **given)
            self._record(cursor, planned, part, loaded - replaced, loaded_events - replaced_events)
            self._remember_files(cursor, planned, part.files)
        return loaded

    def record_failure(self, planned: Planned, state: str, reason: str, started_at: datetime) -> None:
        """Say in the ledger why a delivery did not come, or not to its end. What is stored stays.

        A delivery that was had before and is only asked for again keeps its state: what we have is not lost to a bad
        hour. The night waits for a build unless all this was said before.
        """
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(
                """
                with said as (
                    select
                        delivery_id,
                        case when is_had then delivery.state else %(state)s end as state,
                        case when is_had then 'asked again without success, what came before stands: ' else '' end
                            || %(reason)s as reason,
                        case when is_had or checkpoint is not null then 0 else 1 end as more_attempts,
                        (delivery.state, delivery.reason) as said_before
                    from ops.deliveries as delivery
                    cross join lateral (select delivery.state in ('received', 'empty') as is_had) as had
                    where delivery_id = %(delivery_id)s
                    for update of delivery
                ),

                moved as (
                    update ops.nights set changed_seq = changed_seq + 1
                    from said
                    where night = %(night)s and said_before is distinct from (said.state, said.reason)
                )

                update ops.deliveries as delivery
                set
                    state = said.state,
                    reason = said.reason,
                    attempt = attempt + more_attempts,
                    started_at = %(started_at)s,
                    finished_at = now()
                from said
                where delivery.delivery_id = said.delivery_id
                """,
                {
                    "state": state,
                    "reason": reason,
                    "started_at": started_at,
                    "delivery_id": planned.delivery_id,
                    "night": planned.night,
                },
            )

    @staticmethod
    def _claim(cursor: Cursor, planned: Planned, part: Part) -> None:
        """Lock the ledger row and see that nobody else has gone on with the delivery meanwhile.

        Raises DeliveryTaken when somebody has.
        """
        cursor.execute(
            "select attempt, part_count from ops.deliveries where delivery_id = %s for update", [planned.delivery_id]
        )
        attempt, part_count = cursor.fetchone() or (None, None)
        mine = attempt == planned.attempt if part.begins else attempt == planned.attempt_now
        if not mine or (
            not part.begins and not planned.is_replayed and part_count not in (part.number - 1, part.number)
        ):
            raise DeliveryTaken(
                "another extraction of this night has gone on with it meanwhile", "Run it once more, and one at a time."
            )

    def _remove(self, cursor: Cursor, planned: Planned, table: str) -> None:
        for name in (table, EVENTS) if table == COMPLAINTS else (table,):
            cursor.execute(f"delete from raw.{name} where delivery_id = %s", [planned.delivery_id])
        cursor.execute("delete from restricted.complaint_texts where delivery_id = %s", [planned.delivery_id])

    @staticmethod
    def _has_earlier_rows(cursor: Cursor, planned: Planned, table: str) -> bool:
        """Whether there is anything of the agency in that table from an earlier night."""
        cursor.execute(
            f"select exists (select from raw.{table} where agency_code = %s and night < %s)",
            [planned.agency.agency_code, planned.night],
        )
        return cursor.fetchone() == (True,)

    def _append(
        self,
        cursor: Cursor,
        planned: Planned,
        table: str,
        lines: list[Line],
        *,
        known: bool,
        met: bool,
        careful: bool,
    ) -> tuple[int, int]:
        """Append what is new or changed; returns how many rows, and how many of earlier parts they replaced.

        `known` says that there may be versions of earlier nights, `met` that earlier parts may have brought the same.
        """
        if not lines:
            return 0, 0
        self._staging.copy(cursor, table, list(enumerate(lines)), careful=careful)
        columns, key = COLUMNS[table], KEYS[table]
        same_key = " and ".join(f"known.{column} = incoming.{column}" for column in key)
        facts = {"agency": planned.agency.agency_code, "night": planned.night, "delivery": planned.delivery_id}
        replaced, same = self._replace_earlier(cursor, table, same_key, facts) if met else (0, 0)
        # A row without a whole key is like no other row: its place in the delivery is its identity, and no earlier
        # version is its own.
        own = " or ".join(f"{column} is null" for column in key)
        newest = "updated_at desc nulls last, ordinal desc" if table == COMPLAINTS else "ordinal desc"
        listed = ", ".join((*columns, *CARRIED))
        not_here = (
            f"and not exists (select from raw.{table} as known where known.delivery_id = %(delivery)s"
            f" and known.agency_code = %(agency)s and {same_key})"
            if replaced < same
            else ""
        )
        # Only what was received counts as known: rows of a delivery that broke off are not in the marts. An agency
        # whose first rows these are has no earlier version of anything, and asking for each would be half of the work.
        latest, differs = "", "true"
        if known:
            differs = "latest.content_hash is distinct from incoming.content_hash"
            latest = f"""
                left join lateral (
                    select known.content_hash
                    from raw.{table} as known
                    inner join ops.deliveries as delivery using (delivery_id)
                    where known.agency_code = %(agency)s and known.night < %(night)s and {same_key}
                        and delivery.state = 'received'
                    order by known.night desc, known.row_id desc
                    limit 1
                ) as latest on true"""
        cursor.execute(
            f"""
            with incoming as (
                select distinct on ({", ".join(key)}, case when {own} then ordinal end) *
                from pg_temp.incoming_{table}
                order by {", ".join(key)}, case when {own} then ordinal end, {newest}
            ),

            changed as (
                select incoming.*
                from incoming{latest}
                where {differs} {not_here}
            ),

            appended as (
                insert into raw.{table} (delivery_id, night, agency_code, {listed})
                select %(delivery)s, %(night)s, %(agency)s, {listed}
                from changed
                returning 1
            ){self._texts_clause(table)}
            select count(*) from appended
            """,
            facts,
        )
        row = cursor.fetchone()
        self._staging.empty(cursor, table, len(lines))
        assert row is not None
        return int(row[0]), replaced

    @staticmethod
    def _replace_earlier(cursor: Cursor, table: str, same_key: str, facts: dict[str, Any]) -> tuple[int, int]:
        """Take away what earlier parts of this delivery brought of the same things, unless that is newer.

        Returns how many rows went, and how many were met.
        """
        same = f"known.delivery_id = %(delivery)s and known.agency_code = %(agency)s and {same_key}"
        if table != COMPLAINTS:
            cursor.execute(
                f"delete from raw.{table} as known using pg_temp.incoming_{table} as incoming where {same}", facts
            )
            return cursor.rowcount, cursor.rowcount
        cursor.execute(
            f"""
            select known.row_id, coalesce(incoming.updated_at >= known.updated_at, true)
            from raw.{table} as known
            inner join pg_temp.incoming_{table} as incoming on {same}
            """,
            facts,
        )
        met = cursor.fetchall()
        older = {row_id for row_id, is_older in met if is_older}
        if older:
            cursor.execute(
                f"delete from restricted.complaint_texts as known using raw.{table} as row"
                " where row.row_id = any(%(older)s) and known.delivery_id = row.delivery_id"
                " and known.source_system = row.source_system and known.tracking_id = row.tracking_id",
                {"older": list(older)},
            )
            cursor.execute(f"delete from raw.{table} where row_id = any(%(older)s)", {"older": list(older)})
        return len(older), len({row_id for row_id, _ in met})

    @staticmethod
    def _texts_clause(table: str) -> str:
        if table != COMPLAINTS:
            return ""
        return """,

            texts as (
                insert into restricted.complaint_texts
                    (delivery_id, night, agency_code, source_system, tracking_id, title, body)
                select %(delivery)s, %(night)s, %(agency)s, source_system, tracking_id, title, body
                from changed
                where tracking_id is not null and (title is not null or body is not null)
            )"""

    @staticmethod
    def _record(cursor: Cursor, planned: Planned, part: Part, loaded: int, events: int) -> None:
        """Write the part down in the ledger; the night waits for a build, also when the part has nothing in it.

        A mart says of every delivery what became of it.
        """
        kept = not part.begins or planned.keeps_rows
        facts = {
            "kept": int(kept),
            "begins": int(part.begins),
            "state": part.state,
            "received_rows": len(part.rows),
            "loaded_rows": loaded,
            "received_events": len(part.events),
            "loaded_events": events,
            "part_count": max(part.number, planned.part_count) if planned.is_replayed else part.number,
            "checkpoint": part.checkpoint,
            "stated_total": part.stated_total,
            "page_count": part.page_count,
            "byte_count": part.byte_count,
            "content_sha256": part.content_sha256,
            "landing_path": part.landing_path,
            "watermark_from": planned.since,
            "watermark_to": part.watermark_to,
            "unknown_fields": list(part.unknown_fields),
            "missing_fields": list(part.missing_fields),
            "retyped_fields": list(part.retyped_fields),
            "field_types": Json(part.field_types) if part.field_types else None,
            "reason": part.reason,
            "started_at": part.started_at,
            "delivery_id": planned.delivery_id,
            "night": planned.night,
        }
        counted = ", ".join(
            f"{name} = {name} * %(kept)s + %({name})s"
            for name in ("received_rows", "loaded_rows", "received_events", "loaded_events", "page_count", "byte_count")
        )
        cursor.execute(
            f"""
            with moved as (update ops.nights set changed_seq = changed_seq + 1 where night = %(night)s)

            update ops.deliveries
            set
                {counted},
                superseded_rows = (received_rows - loaded_rows) * %(kept)s + %(received_rows)s - %(loaded_rows)s,
                superseded_events = (received_events - loaded_events) * %(kept)s
                    + %(received_events)s - %(loaded_events)s,
                attempt = attempt + %(begins)s,
                state = %(state)s,
                part_count = %(part_count)s,
                checkpoint = %(checkpoint)s,
                stated_total = %(stated_total)s,
                content_sha256 = %(content_sha256)s,
                landing_path = %(landing_path)s,
                watermark_from = case when %(kept)s = 1 then least(watermark_from, %(watermark_from)s)
                    else %(watermark_from)s end,
                watermark_to = greatest(case when %(kept)s = 1 then watermark_to end, %(watermark_to)s),
                unknown_fields = %(unknown_fields)s,
                missing_fields = %(missing_fields)s,
                retyped_fields = %(retyped_fields)s,
                field_types = %(field_types)s,
                reason = %(reason)s,
                started_at = case when %(begins)s = 1 then %(started_at)s else started_at end,
                finished_at = now()
            where delivery_id = %(delivery_id)s
            """,
            facts,
        )

    @staticmethod
    def _remember_files(cursor: Cursor, planned: Planned, files: Sequence[FileTaken]) -> None:
        if files:
            execute_values(
                cursor,
                "insert into ops.files (agency_code, resource, path, fingerprint, delivery_id) values %s"
                " on conflict (agency_code, resource, path) do update set fingerprint = excluded.fingerprint,"
                " delivery_id = excluded.delivery_id, taken_at = now()",
                [
                    (planned.agency.agency_code, planned.source.resource, file.path, file.fingerprint,
                     planned.delivery_id)
                    for file in files
                ],
            )  # fmt: skip


def _lines(table: str, rows: Sequence[Row | Line]) -> list[Line]:
    return [row.line(table) for row in rows]
