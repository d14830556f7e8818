"""A real Airflow on this machine: its scheduler, DAG processor and API server, running the DAGs of this folder.

    python dags/local_airflow.py run --nights 2021-06-27,2021-06-28     start, run those nights in order, stop
    python dags/local_airflow.py start | stop                           in the background
    python dags/local_airflow.py up [--beside NAME=COMMAND]...          in the foreground, with what runs beside it
    python dags/local_airflow.py status                                 a JSON line per thing looked at: make status
    python dags/local_airflow.py night 2021-06-30 --agencies KOTA-21.71 redo a part of a night
    python dags/local_airflow.py backfill --from 2021-06-01 --to 2021-06-30

With --workers N tasks run on N Celery workers, to which the Redis of AIRFLOW__CELERY__BROKER_URL hands them; else
beside the scheduler. A worker that is lost ends nothing as long as there is another.

Everything it keeps (secrets of mode 600, logs, process ids) lies in <state>/airflow, its metadata in the database
`airflow` of the embedded PostgreSQL or where AIRFLOW__DATABASE__SQL_ALCHEMY_CONN says. It listens on 127.0.0.1 only.
Exit codes: 0 every night succeeded, 1 one failed (the end of its log is printed), 2 Airflow does not run.

It runs in the Airflow environment and imports nothing of ours; .airflowignore keeps it from being parsed as a DAG.
"""

import argparse
import json
import os
import re
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from local_log import followed
from local_nights import POLL_SECONDS, Api, ApiError, backfill, run_night
from local_processes import (
    COMPONENTS,
    FOR_A_NIGHT,
    WORKER,
    Components,
    LocalAirflowError,
    airflow_commands,
    airflow_home,
    component_environment,
    free_port,
    metadata_dsn,
    migrate,
    tail,
)
from local_status import BEATING, DAGS, POOL, look

START_TIMEOUT_SECONDS = 300  # of a machine that is busy; usual are 10 to 20


def start(home: Path, options: argparse.Namespace, commands: Mapping[str, Sequence[str]]) -> Api:
    """Start Airflow, wait until its parts say they are healthy and it knows the DAGs, and return its API.

    commands: what is started, Airflow's parts among it. When it is up already, that one is used; the rest of one that
    has lost a part is stopped first.
    """
    began, components = time.monotonic(), Components(home)
    if is_up(components):
        return Api.of(home, components.port())
    components.stop()
    (home / "logs").mkdir(parents=True, exist_ok=True)
    port, dsn = options.port or free_port(), metadata_dsn()
    environment = component_environment(home, port, dsn, options.with_schedule, options.workers)
    migrate(home, environment, dsn)
    migrated, asked_at = time.monotonic(), time.time()
    # Who runs tasks comes last: tasks that start before the API server answers fail, and with them a night.
    last = {name: command for name, command in commands.items() if name == "scheduler" or name.startswith(WORKER)}
    try:
        components.start({name: commands[name] for name in commands if name not in last}, environment, port)
        api = wait_for(home, components, port, lambda api: api.lacks_answers())
        set_pool(api)
        components.start(last, environment, port)
        api = wait_for(home, components, port, lambda api: what_is_missing(api, components, asked_at))
    except BaseException:
        components.stop()
        raise
    ready, database = time.monotonic() - began, migrated - began
    print(f"airflow ready at {api.address} in {ready:.1f} s, {database:.1f} s of it for its database", flush=True)
    return api


def is_up(components: Components) -> bool:
    """Whether all that was started runs."""
    return bool(components.names()) and not components.dead()


def set_pool(api: Api) -> None:
    """Make the pool that bounds how many shards are fetched at once, over all runs."""
    slots = int(os.environ.get("LAPOR_EXTRACT_SHARDS") or "4")
    pool = {"name": POOL, "slots": slots, "description": "shards fetched at once", "include_deferred": False}
    if POOL in api.pools():
        api.call("PATCH", f"pools/{POOL}", pool)
    else:
        api.call("POST", "pools", pool)


def wait_for(home: Path, components: Components, port: int, missing: Callable[[Api], str]) -> Api:
    """Await that nothing is missing any more, in words of `missing`, and return the API.

    Raises LocalAirflowError when a part ends, a DAG cannot be imported, or START_TIMEOUT_SECONDS have passed.
    """
    deadline, last = time.monotonic() + START_TIMEOUT_SECONDS, ""
    while time.monotonic() < deadline:
        for name in components.dead():
            raise LocalAirflowError(f"{name} ended while starting:\n{tail(components.log(name))}")
        try:
            api = Api.of(home, port)
            if not (last := missing(api)):
                return api
        except ApiError as error:
            last = str(error)
        time.sleep(POLL_SECONDS)
    raise LocalAirflowError(f"airflow is not healthy after {START_TIMEOUT_SECONDS} s: {last}. Logs: {home / 'logs'}")


def what_is_missing(api: Api, components: Components, asked_at: float) -> str:
    """What Airflow still lacks before a night can run, in words; empty when it lacks nothing."""
    health = api.call("GET", "monitor/health")
    for name in BEATING.keys() & set(components.names()):
        part = BEATING[name]
        beat = health[part][f"latest_{part}_heartbeat"]
        if not beat or datetime.fromisoformat(beat).timestamp() < asked_at:
            return f"no heartbeat of the {name} yet"
    for name in components.names():
        if name.startswith(WORKER) and not is_ready(components.log(name)):
            return f"{name} is not ready yet"
    for error in api.call("GET", "importErrors")["import_errors"]:
        if datetime.fromisoformat(error["timestamp"]).timestamp() > asked_at:
            raise LocalAirflowError(f"{error['filename']} cannot be imported:\n{error['stack_trace']}")
    known = {dag["dag_id"]: dag["last_parsed_time"] for dag in api.call("GET", "dags", limit=100)["dags"]}
    for dag_id in DAGS:
        if dag_id not in known or datetime.fromisoformat(known[dag_id]).timestamp() < asked_at:
            return f"{dag_id} is not parsed yet"
    return ""


def is_ready(log: Path) -> bool:
    """Whether a worker has said that it takes tasks."""
    return re.search(rf"{WORKER}\d+@\S+ ready", log.read_text(errors="replace")) is not None


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
        command.add_argument("--workers", type=int, default=0, metavar="N", help="run tasks on N Celery workers")
        if name == "up":
            command.add_argument(
                "--beside", action="append", default=[], type=beside, metavar="NAME=COMMAND",
                help="what else runs, ends with us and writes to the same log; the first given is stopped last",
            )  # fmt: skip
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
    commands.add_parser("status", help="print a JSON line per thing looked at, whatever is broken")
    return parser.parse_args(arguments)


def add_part(command: argparse.ArgumentParser) -> None:
    """Options that redo only a part of a night."""
    command.add_argument("--agencies", nargs="+", default=[], metavar="CODE", help="fetch these agencies only")
    command.add_argument("--resources", nargs="+", default=[], metavar="NAME", help="fetch these resources only")


def beside(text: str) -> tuple[str, list[str]]:
    """The name and the words of a command."""
    name, _, command = text.partition("=")
    return name, shlex.split(command)


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
        case "status":
            for line in look(home, components):
                print(json.dumps(line._asdict()))
            return 0
        case "up":
            return stay(home, components, options)
        case "night":
            return run_nights(Api.of(home, components.port()), home, options)
        case "backfill":
            return 0 if backfill(Api.of(home, components.port()), home, options.first, options.last) else 1
    was_up = is_up(components)
    api = start(home, options, airflow_commands(FOR_A_NIGHT, options.workers))
    if options.command == "start":
        return 0
    try:
        return run_nights(api, home, options)
    finally:
        if not was_up:
            stop(components)


def stop(components: Components) -> None:
    """Stop everything and say how long it took."""
    began = time.monotonic()
    components.stop()
    print(f"airflow stopped in {time.monotonic() - began:.1f} s", flush=True)


def run_nights(api: Api, home: Path, options: argparse.Namespace) -> int:
    """Run nights in order; the first that fails is the last."""
    part = {"agencies": options.agencies, "resources": options.resources}
    return 0 if all(run_night(api, home, night, part) for night in options.nights) else 1


def stay(home: Path, components: Components, options: argparse.Namespace) -> int:
    """Start everything and stay, with one log, until a part ends by itself, which is an error, or the user stops us."""
    commands = {**dict(options.beside), **airflow_commands(tuple(COMPONENTS), options.workers)}
    components.stop()
    components.logs.mkdir(parents=True, exist_ok=True)
    try:
        with followed({name: components.log(name) for name in commands}, sys.stdout):
            try:
                start(home, options, commands)
                print(f"user admin, password in {home / 'passwords.json'}; Ctrl-C stops everything", flush=True)
                while not (dead := components.missed()):
                    time.sleep(POLL_SECONDS)
            finally:
                components.stop()
    except BrokenPipeError:
        return 2
    print(f"stopped, because it ended by itself: {', '.join(dead)}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
