"""A server with a few built marts is backed up, hurt, and brought back as it was at a chosen moment."""

import base64
import gzip
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.dbt_project.raw_world import BATAM, RawWorld
from warehouse import archive, schema, server
from warehouse.__main__ import main
from warehouse.archive import BackupFailed
from warehouse.backup import Backup, backups, chain, check, first_segment, prune, take
from warehouse.connection import dbt_environment
from warehouse.restore import parse_moment, restore
from warehouse.settings import settings

REPOSITORY = Path(__file__).resolve().parent.parent.parent
NIGHT = date(2021, 6, 30)
MARTS = ("+fct_complaints", "+rpt_agency_performance_monthly")


@dataclass
class Primary:
    """An embedded server of the test's own, its folder of backups, and what its marts were at a moment."""

    state: Path
    folder: Path
    first: Backup
    second: Backup
    moment: datetime
    marts_then: dict[str, tuple[int, str]]

    @property
    def dsn(self) -> str:
        """The running server's connection string."""
        return server.socket_dsn(self.state)

    def run(self, statement: str, values: Any = None) -> list[tuple[Any, ...]]:
        """Execute and commit; the rows, if the statement returns any."""
        return run(self.dsn, statement, values)


def run(dsn: str, statement: str, values: Any = None) -> list[tuple[Any, ...]]:
    """Execute and commit on any server; the rows, if the statement returns any."""
    with closing(psycopg2.connect(dsn)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []


def checksums(dsn: str) -> dict[str, tuple[int, str]]:
    """Rows and a checksum of every mart, whatever order the rows stand in."""
    tables = [name for (name,) in run(dsn, "select tablename from pg_tables where schemaname = 'marts' order by 1")]
    assert len(tables) > 4
    return {
        name: run(
            dsn, f"select count(*), md5(string_agg(line::text, ';' order by line::text)) from marts.{name} as line"
        )[0]
        for name in tables
    }


def dbt(dsn: str, target: Path) -> None:
    """Build a few marts of the server, as typed."""
    done = subprocess.run(
        [Path(sys.executable).parent / "dbt", "build", "--project-dir", "dbt_project", "--profiles-dir", "dbt_project",
         "--target-path", target, "--log-path", target, "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test",
         "--select", *MARTS],
        cwd=REPOSITORY, env={**os.environ, **dbt_environment(dsn)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.fixture(scope="module")
def primary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Primary]:
    """Backed up empty, built, backed up again, changed; then the moment; then changed for the worse."""
    root = Path(tempfile.mkdtemp(prefix="lapor-tests-backup-"))
    root.chmod(0o755)
    state, folder = root / "state", root / "backups"
    state.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAPOR_STATE_DIR", str(state))
        patch.setenv("LAPOR_BACKUP_DIR", str(folder))
        patch.setenv("LAPOR_LANDING_KEY", base64.b64encode(b"landing key of the test session!").decode())
        patch.setenv("LAPOR_IDENTITY_KEY", base64.b64encode(b"identity key of the test session").decode())
        patch.delenv("WAREHOUSE_DSN", raising=False)
        settings.cache_clear()
        try:
            dsn = server.start(state)
            # Whether the disk keeps what it was told is not the question here; it is most of the time it takes.
            run(dsn, "alter system set fsync = off")
            run(dsn, "select pg_reload_conf()")
            schema.apply()
            first = take(state, folder)
            with closing(psycopg2.connect(dsn)) as connection:
                world = RawWorld(connection)
                world.open(NIGHT)
                world.delivery(NIGHT, BATAM)
                world.complaint(NIGHT, BATAM, "#1", [("MASUK", "2021-06-10 09:00"), ("DISPOSISI", "2021-06-11 09:00")])
                world.complaint(NIGHT, BATAM, "#2", [("MASUK", "2021-06-14 09:00")])
            dbt(dsn, tmp_path_factory.mktemp("dbt"))
            second = take(state, folder, incremental=True)
            run(
                dsn,
                "update marts.fct_complaints set channel_code = 'seen after the last backup' where tracking_id = '#1'",
            )
            marts_then = checksums(dsn)
            # A backup counts from the next whole second on: the moment comes after it.
            while (moment := run(dsn, "select clock_timestamp()")[0][0]) <= second.usable_from:
                pass
            run(dsn, "update marts.fct_complaints set channel_code = 'wrong'; create table marts.after_the_moment ()")
            yield Primary(state, folder, first, second, moment, marts_then)
        finally:
            server.stop(state)
    settings.cache_clear()
    shutil.rmtree(root)


def test_a_restore_to_the_minute_brings_back_the_marts_as_they_were(primary: Primary) -> None:
    wrong = checksums(primary.dsn)
    assert wrong["fct_complaints"] != primary.marts_then["fct_complaints"]
    assert primary.marts_then["fct_complaints"][0] == 2
    archive_now(primary)
    state = primary.state.parent / "restored"
    restored = restore(primary.folder, state, primary.moment)
    try:
        dsn = server.socket_dsn(state)
        assert checksums(dsn) == primary.marts_then
        assert run(dsn, "select to_regclass('marts.after_the_moment')") == [(None,)]
        assert restored.backup.path == primary.second.path
        assert restored.last_change is not None
        assert restored.last_change <= primary.moment < restored.last_change + timedelta(minutes=1)
        # It is written to, it would not mix its changes into the archive it came from, and a replica of it has no end.
        run(dsn, "create table written ()")
        assert run(dsn, "show archive_command") == [("true",)]
        assert run(dsn, "show recovery_target_time") == [("",)]
        with pytest.raises(BackupFailed, match="holds backups of another server"):
            take(state, primary.folder)
        with pytest.raises(BackupFailed, match="never writes over a database"):
            restore(primary.folder, state)
    finally:
        server.stop(state)
        shutil.rmtree(state)
    assert checksums(primary.dsn) == wrong, "the running server is not touched"


def test_without_a_moment_everything_that_was_archived_comes_back(
    primary: Primary, capsys: pytest.CaptureFixture[str]
) -> None:
    archive_now(primary)
    state = primary.state.parent / "new disk"
    assert main(["restore", "--to", str(state)]) == 0
    try:
        assert f"restored from {primary.second.path.name}, verified" in capsys.readouterr().out
        assert checksums(server.socket_dsn(state)) == checksums(primary.dsn)
        # It is a server like any other, and a new beginning.
        server.stop(state)
        server.start(state)
        begun = take(state, state / "backups")
        assert begun.is_full
        assert check(state / "backups", state)[1] == []
    finally:
        server.stop(state)
        shutil.rmtree(state)


def archive_now(primary: Primary, seconds: float = 60) -> None:
    """Have every change until now archived."""
    with closing(psycopg2.connect(primary.dsn)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            archive.await_archive(cursor, primary.folder, seconds)


def test_a_moment_that_is_in_no_backup_is_refused_with_the_reason(primary: Primary) -> None:
    state = primary.state.parent / "refused"
    for moment, words in (
        (primary.first.usable_from - timedelta(seconds=1), "The oldest backup in .* can be used from 2"),
        (datetime.now(UTC) + timedelta(days=1), "has not come yet"),
    ):
        with pytest.raises(BackupFailed, match=words):
            restore(primary.folder, state, moment)
    # What was changed since is not archived yet, and nothing was changed after: PostgreSQL cannot know that it arrived.
    archive_now(primary)
    with pytest.raises(BackupFailed, match="The archive ends before that moment: its last change is of 20"):
        restore(primary.folder, state, datetime.now(UTC))
    assert not server.data_directory(state).exists()


def test_backups_are_for_nobody_but_who_runs_postgresql(primary: Primary) -> None:
    owner = server.data_directory(primary.state).stat().st_uid
    folders = [primary.folder, *(path for path in primary.folder.rglob("*") if path.is_dir())]
    assert len(folders) > 20
    assert {(path.stat().st_mode & 0o077, path.stat().st_uid) for path in folders} == {(0, owner)}


def test_an_incremental_backup_is_small_and_needs_its_full_one(primary: Primary) -> None:
    def size(backup: Backup) -> int:
        return sum(path.stat().st_size for path in (backup.path / "base").rglob("*") if path.is_file())

    assert primary.first.is_full
    assert not primary.second.is_full
    assert size(primary.second) < size(primary.first)
    assert chain(primary.folder, primary.second) == [primary.first, primary.second]
    assert backups(primary.folder) == [primary.first, primary.second]


def test_a_check_says_what_is_well(primary: Primary, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup", "--check"]) == 0
    told = capsys.readouterr().out
    assert f"verified: {primary.first.path.name}, {primary.second.path.name}" in told
    assert "archived: every change until now" in told
    assert f"since {primary.first.path.name}" in told


def test_a_check_finds_what_is_wrong(primary: Primary, capsys: pytest.CaptureFixture[str]) -> None:
    primary.run("create table marts.one_more_file_of_changes ()")
    archive_now(primary)
    page_file = primary.first.path / "global" / "1262"
    segment = archive.archived(primary.folder)[-2]
    assert archive.place(segment.name) >= archive.place(first_segment(primary.second))
    kept = page_file.read_bytes(), segment.read_bytes()

    page_file.write_bytes(bytes([kept[0][0] ^ 1]) + kept[0][1:])
    assert main(["backup", "--check", "--max-age", "0"]) == 1
    told = capsys.readouterr().out
    assert 'checksum mismatch for file "global/1262"' in told
    assert f"WRONG: newest backup: {primary.second.path.name}" in told
    page_file.write_bytes(kept[0])

    segment.write_bytes(kept[1][:-8] + bytes(8))
    assert check(primary.folder, primary.state)[1] == [
        f"damaged in {primary.folder / 'wal'}: {segment.name}: python -m warehouse backup, now"
    ]
    with pytest.raises(BackupFailed, match="is missing or damaged"):
        restore(primary.folder, primary.state.parent / "holes")
    segment.unlink()
    assert any(
        words.startswith(f"the archive has a gap at {segment.stem}")
        for words in check(primary.folder, primary.state)[1]
    )
    segment.write_bytes(kept[1])
    shutil.chown(segment, page_file.stat().st_uid)
    segment.chmod(0o600)
    assert check(primary.folder, primary.state)[1] == []


def test_no_backup_is_wrong_too(primary: Primary, tmp_path: Path) -> None:
    assert check(tmp_path, primary.state) == ([], [f"There is no backup in {tmp_path}: python -m warehouse backup"])
    with pytest.raises(BackupFailed, match="There is no backup"):
        restore(tmp_path, tmp_path / "state")


def test_a_full_archive_loses_nothing(primary: Primary) -> None:
    """The server keeps what it cannot hand over, and hands it over when there is room."""
    wal = primary.folder / "wal"
    before = set(archive.archived(primary.folder))
    move_to_a_place_that_is_full = wal.rename(primary.folder / "wal.away")
    wal.write_text("no folder: nothing can be written here")
    try:
        for number in range(2):
            primary.run(f"create table marts.while_it_was_full_{number} ()")
            with pytest.raises(BackupFailed, match="did not arrive within 1 s"):
                archive_now(primary, seconds=1)
    finally:
        wal.unlink()
        move_to_a_place_that_is_full.rename(wal)
    primary.run("create table marts.when_there_was_room ()")
    archive_now(primary)
    arrived = set(archive.archived(primary.folder)) - before
    assert len(arrived) >= 3
    assert check(primary.folder, primary.state)[1] == []


def test_the_archive_never_writes_over_what_is_there(tmp_path: Path) -> None:
    wal = tmp_path / "it's a folder of 100% backups" / "wal"
    wal.mkdir(parents=True)
    changes = tmp_path / "changes"

    def hand_over(content: bytes) -> int:
        """What PostgreSQL does with the command: put in path and name, run it in a shell."""
        changes.write_bytes(content)
        command = archive.archive_command(wal.parent).replace("%p", str(changes)).replace("%f", "0A").replace("%%", "%")
        return subprocess.run(["sh", "-c", command], check=False).returncode

    (wal / "0A.gz.part").write_bytes(b"half of it, when the machine went down")
    assert hand_over(b"one") == 0
    assert hand_over(b"one") == 0, "handed over again after a crash"
    assert hand_over(b"another") != 0
    assert gzip.decompress((wal / "0A.gz").read_bytes()) == b"one"
    assert [path.name for path in wal.iterdir()] == ["0A.gz"]
    assert archive.folder_of(archive.archive_command(wal.parent)) == wal.parent
    assert archive.folder_of("true") is None


def test_a_gap_is_found_where_the_numbers_go_over_to_the_next_log() -> None:
    names = [
        "0000000100000000000000FE",
        "0000000100000000000000FF",
        "000000010000000100000000",
        "000000020000000100000000",
    ]
    segments = [Path(f"{name}.gz") for name in names]
    assert archive.missing_segment(segments, names[0]) is None
    assert archive.missing_segment([segments[0], *segments[2:]], names[0]) == names[1]
    assert archive.missing_segment(segments[:2], "0000000100000000000000FD") == "0000000100000000000000FD"
    assert archive.missing_segment([], names[2]) == names[2]


def test_a_moment_is_read_as_the_clock_in_jakarta_shows_it() -> None:
    assert parse_moment("2021-06-30 02:15") == datetime(2021, 6, 29, 19, 15, tzinfo=UTC)
    assert parse_moment("2021-06-30T02:15:30+00:00") == datetime(2021, 6, 30, 2, 15, 30, tzinfo=UTC)
    with pytest.raises(ArgumentTypeError, match="write 2021-06-30 02:15"):
        parse_moment("tonight")


def test_a_server_of_ones_own_is_left_to_those_who_run_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WAREHOUSE_DSN", "postgresql://db.example.go.id/lapor")
    settings.cache_clear()
    try:
        assert main(["backup"]) == main(["backup", "--check"]) == main(["restore", "--to", "elsewhere"]) == 1
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert capsys.readouterr().err.count("by those who run it") == 3


def test_a_killed_server_comes_back_with_what_was_committed(primary: Primary) -> None:
    primary.run("create table marts.committed as select 1 as number")
    open_connection = psycopg2.connect(primary.dsn)
    with open_connection.cursor() as cursor:
        cursor.execute("insert into marts.committed values (2)")
    process = int((server.data_directory(primary.state) / "postmaster.pid").read_text().split()[0])
    os.kill(process, signal.SIGKILL)
    server.start(primary.state)
    assert primary.run("select number from marts.committed") == [(1,)]
    assert int((server.data_directory(primary.state) / "postmaster.pid").read_text().split()[0]) != process
    # It goes on archiving by itself.
    archive_now(primary)
    assert check(primary.folder, primary.state)[1] == []


def test_a_server_that_cannot_start_says_why(primary: Primary) -> None:
    own_settings = server.data_directory(primary.state) / "postgresql.auto.conf"
    kept = own_settings.read_text()
    server.stop(primary.state)
    server.stop(primary.state)  # twice is no error
    try:
        own_settings.write_text(f"{kept}no_such_setting = 1\n")
        with pytest.raises(server.WarehouseNotRunning, match="unrecognized configuration parameter"):
            server.start(primary.state)
    finally:
        own_settings.write_text(kept)
        server.start(primary.state)


def test_only_so_many_full_backups_are_kept_and_the_archive_from_the_first_on(
    primary: Primary, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prune(primary.folder, keep=1) == []
    assert main(["backup", "--keep", "0"]) == 1
    assert "at least one" in capsys.readouterr().err
    assert main(["backup", "--keep", "1"]) == 0
    assert primary.second.path.name in capsys.readouterr().out
    (left,) = backups(primary.folder)
    assert left.is_full
    assert left.usable_from > primary.second.usable_from
    assert [path.name for path in (primary.folder / "base").iterdir()] == [left.path.name]
    assert archive.archived(primary.folder)[0].name == f"{first_segment(left)}.gz"
    assert check(primary.folder, primary.state)[1] == []
