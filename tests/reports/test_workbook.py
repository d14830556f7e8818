"""The workbook, the CSV and the JSON: the same figures, nothing a formula, the same bytes."""

import csv
import io
import json
from datetime import date
from typing import Any

import openpyxl
import pytest

from reports.report import STAMP, Column, Section, Table
from reports.tables import render_csv, render_json
from reports.workbook import render_workbook
from tests.reports.conftest import small_report

FORMULAS = ["=1+1", "+62 811", "-5", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://a.b")', "http://a.b", "{=1}"]


def workbook_of(**changes: Any) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(render_workbook(small_report(**changes))))


def cells_of(sheet: Any) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def test_a_table_has_its_sheet_with_numbers_as_numbers_and_small_ones_hidden() -> None:
    sheet = workbook_of()["instansi"]
    rows = cells_of(sheet)
    header = next(place for place, row in enumerate(rows) if row[0] == "Instansi" and row[1] == "Diterima")
    assert rows[header + 1][:4] == ["Kota Batam", 1294, 0.757, 9.75]
    assert rows[header + 1][4].date() == date(2021, 6, 1)
    assert rows[header + 2] == ["Kabupaten Karimun", "*", "*", "*", "–"]
    assert [cell.number_format for cell in sheet[header + 2]][1:] == ["#,##0", "0.0%", "#,##0.0", "d mmm yyyy"]
    assert sheet.freeze_panes == f"B{header + 2}"


def test_the_sheets_are_summary_tables_and_dictionary() -> None:
    completeness = Table("kelengkapan", "Kelengkapan", (Column("a", "Jenis", "text"),), (("Kota",),))
    book = workbook_of(completeness=completeness)
    assert book.sheetnames == ["ringkasan", "instansi", "kelengkapan", "kamus_metrik"]
    assert any("Dua instansi menerima 1.297 laporan." in row for row in cells_of(book["ringkasan"]))
    assert any(row[:2] == ["Tingkat tindak lanjut", "a dibagi b"] for row in cells_of(book["kamus_metrik"]))


def test_every_sheet_of_simulated_figures_is_stamped() -> None:
    book = workbook_of()
    assert all(any(STAMP in row for row in cells_of(sheet)) for sheet in book)
    assert not any(STAMP in row for sheet in workbook_of(is_simulated=False) for row in cells_of(sheet))


@pytest.mark.parametrize("text", [text for text in FORMULAS if "\r" not in text])
def test_text_that_looks_like_a_formula_or_address_stays_text(text: str) -> None:
    table = Table("teks", "Teks", (Column("a", "A", "text"),), ((text,),))
    sheet = workbook_of(sections=(Section("Teks", (text,), (table,)),))["teks"]
    found = [
        cell for row in sheet.iter_rows() for cell in row if cell.value and str(cell.value).strip() == text.strip()
    ]
    assert [cell.data_type for cell in found] == ["s"]
    assert [cell.hyperlink for cell in found] == [None]


@pytest.mark.parametrize("text", FORMULAS[:7])
def test_a_csv_opened_as_a_spreadsheet_computes_nothing(text: str) -> None:
    table = Table("teks", "Teks", (Column("a", "A", "text"),), ((text,),))
    rows = list(csv.reader(io.StringIO(render_csv(table, is_simulated=False).decode("utf-8-sig"), newline="")))
    assert rows == [["a"], [f"'{text}"]]


def test_a_csv_has_plain_figures_and_a_stamp_on_every_row() -> None:
    table = small_report().tables[0]
    content = render_csv(table, is_simulated=True)
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert rows == [
        ["agency_name", "received_count", "followed_up_rate", "median", "last_login_date", "stempel"],
        ["Kota Batam", "1294", "0.757", "9.75", "2021-06-01", STAMP],
        ["Kabupaten Karimun", "*", "*", "*", "", STAMP],
    ]


def test_the_json_names_what_is_hidden_and_says_nothing_of_it() -> None:
    told = json.loads(render_json(small_report()))
    assert told["stamp"] == STAMP
    assert told["coverage"] == {"delivered": 654, "expected": 657}
    shown, hidden = told["tables"]["instansi"]["rows"]
    assert (shown["received_count"], shown["followed_up_rate"], shown["hidden"]) == (1294, 0.757, [])
    assert (hidden["received_count"], hidden["hidden"]) == (None, ["received_count", "followed_up_rate", "median"])
    assert "cells" not in told


def test_made_again_they_are_the_same_to_the_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    report = small_report()
    assert render_json(report) == render_json(report)
    first = render_workbook(report)
    # Whatever of the clock a writer might put in: another day gives the same file.
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    assert render_workbook(report) == first


def test_two_tables_of_one_name_are_refused() -> None:
    table = small_report().tables[0]
    with pytest.raises(ValueError, match="two tables are named instansi"):
        render_json(small_report(sections=(Section("A", (), (table, table)),)))
