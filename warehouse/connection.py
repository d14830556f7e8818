"""The one way to open a connection: as a role, in UTC."""

from typing import Literal

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import parse_dsn

from warehouse.server import socket_dsn
from warehouse.settings import settings

Role = Literal[
    "owner",
    "loader",
    "gate",
    "transformer",
    "reporter",
    "panrb_analyst",
    "ksp_reader",
    "ombudsman_reader",
    "agency_reader",
    "data_engineer",
    "portal",
]


def warehouse_dsn() -> str:
    """Connection string of the warehouse: WAREHOUSE_DSN, or the running embedded server's.

    Raises WarehouseNotRunning when neither is there.
    """
    configured = settings().warehouse_dsn
    return configured.get_secret_value() if configured else socket_dsn(settings().state_dir)


def dbt_environment(dsn: str) -> dict[str, str]:
    """The parts of a connection string as the environment variables of dbt_project/profiles.yml.

    Includes the password if the string has one.
    """
    parts = parse_dsn(dsn)
    return {
        f"LAPOR_DBT_{name.upper()}": str(parts[name])
        for name in ("host", "port", "user", "password", "dbname", "sslmode")
        if name in parts
    }


def connect(role: Role, application: str = "lapor") -> Connection:
    """Open a connection acting as `role`.

    "owner" is the login itself, for administration only: `python -m warehouse init`, `matrix`, `retain`, `erase`.
    The login of the DSN must be a member of the role. Raises WarehouseNotRunning or psycopg2.OperationalError.
    """
    options = "-c timezone=UTC" if role == "owner" else f"-c timezone=UTC -c role={role}"
    return psycopg2.connect(warehouse_dsn(), options=options, application_name=f"{application}/{role}")
