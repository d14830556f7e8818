"""Databases: a query or a table, read in the order of change by keyset, in a read-only transaction.

The address is an SQLAlchemy URL, so every database with a driver works; PostgreSQL, MySQL/MariaDB and SQLite are
tested. A page is a JSON list of rows: that is what is landed and read again.
"""

import asyncio
import math
import os
import re
import socket
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import psycopg2
import sqlalchemy
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from extract.connectors import Ask, Page, PageContent
from extract.connectors.answers import decode_json
from extract.errors import DeliveryFailed, SourceChanged
from extract.profile import Profile
from extract.records import Record
from warehouse.settings import settings

_TABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$")
_READ_ONLY = {
    "postgresql": ("set transaction read only", "set local statement_timeout = {milliseconds}"),
    "mysql": ("set session max_execution_time = {milliseconds}",),
    "mariadb": ("set session max_statement_time = {seconds}",),
    "sqlite": ("pragma query_only = on",),
}
# A statement that ran longer than it may: PostgreSQL, MySQL, MariaDB.
_TOO_LONG = ("57014", 3024, 1969)
_ANSWER_MARGIN_SECONDS = 5
_DRIVERS = {"postgresql": "postgresql+psycopg2", "mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}


class SqlConnector:
    """Reads a database as its profile's `sql` section describes."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._open: Any = None

    async def pages(self, ask: Ask) -> AsyncIterator[Page]:
        """Pages of rows changed in the window, ordered by time of change and key, from `ask.after` on."""
        loop = asyncio.get_running_loop()
        # Drivers block, and a connection belongs to one thread.
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="sql") as thread:
            engine = await loop.run_in_executor(thread, self._engine, ask)
            try:
                number, after = 1, ask.after
                while True:
                    rows = await loop.run_in_executor(thread, self._rows, engine, ask, after)
                    after = self._position(rows[-1]) if rows else None
                    more = len(rows) == self._spec.page_size
                    yield Page(f"page {number}", msgspec.json.encode(rows), rows, after if more else None)
                    if not more:
                        return
                    number += 1
            except asyncio.CancelledError:
                # The deadline: a driver that waits for a silent server hears of it only through its own connection.
                _hang_up(self._open)
                raise
            finally:
                await loop.run_in_executor(thread, engine.dispose)

    def read(self, page: Page) -> PageContent:
        """The rows of a page as records."""
        try:
            rows = decode_json(page.content) if page.decoded is None else page.decoded
        except ValueError as error:
            raise SourceChanged(f"{page.name} is no JSON: {error}") from None
        return PageContent(_records(page.name, rows))

    @property
    def _spec(self) -> Any:
        if self._profile.sql is None:
            raise DeliveryFailed(
                f"profile {self._profile.name} has no `sql` section",
                "Add it: updated_from, key_from and maybe a query.",
            )
        return self._profile.sql

    def _engine(self, ask: Ask) -> Engine:
        try:
            url = sqlalchemy.make_url(ask.address.base)
            if url.drivername in _DRIVERS:
                url = url.set(drivername=_DRIVERS[url.drivername])
            if ask.address.credential:
                user, _, password = ask.address.credential.partition(":")
                url = url.set(username=user, password=password or None)
            if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
                raise DeliveryFailed(  # SQLite would make an empty one
                    f"there is no database file {Path(url.database or '').name}", "Correct its connection."
                )
            patience = _patience(url.get_backend_name(), self._spec.timeout_seconds)
            return sqlalchemy.create_engine(url, pool_size=1, max_overflow=0, connect_args=patience)
        except (SQLAlchemyError, ImportError) as error:
            raise DeliveryFailed(
                f"its connection is no database URL that can be used ({type(error).__name__})",
                "Write dialect://host/database, for example postgresql://host:5432/db.",
            ) from None

    def _rows(self, engine: Engine, ask: Ask, after: str | None) -> list[dict[str, Any]]:
        spec = self._spec
        try:
            with engine.connect() as connection, connection.begin():
                self._open = connection.connection.dbapi_connection
                _protect(connection, spec.timeout_seconds)
                result = connection.execute(sqlalchemy.text(self._statement(ask, after)), self._values(ask, after))
                return [{name: _portable(value) for name, value in row._mapping.items()} for row in result]
        except SQLAlchemyError as error:
            raise _failure(error) from None
        except (ValueError, OverflowError) as error:  # a driver on a value that Python has no type for: the year 20000
            raise SourceChanged(f"a value of its rows cannot be read ({type(error).__name__})") from None

    def _statement(self, ask: Ask, after: str | None) -> str:
        spec = self._spec
        updated, key = spec.updated_from, spec.key_from
        inner = spec.query or f"select * from {_table(ask.address.location)}"  # noqa: S608 - checked to be a table's name
        conditions = []
        if not spec.query:
            conditions.append(f"{updated} < :until")
            if ask.window.since:
                conditions.append(f"{updated} >= :since")
        if after is not None:
            conditions.append(f"({updated} > :after_time or ({updated} = :after_time and {key} > :after_key))")
        where = f" where {' and '.join(conditions)}" if conditions else ""
        # Columns and query are the profile's, values are parameters.
        return f"select * from ({inner}) as changed{where} order by {updated}, {key} limit {spec.page_size}"  # noqa: S608

    def _values(self, ask: Ask, after: str | None) -> dict[str, Any]:
        zone = ZoneInfo(ask.time_zone)

        def written(moment: datetime) -> str:
            # A column without zone holds the source's own clock; PostgreSQL reads an offset only where there is a zone.
            offset = "%z" if sqlalchemy.make_url(ask.address.base).get_backend_name() == "postgresql" else ""
            return moment.astimezone(zone).strftime(f"%Y-%m-%d %H:%M:%S{offset}")

        since = ask.window.since or datetime(1970, 1, 2, tzinfo=zone)
        values: dict[str, Any] = {"since": written(since), "until": written(ask.window.until)}
        if after is not None:
            values["after_time"], values["after_key"] = msgspec.json.decode(after, type=list)
        wanted = self._statement(ask, after)
        return {name: value for name, value in values.items() if f":{name}" in wanted}

    def _position(self, row: dict[str, Any]) -> str:
        spec = self._spec
        try:
            return msgspec.json.encode([row[spec.updated_from], row[spec.key_from]]).decode()
        except KeyError as error:
            raise SourceChanged(f"the query does not return column {error.args[0]!r}") from None


def _table(name: str) -> str:
    if not _TABLE.match(name):
        raise DeliveryFailed("its location is no table name", "Write table or schema.table into sources.csv.")
    return name


def _protect(connection: Connection, timeout_seconds: int) -> None:
    dialect = connection.dialect.name
    if dialect == "mysql" and getattr(connection.dialect, "is_mariadb", False):
        dialect = "mariadb"
    if dialect in ("mysql", "mariadb"):
        connection.exec_driver_sql("set session transaction read only")
    for statement in _READ_ONLY.get(dialect, ()):
        connection.exec_driver_sql(statement.format(milliseconds=timeout_seconds * 1000, seconds=timeout_seconds))


def _failure(error: SQLAlchemyError) -> DeliveryFailed:
    """What the database said, without its statement and values."""
    original = getattr(error, "orig", None)
    code = getattr(original, "pgcode", None) or (original.args[0] if original is not None and original.args else None)
    absent = isinstance(code, str) and code.startswith(("no such table", "no such column"))
    # Other texts quote values.
    told = f" {code}" if isinstance(code, int) or absent or getattr(original, "pgcode", None) else ""
    connecting = isinstance(error, (sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError)) and not absent
    if code in _TOO_LONG:
        remedy = "It took too long: raise timeout_seconds in the profile, or ask for an index on the column of change."
    elif connecting:
        remedy = "Check address, credential and whether it is up."
    else:
        remedy = "Compare the profile's columns with the table."
    return DeliveryFailed(
        f"the database refused: {type(original or error).__name__}{told}", remedy, retryable=connecting
    )


def _patience(backend: str, statement_seconds: int) -> dict[str, Any]:
    """How long a driver waits: drivers have no limit of their own, or another one each."""
    seconds = math.ceil(settings().extract_request_timeout_seconds)
    match backend:
        case "postgresql":
            return {"connect_timeout": max(seconds, 2), "keepalives_idle": 30, "keepalives_interval": 10}
        case "mysql" | "mariadb":
            return {"connect_timeout": seconds, "read_timeout": statement_seconds + _ANSWER_MARGIN_SECONDS}
    return {}


def _hang_up(connection: Any) -> None:
    """Break a driver's connection under it, so that its thread comes back."""
    if connection is None:
        return
    if hasattr(connection, "interrupt"):  # SQLite
        connection.interrupt()
        return
    try:
        number = connection.fileno() if hasattr(connection, "fileno") else connection._sock.fileno()
        with socket.socket(fileno=os.dup(number)) as line:
            line.shutdown(socket.SHUT_RDWR)
    except (OSError, AttributeError, psycopg2.Error):
        return  # it is closed already


def _portable(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat(sep=" ")
        case date() | time():
            return value.isoformat()
        case Decimal():
            return str(value)
        case bytes() | memoryview():
            return bytes(value).decode("utf-8", "replace")
        case None | bool() | int() | float() | str() | list() | dict():
            return value
    return str(value)


def _records(page_name: str, rows: Any) -> Iterator[Record]:
    for number, row in enumerate(rows, start=1):
        position = f"{page_name}, row {number}"
        yield Record(position, row) if isinstance(row, dict) else Record(position, {}, problem="is no object")
