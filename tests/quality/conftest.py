"""Fixtures of the gate's tests: an empty world to build nights in."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg2.extensions import connection as Connection

from tests.quality.world import World
from warehouse.connection import connect


@pytest.fixture
def world(warehouse: Connection) -> World:
    """An empty world to build a night in."""
    return World(warehouse)


@pytest.fixture(scope="module")
def shared_world(server: Path) -> Iterator[World]:
    """An empty world for a module that gates once and asks many questions of the outcome."""
    connection = connect("owner", "lapor/test")
    shared = World(connection)
    tables = shared.run(
        "select string_agg(format('%I.%I', schemaname, tablename), ', ') from pg_tables"
        " where schemaname in ('raw', 'restricted', 'ops', 'quality')"
    )[0][0]
    shared.run(f"truncate {tables} restart identity cascade")
    yield shared
    connection.close()
