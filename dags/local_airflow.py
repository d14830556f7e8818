"""A real Airflow on this machine: its scheduler, DAG processor and API server, running the DAGs of this folder.

    python dags/local_airflow.py run --nights 2021-06-27,2021-06-28     start, run those nights in order, stop
    python dags/local_airflow.py start | up | stop                      in the background | in the foreground
    python dags/local_airflow.py night 2021-06-30 --agencies KOTA-21.71 redo a part of a night
    python dags/local_airflow.py backfill --from 2021-06-01 --to 2021-06-30

Everything it keeps (secrets of mode 600, logs, process ids) lies in <state>/airflow, its metadata in the database
`airflow` of the embedded PostgreSQL or where AIRFLOW__DATABASE__SQL_ALCHEMY_CONN says. It listens on 127.0.0.1 only.
Exit codes: 0 every night succeeded, 1 one failed (the end of its log is printed), 2 Airflow does not run.

It runs in the Airflow environment and imports nothing of ours; .airflowignore keeps it from being parsed as a DAG.
"""

import argparse
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from local_nights import DAG_ID, POLL_SECONDS, Api, ApiError, backfill, run_night
from local_processes import (
    COMPONENTS,
    Components,
    LocalAirflowError,
    airflow_home,
    component_environment,
    free_port,
    metadata_dsn,
    migrate,
    tail,
)

START_TIMEOUT_SECONDS = 120


def start(home: Path, port: int | None, with_schedule: bool) -> Api:
    """Start Airflow, wait until its parts say they are healthy and it knows the DAG, and return its API.

    When it is up already, that one is used; the rest of one that has lost a part is stopped first.
    """
    began, components = time.monotonic(), Components(home)
    if len(components.alive()) == len(COMPONENTS):
        return Api(home, components.port())
    components.stop()
    (home / "logs").mkdir(parents=True, exist_ok=True)
    port, dsn = port or free_port(), metadata_dsn()
    environment = component_environment(home, port, dsn, with_schedule)
    migrate(home, environment, dsn)
    migrated, asked_at = time.monotonic(), time.time()
    try:
        components.start(environment, port)
        api = wait_until_ready(home, components, port, asked_at)
    except BaseException:
        components.stop()
        raise
    ready, database = time.monotonic() - began, migrated - began
    print(f"airflow ready at {api.address} in {ready:.1f} s, {database:.1f} s of it for its database", flush=True)
    return api


def wait_until_ready(home: Path, components: Components, port: int, asked_at: float) -> Api:
    """Await a heartbeat of every part since `asked_at` (epoch seconds) and the parsed DAG.

    Raises LocalAirflowError when a part ends, the DAG cannot be imported, or START_TIMEOUT_SECONDS have passed.
    """
    deadline, last = time.monotonic() + START_TIMEOUT_SECONDS, ""
    while time.monotonic() < deadline:
        dead = COMPONENTS.keys() - components.alive().keys()
        if dead:
            name = min(dead)
            raise LocalAirflowError(f"airflow {name} ended while starting:\n{tail(home / 'logs' / f'{name}.log')}")
        try:
            api = Api(home, port)
            if last := what_is_missing(api, asked_at):
                time.sleep(POLL_SECONDS)
            else:
                return api
        except ApiError as error:
            last = str(error)
            time.sleep(POLL_SECONDS)
    raise LocalAirflowError(f"airflow is not healthy after {START_TIMEOUT_SECONDS} s: {last}. Logs: {home / 'logs'}")


def what_is_missing(api: Api, asked_at: float) -> str:
    """What Airflow still lacks before a night can run, in words; empty when it lacks nothing."""
    health = api.call("GET", "monitor/health")
    for part in ("scheduler", "dag_processor"):
        beat = health[part][f"latest_{part}_heartbeat"]
        if not beat or datetime.fromisoformat(beat).timestamp() < asked_at:
            return f"no heartbeat of the {part} yet"
    for error in api.call("GET", "importErrors")["import_errors"]:
        if datetime.fromisoformat(error["timestamp"]).timestamp() > asked_at:
            raise LocalAirflowError(f"{error['filename']} cannot be imported:\n{error['stack_trace']}")
    dag = api.call("GET", f"dags/{DAG_ID}")
    parsed = datetime.fromisoformat(dag["last_parsed_time"]).timestamp()
    return "" if parsed > asked_at else f"{DAG_ID} is not parsed yet"


@contextmanager
def interruptible() -> Iterator[None]:
    """Make a polite kill end like Ctrl-C, so that what was started is stopped."""

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = parse(arguments)
    home = airflow_home()
    try:
        with interruptible():
            return run(options, home)
    except LocalAirflowError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in (
        ("start", "start in the background"),
        ("up", "start and stay until Ctrl-C"),
        ("run", "start, run nights, stop"),
    ):
        command = commands.add_parser(name, help=words)
        command.add_argument("--port", type=int, help="of the API server and its pages; default: a free one")
        command.add_argument("--with-schedule", action="store_true", help="also run every night at 01:00 WIB by itself")
        if name == "run":
            command.add_argument("--nights", required=True, type=nights, metavar="D,D,...")
            add_part(command)
    one = commands.add_parser("night", help="run nights in the Airflow that is up")
    one.add_argument("nights", nargs="+", type=date.fromisoformat, metavar="D")
    add_part(one)
    many = commands.add_parser("backfill", help="let Airflow run every night of a period")
    many.add_argument("--from", dest="first", required=True, type=date.fromisoformat)
    many.add_argument("--to", dest="last", required=True, type=date.fromisoformat)
    commands.add_parser("stop", help="stop every process of it")
    return parser.parse_args(arguments)


def add_part(command: argparse.ArgumentParser) -> None:
    """Options that redo only a part of a night."""
    command.add_argument("--agencies", nargs="+", default=[], metavar="CODE", help="fetch these agencies only")
    command.add_argument("--resources", nargs="+", default=[], metavar="NAME", help="fetch these resources only")


def nights(text: str) -> list[date]:
    """Dates separated by commas."""
    return [date.fromisoformat(part) for part in text.split(",")]


def run(options: argparse.Namespace, home: Path) -> int:
    """Do what the command line says."""
    components = Components(home)
    match options.command:
        case "stop":
            print("airflow stopped" if components.stop() else "airflow was not running")
            return 0
        case "night":
            return run_nights(Api(home, components.port()), home, options)
        case "backfill":
            return 0 if backfill(Api(home, components.port()), home, options.first, options.last) else 1
    was_up = len(components.alive()) == len(COMPONENTS)
    api = start(home, options.port, options.with_schedule)
    if options.command == "start":
        return 0
    try:
        if options.command == "run":
            return run_nights(api, home, options)
        print(f"user admin, password in {home / 'passwords.json'}; Ctrl-C stops it", flush=True)
        return stay(home, components)
    finally:
        if not was_up:
            began = time.monotonic()
            components.stop()
            print(f"airflow stopped in {time.monotonic() - began:.1f} s", flush=True)


def run_nights(api: Api, home: Path, options: argparse.Namespace) -> int:
    """Run nights in order; the first that fails is the last."""
    part = {"agencies": options.agencies, "resources": options.resources}
    return 0 if all(run_night(api, home, night, part) for night in options.nights) else 1


def stay(home: Path, components: Components) -> int:
    """Wait until a component ends by itself, which is an error, or the user stops us."""
    while len(alive := components.alive()) == len(COMPONENTS):
        time.sleep(POLL_SECONDS)
    for name in COMPONENTS.keys() - alive.keys():
        print(f"airflow {name} ended:\n{tail(home / 'logs' / f'{name}.log')}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
