"""The doctor tells the truth: one thing is broken at a time, and that line says so and what to do."""

import base64
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from tests.certificates import certificate
from warehouse import inspection, nights, status
from warehouse import server as embedded
from warehouse.__main__ import main
from warehouse.connection import connect
from warehouse.findings import Line, StatusSettings
from warehouse.schema import SQL_DIRECTORY
from warehouse.settings import settings

NIGHT = "2021-06-30"
NEXT_MORNING = datetime(2021, 7, 1, 2, tzinfo=UTC)  # 09:00 WIB
AGENCIES = 10


@pytest.fixture
def run(warehouse: Connection) -> Callable[..., list[tuple[Any, ...]]]:
    """Run a statement as the owner and commit."""

    def execute(query: str, values: Any = None) -> list[tuple[Any, ...]]:
        with warehouse, warehouse.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    return execute


@pytest.fixture
def night(run: Callable[..., Any]) -> Callable[..., Any]:
    """A real (not simulated) night of ten agencies, whole and published."""
    for day in range(20, 31):
        run(
            "insert into ops.nights (night, cut_off_at, registry, is_simulated, opened_at, gated_at, published_at,"
            " changed_seq, built_seq, published_seq)"
            " values (%(night)s, %(night)s::date + 1, 'asked', false, %(opened)s, %(opened)s, %(opened)s, 3, 3, 3)",
            {"night": f"2021-06-{day}", "opened": datetime(2021, 6, day, 19, tzinfo=UTC)},
        )
    run(
        "insert into ops.deliveries (night, agency_code, resource, state, received_rows, loaded_rows)"
        " select %s, 'AGENCY-' || number, 'complaints', 'received', 5, 5 from generate_series(1, %s) as number",
        [NIGHT, AGENCIES],
    )
    run(
        "insert into quality.validation_run"
        " (night, attempt, resource, suite_hash, row_count, verdict, started_at, finished_at)"
        " values (%s, 1, 'night', '', 1, 'passed', now(), now())",
        [NIGHT],
    )
    return run


def told(now: datetime = NEXT_MORNING, **rules: Any) -> dict[str, Line]:
    """What the database part says, by name."""
    with closing(connect("owner")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            lines = list(inspection.inspect(cursor, StatusSettings(**rules), now))
    assert [line.name for line in lines if line.state != "ok" and not line.todo] == []
    return {line.name: line for line in lines}


def seen(name: str, now: datetime = NEXT_MORNING, **rules: Any) -> tuple[str, str]:
    line = told(now, **rules)[name]
    return line.state, line.seen


def not_ok(lines: dict[str, Line]) -> dict[str, str]:
    return {name: line.state for name, line in lines.items() if line.state != "ok"}


def quarantine(run: Callable[..., Any], night: str, count: int) -> None:
    run(
        "insert into quality.quarantined_record (night, agency_code, table_name, row_id, source_key, source_position,"
        " row_hash, rule_ids, reasons, first_seen, last_seen)"
        " select %s, 'AGENCY-1', 'complaints', number, '', '', '', '{}', '{}', %s, %s from generate_series(1, %s) as number",
        [night, night, night, count],
    )


def test_a_night_that_is_published_and_whole_is_well(night: Callable[..., Any]) -> None:
    lines = told()
    assert not_ok(lines) == {}
    assert lines["night"].seen == "2021-06-30 (1 days ago): published 2021-07-01 02:00 WIB"
    assert lines["coverage"].seen == "complaints of 10 of 10 agencies are in (100.0 %)"
    assert lines["warehouse"].seen.startswith("PostgreSQL 18.")


# 1 ------------------------------------------------------------------------------------------------------------------
def test_a_server_that_is_stopped_is_one_broken_line_and_the_rest_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAPOR_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("WAREHOUSE_DSN", raising=False)
    settings.cache_clear()
    try:
        assert main(["status"]) == 2
    finally:
        settings.cache_clear()
    screen = capsys.readouterr().out
    assert "warehouse              BROKEN   The embedded PostgreSQL" in screen
    assert "do: python -m warehouse up" in screen
    assert "disk                   " in screen


def test_a_server_that_does_not_answer_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        monkeypatch.setenv("WAREHOUSE_DSN", f"postgresql://lapor@127.0.0.1:{deaf.getsockname()[1]}/lapor")
        monkeypatch.setattr(status, "CONNECT_SECONDS", 2)
        settings.cache_clear()
        began = time.monotonic()
        try:
            assert main(["status"]) == 2
        finally:
            monkeypatch.delenv("WAREHOUSE_DSN")
            settings.cache_clear()
    assert time.monotonic() - began < 60
    assert "warehouse              BROKEN" in capsys.readouterr().out


# 2, 3 ---------------------------------------------------------------------------------------------------------------
@contextmanager
def database(server: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """An empty database beside ours, which settings point to meanwhile."""
    with closing(psycopg2.connect(embedded.socket_dsn(server))) as connection:
        connection.autocommit = True
        connection.cursor().execute("drop database if exists empty_one with (force)")
        connection.cursor().execute("create database empty_one")
        monkeypatch.setenv("WAREHOUSE_DSN", embedded.socket_dsn(server, "empty_one"))
        settings.cache_clear()
        try:
            with closing(connect("owner")) as inside:
                inside.autocommit = True
                yield inside
        finally:
            monkeypatch.delenv("WAREHOUSE_DSN")
            settings.cache_clear()
            connection.cursor().execute("drop database empty_one with (force)")


def test_a_database_without_our_schema_says_so_and_how_to_make_it(
    server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database(server, monkeypatch):
        lines = told()
    assert lines["schema"].state == "broken"
    assert lines["schema"].todo == "python -m warehouse init"
    assert lines["night"] == Line("night", "broken", lines["night"].seen, "python -m warehouse init")


def test_a_database_of_an_older_version_names_what_is_missing(server: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with database(server, monkeypatch) as connection, connection.cursor() as cursor:
        for file in sorted(SQL_DIRECTORY.glob("*.sql")):
            cursor.execute(file.read_text())
        assert told()["schema"].state == "ok"
        # As it was before parts, alerts and figures by agency.
        cursor.execute("alter table ops.deliveries drop column checkpoint")
        cursor.execute("drop table quality.night_alert")
        assert seen("schema") == (
            "broken",
            f"2 of {sum(map(len, inspection.made_by_the_files().values()))} objects of this version are missing:"
            " ops.deliveries.checkpoint, quality.night_alert",
        )


def test_what_the_files_make_is_read_from_them(tmp_path: Path) -> None:
    (tmp_path / "010_x.sql").write_text(
        "create table if not exists ops.things (a int);\n"
        "alter table ops.things\n    add column if not exists b int,\n    add column if not exists c_2 text;\n"
        "create or replace view ops.seen as select 1;\ncreate or replace function ops.act() returns void as $$ $$;\n"
    )
    assert inspection.made_by_the_files(tmp_path) == {
        "table": {"ops.things"},
        "view": {"ops.seen"},
        "function": {"ops.act"},
        "column": {"ops.things.b", "ops.things.c_2"},
    }


# 4, 5 ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("change", "stage"),
    [
        ("update ops.deliveries set state = 'expected' where agency_code = 'AGENCY-1'", "opened, 1 deliveries not fetched yet"),
        ("delete from quality.validation_run", "extracted, not judged"),
        ("update quality.validation_run set verdict = 'held'", "HELD by the gate"),
        ("update quality.validation_run set verdict = 'error'", "not evaluated by the gate"),
        (f"update ops.nights set changed_seq = 4 where night = '{NIGHT}'", "judged, not built"),
        ("select 1", "built, not published"),
    ],
)  # fmt: skip
def test_a_night_that_is_not_published_says_how_far_it_came(night: Callable[..., Any], change: str, stage: str) -> None:
    night("update ops.nights set published_at = null, published_seq = 0 where night = %s", [NIGHT])
    night(change)
    assert seen("night") == ("broken", f"2021-06-30 (1 days ago): {stage}")
    # At 03:00 WIB it still has two hours.
    assert seen("night", datetime(2021, 6, 30, 20, tzinfo=UTC))[0] == "warning"


def test_a_night_that_changed_since_is_not_published(night: Callable[..., Any]) -> None:
    night("update ops.nights set changed_seq = 4 where night = %s", [NIGHT])
    assert seen("night") == ("broken", "2021-06-30 (1 days ago): changed since it was published")


def test_a_night_of_long_ago_is_stale_unless_it_is_pretended(night: Callable[..., Any]) -> None:
    assert seen("night", NEXT_MORNING + timedelta(days=1)) == (
        "broken",
        "2021-06-30 (2 days ago): published 2021-07-01 02:00 WIB, and 2021-07-01 should be there",
    )
    # Before five the next night may still be on its way.
    assert seen("night", datetime(2021, 7, 1, 21, tzinfo=UTC))[0] == "ok"
    night("update ops.nights set is_simulated = true")
    assert seen("night", NEXT_MORNING + timedelta(days=100))[0] == "ok"


def test_a_warehouse_without_a_night_says_how_to_run_one(warehouse: Connection) -> None:
    assert seen("night") == ("warning", "none was ever opened")


# 6, 7 ---------------------------------------------------------------------------------------------------------------
def test_held_deliveries_are_counted_and_missing_from_the_coverage(night: Callable[..., Any]) -> None:
    night(
        "insert into quality.agency_verdict (night, agency_code, resource, attempt, verdict)"
        " values (%s, 'AGENCY-1', 'complaints', 0, 'held'), (%s, 'AGENCY-2', 'complaints', 0, 'held')",
        [NIGHT, NIGHT],
    )
    lines = told()
    assert (lines["held"].state, lines["held"].seen) == ("warning", "2 deliveries of 2021-06-30")
    assert lines["coverage"].seen == "complaints of 8 of 10 agencies are in (80.0 %): too few for a report"
    # A verdict about content that was fetched again since says nothing.
    night("update ops.deliveries set attempt = 1")
    assert told()["held"].state == "ok"


def test_a_quarantine_above_its_usual_is_told_and_a_usual_one_is_not(night: Callable[..., Any]) -> None:
    for day in range(20, 30):
        quarantine(night, f"2021-06-{day}", 10)
    quarantine(night, NIGHT, 60)
    assert seen("quarantine") == ("ok", "60 rows of 2021-06-30, usually 10")  # 10 + 50 is the floor
    quarantine(night, "2021-06-20", 0)
    night("update quality.quarantined_record set row_id = row_id + 1000 where night = %s", [NIGHT])
    quarantine(night, NIGHT, 1)
    assert seen("quarantine") == ("warning", "61 rows of 2021-06-30, usually 10")


@pytest.mark.parametrize(("level", "state"), [("quiet", "ok"), ("look", "warning"), ("act", "broken")])
def test_the_gates_own_alert_is_told(night: Callable[..., Any], level: str, state: str) -> None:
    night("insert into quality.night_alert (night, level, headline) values (%s, %s, 'words')", [NIGHT, level])
    assert seen("gate") == (state, f"{level}: words")


def test_a_build_that_failed_names_what_failed(night: Callable[..., Any]) -> None:
    build = "00000000-0000-0000-0000-000000000001"
    night(
        "insert into ops.builds values (%s, 'build', null, '', null, false, false, 1, 1, 1, 1, 0, 1, 0, now(), now())",
        [build],
    )
    night(
        "insert into ops.build_results (build_id, unique_id, name, resource_type, status, seconds)"
        " values (%s, 'a', 'stock_is_whole', 'test', 'fail', 1), (%s, 'b', 'well', 'test', 'pass', 1)",
        [build, build],
    )
    state, words = seen("build")
    assert (state, words.split(": ")[1]) == ("broken", "stock_is_whole")


# 8 ------------------------------------------------------------------------------------------------------------------
def test_a_replica_that_is_gone_is_told_with_what_is_kept_for_it(run: Callable[..., Any]) -> None:
    run("select pg_create_physical_replication_slot('analysts', true)")
    try:
        state, words = seen("slot analysts")
    finally:
        run("select pg_drop_replication_slot('analysts')")
    assert state == "warning"
    assert words.startswith("its replica is gone, and the server keeps")


def test_a_replica_that_was_gone_for_too_long_is_told_as_lost(run: Callable[..., Any]) -> None:
    lasting = ("alter system set max_slot_wal_keep_size = '16MB'", "select pg_reload_conf()")
    with closing(connect("owner")) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        for statement in ("select pg_create_physical_replication_slot('gone', true)", *lasting):
            cursor.execute(statement)
        try:
            for _ in range(4):
                cursor.execute("select pg_logical_emit_message(false, 'x', 'y')")
                cursor.execute("select pg_switch_wal()")
            cursor.execute("checkpoint")
            assert seen("slot gone") == (
                "warning",
                "its replica was gone for too long: the changes it still wants are gone from here",
            )
        finally:
            cursor.execute("select pg_drop_replication_slot('gone')")
            cursor.execute("alter system reset max_slot_wal_keep_size")
            cursor.execute("select pg_reload_conf()")


def test_a_replica_that_lags_is_told_and_one_that_follows_is_well(
    run: Callable[..., Any], server: Path, replica: Callable[[str], None]
) -> None:
    replica("1h")  # it receives everything and replays nothing for an hour
    run("create table ops.filler as select repeat('x', 200) as text from generate_series(1, 20000)")
    try:
        late = awaited(lambda: told(replica_lag_mb=1).get("replica analysts"), lambda line: line.state == "warning")
        assert late.seen.startswith("streaming, ")
    finally:
        run("drop table ops.filler")
    replica("0")
    awaited(lambda: told(replica_lag_mb=1).get("replica analysts"), lambda line: line.state == "ok")


@pytest.fixture
def replica(server: Path) -> Iterator[Callable[[str], None]]:
    """Copies the test server once and runs the copy as a streaming replica with a delay; stopped in the end."""
    binaries = Path(embedded.psql_binary()).parent
    folder = server / "replica"
    as_user = (
        ["setpriv", "--reuid=embedded_postgres", "--regid=embedded_postgres", "--clear-groups"]
        if os.geteuid() == 0
        else []
    )
    dsn = embedded.socket_dsn(server, "postgres")

    def call(*command: str) -> None:
        done = subprocess.run([*as_user, *command], check=False, capture_output=True, text=True, timeout=120, cwd="/")
        assert done.returncode == 0, f"{done.stdout}{done.stderr}{(folder / 'replica.log').read_text()[-2000:]}"

    def follow(delay: str) -> None:
        if not folder.exists():
            if as_user:
                folder.mkdir()
                shutil.chown(folder, "embedded_postgres", "embedded_postgres")
                folder.chmod(0o700)
            call(
                str(binaries / "pg_basebackup"),
                "-D",
                str(folder),
                "-R",
                "-c",
                "fast",
                "-d",
                f"{dsn}&application_name=analysts",
            )
        else:
            call(str(binaries / "pg_ctl"), "-D", str(folder), "-w", "-m", "immediate", "stop")
        options = (
            f"-c recovery_min_apply_delay={delay} -c listen_addresses='' -c unix_socket_directories={folder} -p 5433"
        )
        call(
            str(binaries / "pg_ctl"), "-D", str(folder), "-w", "-l", str(folder / "replica.log"), "-o", options, "start"
        )

    yield follow
    call(str(binaries / "pg_ctl"), "-D", str(folder), "-w", "-m", "immediate", "stop")
    shutil.rmtree(folder)


def awaited(ask: Callable[[], Any], is_it: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + 60
    while True:
        found = ask()
        if found is not None and is_it(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


# 9 ------------------------------------------------------------------------------------------------------------------
def test_a_password_that_ends_soon_or_has_ended_is_told(run: Callable[..., Any]) -> None:
    for until, state, words in (
        ("2021-07-20", "warning", "its password expires on 2021-07-20"),
        ("2021-06-20", "broken", "its password expired on 2021-06-20"),
    ):
        run(f"alter role portal valid until '{until} 12:00+07'")
        try:
            assert seen("login portal") == (state, words)
        finally:
            run("alter role portal valid until 'infinity'")
    assert "login portal" not in told()


def test_most_connections_in_use_and_a_lock_that_is_waited_for_are_told(run: Callable[..., Any]) -> None:
    assert seen("connections", connections_percent=0)[0] == "warning"
    assert seen("connections")[0] == "ok"
    with closing(connect("owner")) as holder, closing(connect("owner")) as waiter:
        holder.cursor().execute("lock table ops.files")
        waiting = threading.Thread(target=lambda: waiter.cursor().execute("lock table ops.files"))
        waiting.start()
        line = awaited(lambda: told()["connections"], lambda line: line.state == "warning")
        holder.rollback()
        waiting.join()
    assert "1 wait for a lock" in line.seen


# 10 to 13: what is not PostgreSQL's -------------------------------------------------------------------------------------
@pytest.fixture
def machine(server: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """A state directory of its own; settings are read anew, and again in the end."""
    monkeypatch.setenv("LAPOR_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("WAREHOUSE_DSN", embedded.socket_dsn(server))
    monkeypatch.delenv("LAPOR_PORTAL_URL", raising=False)
    settings.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    settings.cache_clear()


def looked_at(name: str) -> tuple[str, str]:
    settings.cache_clear()
    lines = {line.name: line for line in status.look(NEXT_MORNING)}
    assert name in lines, sorted(lines)
    return lines[name].state, lines[name].seen


@pytest.mark.parametrize(("percent", "state"), [("0", "ok"), ("100", "broken")])
def test_a_disk_that_is_nearly_full_is_told(machine: pytest.MonkeyPatch, percent: str, state: str) -> None:
    machine.setenv("LAPOR_STATUS_DISK_FREE_PERCENT", percent)
    found, words = looked_at("disk")
    usage = shutil.disk_usage("/")
    if percent == "100" and usage.free > usage.total / 3:
        state = "warning"
    assert found == state
    assert "free under" in words


def test_a_missing_or_broken_key_is_told(machine: pytest.MonkeyPatch) -> None:
    assert looked_at("keys")[0] == "ok"
    machine.delenv("LAPOR_LANDING_KEY")
    assert looked_at("keys") == ("broken", "LAPOR_LANDING_KEY is not set: nothing can be fetched or read again")
    machine.setenv("LAPOR_LANDING_KEY", base64.b64encode(b"short").decode())
    assert "LAPOR_LANDING_KEY is no base64 of 32 bytes" in looked_at("keys")[1]


def test_originals_that_are_gone_are_told(
    night: Callable[..., Any], machine: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert looked_at("landing")[0] == "broken"
    for day in ("2021-06-29", NIGHT):
        folder = tmp_path / "landing" / day / "AGENCY-1"
        folder.mkdir(parents=True)
        (folder / "part").write_bytes(b"x" * 1_000_000)
    assert looked_at("landing") == ("ok", "2 MB in 2 files of 2 nights, 2021-06-29 to 2021-06-30")
    shutil.rmtree(tmp_path / "landing" / NIGHT)
    state, words = looked_at("landing")
    assert state == "broken"
    assert words.endswith("those of 2021-06-30 are missing")


def test_a_backup_that_is_missing_or_old_is_told(machine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    machine.delenv("WAREHOUSE_DSN")
    machine.setenv("LAPOR_BACKUP_DIR", str(tmp_path / "backups"))
    assert looked_at("backup") == (
        "warning",
        f"there is none in {tmp_path}/backups: with the disk the gate's decisions and what was issued are lost",
    )
    for name, state, age in (
        ("20210629T060000Z-full", "warning", "44.0"),
        ("20210630T010000Z-incremental", "ok", "25.0"),
    ):
        (tmp_path / "backups" / "base" / name).mkdir(parents=True)
        assert looked_at("backup") == (state, f"{name}, {age} h old")
    # Of another server those who run it know.
    machine.setenv("WAREHOUSE_DSN", "postgresql://127.0.0.1:9/lapor")
    settings.cache_clear()
    assert "backup" not in {line.name for line in status.look(NEXT_MORNING)}


def test_an_archive_that_takes_nothing_is_told(run: Callable[..., Any], tmp_path: Path) -> None:
    assert "archive" not in told()
    with closing(connect("owner")) as connection, connection.cursor() as cursor:
        connection.autocommit = True

        def archiving(command: str) -> None:
            cursor.execute("alter system set archive_command = %s", [command])
            cursor.execute("select pg_reload_conf(), pg_logical_emit_message(false, 'x', 'y')")
            cursor.execute("select pg_switch_wal()")

        try:
            archiving("test -e /no/such/disk")
            line = awaited(lambda: told().get("archive"), lambda line: line.state == "broken")
            assert re.search(
                r"the last change was not taken at .* after [1-9]\d* failures: they fill the disk", line.seen
            )
            archiving("test ! -e /no/such/disk")
            awaited(lambda: told().get("archive"), lambda line: line.state == "ok")
        finally:
            archiving("true")


def test_an_alert_that_reached_nobody_is_told(machine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "alerts" / f"{NIGHT}.json"
    file.parent.mkdir()
    for kept, state, words in (
        (
            {"failed": {"mail": "OSError: refused"}},
            "warning",
            "that of 2021-06-30 was not delivered: mail: OSError: refused",
        ),
        ({"level": "act"}, "warning", "that of 2021-06-30 (act) was sent to nobody"),
        ({"sent": {"mail": {}, "webhook": {}}}, "ok", "that of 2021-06-30 was sent by mail and webhook"),
    ):
        file.write_text(json.dumps(kept))
        assert looked_at("alert") == (state, words)


class Portal(BaseHTTPRequestHandler):
    """A portal that is well, or says that it cannot reach the warehouse."""

    code = 200

    def do_GET(self) -> None:
        self.send_response(self.code if self.path == "/sehat" else 404)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@contextmanager
def serving(context: ssl.SSLContext | None = None, code: int = 200) -> Iterator[int]:
    """Port of a pretended portal."""
    handler = type("Handler", (Portal,), {"code": code})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as answering:
        if context is not None:
            answering.socket = context.wrap_socket(answering.socket, server_side=True)
        thread = threading.Thread(target=answering.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield answering.server_address[1]
        finally:
            answering.shutdown()
            thread.join()


def test_a_portal_that_is_down_or_cannot_reach_the_warehouse_is_told(machine: pytest.MonkeyPatch) -> None:
    with serving() as port:
        machine.setenv("LAPOR_PORTAL_URL", f"http://127.0.0.1:{port}/")
        assert looked_at("portal")[0] == "ok"
    state, words = looked_at("portal")
    assert (state, "Connection refused" in words) == ("broken", True)
    with serving(code=503) as port:
        machine.setenv("LAPOR_PORTAL_URL", f"http://127.0.0.1:{port}")
        assert looked_at("portal") == (
            "broken",
            f"http://127.0.0.1:{port}/sehat: it cannot reach the warehouse",
        )


@pytest.mark.parametrize(
    ("days", "state", "word"), [(300, "ok", "valid until"), (10, "warning", "expires on"), (-1, "broken", "expired on")]
)
def test_a_certificate_that_ends_is_told_before_it_does(
    machine: pytest.MonkeyPatch, tmp_path: Path, days: int, state: str, word: str
) -> None:
    file = certificate(tmp_path, NEXT_MORNING + timedelta(days=days))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    machine.setenv("LAPOR_EXTRACT_CA_FILE", str(file))
    with serving(context) as port:
        machine.setenv("LAPOR_PORTAL_URL", f"https://127.0.0.1:{port}")
        found, words = looked_at("certificate portal")
        assert (found, words.startswith(word)) == (state, True)
        found, words = looked_at("authority both.pem")
        assert (found, words.startswith(word)) == (state, True)


def test_reports_that_cannot_be_made_are_told(night: Callable[..., Any], machine: pytest.MonkeyPatch) -> None:
    with closing(connect("owner", "lapor/test")) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("alter schema marts rename to marts_of_others; create schema marts")
        try:
            state, words = looked_at("reports")
        finally:
            cursor.execute("drop schema marts; alter schema marts_of_others rename to marts")
    assert state == "broken"
    assert "marts" in words


# The screen -----------------------------------------------------------------------------------------------------------
WELL = Line("one", "ok", "it runs")
LATE = Line("two", "warning", "it is late", "wait")
DOWN = Line("three", "broken", "it is down", "make up")


@pytest.mark.parametrize(
    ("lines", "code"), [([WELL], 0), ([WELL, LATE], 1), ([LATE, DOWN, WELL], 2)], ids=["ok", "warning", "broken"]
)
def test_the_exit_code_is_that_of_the_worst(lines: list[Line], code: int) -> None:
    assert status.exit_code(lines) == code


def test_the_screen_says_what_to_do_where_something_is_not_well() -> None:
    assert status.render([WELL, LATE, DOWN]).splitlines() == [
        "one                    ok       it runs",
        "two                    WARNING  it is late",
        "                                do: wait",
        "three                  BROKEN   it is down",
        "                                do: make up",
        "1 broken, 1 with a warning, 1 ok   (docs/runbook.md)",
    ]


def test_what_others_found_is_added_and_nonsense_refused(
    machine: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "found"
    file.write_text(json.dumps({"name": "airflow scheduler", "state": "broken", "seen": "is dead", "todo": "make up"}))
    assert main(["status", "--with", str(file)]) == 2
    assert "airflow scheduler      BROKEN   is dead" in capsys.readouterr().out
    file.write_text('{"name": "x", "state": "so-so", "seen": "y"}')
    assert main(["status", "--with", str(file)]) == 1
    assert "the state 'so-so' is none of ok, warning, broken" in capsys.readouterr().err


def test_a_program_that_watches_gets_json(machine: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    main(["status", "--json"])
    lines = json.loads(capsys.readouterr().out)
    assert {"name", "state", "seen", "todo"} == set(lines[0])
    assert {line["name"] for line in lines} >= {"warehouse", "schema", "night", "disk", "keys"}


def test_a_nights_figures_are_one_line(night: Callable[..., Any], capsys: pytest.CaptureFixture[str]) -> None:
    night(
        "update ops.deliveries set state = 'failed', received_rows = 0, loaded_rows = 0 where agency_code = 'AGENCY-3'"
    )
    quarantine(night, NIGHT, 2)
    assert main(["status", "--night", NIGHT]) == 0
    assert capsys.readouterr().out == (
        "night 2021-06-30: published 2021-07-01 02:00 WIB; complaints of 9 of 10 agencies;"
        " deliveries: 1 failed, 9 received; 45 rows new or changed, 2 in quarantine, 0 held\n"
    )
    assert main(["status", "--night", "2020-01-01"]) == 1
    assert "was never opened" in capsys.readouterr().err


@pytest.fixture
def grown(run: Callable[..., Any]) -> Iterator[None]:
    """A table ops.grown of 5,000 rows that nobody has looked after yet."""
    run("create table ops.grown as select number from generate_series(1, 5000) as number")
    yield
    run("drop table ops.grown")


def counted(run: Callable[..., Any], counter: str, is_there: Callable[[int], bool]) -> None:
    """Wait until PostgreSQL's statistics of ops.grown say so."""
    run("select pg_stat_force_next_flush()")
    awaited(lambda: run(f"select {counter} from pg_stat_user_tables where relname = 'grown'")[0][0], is_there)


@pytest.mark.usefixtures("grown")
def test_vacuum_takes_what_has_changed(run: Callable[..., Any], capsys: pytest.CaptureFixture[str]) -> None:
    run("delete from ops.grown where number > 1000")
    counted(run, "n_mod_since_analyze", lambda changed: changed > 1000)
    assert main(["vacuum"]) == 0
    assert "ops.grown" in capsys.readouterr().out
    assert main(["vacuum"]) == 0
    assert "ops.grown" not in capsys.readouterr().out


@pytest.mark.usefixtures("grown")
def test_vacuum_takes_what_was_written_and_analysed_by_a_build(
    run: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    counted(run, "n_ins_since_vacuum", lambda written: written == 5000)
    run("analyze ops.grown")
    counted(run, "n_mod_since_analyze", lambda changed: changed == 0)
    assert run("select relallvisible from pg_class where relname = 'grown'") == [(0,)]
    assert main(["vacuum"]) == 0
    assert "ops.grown" in capsys.readouterr().out
    assert run("select relallvisible = relpages from pg_class where relname = 'grown'") == [(True,)]


def test_the_last_published_night_is_none_without_a_schema(server: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with database(server, monkeypatch) as connection, connection.cursor() as cursor:
        assert nights.last_published(cursor) is None


def test_the_runbook_says_of_every_line_what_it_means() -> None:
    repository = SQL_DIRECTORY.parent.parent
    sources = [repository / "warehouse" / f"{name}.py" for name in ("status", "inspection", "nights")]
    sources.append(repository / "dags" / "local_status.py")
    text = "\n".join(file.read_text() for file in sources)
    names = set(re.findall(r'(?:Line|_expiry)\(\s*f?"([a-zA-Z_]+)[ "]', text))
    assert len(names) > 20
    explained = set(
        re.findall(r"^\| `([a-zA-Z_]+)[^`]*`", (repository / "docs" / "runbook.md").read_text(), re.MULTILINE)
    )
    assert names - explained == set()
