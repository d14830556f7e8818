"""Rows on their way into raw: a session's own tables, filled by COPY, emptied after each part."""

import io
from collections.abc import Iterable

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from extract.records import CARRIED, COLUMNS, COMPLAINTS, Line, Row

COPY_BYTES = 1024 * 1024
COPY_FORMAT = "with (format csv, null 'null', escape '\\')"
# A truncate costs a small delivery's whole time, rows deleted in place cost every later scan a little.
_TRUNCATE_AFTER_ROWS = 2000


class Staging:
    """The staging tables of one connection: `make`, then in the part's transaction `copy` and `empty`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # How many rows went through each table since it was last emptied for good.
        self._rows: dict[str, int] = {}

    def make(self, table: str) -> None:
        """A table of this session's own (pg_temp); the same name in another session is another table.

        It keeps its rows over the transaction: emptying it at every commit would cost more than a small delivery.
        """
        if table in self._rows:
            return
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(f"create temp table if not exists incoming_{table} (like raw.{table})")
            for column in ("row_id", "delivery_id", "night", "agency_code", "content_hash"):
                cursor.execute(f"alter table pg_temp.incoming_{table} alter column {column} drop not null")
            texts = ", add column title text, add column body text" if table == COMPLAINTS else ""
            cursor.execute(f"alter table pg_temp.incoming_{table} add column ordinal integer{texts}")
        self._rows[table] = 0

    def empty(self, cursor: Cursor, table: str, count: int) -> None:
        """After use; what a transaction that fails leaves behind goes with it."""
        self._rows[table] += count
        if self._rows[table] > _TRUNCATE_AFTER_ROWS:
            cursor.execute(f"truncate pg_temp.incoming_{table}")
            self._rows[table] = 0
        else:
            cursor.execute(f"delete from pg_temp.incoming_{table}")

    def copy(self, cursor: Cursor, table: str, lines: list[tuple[int, Line]], *, careful: bool) -> None:
        """COPY the rows into the staging table; when careful, halve what is refused until the refused row is alone."""
        columns = ["ordinal", *COLUMNS[table], *CARRIED]
        if table == COMPLAINTS:
            columns += ["title", "body"]
        if careful:
            cursor.execute("savepoint before_copy")
        try:
            cursor.copy_expert(
                f"copy pg_temp.incoming_{table} ({', '.join(columns)}) from stdin {COPY_FORMAT}",
                _numbered(lines),
                size=COPY_BYTES,
            )
        except psycopg2.DataError as error:
            if not careful:
                raise
            cursor.execute("rollback to savepoint before_copy")
            if len(lines) == 1:
                ordinal, line = lines[0]
                code = error.pgcode or "unknown"
                refused = Row(
                    line.position(table),
                    [None] * len(COLUMNS[table]),
                    [f"row: refused by PostgreSQL (SQLSTATE {code})"],
                )
                self.copy(cursor, table, [(ordinal, refused.line(table))], careful=careful)
                return
            middle = len(lines) // 2
            self.copy(cursor, table, lines[:middle], careful=careful)
            self.copy(cursor, table, lines[middle:], careful=careful)


def _numbered(lines: Iterable[tuple[int, Line]]) -> io.BytesIO:
    written = [
        b"%d,%b,%b" % (ordinal, line.columns, line.texts) if line.texts else b"%d,%b" % (ordinal, line.columns)
        for ordinal, line in lines
    ]
    return io.BytesIO(b"\n".join([*written, b""]))
