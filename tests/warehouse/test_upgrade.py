"""The way up from the first release: its data, restored, go through what docs/releasing.md says and keep their figures.

tests/warehouse/data/make_dump.sh made the dump with the release's own code.
"""

import lzma
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from warehouse.server import program

REPOSITORY = Path(__file__).resolve().parent.parent.parent
DUMP = Path(__file__).parent / "data" / "release-1.0.0.sql.xz"
DATABASE = "first_release"
UPGRADE = (
    "python -m warehouse up",
    'eval "$(python -m warehouse env)"; dbt build --full-refresh --exclude-resource-type unit_test'
    " --project-dir dbt_project --profiles-dir dbt_project",
)


@pytest.fixture(scope="module")
def released(server: Path) -> Iterator[Connection]:
    """A database as the first release left it: two published nights of eight simulated agencies."""
    dsn = f"postgresql://postgres@/postgres?host={server}/postgres"
    own = dsn.replace("/postgres?", f"/{DATABASE}?")
    with closing(psycopg2.connect(dsn)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"create database {DATABASE}")
        restored = subprocess.run(
            [program("psql"), own, "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"],
            input=lzma.decompress(DUMP.read_bytes()),
            capture_output=True,
            check=False,
        )
        assert restored.returncode == 0, restored.stderr.decode()
        with closing(psycopg2.connect(own)) as released:
            yield released
        with connection.cursor() as cursor:
            cursor.execute(f"drop database {DATABASE} with (force)")


def test_the_way_up_is_what_the_manual_says() -> None:
    manual = (REPOSITORY / "docs" / "releasing.md").read_text()
    typed = [command for line in UPGRADE for command in line.split("; ")]
    assert [command for command in typed if command not in manual] == []


def test_an_upgrade_from_the_first_release_keeps_every_figure(released: Connection, tmp_path: Path) -> None:
    columns = columns_of(released)
    before = figures(released, columns)
    assert query(released, "select count(*) > 100 from marts.fct_published_figures") == [(True,)]
    assert len(before) > 30

    for command in UPGRADE:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=REPOSITORY,
            env=environment(released, tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}{done.stderr[-2000:]}"

    assert query(
        released, "select is_full_refresh, is_successful from ops.builds order by started_at desc limit 1"
    ) == [(True, True)]
    now = columns_of(released)
    assert {table: gone for table, names in columns.items() if (gone := names - now.get(table, set()))} == {}
    assert figures(released, columns) == before


def test_the_dump_of_the_first_release_is_small_and_nobodys() -> None:
    assert DUMP.stat().st_size < 300_000
    text = lzma.decompress(DUMP.read_bytes()).decode()
    assert len(text) > 1_000_000
    assert set(re.findall(r"[\w.+-]+@[\w-]+\.\w+", text)) == set()
    assert set(re.findall(r"(?<![\w.])\d{16}(?![\w.])", text)) == set()  # a NIK has sixteen digits
    assert set(re.findall(r"(?<![\w.])(?:08|\+62)\d{8,}\b", text)) == set()


def columns_of(connection: Connection) -> dict[str, set[str]]:
    """Table of marts -> its columns that hold a figure, a time or a key; words may be put otherwise by a release."""
    rows = query(
        connection,
        "select table_name, column_name from information_schema.columns where table_schema = 'marts'"
        " and table_name ~ '^(fct|rpt)_' and (data_type <> 'text' or column_name ~ '_(code|id)$')",
    )
    tables: dict[str, set[str]] = {}
    for table, column in rows:
        tables.setdefault(str(table), set()).add(str(column))
    return tables


def figures(connection: Connection, columns: dict[str, set[str]]) -> dict[str, tuple[object, ...]]:
    """Rows and a checksum of those columns of each table."""
    return {
        table: query(
            connection,
            f"select count(*), md5(string_agg(line, ';' order by line)) from (select ({', '.join(sorted(names))})::text as line from marts.{table}) as lines",
        )[0]
        for table, names in columns.items()
    }


def query(connection: Connection, sql: str) -> list[tuple[object, ...]]:
    """Rows of a query."""
    with connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def environment(connection: Connection, folder: Path) -> dict[str, str]:
    """What the commands need to act on that database."""
    parts = connection.get_dsn_parameters()
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "WAREHOUSE_DSN": f"postgresql://{parts['user']}@/{parts['dbname']}?host={parts['host']}",
        "LAPOR_STATE_DIR": str(folder),
        "DBT_TARGET_PATH": str(folder / "dbt"),
        "DBT_LOG_PATH": str(folder / "dbt"),
    }
