"""What the chaos table does to the machine: each blow is struck for real and holds what is said of it.

Some take what not every machine has (a mount, libfaketime): then the row is skipped with a word.
"""

import os
import shutil
import signal
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.certificates import certificate
from tests.integration.chaos import Gateway, Steps, crash, figures
from tests.integration.conftest import DBT, REPOSITORY, Nation
from warehouse import server as embedded

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


@dataclass
class Chaos:
    """A night that is open; `server` is the state directory of the tests' PostgreSQL."""

    nation: Nation
    steps: Steps
    server: Path

    def extracting(self) -> "subprocess.Popen[bytes]":
        """An extraction that has stored some deliveries and is still waiting for the agency that hangs."""
        process = self.steps.start("python", "-m", "extract", "--night", str(self.steps.night))
        has_begun = f"select count(*) > 5 from ops.deliveries where night = '{self.steps.night}' and state = 'received'"
        self.steps.await_that(has_begun, process)
        return process

    def judging(self) -> "subprocess.Popen[bytes]":
        """A gate in the middle of its night."""
        self.steps.have("extract")
        process = self.steps.start("python", "-m", "quality", "--night", str(self.steps.night))
        holds = "select count(*) = 1 from pg_locks inner join pg_database on oid = database where locktype = 'advisory'"
        self.steps.await_that(f"{holds} and datname = current_database()", process)
        return process

    def building(self) -> "subprocess.Popen[bytes]":
        """A build that is writing its models."""
        process = self.steps.start(*DBT.split())
        is_writing = "select count(*) > 0 from pg_stat_activity where datname = current_database() and query ~ 'fct_'"
        self.steps.await_that(f"{is_writing} and application_name = 'dbt'", process)
        return process

    def comes_back(self) -> None:
        """Start PostgreSQL again after a crash."""
        embedded.start(self.server)

    def cut(self, application: str) -> None:
        """End every connection of a program."""
        ((count,),) = self.steps.warehouse.query(
            "select count(pg_terminate_backend(pid))::int from pg_stat_activity"
            f" where datname = current_database() and application_name like '{application}%'"
        )
        assert count  # there was one


@contextmanager
def small_disk(kilobytes: int, owner: str | None = None) -> Iterator[Path]:
    """A disk of so many kilobytes; skips where none may be mounted."""
    folder = Path(tempfile.mkdtemp(prefix="lapor-tests-disk-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k,mode=755", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip("a disk that is really full takes a mount, which is not permitted here")
    try:
        if owner:
            shutil.chown(folder, owner)
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)
        folder.rmdir()


def fill(disk: Path) -> None:
    """Leave no room on it."""
    with suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def kill_extraction(chaos: Chaos) -> None:
    process = chaos.extracting()
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert chaos.steps.count("expected") > 0


def kill_gate(chaos: Chaos) -> None:
    process = chaos.judging()
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert chaos.steps.warehouse.query(
        f"select count(*) from quality.agency_verdict where night = '{chaos.steps.night}'"
    ) == [(0,)]


def kill_build(chaos: Chaos) -> None:
    process = chaos.building()
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not_published(chaos)


def crash_in_extraction(chaos: Chaos) -> None:
    process = chaos.extracting()
    crash(chaos.server)
    assert process.wait() == 1
    assert "the warehouse" in last_line(chaos)
    chaos.comes_back()
    assert chaos.steps.count("expected") > 0


def crash_in_gate(chaos: Chaos) -> None:
    process = chaos.judging()
    crash(chaos.server)
    assert process.wait() == 3
    assert "NOT EVALUATED" in chaos.steps.words()
    chaos.comes_back()
    assert chaos.steps.warehouse.query(
        f"select count(*) from quality.agency_verdict where night = '{chaos.steps.night}'"
    ) == [(0,)]


def crash_in_build(chaos: Chaos) -> None:
    process = chaos.building()
    crash(chaos.server)
    assert process.wait() in (1, 2)
    chaos.comes_back()
    assert not_published(chaos)


def cut_in_extraction(chaos: Chaos) -> None:
    process = chaos.extracting()
    chaos.cut("lapor/extract")
    assert process.wait() == 1
    assert "the warehouse" in last_line(chaos)


def cut_in_gate(chaos: Chaos) -> None:
    process = chaos.judging()
    chaos.cut("lapor/quality")
    assert process.wait() == 3
    assert "NOT EVALUATED" in chaos.steps.words()


def cut_in_build(chaos: Chaos) -> None:
    process = chaos.building()
    chaos.cut("dbt")
    assert process.wait() in (1, 2)
    assert not_published(chaos)


def fill_landing(chaos: Chaos) -> None:
    with small_disk(64) as disk:
        told = chaos.steps.run("extract", LAPOR_LANDING_URL=str(disk))
    assert told.code == 1
    assert "No space left on device" in told.words.splitlines()[-1]
    assert chaos.steps.count("expected") > 0


def fill_postgres(chaos: Chaos) -> None:
    run = chaos.nation.administer
    database = chaos.steps.warehouse.run
    with small_disk(65_536, embedded.system_user()) as disk:
        run(f"create tablespace small location '{disk}'")
        try:
            database("alter table raw.complaints set tablespace small")
            fill(disk)
            told = chaos.steps.run("extract")
            assert told.code == 1
            assert "No space left on device" in told.words.splitlines()[-1]
        finally:
            (disk / "filler").unlink()
            database("alter table raw.complaints set tablespace pg_default")
            run("drop tablespace small")


def lose_keys(chaos: Chaos) -> None:
    told = chaos.steps.run("extract", LAPOR_LANDING_KEY=None)
    assert (told.code, "LAPOR_LANDING_KEY is not set" in told.words) == (1, True)
    assert chaos.steps.count("expected") > 20, "nothing was fetched that could not be sealed"


def replay_under_another_key(chaos: Chaos) -> None:
    chaos.steps.have("extract")
    before = figures(chaos.steps.warehouse)
    other = "b3RoZXIga2V5IG9mIHRoZSB0ZXN0IHNlc3Npb24gISE="
    told = chaos.steps.have("extract", "replay", "--agency", "KOTA-21.71", LAPOR_LANDING_KEY=other)
    assert "not replayed" in told
    assert figures(chaos.steps.warehouse) == before


def damage_an_original(chaos: Chaos) -> None:
    chaos.steps.have("extract")
    before = figures(chaos.steps.warehouse)
    (original,) = (chaos.steps.state / "landing" / str(chaos.steps.night)).glob("KOTA-21.71.complaints.*.sealed")
    whole = original.read_bytes()
    original.write_bytes(whole[:-20] + b"x" + whole[-19:])
    told = chaos.steps.have("extract", "replay", "--agency", "KOTA-21.71")
    assert "not replayed" in told
    assert figures(chaos.steps.warehouse) == before
    original.write_bytes(whole)
    assert "not replayed" not in chaos.steps.have("extract", "replay", "--agency", "KOTA-21.71")


def clock(chaos: Chaos, ahead: str) -> None:
    if FAKETIME is None:
        pytest.skip("another time of day takes libfaketime (apt-get install faketime)")
    process = chaos.steps.start(
        "python", "-m", "extract", "--night", str(chaos.steps.night),
        LD_PRELOAD=str(FAKETIME), FAKETIME=ahead, FAKETIME_DONT_FAKE_MONOTONIC="1",
    )  # fmt: skip
    assert process.wait() == 0, chaos.steps.words()


def watermark(chaos: Chaos) -> datetime:
    """Until when the next night believes to have everything of Kota Batam."""
    ((until,),) = chaos.steps.warehouse.query(
        f"select watermark_to from ops.deliveries where night = '{chaos.steps.night}' and agency_code = 'KOTA-21.71'"
        " and resource = 'complaints'"
    )
    assert isinstance(until, datetime)
    return until


def clock_ahead(chaos: Chaos) -> None:
    clock(chaos, "+2000d")
    assert watermark(chaos) == datetime(2021, 6, 30, 17, tzinfo=UTC), "the night's cut-off, whatever the clock says"


def clock_behind(chaos: Chaos) -> None:
    clock(chaos, "@2021-03-01 12:00:00")
    assert watermark(chaos).date() <= date(2021, 3, 2), "the next night asks from there again"


def two_at_once(chaos: Chaos) -> None:
    runs = [chaos.steps.start("python", "-m", "extract", "--night", str(chaos.steps.night)) for _ in range(2)]
    assert [run.wait() for run in runs] == [0, 0], chaos.steps.words(1) + chaos.steps.words()
    assert "nobody foresaw" not in chaos.steps.words(1) + chaos.steps.words()
    assert (
        chaos.steps.warehouse.query("select reason from ops.deliveries where reason like '%another extraction%'") == []
    )


def lose_the_network(chaos: Chaos) -> None:
    chaos.steps.have("extract", LAPOR_CONNECTION_SIMULATOR_HTTP="http://127.0.0.1:9")
    assert chaos.steps.count("failed") == 13
    told = chaos.steps.run("quality")
    assert told.code == 2
    assert "HELD" in told.words
    assert not_published(chaos)


def expire_a_certificate(chaos: Chaos) -> None:
    file = certificate(chaos.steps.state, datetime(2021, 6, 1, tzinfo=UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with Gateway(chaos.nation.url).serving(context) as url:
        chaos.steps.have(
            "extract", "--agency", "KOTA-21.71", "--resource", "complaints",
            LAPOR_CONNECTION_SIMULATOR_HTTP=url, LAPOR_EXTRACT_CA_FILE=str(file),
        )  # fmt: skip
    state, reason = chaos.steps.delivery("KOTA-21.71")
    assert (state, "certificate has expired" in reason) == ("failed", True), reason


def deploy_a_wrong_registry(chaos: Chaos) -> None:
    registry = chaos.steps.state / "registry"
    shutil.copytree(chaos.steps.warehouse.environment["LAPOR_REGISTRY_DIR"], registry)
    with (registry / "sources.csv").open("a") as file:
        file.write("KOTA-21.71,complaints,telepathy,lapor_v3,simulator_http,x,nightly\n")
    told = chaos.steps.run("extract", "open", LAPOR_REGISTRY_DIR=str(registry))
    assert told.code == 1
    assert "sources.csv" in told.words.splitlines()[-1]


def deploy_a_wrong_model(chaos: Chaos) -> None:
    project = chaos.steps.state / "dbt_project"
    shutil.copytree(REPOSITORY / "dbt_project", project)
    model = project / "models" / "marts" / "core" / "fct_ratings.sql"
    model.write_text(model.read_text() + "\nwhere no_such_column = 1\n")
    wrong = DBT.replace("--project-dir dbt_project", f"--project-dir {project} --select fct_ratings")
    target = shutil.copytree(chaos.steps.warehouse.environment["DBT_TARGET_PATH"], chaos.steps.state / "target")
    process = chaos.steps.start(*wrong.split(), DBT_TARGET_PATH=str(target))
    assert process.wait() == 1, chaos.steps.words()
    assert "no_such_column" in chaos.steps.words()
    assert not_published(chaos)


def lose_a_replica(chaos: Chaos) -> None:
    run = chaos.nation.administer
    run("select pg_create_physical_replication_slot('gone', true)", "alter system set max_slot_wal_keep_size = '16MB'",
        "select pg_reload_conf()")  # fmt: skip
    try:
        for _ in range(4):
            run("select pg_logical_emit_message(false, 'x', 'y')", "select pg_switch_wal()")
        run("checkpoint")
        assert chaos.steps.warehouse.query("select wal_status from pg_replication_slots where slot_name = 'gone'") == [
            ("lost",)
        ]
        assert chaos.steps.status()["slot gone"].state != "ok"
        chaos.steps.have("extract")
    finally:
        run("select pg_drop_replication_slot('gone')", "alter system reset max_slot_wal_keep_size",
            "select pg_reload_conf()")  # fmt: skip


def last_line(chaos: Chaos) -> str:
    """The last words of the command that was started."""
    return chaos.steps.words().strip().splitlines()[-1]


def not_published(chaos: Chaos) -> bool:
    return chaos.steps.warehouse.query(
        f"select published_at is null from ops.nights where night = '{chaos.steps.night}'"
    ) == [(True,)]
