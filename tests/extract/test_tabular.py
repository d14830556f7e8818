"""Files as agencies make them: any delimiter, any encoding, cover sheets, tails, ragged rows."""

import asyncio
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
import xlsxwriter

from extract.connectors import Address, Ask, Page, Window
from extract.connectors.tabular import TabularConnector
from extract.errors import DeliveryFailed, DeliveryLate
from extract.profile import read_profile
from extract.records import Record

CONNECTOR = TabularConnector(read_profile("recap_statement"))
HEADINGS = [
    "instansi", "periode_awal", "periode_akhir", "laporan_diterima", "terdisposisi", "belum_terverifikasi",
    "belum_ditindaklanjuti", "dalam_proses", "selesai", "tunda", "arsip",
]  # fmt: skip
BATAM = ["KOTA-21.71", "2021-01-01", "2021-06-30", "71", "61", "", "", "10", "46", "1", ""]


def read(content: bytes, name: str = "rekap.csv") -> tuple[list[Record], int | None]:
    page = CONNECTOR.read(Page(name, content))
    return list(page.records), page.stated_rows


def csv_of(*rows: list[str], delimiter: str = ";") -> str:
    return "".join(delimiter.join(row) + "\r\n" for row in rows)


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_the_dialect_is_found(delimiter: str, encoding: str) -> None:
    (record,), total = read(csv_of(HEADINGS, BATAM, delimiter=delimiter).encode(encoding))
    assert record.data == dict(zip(HEADINGS, BATAM, strict=True))
    assert (record.position, total) == ("row 2", None)


def test_cp1252_letters_survive() -> None:
    (record,), _ = read(csv_of(HEADINGS, ["Café", *BATAM[1:]]).encode("cp1252"))
    assert record.data["instansi"] == "Café"


def test_the_separator_line_of_excel_is_obeyed() -> None:
    (record,), _ = read(("sep=|\r\n" + csv_of(HEADINGS, BATAM, delimiter="|")).encode())
    assert record.data["laporan_diterima"] == "71"


def test_titles_above_the_headings_and_a_tail_below_are_not_records() -> None:
    text = "Rekapitulasi\r\n\r\n" + csv_of(HEADINGS, BATAM, ["JUMLAH", "1", *[""] * 9])
    records, total = read(text.encode())
    assert [record.data["instansi"] for record in records] == ["KOTA-21.71"]
    assert total == 1


def test_a_ragged_row_is_a_problem_and_not_a_shift() -> None:
    records, _ = read(csv_of(HEADINGS, [*BATAM, "x"], BATAM[:5], BATAM).encode())
    assert [record.problem for record in records] == ["12 cells instead of 11", "5 cells instead of 11", None]


def test_a_workbook_is_read_from_the_sheet_with_the_headings() -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as workbook:
        workbook.add_worksheet("Sampul").write(0, 0, "Laporan")
        hidden = workbook.add_worksheet("Lama")
        hidden.write_row(0, 0, HEADINGS)
        hidden.hide()
        sheet = workbook.add_worksheet("Data")
        sheet.write(0, 0, "Judul")
        sheet.write_row(2, 0, HEADINGS)
        sheet.write_row(3, 0, ["KOTA-21.71", "2021-01-01", "2021-06-30", 71, 61, "", "", 10, 46, 1, ""])
    (record,), _ = read(buffer.getvalue(), "rekap.csv")  # the name lies, the content decides
    assert (record.data["laporan_diterima"], record.position) == (71.0, "row 4")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html><title>Login</title></html>", "is an HTML page"),
        (b"a;b;c\r\n1;2;3\r\n", "has no heading row"),
        (b"PK\x03\x04broken", "no readable workbook"),
        ((";".join([*HEADINGS, "tunda"]) + "\r\n").encode(), r"heading \['tunda'\] twice"),
        (csv_of(HEADINGS, ['KOTA "x', *BATAM[1:]]).encode() + b'"' * 200_000, None),
    ],
)
def test_what_is_no_table_fails_with_the_reason(content: bytes, message: str | None) -> None:
    if message is None:  # a quote that never closes costs its own line, not the file
        records, _ = read(content)
        assert [record.problem is None for record in records] == [True, False]
        return
    with pytest.raises(DeliveryFailed, match=message):
        read(content)


def test_a_missing_file_is_late_and_a_climbing_path_refused(tmp_path: Path) -> None:
    async def fetch(location: str) -> list[Page]:
        address = Address("drops", f"file://{tmp_path}", location)
        ask = Ask(address, Window(None, datetime(2021, 7, 1, tzinfo=UTC)), "Asia/Jakarta")
        return [page async for page in CONNECTOR.pages(ask)]

    with pytest.raises(DeliveryLate, match=r"rekap\.csv"):
        asyncio.run(fetch("rekap.csv"))
    with pytest.raises(DeliveryFailed, match="climbs out"):
        asyncio.run(fetch("x/../../secret.csv"))
    (tmp_path / "rekap.csv").symlink_to("/etc/hostname")
    with pytest.raises(DeliveryFailed, match="a link out of its folder"):
        asyncio.run(fetch("rekap.csv"))
