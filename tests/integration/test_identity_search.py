"""No reporter of the ground truth is found in what leaves: issued files, pages, answers of the API, and what was logged.

The database and what the night writes are searched in test_the_night.py; here it is what readers obtain.
"""

import csv
import io
import logging
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from psycopg2.extensions import make_dsn
from pypdf import PdfReader
from starlette.testclient import TestClient

from reports import library
from reports.portal import sign_in, workshop
from reports.portal.app import create_app
from reports.portal.readers import LABELS, Reader
from reports.portal.settings import ReaderRole
from tests.integration.conftest import Nation, Warehouse
from tests.reports.conftest import small_report
from tests.reports.portal.conftest import settings_of
from warehouse.settings import settings

REPORTS = ("panrb 2021-05", "ksp 2021-05", "ksp 2021-W21", "ombudsman 2021-Q1", "agency 2021-05 --all")
ROLES: dict[ReaderRole, str | None] = {
    "panrb_analyst": None,
    "ombudsman_reader": None,
    "ksp_reader": None,
    "agency_reader": "KOTA-21.71",
}
PAGES = (
    "/", "/provinsi", "/provinsi/21", "/instansi", "/instansi/KOTA-21.71", "/instansi-saya", "/kepuasan", "/kelengkapan",
    "/indikasi", "/isu", "/laporan", "/kamus", "/api",
)  # fmt: skip


@dataclass(frozen=True)
class People:
    """What is known of the reporters: numbers and addresses whole, and every word of a name, none of which is a word."""

    numbers: frozenset[str]
    words: frozenset[str]

    @classmethod
    def read(cls, path: Path) -> "People":
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        numbers = {row["value"].lower() for row in rows if row["kind"] != "name"}
        return cls(
            frozenset(numbers), frozenset(" ".join(r["value"] for r in rows if r["kind"] == "name").lower().split())
        )

    def in_text(self, text: str) -> set[str]:
        """Whom a text names, in one pass over its words whoever they are; blanks and dashes inside numbers are no help."""
        lowered = text.lower()
        joined = re.sub(r"(?<=\d)[ .\-]+(?=\d)", "", lowered).replace("+62", "0")
        found = set(re.findall(r"[^\W\d_]+", lowered)) & self.words
        return found | (set(re.findall(r"[\w.+-]+@[\w.-]+\w|\d{10,}", lowered + " " + joined)) & self.numbers)


def texts_of(name: str, content: bytes) -> Iterator[str]:
    """Everything a person or a program can read in a file: of a PDF pages and metadata, of a workbook cells and parts."""
    if name.endswith(".pdf"):
        reader = PdfReader(io.BytesIO(content))
        yield from (page.extract_text() for page in reader.pages)
        yield str(reader.metadata)
    elif name.endswith(".xlsx"):
        book = openpyxl.load_workbook(io.BytesIO(content))
        yield from (" ".join(map(str, row)) for sheet in book for row in sheet.iter_rows(values_only=True))
        parts = zipfile.ZipFile(io.BytesIO(content))
        yield from (parts.read(part).decode() for part in parts.namelist())
    else:
        yield content.decode("utf-8-sig")


def named_in(people: People, files: Mapping[str, bytes]) -> dict[str, set[str]]:
    """By file whom it names."""
    found = {name: people.in_text("\n".join(texts_of(name, content))) for name, content in files.items()}
    return {name: values for name, values in found.items() if values}


@pytest.fixture(scope="module")
def people(nation: Nation) -> People:
    read = People.read(nation.truth / "identities.csv")
    assert len(read.numbers) > 1000
    assert len(read.words) > 500
    return read


@pytest.fixture(scope="module")
def issued(nation: Nation, first_night: Warehouse) -> Warehouse:
    """A copy of the first night's warehouse with every report that is due of May, and the Ombudsman's first quarter."""
    warehouse = nation.warehouse("identities", template=first_night)
    warehouse.commands(*(f"python -m reports {report}" for report in REPORTS))
    return nation.keep(warehouse)


def test_the_search_finds_a_person_in_every_format(people: People) -> None:
    word, number = min(people.words), min(people.numbers)
    name = f"{word.capitalize()} {max(people.words).upper()}"
    assert people.in_text(f"Pelapor {name}") == {word, max(people.words)}
    assert people.in_text(f"nomor {number}.") == {number}
    phone = next(one for one in people.numbers if one.startswith("08120"))
    assert people.in_text(f"+62 {phone[1:5]}-{phone[5:9]}-{phone[9:]}") == {phone}
    files = library.render(small_report(institution=name, subtitle=f"Telepon {phone}"))
    found = named_in(people, files)
    assert {"laporan.pdf", "laporan.xlsx", "laporan.json"} <= found.keys()
    assert all(word in values for values in found.values())


def test_no_person_is_in_an_issued_file(issued: Warehouse, people: People) -> None:
    root = Path(issued.environment["LAPOR_STATE_DIR"]) / "reports"
    files = {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
    assert {Path(name).suffix for name in files} == {".pdf", ".xlsx", ".json", ".csv"}
    assert {name.split("/")[0] for name in files} == {"panrb", "ksp", "ombudsman", "agency"}
    assert any(name.endswith("manifest.json") for name in files)
    assert named_in(people, files) == {}


def test_no_person_is_in_a_page_an_answer_or_what_was_logged(
    issued: Warehouse, people: People, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WAREHOUSE_DSN", issued.environment["WAREHOUSE_DSN"])
    monkeypatch.setenv("LAPOR_STATE_DIR", issued.environment["LAPOR_STATE_DIR"])
    settings.cache_clear()
    caplog.set_level(logging.INFO)
    facts: dict[str, Any] = {
        "dsn": make_dsn(issued.environment["WAREHOUSE_DSN"], user="portal"),
        "url": "http://127.0.0.1",
        "key": "a key of the tests, long enough for them",
        "reader_limit": "100000/minute",
        "address_limit": "100000/minute",
    }
    read: dict[str, str] = {}
    with settings_of(**facts):
        try:
            for role, path, answer in answers(create_app()):
                read[f"{role} {path}"] = answer
        finally:
            workshop.close()
    settings.cache_clear()
    assert sum(path.endswith(" /") for path in read) == len(ROLES)
    assert len(read) > 40
    assert {name: found for name, text in read.items() if (found := people.in_text(text))} == {}
    assert people.in_text("\n".join([caplog.text, *issued.outputs])) == set()


def answers(app: Any) -> Iterable[tuple[str, str, str]]:
    """What each role gets of every page and mart it may see."""
    client = TestClient(app, base_url="http://127.0.0.1")
    for role, agency in ROLES.items():
        reader = Reader(role, agency, LABELS[role], "test")
        app.dependency_overrides[sign_in.reader] = lambda reader=reader: reader
        marts = [mart["name"] for mart in client.get("/api/v1/marts").json()["marts"]]
        for path in (*PAGES, *(f"/api/v1/marts/{mart}?limit=10000" for mart in marts)):
            response = client.get(path)
            assert response.status_code in (200, 303, 403, 404), (role, path, response.text[:300])
            if response.status_code == 200:
                yield role, path, response.text
