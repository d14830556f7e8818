"""The processes of a local Airflow: its secrets and settings, its database, started, watched and stopped."""

import base64
import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # publishes no types
import psycopg2

DAGS = Path(__file__).resolve().parent
REPOSITORY = DAGS.parent
STOP_TIMEOUT_SECONDS = 20
ORPHAN_TIMEOUT_SECONDS = 2  # a worker without its scheduler has nothing to finish, and ends for no polite signal
LOG_TAIL_LINES = 30
MARK = "LAPOR_LOCAL_AIRFLOW"
# What runs a night, and in the foreground what runs besides whatever a DAG may wait for.
COMPONENTS = {
    "api-server": ["api-server", "--workers", "1"],
    "dag-processor": ["dag-processor"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
FOR_A_NIGHT = ("api-server", "dag-processor", "scheduler")
WORKER = "worker-"  # and a number: a Celery worker
BROKER = "AIRFLOW__CELERY__BROKER_URL"


class LocalAirflowError(RuntimeError):
    """Airflow does not run or does not answer; the message says what to do."""


def airflow_home() -> Path:
    """Where this Airflow keeps its files.

    The variable is the pipeline's; it is read here because nothing of the pipeline may be imported.
    """
    return Path(os.environ.get("LAPOR_STATE_DIR") or REPOSITORY / ".state").resolve() / "airflow"


def read_secrets(home: Path) -> dict[str, str]:
    """Password and keys of this Airflow, made on first use and readable by their owner only."""
    file = home / "secrets.json"
    if not file.exists():
        home.mkdir(parents=True, exist_ok=True)
        made = {name: secrets.token_urlsafe(64) for name in ("password", "jwt_secret", "api_secret")}
        made["fernet_key"] = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        write_private(file, made)
        write_private(home / "passwords.json", {"admin": made["password"]})
    return dict(json.loads(file.read_text()))


def airflow_commands(names: Sequence[str], workers: int) -> dict[str, list[str]]:
    """How components of Airflow are started, and so many Celery workers.

    Raises LocalAirflowError when there are to be workers and nothing says where Redis is.
    """
    if workers and not os.environ.get(BROKER):
        raise LocalAirflowError(
            f"Workers are handed their tasks by Redis; say where it is: {BROKER}=redis://host:6379/0"
        )
    parts = {name: COMPONENTS[name] for name in names}
    for name in (f"{WORKER}{number}" for number in range(1, workers + 1)):
        parts[name] = ["celery", "worker", "--skip-serve-logs", "--celery-hostname", f"{name}@%h"]
    return {name: [sys.executable, "-m", "airflow", *words] for name, words in parts.items()}


def is_airflows(name: str) -> bool:
    """Whether this is a part of Airflow and not what runs beside it."""
    return name in COMPONENTS or name.startswith(WORKER)


def write_private(file: Path, content: dict[str, Any]) -> None:
    """Write JSON with mode 600 from the first byte on."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        json.dump(content, stream)


def metadata_dsn() -> str:
    """SQLAlchemy address of Airflow's own database. Raises LocalAirflowError when the warehouse does not run."""
    configured = os.environ.get("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN")
    if configured:
        return configured
    if os.environ.get("WAREHOUSE_DSN"):
        raise LocalAirflowError(
            "WAREHOUSE_DSN names your own server; say where Airflow keeps its metadata there: "
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgresql+psycopg2://user:password@host/airflow"
        )
    python = Path(os.environ.get("LAPOR_PIPELINE_BIN") or REPOSITORY / ".venv" / "bin") / "python"
    command = [str(python), "-m", "warehouse", "dsn", "--database", "airflow"]
    answer = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise LocalAirflowError(answer.stderr.strip() or f"{' '.join(command)} ended with {answer.returncode}")
    return answer.stdout.strip().replace("postgresql://", "postgresql+psycopg2://", 1)


def component_environment(home: Path, port: int, dsn: str, with_schedule: bool, workers: int) -> dict[str, str]:
    """Variables of the components: where things are, and what makes one night quick on a small machine.

    With workers a task runs on whichever of them is free; all shards are fetched at once when all of them are there.
    """
    kept, address = read_secrets(home), f"http://127.0.0.1:{port}"
    shards = int(os.environ.get("LAPOR_EXTRACT_SHARDS") or "4")
    # docs/scaling.md, A worker is lost; who knows better says otherwise.
    defaults = {
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "120",
        "CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "7200",
        "CELERY__WORKER_CONCURRENCY": str(-(-shards // max(workers, 1))),
    }
    options = {
        "CORE__DAGS_FOLDER": str(DAGS),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CORE__EXECUTOR": "CeleryExecutor" if workers else "LocalExecutor",
        "CORE__PARALLELISM": str(shards),
        "CELERY__RESULT_BACKEND": f"db+{dsn}",
        "CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "CORE__FERNET_KEY": kept["fernet_key"],
        "CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "DATABASE__SQL_ALCHEMY_CONN": dsn,
        "API__HOST": "127.0.0.1",
        "API__PORT": str(port),
        "API__BASE_URL": address,
        "API__SECRET_KEY": kept["api_secret"],
        "API_AUTH__JWT_SECRET": kept["jwt_secret"],
        "LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(home / "logs" / "dag_processor"),
        # Without the schedule a start does not run last night by itself: nights are asked for.
        "SCHEDULER__USE_JOB_SCHEDULE": str(with_schedule),
        "WORKERS__EXECUTION_API_TIMEOUT": "60",  # a machine that extracts and builds answers late
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",  # the wait between one task's end and the next one's start
        "METRICS__LEGACY_NAMES_ON": "False",  # each metric once, and what it is of in its tags
        "DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "DAG_PROCESSOR__PRINT_STATS_INTERVAL": "0",
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",  # small files: parsing them more often is only heat
    }
    # As the pipeline's own default: the jobs of both stand together.
    lineage = {"OPENLINEAGE_NAMESPACE": os.environ.get("OPENLINEAGE_NAMESPACE") or "lapor"}
    named = [{f"AIRFLOW__{name}": value for name, value in some.items()} for some in (defaults, options)]
    return {**named[0], **os.environ, "AIRFLOW_HOME": str(home), **lineage, **named[1]}


def migrate(home: Path, environment: dict[str, str], dsn: str) -> None:
    """Bring the metadata database to this version's schema; costs nothing when it is already there."""
    marker = home / "schema_version"
    with psycopg2.connect(dsn.replace("+psycopg2", "")) as connection, connection.cursor() as cursor:

        def schema_version() -> str:
            cursor.execute("select to_regclass('alembic_version')")
            if cursor.fetchone() == (None,):
                return "empty"
            cursor.execute("select version_num from alembic_version")
            return ",".join(sorted(row[0] for row in cursor.fetchall()))

        if marker.exists() and marker.read_text() == schema_version():
            return
        connection.commit()
        log = home / "logs" / "migrate.log"
        with log.open("w") as stream:
            done = subprocess.run(
                [sys.executable, "-m", "airflow", "db", "migrate"],
                env=environment,
                stdout=stream,
                stderr=stream,
                check=False,
            )
        if done.returncode != 0:
            raise LocalAirflowError(f"airflow db migrate failed:\n{tail(log)}")
        marker.write_text(schema_version())


class Components:
    """The processes of this Airflow, known by id and birth so that a reused id is never taken for one of them.

    Whatever they start is found as a child of theirs; what outlives who started it, by its session or by a mark in its
    environment. A scheduler that is killed leaves workers behind, and these the locks that it held in the database: the
    next scheduler would wait for them for ever.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.file = home / "processes.json"
        self.logs = home / "logs"

    def start(self, commands: Mapping[str, Sequence[str]], environment: Mapping[str, str], port: int) -> None:
        """Start every command, in order, besides what was started before.

        Each in a session of its own: Ctrl-C reaches us, and we stop them in reverse.
        """
        started = self._kept().get("processes", {})
        for name, command in commands.items():
            with self.log(name).open("w") as log:
                process = subprocess.Popen(
                    command,
                    env={**environment, MARK: str(self.home)},
                    cwd=REPOSITORY,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            started[name] = [process.pid, psutil.Process(process.pid).create_time()]
            write_private(self.file, {"port": port, "processes": started})

    def log(self, name: str) -> Path:
        """Where a component writes what it says."""
        return self.logs / f"{name}.log"

    def names(self) -> list[str]:
        """What was started, in order."""
        return list(self._kept().get("processes", {}))

    def alive(self) -> dict[str, psutil.Process]:
        """The components that run now."""
        found = {}
        for name, (pid, born) in self._kept().get("processes", {}).items():
            try:
                process = psutil.Process(pid)
                if process.create_time() == born and process.status() != psutil.STATUS_ZOMBIE:
                    found[name] = process
            except psutil.NoSuchProcess:
                continue
        return found

    def dead(self) -> list[str]:
        """Components that were started and run no more."""
        return [name for name in self.names() if name not in self.alive()]

    def missed(self) -> list[str]:
        """Of the dead those without which nothing goes on: any part, but of the workers only all together."""
        dead, workers = self.dead(), [name for name in self.names() if name.startswith(WORKER)]
        spared = set(workers) if set(workers) - set(dead) else set()
        return [name for name in dead if name not in spared]

    def port(self) -> int:
        """Port of the API server. Raises LocalAirflowError when a component is missing."""
        missing = self.missed() if self.names() else sorted(COMPONENTS)
        if missing:
            raise LocalAirflowError(
                f"Airflow is not running ({', '.join(missing)}). Start it with: make up   Its logs: {self.logs}"
            )
        return self.recorded_port()

    def recorded_port(self) -> int:
        """Port of the API server that was started, whether or not it runs."""
        return int(self._kept()["port"])

    def stop(self) -> bool:
        """Stop the components, the tasks they run and whatever those started; True if there was something to stop.

        Airflow's own at once, then what stands beside it one by one, the last started first: what others rest on, a
        server say, ends when nobody needs it any more.
        """
        alive = self.alive()
        airflow = [process for name, process in alive.items() if is_airflows(name)]
        _end([*airflow, *(child for process in airflow for child in _children(process))])
        for name, process in reversed(alive.items()):
            if not is_airflows(name):
                _end([process, *_children(process)])
        left = self._left_behind()
        _end(left, ORPHAN_TIMEOUT_SECONDS)
        self.file.unlink(missing_ok=True)
        return bool(alive or left)

    def _left_behind(self) -> list[psutil.Process]:
        """What descends from the components and lost its parent; never PostgreSQL, which has an end of its own."""
        sessions = {pid for pid, born in self._kept().get("processes", {}).values() if not _is_another(pid, born)}
        found = []
        for process in psutil.process_iter():
            try:
                if process.name() != "postgres" and (
                    os.getsid(process.pid) in sessions or process.environ().get(MARK) == str(self.home)
                ):
                    found.append(process)
            except (psutil.AccessDenied, psutil.NoSuchProcess, ProcessLookupError, PermissionError):
                continue
        return found

    def _kept(self) -> dict[str, Any]:
        return dict(json.loads(self.file.read_text())) if self.file.exists() else {}


def _is_another(pid: int, born: float) -> bool:
    """Whether the id now is that of another process; an id is not given again while a session has its name."""
    try:
        return bool(psutil.Process(pid).create_time() != born)
    except psutil.NoSuchProcess:
        return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _end(processes: list[psutil.Process], patience_seconds: float = STOP_TIMEOUT_SECONDS) -> None:
    """Ask them to end, and kill who has not when the patience is over."""
    _signal(processes, psutil.Process.terminate)
    _, left = psutil.wait_procs(processes, timeout=patience_seconds)
    _signal(left, psutil.Process.kill)
    psutil.wait_procs(left, timeout=STOP_TIMEOUT_SECONDS)


def _signal(processes: list[psutil.Process], send: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        try:
            send(process)
        except psutil.NoSuchProcess:
            continue


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tail(file: Path) -> str:
    """The last lines of a log, indented; of a task's log only what its command printed and what went wrong."""
    if not file.exists():
        return f"    (no log at {file})"
    lines = [said for line in file.read_text(errors="replace").splitlines() if (said := what_was_said(line))]
    return "\n".join(f"    {line}" for line in lines[-LOG_TAIL_LINES:])


def what_was_said(line: str) -> str:
    """A line of a component's log as it is; of a task's JSON line the words, if not mere chatter."""
    try:
        entry = dict(json.loads(line))
    except (ValueError, TypeError):
        return line
    is_command = "SubprocessHook" in entry.get("logger", "")
    if not is_command and entry.get("level") not in {"warning", "error", "critical"}:
        return ""
    causes = [detail["exc_value"] for detail in entry.get("error_detail") or [] if detail.get("exc_value")]
    return ": ".join([str(entry.get("event", line)), *causes])
