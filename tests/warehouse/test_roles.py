"""Least privilege, as the live catalog has it: each role reads and writes what its job names, nothing else."""

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import parse_dsn

from warehouse import schema
from warehouse.connection import connect, dbt_environment

READ = "SELECT"
WRITE = "INSERT UPDATE DELETE"
ROOMS = ("raw", "restricted", "ops", "quality", "library")
# Role -> room -> what it may do with the tables there. What is not listed is forbidden.
MAY = {
    "loader": {"raw": f"{READ} {WRITE}", "restricted": f"{READ} {WRITE}", "ops": f"{READ} {WRITE}"},
    "gate": {"raw": READ, "ops": READ, "quality": f"{READ} {WRITE}"},
    "transformer": {"raw": READ, "ops": READ, "quality": READ},
    "data_engineer": {"raw": READ, "ops": READ, "quality": READ},
    "reporter": {},
    "panrb_analyst": {},
    "ksp_reader": {},
    "ombudsman_reader": {},
    "agency_reader": {},
    "portal": {},
}
# What pages and reports say of the night they show.
OF_A_NIGHT = {("ops.nights", "SELECT"): {"night", "cut_off_at", "is_simulated", "published_at"}}
# Columns beyond whole tables: table -> right -> columns.
COLUMNS = {
    "gate": {("ops.nights", "UPDATE"): {"changed_seq", "gated_at"}},
    "transformer": {("ops.nights", "UPDATE"): {"built_seq"}},
    "reporter": {
        ("quality.quarantined_record", "SELECT"): {
            "night", "agency_code", "table_name", "rule_ids", "reasons", "status",
        },
    },
    **dict.fromkeys(("panrb_analyst", "ombudsman_reader", "ksp_reader", "agency_reader"), OF_A_NIGHT),
}  # fmt: skip
ISSUES = {("library.issues", "SELECT"), ("library.files", "SELECT")}
WHOLE_TABLES_BESIDES = {
    "reporter": {
        ("ops.nights", "SELECT"),
        ("library.access_log", "INSERT"),
        *((f"library.{table}", right) for table in ("issues", "files", "cells") for right in ("SELECT", "INSERT")),
    },
    "portal": {("library.access_log", "INSERT")},
    "data_engineer": {*ISSUES, ("library.access_log", "SELECT")},
    **dict.fromkeys(("panrb_analyst", "ombudsman_reader", "ksp_reader", "agency_reader"), ISSUES),
    "transformer": {("ops.builds", "INSERT"), ("ops.build_results", "INSERT")},
}
# What is written once and stays, by whoever else writes in that room.
NOT_BY = {
    "gate": {("quality.decision_log", right) for right in ("UPDATE", "DELETE")},
    "loader": {
        (table, right)
        for table in ("ops.builds", "ops.build_results", "restricted.erasures")
        for right in WRITE.split()
    },
}


@pytest.mark.parametrize("role", MAY)
def test_a_role_may_do_what_its_job_names_and_nothing_else(warehouse: Connection, role: str) -> None:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(
            "select schemaname || '.' || tablename, privilege from pg_tables,"
            " unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) as privilege"
            " where schemaname = any(%s) and has_table_privilege(%s, schemaname || '.' || tablename, privilege)",
            [list(ROOMS), role],
        )
        found = set(cursor.fetchall())
        cursor.execute("select schemaname || '.' || tablename from pg_tables where schemaname = any(%s)", [list(ROOMS)])
        tables = [name for (name,) in cursor.fetchall()]
    expected = {(table, right) for table in tables for right in MAY[role].get(table.split(".")[0], "").split()}
    expected = (expected | WHOLE_TABLES_BESIDES.get(role, set())) - NOT_BY.get(role, set())
    assert len(tables) > 15
    assert found == expected


@pytest.mark.parametrize("role", MAY)
def test_a_role_may_touch_single_columns_only_where_it_is_said(warehouse: Connection, role: str) -> None:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(
            "select table_schema || '.' || table_name, privilege, column_name"
            " from information_schema.columns, unnest(array['SELECT', 'INSERT', 'UPDATE']) as privilege"
            " where table_schema = any(%s)"
            " and has_column_privilege(%s, table_schema || '.' || table_name, column_name, privilege)"
            " and not has_table_privilege(%s, table_schema || '.' || table_name, privilege)",
            [list(ROOMS), role, role],
        )
        found: dict[tuple[str, str], set[str]] = {}
        for table, right, column in cursor.fetchall():
            found.setdefault((table, right), set()).add(column)
    assert found == COLUMNS.get(role, {})


@pytest.mark.parametrize("role", MAY)
def test_only_engineers_enter_the_rooms_that_are_dbts_own(warehouse: Connection, role: str) -> None:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(
            "select name from unnest(array['staging', 'intermediate', 'test_failures']) as name"
            " where has_schema_privilege(%s, name, 'usage')",
            [role],
        )
        rooms = {name for (name,) in cursor.fetchall()}
    assert rooms == (
        {"staging", "intermediate", "test_failures"} if role in ("transformer", "data_engineer") else set()
    )


@pytest.mark.parametrize("role", MAY)
def test_who_reads_marts_may_check_their_arithmetic(warehouse: Connection, role: str) -> None:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(
            "select has_schema_privilege(%(role)s, 'statistics', 'usage'), has_schema_privilege(%(role)s, 'statistics', 'create'),"
            " count(*), bool_and(has_function_privilege(%(role)s, oid, 'execute'))"
            " from pg_proc where pronamespace = 'statistics'::regnamespace",
            {"role": role},
        )
        row = cursor.fetchone()
    assert row is not None
    may_use, may_create, functions, may_execute = row
    assert functions > 5
    assert may_execute
    assert may_use is (role not in ("loader", "gate", "portal"))
    assert not may_create


def test_a_connection_acts_as_its_role(warehouse: Connection) -> None:
    with connect("panrb_analyst") as connection, connection.cursor() as cursor:
        cursor.execute("select current_user, current_setting('timezone')")
        assert cursor.fetchone() == ("panrb_analyst", "UTC")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("select 1 from restricted.complaint_texts")
    connection.close()


def test_applying_the_schema_again_changes_nothing(warehouse: Connection) -> None:
    catalog = (
        "select md5(string_agg(line, '|' order by line)) from ("
        " select concat_ws(' ', table_schema, table_name, column_name, data_type, column_default, is_nullable)"
        " from information_schema.columns where table_schema = any(%(rooms)s)"
        " union all select concat_ws(' ', grantee, table_schema, table_name, privilege_type)"
        " from information_schema.table_privileges where table_schema = any(%(rooms)s)"
        " union all select indexdef from pg_indexes where schemaname = any(%(rooms)s)) as lines(line)"
    )
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(catalog, {"rooms": list(ROOMS)})
        before = cursor.fetchone()
    assert schema.apply()[0] == "010_roles.sql"
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(catalog, {"rooms": list(ROOMS)})
        assert cursor.fetchone() == before


def test_dbt_is_told_every_part_of_the_connection() -> None:
    dsn = "postgresql://lapor:s%20e@db.example.go.id:5433/w?sslmode=require"
    assert dbt_environment(dsn) == {
        "LAPOR_DBT_HOST": "db.example.go.id", "LAPOR_DBT_PORT": "5433", "LAPOR_DBT_USER": "lapor",
        "LAPOR_DBT_PASSWORD": "s e", "LAPOR_DBT_DBNAME": "w", "LAPOR_DBT_SSLMODE": "require",
    }  # fmt: skip
    assert parse_dsn(dsn)["password"] == "s e"
