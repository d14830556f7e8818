"""Marts filled by hand, and a small report: what reports are made of, without a night being built."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from psycopg2.extensions import connection as Connection
from psycopg2.sql import SQL, Composable, Identifier, Placeholder

from reports.charts import Chart
from reports.periods import Period
from reports.report import Column, Headline, Hidden, Metric, Report, Section, Table
from reports.suppression import Cell
from warehouse import schema
from warehouse.connection import connect
from warehouse.server import socket_dsn
from warehouse.settings import settings

MODELS = Path(__file__).resolve().parent.parent.parent / "dbt_project" / "models" / "marts"
NIGHT = date(2021, 6, 30)
CUT_OFF = datetime(2021, 6, 30, 17, tzinfo=UTC)  # 24:00 in Jakarta
EMPTY_LIBRARY = "truncate library.issues, library.files, library.cells, ops.nights cascade"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 20"><rect width="80" height="9" fill="#eef"/></svg>'


class Marts:
    """The marts as their contracts describe them, empty until a test puts rows in."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.filled: set[str] = set()
        self.columns: dict[str, dict[str, str]] = {}
        for file in sorted(MODELS.rglob("*.yml")):
            for model in yaml.safe_load(file.read_text()).get("models", []):
                self.columns[model["name"]] = {column["name"]: column["data_type"] for column in model["columns"]}

    def create(self) -> None:
        """Every mart, readable by the reports."""
        with self.connection, self.connection.cursor() as cursor:
            for name, columns in self.columns.items():
                described = SQL(", ").join(SQL("{} {}").format(Identifier(c), SQL(kind)) for c, kind in columns.items())
                cursor.execute(SQL("create table marts.{} ({})").format(Identifier(name), described))
            cursor.execute("grant select on all tables in schema marts to reporter")

    def insert(self, mart: str, **values: Any) -> None:
        """One row; columns that are not given are null. A column the contract has not is an error."""
        assert set(values) <= set(self.columns[mart]), set(values) - set(self.columns[mart])
        self.filled.add(mart)
        names = SQL(", ").join(map(Identifier, values))
        places = SQL(", ").join(Placeholder() * len(values))
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(
                SQL("insert into marts.{} ({}) values ({})").format(Identifier(mart), names, places),
                list(values.values()),
            )

    def publish(self, night: date = NIGHT, *, expected: int = 10, delivered: int = 10) -> None:
        """A published night of simulated agencies, all of one kind."""
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(
                "insert into ops.nights (night, cut_off_at, registry, is_simulated, built_seq, published_seq, published_at)"
                " values (%s, %s, 'test', true, 1, 1, now())",
                (night, datetime(night.year, night.month, night.day, 17, tzinfo=UTC)),
            )
        self.insert(
            "rpt_coverage_daily", night=night, kind="kota", is_simulated=True, expected_count=expected,
            delivered_count=delivered, empty_count=0, late_count=expected - delivered, failed_count=0, held_count=0,
            not_connected_count=0,
        )  # fmt: skip


@pytest.fixture(scope="module")
def library_of_its_own(server: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A state directory for what the module issues, so that it may empty its library; the fonts cut once are shared."""
    state_dir = tmp_path_factory.mktemp("state")
    (server / "fonts").mkdir(exist_ok=True)
    (state_dir / "fonts").symlink_to(server / "fonts")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("WAREHOUSE_DSN", socket_dsn(server))
        patched.setenv("LAPOR_STATE_DIR", str(state_dir))
        settings.cache_clear()
        yield
    settings.cache_clear()


@pytest.fixture(scope="module")
def marts_schema(library_of_its_own: None) -> Iterator[Marts]:
    """Empty marts on the session's server for a module; gone afterwards, as a build expects to find it."""
    with closing(connect("owner", "lapor/test")) as connection:
        _run(connection, "drop schema if exists marts cascade")
        schema.apply()
        empty = Marts(connection)
        empty.create()
        yield empty
        _run(connection, "drop schema marts cascade")
        _run(connection, EMPTY_LIBRARY)
        schema.apply()


@pytest.fixture
def marts(marts_schema: Marts) -> Marts:
    """Empty marts and an empty library."""
    for mart in marts_schema.filled:
        _run(marts_schema.connection, SQL("truncate marts.{}").format(Identifier(mart)))
    marts_schema.filled.clear()
    _run(marts_schema.connection, EMPTY_LIBRARY)
    return marts_schema


def _run(connection: Connection, statement: str | Composable) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)


def small_report(**changes: Any) -> Report:
    """A PANRB report of June 2021 with one table, one chart and one hidden row."""
    table = Table(
        "instansi",
        "Instansi",
        (
            Column("agency_name", "Instansi", "text"),
            Column("received_count", "Diterima", "count"),
            Column("followed_up_rate", "Tindak lanjut", "rate", help="dari laporan diterima."),
            Column("median", "Median (hari kerja)", "number"),
            Column("last_login_date", "Login terakhir", "date"),
        ),
        (
            ("Kota Batam", 1294, Decimal("0.757"), Decimal("9.75"), date(2021, 6, 1)),
            ("Kabupaten Karimun", Hidden.SMALL, Hidden.SMALL, Hidden.SMALL, None),
        ),
        note="Dua instansi.",
    )
    chart = Chart("grafik", SVG, "Naik", "Satu batang")
    values: dict[str, Any] = {
        "body": "panrb",
        "period": Period.parse("2021-06"),
        "agency_code": None,
        "institution": "KEMENTERIAN UJI",
        "title": "Laporan Uji",
        "subtitle": "Juni 2021 · 2 instansi",
        "night": NIGHT,
        "cut_off_at": CUT_OFF,
        "is_simulated": True,
        "is_preview": False,
        "delivered": 654,
        "expected": 657,
        "headlines": (Headline("Laporan diterima", 1297, "count", "▲ 1,5% dari bulan lalu"),),
        "sections": (Section("Temuan", ("Dua instansi menerima 1.297 laporan.",), (table, chart)),),
        "metrics": (Metric("followed_up_rate", "Tingkat tindak lanjut", "a dibagi b", "PANRB"),),
        "denominators": ("Dibagi laporan diterima.",),
        "cells": (Cell("uji", frozenset({"a"}), 1294), Cell("uji", frozenset({"b"}), 3, is_hidden=True)),
    }
    return Report(**(values | changes))
