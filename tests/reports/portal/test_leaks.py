"""What readers hold together gives no small count away: all numbers they can get, as one system of equations.

A nation of eleven agencies is built and reported on twice and once over the quarter. Each place that names a count of
complaints received is read as an equation over agencies' months, whose truth the test knows; then what follows from all
of them is worked out in fractions. Nothing here asks `reports.suppression` what it thinks.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import date
from fractions import Fraction
from html import unescape
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from fastapi import FastAPI
from psycopg2.extensions import make_dsn
from starlette.testclient import TestClient

from reports import issuing, library
from reports.contents import agency_figures
from reports.contents import frame as contents
from reports.periods import Period
from reports.portal import sign_in, workshop
from reports.portal.app import create_app
from reports.portal.pages import frame
from reports.portal.readers import LABELS, Reader
from reports.suppression import Cell
from reports.tables import render_json
from tests.dbt_project.raw_world import RawWorld, wib
from tests.reports.portal.conftest import REPOSITORY, forget, settings_of
from warehouse.connection import dbt_environment
from warehouse.server import socket_dsn
from warehouse.settings import settings

NIGHT = date(2021, 6, 30)
PERIODS = ("2021-05", "2021-06", "2021-Q2")
DATABASE = "leak_tests"
CENTRAL = "00"
# Code -> name, kind, province; complaints of January to June 2021.
AGENCIES = {
    "KAB-11.02": ("Kabupaten Aceh Tenggara", "kabupaten", "11"),
    "KAB-11.05": ("Kabupaten Aceh Barat", "kabupaten", "11"),
    "KAB-11.08": ("Kabupaten Aceh Utara", "kabupaten", "11"),
    "KAB-12.05": ("Kabupaten Langkat", "kabupaten", "12"),
    "KOTA-12.71": ("Kota Medan", "kota", "12"),
    "PROV-12": ("Provinsi Sumatera Utara", "provinsi", "12"),
    "KAB-21.02": ("Kabupaten Karimun", "kabupaten", "21"),
    "KOTA-21.71": ("Kota Batam", "kota", "21"),
    "KAB-14.04": ("Kabupaten Indragiri Hilir", "kabupaten", "14"),
    "KEM-1330": ("Kementerian Pekerjaan Umum", "kementerian", CENTRAL),
    "KEM-2060": ("Kementerian Perdagangan", "kementerian", CENTRAL),
}
RECEIVED = {
    "KAB-11.02": (6, 7, 5, 8, 3, 9),
    "KAB-11.05": (2, 6, 9, 7, 6, 5),
    "KAB-11.08": (7, 5, 0, 5, 8, 7),
    "KAB-12.05": (5, 1, 7, 6, 9, 2),
    "KOTA-12.71": (8, 9, 6, 11, 7, 12),
    "PROV-12": (0, 3, 5, 7, 5, 6),
    "KAB-21.02": (3, 0, 2, 6, 4, 1),
    "KOTA-21.71": (9, 8, 12, 10, 7, 11),
    "KAB-14.04": (2, 4, 1, 3, 2, 6),
    "KEM-1330": (6, 5, 5, 11, 5, 8),
    "KEM-2060": (7, 6, 8, 4, 9, 10),
}
MONTHS = [date(2021, number, 1) for number in range(1, 7)]
TRUTH = {(code, month): count for code, counts in RECEIVED.items() for month, count in zip(MONTHS, counts, strict=True)}

Base = tuple[str, date]
Equation = tuple[frozenset[Base], int]
Page = Callable[[str], str]
Mart = Callable[[str], list[dict[str, Any]]]


def over(codes: Iterable[str], months: Iterable[date], count: object) -> list[Equation]:
    """What these agencies received in these months, if it is told. Fails where something else is told than is true."""
    if count is None or count == "*":
        return []
    assert isinstance(count, int), f"{count!r} is no count"
    members = frozenset((code, month) for code in codes for month in months if (code, month) in TRUTH)
    assert sum(TRUTH[base] for base in members) == count, f"{count} is told of {sorted(members)}"
    return [(members, count)]


def given_away(equations: Iterable[Equation]) -> dict[Base, int]:
    """Small counts that have one value only in all solutions of the equations: elimination in fractions."""
    bases = sorted(TRUTH)
    rows = [[Fraction(base in members) for base in bases] + [Fraction(count)] for members, count in set(equations)]
    pivots: list[int] = []
    for place in range(len(bases)):
        found = next((row for row in range(len(pivots), len(rows)) if rows[row][place]), None)
        if found is None:
            continue
        rows[len(pivots)], rows[found] = rows[found], rows[len(pivots)]
        pivot = rows[len(pivots)] = [
            value / rows[found if found == len(pivots) else len(pivots)][place] for value in rows[len(pivots)]
        ]
        for number, row in enumerate(rows):
            if number != len(pivots) and row[place]:
                rows[number] = [value - row[place] * other for value, other in zip(row, pivot, strict=True)]
        pivots.append(place)
    known = {
        bases[place]: int(row[-1])
        for place, row in zip(pivots, rows, strict=False)
        if sum(value != 0 for value in row[:-1]) == 1
    }
    return {base: count for base, count in known.items() if 0 < count < 5}


@pytest.fixture(scope="module")
def state_of_its_own(server: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A state directory whose library holds what is issued here and nothing else."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LAPOR_STATE_DIR", str(tmp_path_factory.mktemp("leaks_state")))
        settings.cache_clear()
        yield
    settings.cache_clear()


@pytest.fixture(scope="module")
def nation(server: Path, tmp_path_factory: pytest.TempPathFactory, state_of_its_own: None) -> str:
    """DSN of the built night of 30 June 2021."""
    with closing(psycopg2.connect(socket_dsn(server))) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"create database {DATABASE}")
    dsn = socket_dsn(server, DATABASE)
    environment = {**os.environ, "WAREHOUSE_DSN": dsn, **dbt_environment(dsn)}
    target = str(tmp_path_factory.mktemp("leaks_dbt"))
    _run([sys.executable, "-m", "warehouse", "init"], environment)
    with closing(psycopg2.connect(dsn)) as connection:
        _deliver(RawWorld(connection))
    dbt = [str(Path(sys.executable).parent / "dbt"), "build", "-q", "--project-dir", "dbt_project"]
    places = ["--profiles-dir", "dbt_project", "--target-path", target, "--log-path", target]
    _run([*dbt, *places, "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test"], environment)
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("update ops.nights set published_seq = built_seq, published_at = now()")
    return dsn


def _deliver(world: RawWorld) -> None:
    world.open(NIGHT)
    for code, (name, kind, province) in AGENCIES.items():
        place = code.split("-")[1] if kind in ("kabupaten", "kota") else None
        world.run(
            "insert into raw.agencies (night, registry, is_simulated, agency_code, name, kind, province_code, regency_code,"
            " time_zone, connected_on, content_hash) select %s, 'test', true, %s, %s, %s, %s, %s, 'Asia/Jakarta',"
            " '2021-01-01', '' where not exists (select from raw.agencies where agency_code = %s)",
            (NIGHT, code, name, kind, None if province == CENTRAL else province, place, code),
        )
        world.delivery(NIGHT, code)
        for (of, month), count in TRUTH.items():
            for number in range(count if of == code else 0):
                day = f"{month:%Y-%m}-{5 + number:02d}"
                world.complaint(
                    NIGHT, code, f"{code}/{month:%m}/{number}",
                    [("MASUK", f"{day} 08:00"), ("DISPOSISI", f"{day} 10:00"), ("TINDAK_LANJUT", f"{day} 15:00")],
                    category_main="KESEHATAN", received_at=wib(f"{day} 08:00"),
                )  # fmt: skip


def _run(command: list[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.fixture(scope="module")
def issues(nation: str) -> list[dict[str, Any]]:
    """laporan.json of every report of PERIODS, issued one after the other: PANRB's and each agency's."""
    told = []
    with closing(psycopg2.connect(nation)) as connection:
        _as_reporter(connection)
        for period in PERIODS:
            for agency_code in (None, *AGENCIES):
                with connection, connection.cursor() as cursor:
                    report = issuing.compose(
                        cursor, "agency" if agency_code else "panrb", Period.parse(period), agency_code
                    )
                folder = library.issue(connection, report).folder
                told.append(json.loads((folder / "laporan.json").read_text()))
    return told


def _as_reporter(connection: Any) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute("set role reporter")


def of_issue(report: Mapping[str, Any]) -> list[Equation]:
    """What laporan.json of PANRB or of an agency says of complaints received."""
    period = Period.parse(report["period"])
    tables = report["tables"]
    if report["body"] == "agency":
        code = report["agency_code"]
        found = [
            equation
            for row in tables["bulanan"]["rows"]
            for equation in over([code], [_month(row["month"])], row["received_count"])
        ]
        return found + over([code], period.months, _headline(report, "Laporan diterima"))
    names = {name: code for code, (name, _, _) in AGENCIES.items()}
    year = [month for month in MONTHS if month <= period.months[-1]]
    found = []
    for row in tables["instansi"]["rows"]:
        found += over([row["agency_code"]], period.months, row["received_count"])
        found += over([row["agency_code"]], year, row["year_received_count"])
    for row in tables["belum_baik"]["rows"]:
        found += over([names[row["agency_name"]]], year, row["year_received_count"])
    for row in tables["jenis_instansi"]["rows"]:
        kind = row["kind"].split()[-1].lower()  # Pemerintah kabupaten
        codes = [code for code, (_, of, _) in AGENCIES.items() if kind in (of, "instansi")]
        found += over(codes, period.months, row["received_count"])
    provinces = {row["province_name"]: AGENCIES[row["agency_code"]][2] for row in tables["instansi"]["rows"]}
    provinces["Seluruh instansi"] = "all"
    for row in tables["provinsi"]["rows"]:
        codes = [code for code, (_, _, of) in AGENCIES.items() if provinces[row["province_name"]] in (of, "all")]
        found += over(codes, period.months, row["received_count"])
    return found


def _headline(report: Mapping[str, Any], label: str) -> object:
    return next(headline["value"] for headline in report["headlines"] if headline["label"] == label)


def _month(text: str) -> date:
    names = ("Jan", "Feb", "Mar", "Apr", "Mei", "Jun")
    return date(2021, 1 + names.index(text[:3]), 1)


def test_elimination_finds_what_a_total_gives_away() -> None:
    one, two, three = ((code, MONTHS[4]) for code in ("KAB-11.02", "KAB-11.05", "KAB-11.08"))
    total = (frozenset({one, two, three}), 17)
    assert given_away([total, (frozenset({two}), 6)]) == {}
    assert given_away([total, (frozenset({two}), 6), (frozenset({three}), 8)]) == {one: 3}


def test_files_of_two_months_and_their_quarter_give_no_small_count_away(issues: list[dict[str, Any]]) -> None:
    equations = [equation for report in issues for equation in of_issue(report)]
    assert len(set(equations)) > 60
    assert given_away(equations) == {}


def test_the_same_files_give_counts_away_where_only_small_ones_are_hidden(
    nation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def small_alone(cells: Iterable[Cell], *_: object) -> list[Cell]:
        return [replace(cell, is_hidden=0 < cell.count < 5) for cell in cells]

    monkeypatch.setattr(contents, "decide", small_alone)
    monkeypatch.setattr(agency_figures, "decide", small_alone)
    equations: list[Equation] = []
    with closing(psycopg2.connect(nation)) as connection:
        _as_reporter(connection)
        for period in PERIODS:
            with connection, connection.cursor() as cursor:
                report = issuing.compose(cursor, "panrb", Period.parse(period))
            equations += of_issue(json.loads(render_json(report)))
    found = given_away(equations)
    assert found
    assert all(TRUTH[base] == count for base, count in found.items())


@pytest.fixture(scope="module")
def app(nation: str, issues: list[dict[str, Any]]) -> Iterator[FastAPI]:
    """The portal over the nation, after its reports were issued."""
    assert issues
    facts = {
        "dsn": make_dsn(nation, user="portal"),
        "url": "http://127.0.0.1",
        "key": "a key of the tests, long enough for them",
    }
    workshop.close()
    frame.forget()
    with settings_of(
        **facts, reader_limit="100000/minute", address_limit="100000/minute", download_limit="100000/minute"
    ):
        yield create_app()
    workshop.close()
    frame.forget()
    forget()


def reading(app: FastAPI, role: Any, agency_code: str | None = None) -> tuple[Page, Mart]:
    """Functions that get a page's text and all rows of a mart by the pull API, as a reader of the role sees them."""
    app.dependency_overrides[sign_in.reader] = lambda: Reader(role, agency_code, LABELS[role], "test")
    client = TestClient(app, base_url="http://127.0.0.1")

    def page(address: str) -> str:
        response = client.get(address)
        assert response.status_code == 200, (address, response.text[:500])
        return str(response.text)

    def mart(name: str) -> list[dict[str, Any]]:
        response = client.get(f"/api/v1/marts/{name}?limit=10000")
        assert response.status_code == 200, (name, response.text[:500])
        rows: list[dict[str, Any]] = response.json()["rows"]
        return rows

    return page, mart


def of_months(html: str, codes: Iterable[str]) -> list[Equation]:
    """Equations of a page's table by month: its first column of figures is what was received."""
    rows = re.findall(r'<th scope="row">([A-Z][a-z]+) 2021</th>\s*<td class="n">([^<]*)', html)
    assert len(rows) >= 5, "the page has a table by month"
    codes = list(codes)
    return [one for month, told in rows for one in over(codes, [_month(month)], _count(told))]


def _count(told: str) -> object:
    text = unescape(told).strip()
    return None if text in ("*", "–") else int(text.replace(".", ""))


def of_province(code: str) -> list[str]:
    """The governments of a province."""
    return [agency for agency, (_, _, province) in AGENCIES.items() if province == code]


PROVINCES = sorted({province for _, _, province in AGENCIES.values()} - {CENTRAL})


def of_nationwide_pages(page: Page) -> list[Equation]:
    """What the pages of the nation and of the provinces say."""
    found = of_months(page("/"), AGENCIES)
    for code in PROVINCES:
        found += of_months(page(f"/provinsi/{code}"), of_province(code))
    return found


def of_scorecard(html: str, code: str) -> list[Equation]:
    """What an agency's page says: its months and the year so far."""
    year = re.search(r'<dt>Laporan diterima</dt><dd class="big">([^<]*)', html)
    assert year, "the page begins with what was received"
    return of_months(html, [code]) + over([code], MONTHS, _count(year[1]))


def test_pages_and_files_together_give_no_small_count_away(app: FastAPI, issues: list[dict[str, Any]]) -> None:
    page, _ = reading(app, "panrb_analyst")
    found = of_nationwide_pages(page)
    for code in AGENCIES:
        found += of_scorecard(page(f"/instansi/{code}"), code)
    assert len(set(found)) > 40
    assert given_away([*found, *(equation for report in issues for equation in of_issue(report))]) == {}


def test_ksp_can_work_out_no_small_count_of_an_agency(app: FastAPI) -> None:
    page, mart = reading(app, "ksp_reader")
    found = of_nationwide_pages(page)
    for row in mart("rpt_province_performance_monthly"):
        found += over(of_province(row["province_code"]), [_day(row["month"])], row["received_count"])
    for row in mart("rpt_panrb_monev_province_monthly"):
        codes = [code for code, (_, _, place) in AGENCIES.items() if place == row["province_code"]]
        found += over(codes, [_day(row["month"])], row["received_count"])
        found += over(codes, [month for month in MONTHS if month <= _day(row["month"])], row["year_received_count"])
    assert len(set(found)) > 20
    assert given_away(found) == {}


@pytest.mark.parametrize("code", AGENCIES)
def test_an_agency_can_work_out_no_small_count(app: FastAPI, issues: list[dict[str, Any]], code: str) -> None:
    page, mart = reading(app, "agency_reader", code)
    found = of_scorecard(page("/instansi-saya"), code)
    for row in mart("rpt_agency_performance_monthly"):
        found += over([row["agency_code"]], [_day(row["month"])], row["received_count"])
    for row in mart("rpt_panrb_monev_monthly"):
        found += over([row["agency_code"]], [_day(row["month"])], row["received_count"])
        year = [month for month in MONTHS if month <= _day(row["month"])]
        found += over([row["agency_code"]], year, row["year_received_count"])
    found += [one for report in issues if report["agency_code"] == code for one in of_issue(report)]
    assert {base[0] for members, _ in found for base in members} == {code}
    assert given_away(found) == {}


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])
