"""The portal's only way to PostgreSQL: the login `portal`, for each request one transaction in the reader's role.

The login inherits nothing: outside `ask` and `record` it can read no mart. Whatever a request sets, ends with its
transaction; a connection is cleared before another request gets it. Each of the two is one message to the server: on a
busy machine every round trip costs both sides a change of process.

With a DSN of several servers and `target_session_attrs=prefer-standby` what is asked is read from a replica; what is
recorded goes to the server that can be written to.
"""

import json
import queue
import select
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extensions import make_dsn, parse_dsn

from reports.portal.readers import Reader
from reports.portal.settings import portal_settings
from warehouse.connection import warehouse_dsn
from warehouse.server import WarehouseNotRunning

CONNECT_SECONDS = 5
# Ends the transaction, and what a statement might have set for the session in spite of all.
CLEAR = "rollback; reset all; reset session authorization"


class DatabaseBusy(RuntimeError):
    """Every connection is in use, or the server does not answer; to be tried again later."""


@contextmanager
def ask(reader: Reader) -> Iterator[Cursor]:
    """A cursor that sees what the reader may see: one read-only transaction under the reader's role, rolled back after.

    Raises DatabaseBusy when no connection is to be had, psycopg2.errors.QueryCanceled when a query takes too long.
    """
    with _connection() as connection, connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "begin read only; set local role {role};"
                " select set_config('app.agency_code', %s, true), set_config('app.subject', %s, true)"
            ).format(role=sql.Identifier(reader.role)),
            (reader.agency_code or "", reader.subject),
        )
        yield cursor


def record(reader: Reader, action: str, what: str, details: Mapping[str, str | int]) -> None:
    """Write down that a reader was given something: committed when this returns, or nothing is to be given.

    Raises DatabaseBusy or psycopg2.Error.
    """
    with _connection("read-write" if _has_replica() else None) as connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into library.access_log (role, subject, action, object, details) values (%s, %s, %s, %s, %s)",
            (reader.role, reader.subject, action, what, json.dumps(details)),
        )


def answers() -> bool:
    """Whether PostgreSQL answers the portal's login."""
    try:
        with _connection() as connection, connection.cursor() as cursor:
            cursor.execute("select 1")
    except (DatabaseBusy, psycopg2.Error):
        return False
    return True


def close() -> None:
    """Close the connections that are not in use; the next request opens new ones."""
    for kind in (None, "read-write"):
        slots, taken = _slots(kind), 0
        while not slots.empty():
            connection = slots.get()
            taken += 1
            if connection:
                connection.close()
        for _ in range(taken):
            slots.put(None)


def _has_replica() -> bool:
    configured = portal_settings().dsn
    return configured is not None and "target_session_attrs" in parse_dsn(configured.get_secret_value())


@lru_cache(maxsize=2)
def _slots(kind: str | None) -> "queue.LifoQueue[Connection | None]":
    """As many places as connections of a kind are allowed; the last used first, so that few stay open."""
    slots: queue.LifoQueue[Connection | None] = queue.LifoQueue()
    for _ in range(portal_settings().connections):
        slots.put(None)
    return slots


@contextmanager
def _connection(kind: str | None = None) -> Iterator[Connection]:
    """A connection for one request; kind: another `target_session_attrs` than the DSN's."""
    slots = _slots(kind)
    try:
        connection = slots.get(timeout=portal_settings().wait_seconds)
    except queue.Empty:
        raise DatabaseBusy("Every connection is in use. Try again in a few seconds.") from None
    usable = None
    try:
        if connection is None or not _is_alive(connection):
            connection = _open(kind)
        try:
            yield connection
        finally:
            if not connection.closed:
                with connection.cursor() as cursor:
                    cursor.execute(CLEAR)
                usable = connection
    except psycopg2.errors.QueryCanceled:
        raise
    except (psycopg2.OperationalError, WarehouseNotRunning) as error:
        raise DatabaseBusy("The warehouse does not answer. Try again in a minute.") from error
    finally:
        slots.put(usable)


def _is_alive(connection: Connection) -> bool:
    """Whether the server still knows a connection that has been idle; a restart of the server closes all of them.

    Nobody has asked it anything, so what is there to be read can only be its farewell.
    """
    heard = select.poll()
    heard.register(connection, select.POLLIN)
    if heard.poll(0):
        connection.close()
        return False
    return True


def _open(kind: str | None) -> Connection:
    configured = portal_settings().dsn
    dsn = configured.get_secret_value() if configured else warehouse_dsn()
    timeout = int(portal_settings().statement_seconds * 1000)
    facts = {
        "application_name": "lapor/portal",
        "connect_timeout": str(CONNECT_SECONDS),
        "options": f"-c timezone=UTC -c statement_timeout={timeout} -c idle_in_transaction_session_timeout=60000",
    }
    facts |= {} if configured else {"user": "portal"}
    facts |= {"target_session_attrs": kind} if kind else {}
    connection = psycopg2.connect(make_dsn(dsn, **facts))
    connection.autocommit = True  # `ask` begins its transaction itself
    return connection
