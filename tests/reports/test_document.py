"""The PDF: what it says, that it is tagged and archival, that nothing of the data is markup."""

import io
import re
from decimal import Decimal

import pytest
from pypdf import PdfReader

from reports.charts import Chart
from reports.document import render_pdf
from reports.report import Column, Section, Table
from tests.reports.conftest import small_report

HOSTILE = [
    '#eval("1+1")', "$x^2$ dan $y$", "\\u{41} \\ ", "@label <tag>", "<script>alert(1)</script>", "'; drop table x; --",
    "=HYPERLINK(1)", "*tebal* _miring_ `kode`", "#import \"x\": *", "// komentar", "[tautan](http://a.b)", "= Judul",
]  # fmt: skip


def read(pdf: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(pdf))


def text_of(pdf: bytes) -> str:
    """The text of all pages with the blanks it was set with made one."""
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in read(pdf).pages))


def test_the_text_has_the_figures_as_indonesians_write_them() -> None:
    text = text_of(render_pdf(small_report()))
    for part in (
        "Laporan Uji", "KEMENTERIAN UJI", "1.297", "▲ 1,5% dari bulan lalu", "1.294", "75,7%", "9,8", "1 Jun 2021",
        "654 dari 657 instansi (99,5%)", "30 Juni 2021 pukul 24.00 WIB", "Halaman 1 dari", "a dibagi b",
        "Dibagi laporan diterima.", "Tindak lanjut: dari laporan diterima.",
    ):  # fmt: skip
        assert part in text, part
    assert "Kabupaten Karimun * * * –" in text


def test_made_again_it_is_the_same_to_the_byte() -> None:
    assert render_pdf(small_report()) == render_pdf(small_report())
    assert render_pdf(small_report(title="Lain")) != render_pdf(small_report())


def test_it_is_tagged_titled_and_in_indonesian() -> None:
    reader = read(render_pdf(small_report()))
    catalog = reader.trailer["/Root"]
    assert str(catalog["/Lang"]).startswith("id")
    assert catalog["/MarkInfo"]["/Marked"]
    assert reader.metadata is not None
    assert reader.metadata.title == "Laporan Uji, Juni 2021"
    assert reader.metadata.creation_date is not None
    assert reader.metadata.creation_date.isoformat().startswith("2021-06-30T17:00")
    kinds = set(_tags(catalog["/StructTreeRoot"]))
    assert {"/H1", "/Table", "/TH", "/TD", "/Figure"} <= kinds
    metadata = catalog["/Metadata"].get_object().get_data().decode()
    assert "pdfuaid:part" in metadata
    assert "pdfaid:part" in metadata


def _tags(node: object) -> list[str]:
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, list):
        return [tag for child in node for tag in _tags(child)]
    if not isinstance(node, dict):
        return []
    own = [str(node["/S"])] if "/S" in node else []
    return own + (_tags(node["/K"]) if "/K" in node else [])


def test_every_page_of_simulated_figures_is_stamped() -> None:
    rows = tuple((f"Instansi {number}", number) for number in range(200))
    long = Table("panjang", "Panjang", (Column("a", "Instansi", "text"), Column("b", "Diterima", "count")), rows)
    reader = read(render_pdf(small_report(sections=(Section("Daftar", (), (long,)),))))
    assert len(reader.pages) > 3
    assert all("DATA SIMULASI, bukan kinerja sebenarnya" in page.extract_text() for page in reader.pages)
    real = text_of(render_pdf(small_report(is_simulated=False)))
    assert "SIMULASI" not in real


def test_a_preview_is_marked_on_every_page() -> None:
    reader = read(render_pdf(small_report(is_preview=True)))
    assert all("PRATINJAU" in page.extract_text() for page in reader.pages)
    assert "PRATINJAU" not in text_of(render_pdf(small_report()))


def test_a_long_table_shows_what_it_may_and_says_where_the_rest_is() -> None:
    rows = tuple((f"Instansi {number}", number) for number in range(40))
    columns = (Column("a", "Instansi", "text"), Column("b", "Diterima", "count"))
    table = Table("panjang", "Panjang", columns, rows, in_pdf_rows=12)
    text = text_of(render_pdf(small_report(sections=(Section("Daftar", (), (table,)),))))
    assert "Instansi 11" in text
    assert "Instansi 12" not in text
    assert "28 baris lainnya ada di buku kerja, lembar panjang." in text


def test_a_row_that_is_kept_closes_a_table_that_is_cut() -> None:
    rows = tuple((f"Instansi {number}", number) for number in range(40))
    columns = (Column("a", "Instansi", "text"), Column("b", "Diterima", "count"))
    table = Table("panjang", "Panjang", columns, rows, in_pdf_rows=12, kept_rows=(3, 39))
    text = text_of(render_pdf(small_report(sections=(Section("Daftar", (), (table,)),))))
    assert "Instansi 38" not in text
    assert "Instansi 39" in text
    assert "27 baris lainnya ada di buku kerja" in text  # 40 less twelve and the last


@pytest.mark.parametrize("hostile", HOSTILE)
def test_markup_in_names_and_sentences_is_only_text(hostile: str) -> None:
    table = Table("nama", hostile, (Column("a", hostile, "text"),), ((hostile,),), note=hostile)
    report = small_report(
        title=hostile, subtitle=hostile, institution=hostile, denominators=(hostile,),
        sections=(Section(hostile, (hostile,), (table,)),),
    )  # fmt: skip
    letters = re.sub(r"[\s\u00ad-]", "", hostile)
    text = re.sub(r"[\s\u00ad-]", "", text_of(render_pdf(report)))
    assert text.count(letters) >= 9


def test_no_heading_stands_at_the_end_of_a_page_without_its_table() -> None:
    columns = (Column("a", "Instansi", "text"), Column("b", "Diterima", "count"))
    below = Table("bawah", "Judul tabel", columns, (("Baris pertama", 1), ("Baris kedua", 2)), note="Catatan tabel.")
    breaks = set()
    for count in range(24, 52, 2):
        rows = tuple((f"Instansi {number}", number) for number in range(count))
        above = Section("Daftar", (), (Table("atas", "Atas", columns, rows),))
        report = small_report(sections=(above, Section("Judul bagian", ("Temuan bagian.",), (below,))))
        pages = [page.extract_text() for page in read(render_pdf(report)).pages]
        (place,) = {number for number, text in enumerate(pages) if "Judul bagian" in text}
        for words in ("Temuan bagian.", "Judul tabel", "Catatan tabel.", "Baris pertama", "Baris kedua"):
            assert words in pages[place], (count, words)
        breaks.add(place)
    assert breaks == {0, 1}  # the heading was met on both sides of a page's end


def test_charts_of_half_the_width_stand_beside_each_other() -> None:
    def chart(name: str, width: int) -> Chart:
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="400" viewBox="0 0 {width} 400"></svg>'
        return Chart(name, svg, name, name)

    def pages(width: int) -> int:
        charts = tuple(chart(name, width) for name in ("satu", "dua", "tiga", "empat"))
        return len(read(render_pdf(small_report(sections=(Section("Grafik", (), charts),)))).pages)

    assert pages(312) < pages(640)


def test_a_bar_leaves_room_for_a_whole_hundred_percent() -> None:
    columns = [Column(f"c{place}", f"Kolom {place}", "count") for place in range(9)]
    columns.insert(0, Column("agency_name", "Instansi", "text"))
    columns.append(Column("rate", "Porsi", "rate"))
    wide = Table("lebar", "Lebar", tuple(columns), (("Badan Nasional", *[1294] * 9, Decimal(1)),))
    text = text_of(render_pdf(small_report(sections=(Section("Daftar", (), (wide,)),))))
    assert "1.294 100,0%" in text  # on one line: it did not wrap


def test_a_table_without_rows_says_so_and_keeps_its_note() -> None:
    empty = Table("kosong", "Kosong", (Column("a", "Instansi", "text"),), (), note="Sejak terbitan terakhir.")
    text = text_of(render_pdf(small_report(sections=(Section("Daftar", (), (empty,)),))))
    assert "Sejak terbitan terakhir. Tidak ada baris untuk periode ini." in text
