"""A real pair of servers: what is written to one is read from the other, also while the first is away."""

import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import make_dsn, parse_dsn

from reports.portal import database
from reports.portal.readers import Reader
from reports.portal.settings import portal_settings
from warehouse import server
from warehouse.__main__ import main
from warehouse.archive import BackupFailed
from warehouse.connection import connect
from warehouse.replica import create, promote, replica_lag
from warehouse.settings import settings

AWAIT_SECONDS = 60


@dataclass
class Pair:
    """A primary with a table and its replica, which also listens on a port."""

    primary: Path
    replica: Path
    port: int

    def both(self, kind: str) -> str:
        """One connection string for both, the replica first, as the portal may be given it."""
        places = [parse_dsn(server.socket_dsn(state)) for state in (self.replica, self.primary)]
        hosts, ports = (",".join(place[name] for place in places) for name in ("host", "port"))
        return make_dsn(user="postgres", dbname="lapor", host=hosts, port=ports, target_session_attrs=kind)


def run(dsn: str, statement: str) -> list[tuple[Any, ...]]:
    """Execute and commit; the rows, if the statement returns any."""
    with closing(psycopg2.connect(dsn)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


def lag(state: Path) -> timedelta | None:
    """What a server says of the replica."""
    with closing(psycopg2.connect(server.socket_dsn(state))) as connection, connection.cursor() as cursor:
        return replica_lag(cursor)


def await_that(condition: Any, what: str) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + AWAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {AWAIT_SECONDS} s: {what}"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """Two embedded servers of the test's own; the schema is none that matters here."""
    root = Path(tempfile.mkdtemp(prefix="lapor-tests-replica-"))
    root.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = Pair(root / "primary", root / "second place", port)
    made.primary.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAPOR_STATE_DIR", str(made.primary))
        patch.delenv("WAREHOUSE_DSN", raising=False)
        settings.cache_clear()
        try:
            dsn = server.start(made.primary)
            # The disk is most of the time this takes, and not what is asked about.
            run(dsn, "alter system set fsync = off")
            run(
                dsn,
                "create role panrb_analyst; create role portal login password 'of the test'; grant panrb_analyst to portal;"
                " create schema marts; grant usage on schema marts to panrb_analyst;"
                " create table marts.figures as select 1 as number; grant select on marts.figures to panrb_analyst;"
                " create schema library; grant usage on schema library to portal;"
                " create table library.access_log (role text, subject text, action text, object text, details json);"
                " grant insert on library.access_log to portal",
            )
            assert lag(made.primary) is None, "nobody is connected yet"
            assert main(["replica", "--to", str(made.replica), "--port", str(port)]) == 0
            yield made
        finally:
            for state in (made.replica, made.primary):
                server.stop(state)
    settings.cache_clear()
    shutil.rmtree(root)


def test_what_is_written_is_read_from_the_replica_and_nothing_is_written_there(pair: Pair) -> None:
    run(server.socket_dsn(pair.primary), "insert into marts.figures values (2)")
    replica = server.socket_dsn(pair.replica)
    await_that(lambda: run(replica, "select count(*) from marts.figures") == [(2,)], "the second row arrives")
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        run(replica, "insert into marts.figures values (3)")
    await_that(lambda: lag(pair.replica) == lag(pair.primary) == timedelta(0), "both say that all is replayed")


def test_a_replica_that_does_not_keep_up_says_how_far_behind_it_is(pair: Pair) -> None:
    primary, replica = server.socket_dsn(pair.primary), server.socket_dsn(pair.replica)
    run(replica, "select pg_wal_replay_pause()")
    try:
        run(primary, "create table marts.not_yet_there ()")
        began = time.monotonic()
        await_that(lambda: (lag(pair.replica) or timedelta(0)) > timedelta(seconds=0.5), "it falls behind")
        assert time.monotonic() - began < AWAIT_SECONDS
        assert run(replica, "select to_regclass('marts.not_yet_there')") == [(None,)]
    finally:
        run(replica, "select pg_wal_replay_resume()")
    await_that(lambda: lag(pair.replica) == timedelta(0), "it has caught up")


def test_reads_go_on_while_the_primary_restarts(pair: Pair) -> None:
    replica, stop_reading = server.socket_dsn(pair.replica), threading.Event()
    for_reading, for_writing = pair.both("prefer-standby"), pair.both("read-write")
    while_away: list[int] = []
    failures: list[psycopg2.Error] = []
    is_away = threading.Event()

    def read() -> None:
        with closing(psycopg2.connect(replica)) as connection:
            connection.autocommit = True
            while not stop_reading.is_set():
                try:
                    with connection.cursor() as cursor:
                        cursor.execute("select count(*) from marts.figures")
                        if is_away.is_set():
                            while_away.append(1)
                except psycopg2.Error as error:
                    failures.append(error)
                    return

    reader = threading.Thread(target=read)
    reader.start()
    try:
        server.stop(pair.primary)
        is_away.set()
        await_that(lambda: len(while_away) > 20 or failures, "it is read while the primary is down")
        assert lag(pair.replica) != timedelta(0), "without a primary nobody can say that nothing is missing"
        # The portal's one connection string leads to the replica, and to a primary when there is none.
        assert run(for_reading, "select pg_is_in_recovery()") == [(True,)]
        with pytest.raises(psycopg2.OperationalError):
            run(for_writing, "select 1")
        is_away.clear()
        server.start(pair.primary)
    finally:
        stop_reading.set()
        reader.join()
    assert failures == []
    run(server.socket_dsn(pair.primary), "insert into marts.figures values (4)")
    assert run(for_writing, "select pg_is_in_recovery()") == [(False,)]
    await_that(lambda: (4,) in run(replica, "select number from marts.figures"), "it streams again by itself")


def test_the_portal_reads_from_the_replica_and_writes_down_on_the_primary(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAPOR_PORTAL_DSN", make_dsn(pair.both("prefer-standby"), user="portal"))
    portal_settings.cache_clear()
    database.close()
    reader = Reader("panrb_analyst", None, "PANRB", "test")
    try:
        with database.ask(reader) as cursor:
            cursor.execute("select current_user, pg_is_in_recovery(), count(*) > 0 from marts.figures")
            assert cursor.fetchone() == ("panrb_analyst", True, True)
        database.record(reader, "download", "marts.figures", {"rows": 1})
        written = run(server.socket_dsn(pair.primary), "select subject, object from library.access_log")
        assert written == [("test", "marts.figures")]
    finally:
        database.close()
        monkeypatch.undo()
        portal_settings.cache_clear()


def test_on_the_port_nobody_is_let_in_without_a_password(pair: Pair) -> None:
    facts: dict[str, Any] = {"host": "127.0.0.1", "port": pair.port, "dbname": "lapor", "connect_timeout": 5}
    for user, password in (("postgres", ""), ("portal", "a wrong one")):
        with pytest.raises(psycopg2.OperationalError, match="password"):
            psycopg2.connect(make_dsn(user=user, password=password or None, **facts))
    assert run(make_dsn(user="portal", password="of the test", **facts), "select pg_is_in_recovery()") == [(True,)]
    assert run(server.socket_dsn(pair.primary), "show listen_addresses") == [("",)], "the primary has its socket only"


def test_up_starts_a_replica_and_writes_nothing_there(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server.stop(pair.replica)
    monkeypatch.setenv("LAPOR_STATE_DIR", str(pair.replica))
    settings.cache_clear()
    try:
        assert main(["up"]) == 0
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert "it follows its primary and is only read" in capsys.readouterr().out
    assert run(server.socket_dsn(pair.replica), "select pg_is_in_recovery()") == [(True,)]


def test_making_it_again_starts_it_again(pair: Pair) -> None:
    server.stop(pair.replica)
    assert create(pair.primary, pair.replica) == server.socket_dsn(pair.replica)
    assert run(server.socket_dsn(pair.replica), "select pg_is_in_recovery()") == [(True,)]
    with pytest.raises(BackupFailed, match="no replica"):
        create(pair.primary, pair.primary)


def test_it_takes_the_primarys_place_only_when_that_is_down(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--to", str(pair.replica), "--promote"]
    assert main(["replica", *arguments]) == 1
    assert "The primary answers" in capsys.readouterr().err
    server.stop(pair.primary)
    assert main(["replica", *arguments]) == 0
    run(server.socket_dsn(pair.replica), "insert into marts.figures values (5)")
    assert lag(pair.replica) is None, "it is a primary without a replica now"
    with pytest.raises(BackupFailed, match="no replica"):
        promote(pair.replica)
    with pytest.raises(server.WarehouseNotRunning):
        connect("owner")
