"""How much faster a night is fetched by several workers: 657 agencies answer 150 ms late, 1 % of the time with 503.

The far night of bench/extract, with the product's own limits (32 requests at once of a process, 16 to a server, 2 to an
agency). `commands`: the nation in so many shards, each a process, all at once. `celery`: the same three shards by
Airflow's CeleryExecutor on so many workers that fetch one shard at a time, over a Redis of the bench's own; seconds are
those from the first shard's start to the last one's end, as Airflow has them. The gate judges the night, the marts are
not built: dbt is left out of the pipeline's commands.

Whoever ends with other numbers of complaints or events than the work has, or with a delivery that is not accounted for,
ends the bench.
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from bench.extract import race
from bench.extract.contenders import NIGHT, OURS, REPOSITORY, Stage
from bench.extract.cost import postgres_cpu_seconds
from bench.extract.work import Work, works
from warehouse.server import AIRFLOW_DATABASE, data_directory, socket_dsn

WAYS = ("commands", "celery")
WORK = "far night"
START_SECONDS = 60
SHARDS = 3  # of the night on Celery, however many workers there are
AIRFLOW = (REPOSITORY / ".venv-airflow" / "bin" / "python", REPOSITORY / "dags" / "local_airflow.py")
_EXTRACT = [sys.executable, "-m", "extract"]
# received = superseded + loaded is a constraint of the table; what is left is that nothing is missing or went wrong.
_ACCOUNTS = (
    "select count(*) filter (where state = 'received'), count(*) filter (where state = 'empty'), count(*),"
    " sum(received_rows), sum(received_events) from ops.deliveries"
)


@dataclass(frozen=True, slots=True)
class Run:
    """One night fetched by so many workers; `cpu_seconds` are PostgreSQL's and, of commands, the clients'."""

    way: str
    workers: int
    wall_seconds: float
    cpu_seconds: float


def measure(ways: Sequence[str], workers: Sequence[int], directory: Path | None = None) -> list[Run]:
    """Fetch the night every way by every number of workers; prints each as it ends. Raises SystemExit."""
    if unknown := set(ways) - set(WAYS):
        raise SystemExit(f"bench: ways {sorted(unknown)} are unknown; known: {', '.join(WAYS)}")
    work = works(0)[WORK]
    runs = []
    with race.warehouse(directory) as state, race.serving(work, 0) as port:
        folder = state / "stage"
        folder.mkdir()
        stage = Stage(folder, folder / "agencies.txt", "", folder, far=True)
        environment = race.environment_of(stage, work, port)
        for way in ways:
            for count in workers:
                with race.database(state, our_schema=True) as database_url:
                    run = _one(way, count, environment | {"WAREHOUSE_DSN": database_url}, state)
                    _account(work, database_url)
                print(f"{run.way}, {run.workers} workers: {run.wall_seconds:.1f} s", flush=True)
                runs.append(run)
    return runs


def _one(way: str, count: int, environment: dict[str, str], state: Path) -> Run:
    postmaster = int((data_directory(state) / "postmaster.pid").read_text().split()[0])
    before = postgres_cpu_seconds(postmaster)
    wall, cpu = _by_commands(count, environment) if way == "commands" else _by_celery(count, environment, state)
    return Run(way, count, wall, cpu + postgres_cpu_seconds(postmaster) - before)


def _by_commands(count: int, environment: Mapping[str, str]) -> tuple[float, float]:
    subprocess.run([*_EXTRACT, "open", "--night", NIGHT], cwd=REPOSITORY, env=environment, check=True)
    began = time.monotonic()
    commands = [[*_EXTRACT, "--night", NIGHT, "--shard", f"{shard}/{count}"] for shard in range(count)]
    running = [
        subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL) for command in commands
    ]
    ended = [os.wait4(process.pid, 0) for process in running]
    wall = time.monotonic() - began
    if any(status for _, status, _ in ended):
        raise SystemExit(f"bench: python -m extract failed with {count} shards")
    return wall, sum(usage.ru_utime + usage.ru_stime for _, _, usage in ended)


def _by_celery(count: int, environment: Mapping[str, str], state: Path) -> tuple[float, float]:
    airflow = socket_dsn(state, AIRFLOW_DATABASE)
    with redis_server() as broker:
        settings = {
            "AIRFLOW__CELERY__BROKER_URL": broker,
            "AIRFLOW__CELERY__WORKER_CONCURRENCY": "1",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": airflow.replace("postgresql://", "postgresql+psycopg2://"),
            "LAPOR_EXTRACT_SHARDS": str(SHARDS),
            "LAPOR_PIPELINE_BIN": str(_without_dbt(state / "bin")),
        }
        done = subprocess.run(
            [*AIRFLOW, "run", "--workers", str(count), "--nights", NIGHT],
            cwd=REPOSITORY, env={**environment, **settings}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"bench: the night failed on {count} workers:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    with closing(psycopg2.connect(airflow)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select extract(epoch from max(end_date) - min(start_date)) from task_instance"
            " where task_id = 'extract' group by run_id order by max(end_date) desc limit 1"
        )
        row = cursor.fetchone()
    assert row is not None
    return float(row[0]), 0.0


def _without_dbt(folder: Path) -> Path:
    """The pipeline's commands, of which dbt does nothing."""
    folder.mkdir(exist_ok=True)
    for name, words in (("python", f'exec "{sys.executable}" "$@"'), ("dbt", "exit 0")):
        (folder / name).write_text(f"#!/bin/sh\n{words}\n")
        (folder / name).chmod(0o755)
    return folder


def _account(work: Work, database_url: str) -> None:
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute(OURS.complaints_sql)
        complaints = cursor.fetchone()
        cursor.execute(OURS.events_sql)
        events = cursor.fetchone()
        cursor.execute(_ACCOUNTS)
        accounts = cursor.fetchone()
    silent = sum(count == 0 for count in work.rows.values())
    expected = (len(work.rows) - silent, silent, len(work.rows), work.complaints, work.events)
    if (complaints, events, accounts) != ((work.complaints,), (work.events,), expected):
        raise SystemExit(
            f"bench: {complaints} complaints and {events} events are in PostgreSQL, the ledger says {accounts};"
            f" the work is {expected}"
        )


@contextmanager
def redis_server() -> Iterator[str]:
    """A Redis of one's own on a free port of this machine, with a password; yields its address.

    Raises SystemExit when redis-server is not installed.
    """
    if shutil.which("redis-server") is None:
        raise SystemExit("bench: redis-server is not installed: apt-get install redis-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    password = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="lapor-redis-") as folder:
        settings = Path(folder) / "redis.conf"
        settings.touch(mode=0o600)
        settings.write_text(f'bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ""\ndir {folder}\n')
        process = subprocess.Popen(["redis-server", str(settings)], stdout=subprocess.DEVNULL)
        try:
            _await(port)
            yield f"redis://:{password}@127.0.0.1:{port}/0"
        finally:
            process.terminate()
            process.wait()


def _await(port: int) -> None:
    """Raises SystemExit when nobody listens within START_SECONDS."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise SystemExit(f"bench: redis-server does not answer on port {port}")


def report(runs: Sequence[Run]) -> str:
    """The table, each row against the fewest workers of its way."""
    lines = [f"{'way':9} {'workers':>7} {'wall s':>7} {'CPU s':>7} {'times as fast':>14}"]
    for run in runs:
        first = next(other for other in runs if other.way == run.way)
        lines.append(
            f"{run.way:9} {run.workers:7} {run.wall_seconds:7.1f} {run.cpu_seconds:7.1f}"
            f" {first.wall_seconds / run.wall_seconds:14.2f}"
        )
    return "\n".join([*lines, "CPU s: PostgreSQL and, of commands, the clients; of celery PostgreSQL alone"])
