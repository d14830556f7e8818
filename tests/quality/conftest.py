"""Fixtures of the gate's tests: an empty world to build nights in.

LAPOR_TEST_WITHOUT_RULE=rule_id switches a rule off for the whole run: then some test has to fail (mutations.py).
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import pytest
from psycopg2.extensions import connection as Connection

from quality.decisions import Run
from quality.rules import Rule
from quality.validation import Validator
from tests.quality.world import World
from warehouse.connection import connect


@pytest.fixture(scope="session", autouse=True)
def _without_a_rule() -> Iterator[None]:
    """The suites but for the rule that the environment names."""
    off = os.environ.get("LAPOR_TEST_WITHOUT_RULE")
    if not off:
        yield
        return
    run = Validator.run

    def without(self: Validator, name: str, rules: Sequence[Rule], frame: pd.DataFrame) -> Run:
        return run(self, name, [rule for rule in rules if rule.rule_id != off], frame)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Validator, "run", without)
        yield


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
