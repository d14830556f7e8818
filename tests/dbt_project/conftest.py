"""One dbt project directory for the session's builds, and a warehouse in which nothing has been built yet."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.dbt_project.dbt_runs import run_dbt
from tests.dbt_project.raw_world import RawWorld
from warehouse import schema
from warehouse.connection import connect, dbt_environment, warehouse_dsn

ROOMS = ("staging", "intermediate", "marts", "test_failures")
SCHEMAS = (*ROOMS, *(f"as_of_{room}" for room in ROOMS))

Dbt = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def dbt(server: Path, tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    """Runs dbt against the session's server: dbt("build", ...), by a login that may be transformer and nothing else.

    A failure is an assertion with dbt's own words, unless check=False.
    """
    target = tmp_path_factory.mktemp("dbt")
    with closing(connect("owner", "lapor/test")) as connection, connection, connection.cursor() as cursor:
        # tests/warehouse has this fixture too, and the server may be the same.
        cursor.execute(
            "drop role if exists dbt_login; create role dbt_login login noinherit; grant transformer to dbt_login"
        )

    def run(command: str, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        done = run_dbt(
            command,
            *arguments,
            target=target / "with_vars" if "--vars" in arguments else target,
            environment={**dbt_environment(warehouse_dsn()), "LAPOR_DBT_USER": "dbt_login"},
        )
        assert not check or done.returncode == 0, done.stdout[-6000:]
        return done

    return run


@pytest.fixture(scope="module")
def world(server: Path) -> Iterator[RawWorld]:
    """An empty raw schema with no marts yet, for a module that builds once and asks many questions."""
    connection = connect("owner", "lapor/test")
    empty = RawWorld(connection)
    tables = empty.value(
        "select string_agg(format('%I.%I', schemaname, tablename), ', ') from pg_tables where schemaname in ('raw', 'restricted', 'ops', 'quality')"
    )
    empty.run(f"truncate {tables} restart identity cascade")
    for name in SCHEMAS:
        empty.run(f"drop schema if exists {name} cascade")
    schema.apply()
    yield empty
    connection.close()
