"""Load one delivery into raw, all or nothing.

The rows, the texts and the ledger row commit in one transaction: a crash leaves either the whole delivery or none of
it, so running it again is always safe. Loading a delivery again first takes away what it loaded before. A version is
kept only when its content differs from the latest one of an earlier night. A row that PostgreSQL refuses is found by
bisection and stays as an empty row with the reason, so that it is counted and quarantined; the others are unharmed.
"""

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from types import NoneType
from typing import Any

import msgspec
import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from extract.ledger import Planned
from extract.records import COLUMNS, COMPLAINTS, EVENTS, KEYS, Row

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_CARRIED = ("source_position", "content_hash", "_problems")


@dataclass(slots=True)
class Delivery:
    """What came of one delivery: its rows, or the state and reason it ended with."""

    state: str
    rows: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    reason: str | None = None
    stated_total: int | None = None
    page_count: int = 0
    byte_count: int = 0
    content_sha256: str | None = None
    landing_path: str | None = None
    watermark_to: datetime | None = None
    unknown_fields: Sequence[str] = ()
    started_at: datetime | None = None
    finished_at: datetime | None = None


class Loader:
    """Writes deliveries of one night over one connection (role loader)."""

    def __init__(self, connection: Connection, night: date) -> None:
        self._connection = connection
        self._night = night
        with connection, connection.cursor() as cursor:
            for table in COLUMNS:
                # pg_temp is this session's own; the same names in another session are other tables.
                cursor.execute(
                    f"create temp table if not exists incoming_{table} (like raw.{table}) on commit delete rows"
                )
                for column in ("row_id", "delivery_id", "night", "agency_code", "content_hash"):
                    cursor.execute(f"alter table incoming_{table} alter column {column} drop not null")
                cursor.execute(f"alter table incoming_{table} add column ordinal integer")
            cursor.execute("alter table incoming_complaints add column title text, add column body text")

    def load(self, planned: Planned, delivery: Delivery, table: str) -> tuple[int, int]:
        """Write one delivery; returns (rows loaded, events loaded). Raises nothing but database trouble."""
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(
                "select attempt from ops.deliveries where delivery_id = %s for update", [planned.delivery_id]
            )
            if cursor.fetchone() != (planned.attempt,):
                raise RuntimeError(f"delivery {planned.delivery_id} was loaded by another process meanwhile: run again")
            removed = self._remove(cursor, planned, table) if planned.attempt else 0
            loaded = self._append(cursor, planned, table, delivery.rows) if delivery.rows else 0
            events = self._append(cursor, planned, EVENTS, delivery.events) if delivery.events else 0
            self._record(cursor, planned, delivery, loaded, events)
            if removed or loaded or events:
                cursor.execute("update ops.nights set changed_seq = changed_seq + 1 where night = %s", [self._night])
        return loaded, events

    def _remove(self, cursor: Cursor, planned: Planned, table: str) -> int:
        removed = 0
        for name in (table, EVENTS) if table == COMPLAINTS else (table,):
            cursor.execute(f"delete from raw.{name} where delivery_id = %s", [planned.delivery_id])
            removed += cursor.rowcount
        cursor.execute("delete from restricted.complaint_texts where delivery_id = %s", [planned.delivery_id])
        return removed

    def _append(self, cursor: Cursor, planned: Planned, table: str, rows: list[Row]) -> int:
        self._copy(cursor, table, list(enumerate(rows)))
        columns, key = COLUMNS[table], KEYS[table]
        same_key = " and ".join(f"known.{column} = incoming.{column}" for column in key)
        # A row without a whole key is like no other row: its place in the delivery is its identity, and no earlier
        # version is its own.
        own = " or ".join(f"{column} is null" for column in key)
        newest = "updated_at desc nulls last, ordinal desc" if table == COMPLAINTS else "ordinal desc"
        listed = ", ".join((*columns, *_CARRIED))
        cursor.execute(
            f"""
            with incoming as (
                select distinct on ({", ".join(key)}, case when {own} then ordinal end) *
                from pg_temp.incoming_{table}
                order by {", ".join(key)}, case when {own} then ordinal end, {newest}
            ),

            changed as (
                select incoming.*
                from incoming
                left join lateral (
                    select known.content_hash
                    from raw.{table} as known
                    where known.agency_code = %(agency)s and known.night < %(night)s and {same_key}
                    order by known.night desc, known.row_id desc
                    limit 1
                ) as latest on true
                where latest.content_hash is distinct from incoming.content_hash
                order by incoming.ordinal
            ),

            appended as (
                insert into raw.{table} (delivery_id, night, agency_code, {listed})
                select %(delivery)s, %(night)s, %(agency)s, {listed}
                from changed
                returning 1
            ){self._texts_clause(table)}
            select count(*) from appended
            """,
            {"agency": planned.agency.agency_code, "night": self._night, "delivery": planned.delivery_id},
        )
        row = cursor.fetchone()
        cursor.execute(f"truncate pg_temp.incoming_{table}")
        assert row is not None
        return int(row[0])

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

    def _copy(self, cursor: Cursor, table: str, rows: list[tuple[int, Row]]) -> None:
        """COPY the rows into the session's staging table; on refusal halve until the refused row is alone."""
        columns = [*COLUMNS[table], *_CARRIED, "ordinal"]
        if table == COMPLAINTS:
            columns += ["title", "body"]
        cursor.execute("savepoint before_copy")
        try:
            cursor.copy_expert(
                f"copy pg_temp.incoming_{table} ({', '.join(columns)}) from stdin",
                io.StringIO("".join(_line(table, ordinal, row) for ordinal, row in rows)),
            )
        except psycopg2.DataError as error:
            cursor.execute("rollback to savepoint before_copy")
            if len(rows) == 1:
                ordinal, row = rows[0]
                code = error.pgcode or "unknown"
                refused = Row(
                    row.position, [None] * len(COLUMNS[table]), [f"row: refused by PostgreSQL (SQLSTATE {code})"]
                )
                self._copy(cursor, table, [(ordinal, refused)])
                return
            middle = len(rows) // 2
            self._copy(cursor, table, rows[:middle])
            self._copy(cursor, table, rows[middle:])

    def _record(self, cursor: Cursor, planned: Planned, delivery: Delivery, loaded: int, events: int) -> None:
        facts = {
            "state": delivery.state,
            "attempt": planned.attempt + 1,
            "received_rows": len(delivery.rows),
            "superseded_rows": len(delivery.rows) - loaded,
            "loaded_rows": loaded,
            "received_events": len(delivery.events),
            "superseded_events": len(delivery.events) - events,
            "loaded_events": events,
            "stated_total": delivery.stated_total,
            "page_count": delivery.page_count,
            "byte_count": delivery.byte_count,
            "content_sha256": delivery.content_sha256,
            "landing_path": delivery.landing_path,
            "watermark_from": planned.since,
            "watermark_to": delivery.watermark_to,
            "unknown_fields": list(delivery.unknown_fields),
            "reason": delivery.reason,
            "started_at": delivery.started_at,
            "finished_at": delivery.finished_at,
        }
        assignments = ", ".join(f"{name} = %({name})s" for name in facts)
        cursor.execute(
            f"update ops.deliveries set {assignments} where delivery_id = %(delivery_id)s",
            {**facts, "delivery_id": planned.delivery_id},
        )


def _line(table: str, ordinal: int, row: Row) -> str:
    values: list[Any] = [*row.values, row.position, row.content_hash(table), row.problems, ordinal]
    if table == COMPLAINTS:
        values += [row.title, row.body]
    return "\t".join([_WRITERS[type(value)](value) for value in values]) + "\n"


def _text(value: str) -> str:
    return value if value.isprintable() and "\\" not in value else value.translate(_ESCAPES)


# How each type is written in COPY's text format.
_WRITERS: dict[type, Callable[[Any], str]] = {
    NoneType: lambda value: "\\N",
    str: _text,
    bool: lambda value: "t" if value else "f",
    datetime: datetime.isoformat,
    date: date.isoformat,
    bytes: lambda value: "\\\\x" + value.hex(),
    dict: lambda value: _text(msgspec.json.encode(value).decode()),
    list: lambda value: _array(value) if value else "{}",
    int: str,
    Decimal: str,
}


def _array(items: Iterable[str]) -> str:
    quoted = ",".join('"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' for item in items)
    return ("{" + quoted + "}").translate(_ESCAPES)
