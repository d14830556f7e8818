"""Shards on workers: one is lost while it fetches, another takes its shard over, and nothing shows.

By default the workers are commands; with LAPOR_TEST_SCALED=1 the whole night runs on three Celery workers of a real
Airflow over Redis, read from a streaming replica (two minutes on two cores). Originals land in an S3 either way.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from moto.server import ThreadedMotoServer

from bench.scale import redis_server
from extract import ledger
from extract.sources import read_registry
from extract.storage import s3_filesystem
from tests.dags.conftest import AIRFLOW_PYTHON
from tests.integration.conftest import LAST, LIVE, REPOSITORY, Nation, Warehouse
from warehouse import server as embedded
from warehouse.replica import create

WORKERS = 3
HANGING = "PROV-12"  # its shard is the one that takes seconds
AWAIT_SECONDS = 900  # of a machine that is busy
CREDENTIAL = "key:secret"
# A worker is lost as soon as nothing was heard of its task for so long.
HEARTBEAT_SECONDS = 20
LEDGER = (
    "select night, agency_code, resource, state, received_rows, superseded_rows, loaded_rows, received_events,"
    " superseded_events, loaded_events, stated_total, content_sha256, reason from ops.deliveries order by 1, 2, 3"
)
RAW = """
    select table_name, count(*), md5(string_agg(line, E'\n' order by line))
    from (
        select 'complaints' as table_name, (night, agency_code, tracking_id, content_hash)::text as line
        from raw.complaints
        union all
        select 'events', (night, agency_code, tracking_id, event_seq, content_hash)::text from raw.complaint_events
    ) as lines
    group by 1
    order by 1
"""


def awaited(what: Callable[[], Any], words: str) -> Any:
    """What comes out once it is something."""
    deadline = time.monotonic() + AWAIT_SECONDS
    while not (found := what()):
        assert time.monotonic() < deadline, f"not within {AWAIT_SECONDS} s: {words}"
        time.sleep(0.05)
    return found


def with_descendants(process: int) -> list[int]:
    """A process and everything that it has started and that has not lost its parent."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:  # it has just ended
        return []
    return [process, *(one for child in children for one in with_descendants(int(child)))]


def command_line(process: int) -> str:
    """The words of a process, if it is there yet."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


@pytest.fixture(scope="module")
def objects() -> Iterator[dict[str, str]]:
    """An S3 with a bucket for the sealed originals, as settings."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"s3://originals/sealed?endpoint=http://{host}:{port}"
    s3_filesystem(url, CREDENTIAL)[0].mkdir("originals")
    yield {"LAPOR_LANDING_URL": url, "LAPOR_LANDING_CREDENTIAL": CREDENTIAL}
    server.stop()


def originals(settings: dict[str, str]) -> int:
    """How many lie in the S3."""
    files, root = s3_filesystem(settings["LAPOR_LANDING_URL"], CREDENTIAL)
    return len(files.find(root))


@pytest.fixture
def scaled(nation: Nation, first_night: Warehouse, objects: dict[str, str]) -> Warehouse:
    """The warehouse after its first night, for a second one on several workers."""
    warehouse = nation.warehouse(f"nation_scaled_{secrets.token_hex(3)}", template=first_night)
    warehouse.environment |= objects
    warehouse.commands(f"python -m extract open --night {LAST}")
    return warehouse


def shard_of(agency: str, warehouse: Warehouse) -> str:
    """The shard that has an agency's deliveries."""
    registry = read_registry(Path(warehouse.environment["LAPOR_REGISTRY_DIR"]))
    with closing(psycopg2.connect(warehouse.environment["WAREHOUSE_DSN"])) as connection:
        for shard in range(WORKERS):
            planned = ledger.plan(connection, LAST, registry, shard=(shard, WORKERS))
            if agency in {item.agency.agency_code for item in planned}:
                return f"{shard}/{WORKERS}"
    raise AssertionError(f"no shard has {agency}")


def is_half_fetched(warehouse: Warehouse) -> bool:
    """Whether much has come and the hanging agency is still waited for."""
    return warehouse.query(
        f"select count(*) filter (where state = 'received') > 5 and bool_or(agency_code = '{HANGING}' and"
        f" state = 'expected') from ops.deliveries where night = '{LAST}'"
    ) == [(True,)]


def test_a_shard_whose_worker_was_killed_is_taken_over_and_raw_and_ledger_are_as_if_nothing_had_been(
    scaled: Warehouse, built: Warehouse, objects: dict[str, str]
) -> None:
    lost, before = shard_of(HANGING, scaled), originals(objects)
    shards = [f"{shard}/{WORKERS}" for shard in range(WORKERS)]
    running = {shard: scaled.start(f"python -m extract --night {LAST} --shard {shard}") for shard in shards}
    awaited(lambda: is_half_fetched(scaled) or running[lost].poll() is not None, "it is half fetched")
    assert running[lost].poll() is None, "the shard was over before its worker could be killed"
    os.killpg(running[lost].pid, signal.SIGKILL)
    running.pop(lost).wait()
    assert [process.wait(AWAIT_SECONDS) for process in running.values()] == [0] * (WORKERS - 1)
    (left,) = scaled.query(f"select count(*) > 0 from ops.deliveries where night = '{LAST}' and state = 'expected'")
    assert left == (True,), "what the lost worker had not done is still to be done"
    scaled.commands(f"python -m extract --night {LAST} --shard {lost}")
    assert scaled.query(LEDGER) == built.query(LEDGER)
    assert scaled.query(RAW) == built.query(RAW)
    assert originals(objects) > before


# -- the whole ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def broker() -> Iterator[str]:
    """A Redis of the test's own; its address."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed: apt-get install redis-server")
    with redis_server() as address:
        yield address


@pytest.fixture
def replica(server: Path) -> Iterator[Path]:
    """A replica of the session's server."""
    state = Path(tempfile.mkdtemp(prefix="lapor-tests-replica-"))
    state.chmod(0o755)
    create(server, state)
    yield state
    embedded.stop(state)
    shutil.rmtree(state)


@pytest.mark.skipif("LAPOR_TEST_SCALED" not in os.environ, reason="takes minutes: LAPOR_TEST_SCALED=1")
def test_a_night_on_celery_workers_of_which_one_is_killed_ends_in_the_same_marts(
    nation: Nation, scaled: Warehouse, built: Warehouse, broker: str, replica: Path, tmp_path: Path
) -> None:
    lost = shard_of(HANGING, scaled)
    nation.administer("drop database if exists airflow_scaled with (force)", "create database airflow_scaled")
    metadata = nation.dsn("airflow_scaled")
    scaled.environment |= {
        "AIRFLOW__CELERY__BROKER_URL": broker,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata.replace("postgresql://", "postgresql+psycopg2://"),
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(HEARTBEAT_SECONDS),
        "LAPOR_EXTRACT_SHARDS": str(WORKERS),
    }
    log, airflow = tmp_path / "log", Path(scaled.environment["LAPOR_STATE_DIR"]) / "airflow"
    command = [AIRFLOW_PYTHON, REPOSITORY / "dags" / "local_airflow.py", "run", "--workers", str(WORKERS)]
    with log.open("w") as stream:
        night = subprocess.Popen(
            [*command, "--nights", str(LAST)], cwd=REPOSITORY, env=scaled.environment, stdout=stream, stderr=stream
        )

    def doomed() -> list[int]:
        assert night.poll() is None, log.read_text()
        if not is_half_fetched(scaled):
            return []
        kept = json.loads((airflow / "processes.json").read_text())["processes"]
        trees = [with_descendants(process) for name, (process, _) in kept.items() if name.startswith("worker-")]
        return next((tree for tree in trees if any(f"--shard {lost}" in command_line(one) for one in tree)), [])

    try:
        for process in awaited(doomed, "a worker fetches the shard"):
            os.kill(process, signal.SIGKILL)
        assert night.wait(AWAIT_SECONDS) == 0, log.read_text()
    finally:
        night.terminate()  # it stops what it started
        night.wait(AWAIT_SECONDS)
    with closing(psycopg2.connect(metadata)) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) > 0 from log where task_id = 'extract' and event = 'heartbeat timeout'")
        assert cursor.fetchone() == (True,), "that it was lost was noticed by the heart that had stopped"
    assert scaled.query(LEDGER) == built.query(LEDGER)
    assert scaled.query(RAW) == built.query(RAW)
    marts = scaled.checksums()
    assert marts == built.checksums()
    scaled.environment["WAREHOUSE_DSN"] = embedded.socket_dsn(replica, LIVE)
    awaited(lambda: scaled.checksums() == marts, "the replica answers the same")
