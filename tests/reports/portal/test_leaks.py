"""What readers hold together gives no small count away: all numbers they can get, as one system of equations.

A nation of eleven agencies is built and reported on for two months and their quarter, to PANRB, KSP, the Ombudsman and
each agency. Each place in a page, an answer of the API or a file of any format that names a count of complaints, of
those received or of a programme's open ones, is read as an equation over agencies and months or weeks, whose truth the
test knows; then what follows from all of them is worked out in fractions. Nothing here asks `reports.suppression` what
it thinks, and a PDF is read by its text alone.
"""

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import openpyxl
import psycopg2
import pytest
from fastapi import FastAPI
from psycopg2.extensions import make_dsn
from pypdf import PdfReader
from starlette.testclient import TestClient

from reports import issuing, library
from reports.contents import frame as contents
from reports.periods import Period
from reports.portal import sign_in, workshop
from reports.portal.app import create_app
from reports.portal.pages import frame
from reports.portal.readers import LABELS, Reader
from reports.report import Body
from reports.suppression import Cell
from tests.dbt_project.raw_world import RawWorld, wib
from tests.reports.portal.conftest import REPOSITORY, forget, settings_of
from warehouse.connection import dbt_environment
from warehouse.server import socket_dsn
from warehouse.settings import settings

NIGHT = date(2021, 6, 30)
# Body -> periods, in the order in which they are issued; agencies' scorecards follow PANRB's report of the period.
ISSUED: tuple[tuple[Body, str], ...] = (
    ("panrb", "2021-05"), ("ksp", "2021-05"), ("agency", "2021-05"), ("panrb", "2021-06"), ("ksp", "2021-06"),
    ("ombudsman", "2021-Q2"), ("agency", "2021-06"), ("panrb", "2021-Q2"), ("agency", "2021-Q2"),
)  # fmt: skip
PROGRAMME, PROGRAMME_NAME = "PKH", "Program Keluarga Harapan"
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
    "KEM-1330": ("Kementerian Pekerjaan Umum dan Perumahan Rakyat", "kementerian", CENTRAL),
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
Counts = Mapping[Base, int]
Equation = tuple[frozenset[Base], int]
Page = Callable[[str], str]
Mart = Callable[[str], list[dict[str, Any]]]


def over(codes: Iterable[str], months: Iterable[date], count: object, truth: Counts = TRUTH) -> list[Equation]:
    """What these agencies received in these months, if it is told. Fails where something else is told than is true."""
    if count in (None, "*", "–", ""):
        return []
    assert isinstance(count, int), f"{count!r} is no count"
    members = frozenset((code, month) for code in codes for month in months if (code, month) in truth)
    assert sum(truth[base] for base in members) == count, f"{count} is told of {sorted(members)}"
    return [(members, count)]


def given_away(equations: Iterable[Equation], truth: Counts = TRUTH) -> dict[Base, int]:
    """Small counts that have one value only in all solutions of the equations: elimination in fractions."""
    bases = sorted(truth)
    rows = [[Fraction(base in members) for base in bases] + [Fraction(count)] for members, count in set(equations)]
    pivots: list[int] = []
    for place in range(len(bases)):
        found = next((row for row in range(len(pivots), len(rows)) if rows[row][place]), None)
        if found is None:
            continue
        rows[len(pivots)], rows[found] = rows[found], rows[len(pivots)]
        pivot = rows[len(pivots)] = [value / rows[len(pivots)][place] for value in rows[len(pivots)]]
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


PRIORITY = {"category_main": "SOSIAL DAN KESEJAHTERAAN", "category_label": "PKH PROGRAM KELUARGA HARAPAN"}
OTHER = {"category_main": "KESEHATAN"}
# Each month 2 to 3 of the nation's complaints come by SMS and 5 to 10 by the application, all others by the website.
CHANNELS = {("KAB-14.04", 0): "SMS", ("KAB-11.05", 1): "SMS", ("KEM-2060", 1): "SMS"} | {
    (code, 2): "ANDROID" for code in AGENCIES
}


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
                    received_at=wib(f"{day} 08:00"), channel=CHANNELS.get((code, number), "WEBSITE"), **(PRIORITY if number % 3 == 0 and month >= date(2021, 4, 1) else OTHER),
                )  # fmt: skip


def _run(command: list[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@dataclass(frozen=True)
class Issued:
    """An issue and who it is about; `folder` has its files."""

    body: Body
    period: Period
    agency_code: str | None
    folder: Path


@pytest.fixture(scope="module")
def issues(nation: str) -> list[Issued]:
    """Every report of ISSUED, issued one after the other."""
    told = []
    with closing(psycopg2.connect(nation)) as connection:
        _as_reporter(connection)
        for body, name in ISSUED:
            period = Period.parse(name)
            for agency_code in AGENCIES if body == "agency" else (None,):
                with connection, connection.cursor() as cursor:
                    report = issuing.compose(cursor, body, period, agency_code)
                told.append(Issued(body, period, agency_code, library.issue(connection, report).folder))
    return told


@pytest.fixture(scope="module")
def open_counts(nation: str) -> dict[Base, int]:
    """What of PROGRAMME was open with each agency at the end of each week: agency and Monday."""
    with closing(psycopg2.connect(nation)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "select agency_code, week, sum(closing_count)::integer from marts.rpt_ksp_strategic_issues_weekly"
            " where week >= '2021-04-19' group by agency_code, week"
        )
        counts = {(code, week): count for code, week, count in cursor.fetchall()}
    assert sum(0 < count < 5 for count in counts.values()) > 3
    return counts


def _as_reporter(connection: Any) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute("set role reporter")


# ---- what a file says: tables by name, rows by key of column ----

Row = Mapping[str, Any]
Tables = Mapping[str, list[Row]]
FIGURE = r"(\*|–|-?[\d.]+(?:,\d+)?%?)"  # as a PDF's text has it


@cache
def read_json(issued: Issued) -> dict[str, Any]:
    """laporan.json, which also says how tables and columns are called that the other formats have by their labels."""
    told: dict[str, Any] = json.loads((issued.folder / "laporan.json").read_text())
    return told


def tables_of_json(issued: Issued) -> Tables:
    """A hidden figure is None."""
    return {name: table["rows"] for name, table in read_json(issued)["tables"].items()}


def tables_of_csv(issued: Issued) -> Tables:
    """The CSV of each table."""
    return {
        path.stem: [
            {key: int(value) if re.fullmatch(r"-?\d+", value) else value for key, value in row.items()}
            for row in csv.DictReader(path.read_text("utf-8-sig").splitlines())
        ]
        for path in issued.folder.glob("*.csv")
    }


@cache
def sheets_of(issued: Issued) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every sheet of the workbook."""
    book = openpyxl.load_workbook(issued.folder / "laporan.xlsx", read_only=True)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


def tables_of_workbook(issued: Issued) -> Tables:
    """The sheets under their header."""
    found: dict[str, list[Row]] = {}
    for name, table in read_json(issued)["tables"].items():
        labels = tuple(column["label"] for column in table["columns"])
        rows = [row[: len(labels)] for row in sheets_of(issued)[name[:31]]]
        keys = [column["key"] for column in table["columns"]]
        below = rows[rows.index(labels) + 1 :]
        found[name] = [
            dict(zip(keys, row, strict=True)) for row in below if len(row) == len(keys) and row[-1] is not None
        ]
    return found


@cache
def text_of_pdf(issued: Issued) -> str:
    """The text of all pages with every blank made one."""
    pages = PdfReader(io.BytesIO((issued.folder / "laporan.pdf").read_bytes())).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))


def tables_of_pdf(issued: Issued) -> Tables:
    """Figures that stand in the PDF's text behind the words that begin a row, between its table's title and the next."""
    text, tables = text_of_pdf(issued), read_json(issued)["tables"]
    starts = {name: text.find(f" {table['title']} ") for name, table in tables.items()}
    found: dict[str, list[Row]] = {}
    for name, table in tables.items():
        columns = table["columns"]
        words = [column["key"] for column in columns if column["kind"] == "text"]
        keys = [column["key"] for column in columns]
        if starts[name] < 0 or keys[: len(words)] != words:
            continue
        end = min((start for start in starts.values() if start > starts[name]), default=len(text))
        part = text[starts[name] : end]
        found[name] = []
        # The longest first: Riau stands in Kepulauan Riau.
        for row in sorted(table["rows"], key=lambda row: -sum(len(str(row[key])) for key in words)):
            begin = re.escape(
                " ".join(str(row[key] if row[key] is not None else "–") for key in words if row[key] != "")
            )
            match = re.search(rf" {begin}{f' {FIGURE}' * (len(keys) - len(words))}(?= )", part)
            if match:
                part = f"{part[: match.start()]} | {part[match.end() :]}"
                figures = dict(zip(keys[len(words) :], map(_figure, match.groups()), strict=True))
                found[name].append({key: row[key] for key in words} | figures)
    return found


def _figure(told: str) -> object:
    """A whole number, or what else stands there."""
    return int(told.replace(".", "")) if re.fullmatch(r"-?[\d.]+", told) else told


FORMATS = {
    "json": tables_of_json,
    "csv": tables_of_csv,
    "xlsx": tables_of_workbook,
    "pdf": tables_of_pdf,
}


def headlines_of(issued: Issued, form: str) -> dict[str, Any]:
    """The figures at the head of a report by label; a CSV has none."""
    told = {headline["label"]: headline["value"] for headline in read_json(issued)["headlines"]}
    if form == "json":
        return told
    if form == "xlsx":
        return {row[0]: row[1] for row in sheets_of(issued)["ringkasan"] if row and row[0] in told}
    text = text_of_pdf(issued) if form == "pdf" else ""
    found = {label: re.search(rf" {re.escape(label)} {FIGURE} ", text) for label in told}
    return {label: _figure(match[1]) for label, match in found.items() if match}


@cache
def received_in(issued: Issued, form: str) -> list[Equation]:
    """What a file of PANRB, of the Ombudsman or of an agency says of complaints received."""
    tables, headlines, period = FORMATS[form](issued), headlines_of(issued, form), issued.period
    found: list[Equation] = []
    if issued.agency_code:
        for row in tables.get("bulanan", []):
            found += over([issued.agency_code], [_month(row["month"])], row["received_count"])
        return found + over([issued.agency_code], period.months, headlines.get("Laporan diterima"))
    names = {name: code for code, (name, _, _) in AGENCIES.items()}
    provinces = {name: of_province(code) for name, code in PROVINCE_CODES.items()} | {
        "Seluruh instansi": list(AGENCIES)
    }
    year = [month for month in MONTHS if month <= period.months[-1]]
    for row in tables.get("instansi", []):
        found += over([names[row["agency_name"]]], period.months, row["received_count"])
        found += over([names[row["agency_name"]]], year, row.get("year_received_count"))
    for row in tables.get("belum_baik", []):
        found += over([names[row["agency_name"]]], year, row["year_received_count"])
    for row in tables.get("pengaduan_berulang", []):
        found += over([names[row["agency_name"]]], period.months, row["received_count"])
    for row in tables.get("jenis_instansi", []):
        kind = row["kind"].split()[-1].lower()  # Pemerintah kabupaten
        codes = [code for code, (_, of, _) in AGENCIES.items() if kind in (of, "instansi")]
        found += over(codes, period.months, row["received_count"])
    for row in tables["provinsi"]:
        found += over(provinces[row["province_name"]], period.months, row["received_count"])
    return found + over(AGENCIES, period.months, headlines.get("Laporan diterima instansi"))


def open_in(issued: Issued, form: str, truth: Counts) -> list[Equation]:
    """What a file of KSP says of a programme's open complaints: by programme, agency and province."""
    tables, headlines = FORMATS[form](issued), headlines_of(issued, form)
    weeks = sorted({week for _, week in truth if issued.period.first_date <= _end(week) <= issued.period.last_date})
    last, before = weeks[-1], weeks[0] - timedelta(days=7)
    names = {name: code for code, (name, _, _) in AGENCIES.items()}

    def at(week: date, codes: Iterable[str], count: object) -> list[Equation]:
        return over(codes, [week], count, truth)

    found = at(last, AGENCIES, headlines.get("Penanganan terbuka"))
    for row in tables["program"]:
        found += at(last, AGENCIES, row["closing_count"]) + at(before, AGENCIES, row["opening_count"])
    listed = [names[row["agency_name"]] for row in tables_of_json(issued)["instansi"] if row["agency_name"] in names]
    for row in [*tables["instansi"], *tables.get("pkh_instansi", [])]:
        codes = [names[row["agency_name"]]] if row["agency_name"] in names else AGENCIES.keys() - set(listed)
        found += at(last, codes, row["closing_count"])
    for row in tables["program_instansi"]:
        code, closing, growth = names[row["agency_name"]], row["closing_count"], row["growth_count"]
        found += at(last, [code], closing)
        if isinstance(closing, int) and isinstance(growth, int):
            found += at(before, [code], closing - growth)
    for row in tables["provinsi"]:
        found += at(last, of_province(PROVINCE_CODES[row["province_name"]]), row["closing_count"])
    return found


def _end(week: date) -> date:
    """The Sunday of a week, of the last one the cut-off."""
    return min(week + timedelta(days=6), NIGHT)


def _month(text: str) -> date:
    names = ("Jan", "Feb", "Mar", "Apr", "Mei", "Jun")
    return date(2021, 1 + names.index(text[:3]), 1)


def test_elimination_finds_what_a_total_gives_away() -> None:
    one, two, three = ((code, MONTHS[4]) for code in ("KAB-11.02", "KAB-11.05", "KAB-11.08"))
    total = (frozenset({one, two, three}), 17)
    assert given_away([total, (frozenset({two}), 6)]) == {}
    assert given_away([total, (frozenset({two}), 6), (frozenset({three}), 8)]) == {one: 3}


BODIES_THAT_MAY = {"PANRB": ("panrb", "agency"), "Ombudsman": ("ombudsman", "agency")}


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_says_what_the_others_say(issues: list[Issued], form: str) -> None:
    """No format is a way around: a PDF shows fewer rows, never another figure, which `over` holds against the truth."""
    told = {equation for issued in issues if issued.body != "ksp" for equation in received_in(issued, form)}
    in_json = {equation for issued in issues if issued.body != "ksp" for equation in received_in(issued, "json")}
    assert told <= in_json
    assert len(told) > {"pdf": 45, "csv": 60}.get(form, 60)


@pytest.mark.parametrize("bodies", BODIES_THAT_MAY.values(), ids=BODIES_THAT_MAY)
def test_files_of_two_months_and_their_quarter_give_no_small_count_away(
    issues: list[Issued], bodies: tuple[str, ...]
) -> None:
    """All formats together, of all that a reader may download; not even of everything that was issued."""
    for chosen in (bodies, ("panrb", "ombudsman", "agency")):
        equations = [
            e for issued in issues if issued.body in chosen for form in FORMATS for e in received_in(issued, form)
        ]
        assert len(set(equations)) > 40
        assert given_away(equations) == {}


def test_files_of_ksp_give_no_small_stock_away(issues: list[Issued], open_counts: Counts) -> None:
    equations = [
        equation
        for issued in issues
        if issued.body == "ksp"
        for form in FORMATS
        for equation in open_in(issued, form, open_counts)
    ]
    assert len(set(equations)) > 10
    assert given_away(equations, open_counts) == {}


def small_alone(cells: Iterable[Cell], *_: object) -> list[Cell]:
    """What hides small counts and nothing that gives them away."""
    return [replace(cell, is_hidden=0 < cell.count < 5) for cell in cells]


@pytest.fixture(scope="module")
def unprotected(nation: str, tmp_path_factory: pytest.TempPathFactory) -> list[Issued]:
    """The same reports to the three bodies where only small counts are hidden; not issued."""
    told = []
    with pytest.MonkeyPatch.context() as patched, closing(psycopg2.connect(nation)) as connection:
        patched.setattr(contents, "decide", small_alone)
        _as_reporter(connection)
        for body, name in ISSUED:
            if body == "agency":
                continue
            with connection, connection.cursor() as cursor:
                files = library.render(issuing.compose(cursor, body, Period.parse(name)))
            folder = tmp_path_factory.mktemp(f"{body}-{name}")
            for file, content in files.items():
                (folder / file).write_bytes(content)
            told.append(Issued(body, Period.parse(name), None, folder))
    return told


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_files_give_counts_away_where_only_small_ones_are_hidden(
    unprotected: list[Issued], open_counts: Counts, form: str
) -> None:
    received = [equation for issued in unprotected if issued.body != "ksp" for equation in received_in(issued, form)]
    stocks = [e for issued in unprotected if issued.body == "ksp" for e in open_in(issued, form, open_counts)]
    found, found_open = given_away(received), given_away(stocks, open_counts)
    assert found
    assert found_open
    assert all(TRUTH[base] == count for base, count in found.items())
    assert all(open_counts[base] == count for base, count in found_open.items())


@pytest.fixture(scope="module")
def app(nation: str, issues: list[Issued]) -> Iterator[FastAPI]:
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


PROVINCE_CODES = {
    "Aceh": "11",
    "Sumatera Utara": "12",
    "Riau": "14",
    "Kepulauan Riau": "21",
    "Instansi pusat": CENTRAL,
    "Tidak diketahui": CENTRAL,  # KSP counts by the place of the complaint, which none of these tells
}
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


def test_pages_and_files_together_give_no_small_count_away(app: FastAPI, issues: list[Issued]) -> None:
    page, _ = reading(app, "panrb_analyst")
    found = of_nationwide_pages(page)
    for code in AGENCIES:
        found += of_scorecard(page(f"/instansi/{code}"), code)
    assert len(set(found)) > 40
    files = [issued for issued in issues if issued.body != "ksp"]
    assert given_away([*found, *(equation for issued in files for equation in received_in(issued, "json"))]) == {}


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


def test_ksp_can_work_out_no_small_stock_of_an_agency(app: FastAPI, issues: list[Issued], open_counts: Counts) -> None:
    _, mart = reading(app, "ksp_reader")
    with pytest.raises(AssertionError, match="404"):
        mart("rpt_ksp_strategic_issues_weekly")
    files = [issued for issued in issues if issued.body == "ksp"]
    found = [equation for issued in files for equation in open_in(issued, "json", open_counts)]
    assert len(set(found)) > 10
    assert given_away(found, open_counts) == {}


def test_no_page_names_the_agency_of_a_complaint_where_it_has_few(
    app: FastAPI, nation: str, open_counts: Counts
) -> None:
    last = max(week for _, week in open_counts)
    few = {code for (code, week), count in open_counts.items() if week == last and count < 5}
    with closing(psycopg2.connect(nation)) as connection, connection.cursor() as cursor:
        cursor.execute("select agency_code, rank from marts.rpt_ksp_longest_open order by rank")
        longest = cursor.fetchall()
    shown = len(longest[: sum(count for (_, week), count in open_counts.items() if week == last) // 2])
    assert {code for code, _ in longest[:shown]} & few
    for role in ("ksp_reader", "panrb_analyst"):
        page, _ = reading(app, role)
        listed = page("/isu").split("Paling lama terbuka")[1]
        assert listed.count('<th scope="row">') == shown
        assert [code for code in few if AGENCIES[code][0] in listed] == []


def test_ksp_can_work_out_no_small_part_of_the_nation(app: FastAPI) -> None:
    _, mart = reading(app, "ksp_reader")
    nation = {row["month"]: row["received_count"] for row in mart("rpt_national_performance_monthly")}
    parts: dict[tuple[str, str], list[int | None]] = {}
    for row in mart("rpt_national_mix_monthly"):
        parts.setdefault((row["month"], row["dimension"]), []).append(row["received_count"])
    hidden = [counts for (month, _), counts in parts.items() if None in counts and nation[month] is not None]
    assert hidden
    assert [counts for counts in hidden if counts.count(None) == 1] == []


@pytest.mark.parametrize("code", AGENCIES)
def test_an_agency_can_work_out_no_small_count(app: FastAPI, issues: list[Issued], code: str) -> None:
    page, mart = reading(app, "agency_reader", code)
    found = of_scorecard(page("/instansi-saya"), code)
    for row in mart("rpt_agency_performance_monthly"):
        found += over([row["agency_code"]], [_day(row["month"])], row["received_count"])
    for row in mart("rpt_panrb_monev_monthly"):
        found += over([row["agency_code"]], [_day(row["month"])], row["received_count"])
        year = [month for month in MONTHS if month <= _day(row["month"])]
        found += over([row["agency_code"]], year, row["year_received_count"])
    own = [issued for issued in issues if issued.agency_code == code]
    found += [equation for issued in own for form in FORMATS for equation in received_in(issued, form)]
    assert {base[0] for members, _ in found for base in members} == {code}
    assert given_away(found) == {}


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])
