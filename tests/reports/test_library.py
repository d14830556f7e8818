"""The library: an issue is whole, read-only and for good; a changed figure is the next version."""

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from reports import library
from reports.contents.frame import earlier_cells
from reports.periods import Period
from reports.report import Headline
from reports.suppression import Cell
from tests.reports.conftest import Marts, small_report
from warehouse.connection import connect


@pytest.fixture
def reporter(marts: Marts) -> Iterator[Connection]:
    """A connection as those who issue have it, with an empty library on disk too."""
    root = library.library_root()
    for folder, _, _ in os.walk(root) if root.exists() else ():
        Path(folder).chmod(0o755)
    if root.exists():
        library._clear(root)
    with closing(connect("reporter", "lapor/test")) as connection:
        yield connection


def rows(connection: Connection, query: str) -> list[tuple[object, ...]]:
    with connection, connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def test_an_issue_is_a_folder_with_a_manifest_and_its_rows(reporter: Connection) -> None:
    issue = library.issue(reporter, small_report())
    assert (issue.version, issue.is_new) == (1, True)
    assert issue.folder == library.library_root() / "panrb" / "2021-06" / "v1"
    names = sorted(path.name for path in issue.folder.iterdir())
    assert names == ["instansi.csv", "laporan.json", "laporan.pdf", "laporan.xlsx", "manifest.json"]
    manifest = json.loads((issue.folder / "manifest.json").read_bytes())
    assert (manifest["night"], manifest["coverage"]) == ("2021-06-30", {"delivered": 654, "expected": 657})
    assert {file["name"] for file in manifest["files"]} == set(names) - {"manifest.json"}
    for file in manifest["files"]:
        assert hashlib.sha256((issue.folder / file["name"]).read_bytes()).hexdigest() == file["sha256"]
    registered = rows(reporter, "select name, sha256, byte_count from library.files order by name")
    assert registered == [
        (path.name, hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
        for path in sorted(issue.folder.iterdir())
    ]
    assert rows(reporter, "select body, period, agency_code, version, folder, is_simulated from library.issues") == [
        ("panrb", "2021-06", None, 1, "panrb/2021-06/v1", True)
    ]
    assert rows(reporter, "select family, members, cell_count, is_hidden from library.cells order by members") == [
        ("uji", ["a"], 1294, False),
        ("uji", ["b"], 3, True),
    ]


def test_files_and_folder_are_read_only(reporter: Connection) -> None:
    folder = library.issue(reporter, small_report()).folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o555
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o444}


def test_made_again_from_the_same_marts_it_is_the_same_issue(reporter: Connection) -> None:
    first = library.issue(reporter, small_report())
    before = {path.name: path.stat().st_mtime_ns for path in first.folder.iterdir()}
    again = library.issue(reporter, small_report())
    assert again == replace(first, is_new=False)
    assert {path.name: path.stat().st_mtime_ns for path in first.folder.iterdir()} == before
    assert rows(reporter, "select count(*) from library.issues") == [(1,)]


def test_a_changed_figure_is_the_next_version_and_the_first_stays(reporter: Connection) -> None:
    first = library.issue(reporter, small_report())
    bytes_before = {path.name: path.read_bytes() for path in first.folder.iterdir()}
    second = library.issue(reporter, small_report(headlines=(Headline("Laporan diterima", 1298, "count"),)))
    assert (second.version, second.is_new, second.folder.name) == (2, True, "v2")
    assert {path.name: path.read_bytes() for path in first.folder.iterdir()} == bytes_before
    with reporter, reporter.cursor() as cursor:
        assert library.issued_version(cursor, "panrb", "2021-06") == 2
        assert library.issued_version(cursor, "panrb", "2021-05") == 0


def test_a_scorecard_has_the_folder_of_its_agency(reporter: Connection) -> None:
    issue = library.issue(reporter, small_report(body="agency", agency_code="KOTA-21.71"))
    assert issue.folder == library.library_root() / "agency" / "2021-06" / "KOTA-21.71" / "v1"


@pytest.mark.parametrize("code", ["../x", "/etc", "a/b", ".", ""])
def test_a_code_that_leads_out_of_the_library_is_refused(reporter: Connection, code: str) -> None:
    with pytest.raises(ValueError, match="cannot name a folder"):
        library.issue(reporter, small_report(body="agency", agency_code=code))


def test_what_a_broken_off_try_left_gives_way_to_the_next(
    reporter: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise psycopg2.OperationalError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(library, "_register", fail)
        with pytest.raises(psycopg2.OperationalError):
            library.issue(reporter, small_report())
    left = library.library_root() / "panrb" / "2021-06" / "v1"
    assert left.exists()
    assert rows(reporter, "select count(*) from library.issues") == [(0,)]
    issue = library.issue(reporter, small_report(title="Laporan Lain"))
    assert (issue.folder, issue.version) == (left, 1)
    assert json.loads((left / "laporan.json").read_bytes())["title"] == "Laporan Lain"
    assert [path.name for path in left.parent.iterdir()] == ["v1"]


def test_a_preview_is_written_and_never_issued(reporter: Connection) -> None:
    preview = small_report(is_preview=True)
    folder = library.write_preview(preview)
    assert (folder / "laporan.pdf").exists()
    assert library.write_preview(preview) == folder
    assert not folder.is_relative_to(library.library_root())
    with pytest.raises(ValueError, match="is a preview"):
        library.issue(reporter, preview)
    assert rows(reporter, "select count(*) from library.issues") == [(0,)]


def test_later_issues_know_what_was_shown_and_hidden(reporter: Connection) -> None:
    report = small_report()
    library.issue(reporter, report)
    another = [Cell("lain", frozenset({"a"}), 7)]
    with reporter, reporter.cursor() as cursor:
        assert earlier_cells(cursor, report.period, report.cells) == [
            Cell("uji", frozenset({"a"}), 1294),
            Cell("uji", frozenset({"b"}), 3, is_hidden=True),
        ]
        assert earlier_cells(cursor, report.period, another) == []
        assert earlier_cells(cursor, report.period, report.cells, report.cut_off_at - timedelta(days=9999)) == []


def test_the_year_before_is_known_where_a_window_of_one_agency_reaches_into_it(reporter: Connection) -> None:
    cells = (
        Cell("uji", frozenset({"A/2021-05"}), 3, is_hidden=True),
        Cell("uji", frozenset({"A/2021-03"}), 9),
        Cell("uji", frozenset({"A/2021-05", "B/2021-05"}), 30),
    )
    library.issue(reporter, small_report(cells=cells))
    window = [Cell("uji", frozenset(f"A/{month}" for month in ("2021-05", "2021-06", "2022-01")), 40)]
    with reporter, reporter.cursor() as cursor:
        assert earlier_cells(cursor, Period.parse("2022-01"), window) == [cells[0]]
        assert earlier_cells(cursor, Period.parse("2023-01"), window) == []
