"""The Ombudsman's report over marts filled by hand: every figure below can be worked out from `quarter` by hand."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from decimal import Decimal

import pytest
from psycopg2.extensions import cursor as Cursor

from reports.contents import ombudsman
from reports.periods import Period
from reports.report import Hidden, Report, Table
from reports.suppression import recoverable
from tests.reports.conftest import Marts
from warehouse.connection import connect

Q1, Q2 = date(2021, 1, 1), date(2021, 4, 1)
# Agency: name, kind, province; received in Q1 and Q2, secret ones in Q2.
AGENCIES = {
    "KOTA-1": ("Kota Satu", "kota", "21", 60, 40, 6),
    "KOTA-2": ("Kota Dua", "kota", "21", 50, 3, 1),
    "KOTA-3": ("Kota Tiga", "kota", "21", 30, 20, 0),
    "KEM-1": ("Kementerian Satu", "kementerian", None, 100, 100, 20),
}
# Agency, quarter, indication: cases of base.
FOUND = (
    ("KOTA-1", Q1, "penundaan_berlarut", 30, 60),
    ("KOTA-2", Q1, "penundaan_berlarut", 5, 50),
    ("KEM-1", Q1, "penundaan_berlarut", 10, 90),
    ("KOTA-1", Q1, "tidak_menanggapi", 20, 60),
    ("KOTA-1", Q2, "penundaan_berlarut", 7, 40),  # too young: not looked at in the report of Q2
    ("KOTA-1", Q2, "tidak_menanggapi", 18, 20),
    ("KOTA-2", Q2, "tidak_menanggapi", 1, 2),
    ("KOTA-3", Q2, "tidak_menanggapi", 2, 18),
    ("KEM-1", Q2, "tidak_menanggapi", 9, 60),
    ("KEM-1", Q2, "pengaduan_berulang", 6, 70),
    ("KOTA-1", Q2, "pengaduan_berulang", 3, 35),
    ("KOTA-3", Q2, "pengaduan_berulang", 7, 20),
)


@pytest.fixture
def quarter(marts: Marts) -> Marts:
    """Four agencies in two quarters; Kota Dua has three complaints in the second, and Kota Satu stands out."""
    marts.publish()
    marts.insert("dim_regions", kemendagri_code="21", name="Kepulauan Riau", kind="provinsi", is_current=True)
    for code, (name, kind, province, first, second, secret) in AGENCIES.items():
        for start, received, hidden in ((Q1, first, 0), (Q2, second, secret)):
            marts.insert(
                "rpt_ombudsman_agencies_quarterly", agency_code=code, quarter=start, agency_name=name, kind=kind,
                province_code=province, is_simulated=True, received_count=received, secret_count=hidden,
                reopened_count=0, backlog_count=received // 2, backlog_over_limit_count=received // 4,
            )  # fmt: skip
    for code, start, indication, cases, base in FOUND:
        is_above = (code, start, indication) == ("KOTA-1", Q2, "tidak_menanggapi")
        name, kind, province = AGENCIES[code][:3]
        marts.insert(
            "rpt_ombudsman_indications_quarterly", agency_code=code, quarter=start, indication=indication,
            agency_name=name, kind=kind, peer_group=f"{kind} II", province_code=province, is_simulated=True,
            case_count=cases, base_count=base, share=Decimal(cases) / base, share_low=Decimal("0.1"),
            share_high=Decimal("0.95"), peer_share=Decimal("0.3"), peer_tau_squared=Decimal("0.01"),
            funnel_position="above 99.8" if is_above else "within" if base >= 10 else "not judged",
            examples='[{"month": "2021-04", "open_days": 80, "category_id": "KESEHATAN > OBAT"}]' if is_above else None,
        )  # fmt: skip
    return marts


@pytest.fixture
def cursor(marts: Marts) -> Iterator[Cursor]:
    with closing(connect("reporter", "lapor/test")) as connection, connection.cursor() as opened:
        yield opened


def table(report: Report, name: str) -> Table:
    return next(each for each in report.tables if each.name == name)


def assignment(marts: Marts, category: str, *, unanswered: bool, secret: bool = False) -> None:
    marts.insert(
        "fct_assignments", source_system="lapor", agency_code="KEM-1", category_id=category, received_month=Q2,
        is_secret=secret, is_first_response_due=True, first_response_outcome="missed" if unanswered else "met",
        status_code="SELESAI", reopened_count=0, is_repeat=False, is_anonymous=False,
    )  # fmt: skip


def test_delay_is_looked_at_where_sixty_working_days_can_have_passed(quarter: Marts, cursor: Cursor) -> None:
    report = ombudsman.compose(cursor, Period.parse("2021-Q2"))

    told = {headline.label: headline for headline in report.headlines}
    # 30 + 5 + 10 of 60 + 50 + 90, all received in the first quarter.
    assert told["Indikasi penundaan berlarut"].value == Decimal(45) / 200
    assert told["Indikasi penundaan berlarut"].note == "45 dari 200 laporan, masuk Jan 2021–Mar 2021"
    assert told["Indikasi penundaan berlarut"].change is None


def test_headlines_say_indikasi_and_their_base_and_compare_no_younger_shares_with_older(
    quarter: Marts, cursor: Cursor
) -> None:
    told = {headline.label: headline for headline in ombudsman.compose(cursor, Period.parse("2021-Q2")).headlines}

    # 18 + 1 + 2 + 9 of 20 + 2 + 18 + 60; 20 of 60 the quarter before, which had a quarter more to be followed up.
    assert told["Indikasi tidak menanggapi"].value == Decimal(30) / 100
    assert told["Indikasi tidak menanggapi"].note == "30 dari 100 laporan"
    assert told["Indikasi tidak menanggapi"].change is None
    assert told["Laporan diterima instansi"].value == 163
    assert told["Laporan rahasia"].value == 27
    assert told["Instansi di atas batas kelompok"].value == 1


def test_the_report_speaks_of_indications_and_calls_nothing_a_finding(quarter: Marts, cursor: Cursor) -> None:
    report = ombudsman.compose(cursor, Period.parse("2021-Q2"))

    words = " ".join(paragraph for section in report.sections for paragraph in section.paragraphs)
    assert "Indikasi adalah alasan untuk melihat lebih dekat" in words
    assert "temuan" not in words
    assert report.subtitle.endswith("indikasi, bukan temuan")


def test_an_agency_above_its_peers_is_listed_with_interval_and_example(quarter: Marts, cursor: Cursor) -> None:
    report = ombudsman.compose(cursor, Period.parse("2021-Q2"))

    assert report.sections[1].paragraphs[0] == (
        "Dari 4 instansi yang cukup datanya, 1 berada di atas batas kelompok sebandingnya pada sedikitnya satu indikasi."
        " Di atas batas 99,8%: Kota Satu (tidak menanggapi)."
    )
    # Three of delay, Kota Satu and the ministry of silence, the ministry and Kota Tiga of repetition: 7 / 40 is 0.
    assert "Dari 7 penilaian" in report.sections[1].paragraphs[1]
    (row,) = table(report, "di_atas_batas").rows
    assert row[:6] == ("Tidak menanggapi", "Kota Satu", "II 2021", 18, 20, Decimal("0.9"))
    assert row[-1] == "99,8%"
    assert table(report, "contoh").rows == (
        ("Tidak menanggapi", "Kota Satu", "Kesehatan: obat", "Apr 2021", 80),
    )  # fmt: skip
    assert [chart.name for chart in report.sections[1].blocks if not isinstance(chart, Table)] == ["corong"]


def test_an_agency_with_three_complaints_shows_no_figure_and_none_follows(quarter: Marts, cursor: Cursor) -> None:
    report = ombudsman.compose(cursor, Period.parse("2021-Q2"))

    rows = {row[0]: row for row in table(report, "instansi").rows}
    of_two = rows["Kota Dua"]
    # Delay is of its fifty complaints of the first quarter; all else is of three.
    assert of_two[3] is of_two[6] is of_two[10] is Hidden.SMALL
    assert rows["Kementerian Satu"][3:5] == (100, 20)
    assert recoverable(report.cells) == []
    hidden = [row[0] for row in table(report, "instansi").rows if row[3] is Hidden.SMALL]
    assert len(hidden) == 2  # the province shows 63: with one hidden it would follow


def test_secret_complaints_of_one_to_four_are_not_counted(quarter: Marts, cursor: Cursor) -> None:
    rows = {row[0]: row for row in table(ombudsman.compose(cursor, Period.parse("2021-Q2")), "instansi").rows}

    assert rows["Kota Dua"][4] is Hidden.SMALL
    assert rows["Kota Tiga"][4] in (0, Hidden.SMALL)


def test_categories_leave_secret_complaints_out(quarter: Marts, cursor: Cursor) -> None:
    quarter.insert("dim_categories", category_id="K > A", category_main="KESEHATAN", valid_from=date(2019, 1, 1))
    for place in range(12):
        assignment(quarter, "K > A", unanswered=place < 3)
    assignment(quarter, "K > A", unanswered=True, secret=True)

    rows = table(ombudsman.compose(cursor, Period.parse("2021-Q2")), "kategori").rows

    assert rows == (("Kesehatan", 12, 12, 3, Decimal(3) / 12, 12, 0, Decimal(0)),)


@pytest.mark.parametrize(
    ("unanswered", "finding"),
    [
        # Of health 9 of 35, 25.7 % (14.2 % to 42.1 %), of all 18 of 80, 22.5 %: chance may have done that.
        (9, "Tidak ada kategori yang porsinya jelas di atas porsi seluruh kategori (22,5%)."),
        # 20 of 35, 57.1 % (40.9 % to 72.0 %); of all 29 of 80, 36.3 %.
        (20, "Porsi indikasi tidak menanggapi jelas di atas porsi seluruh kategori (36,3%) pada satu kategori,"
             " paling tinggi pada Kesehatan: 20 dari 35 (57,1%)."),
    ],
    ids=["within chance", "apart"],
)  # fmt: skip
def test_a_category_is_named_only_where_its_interval_is_clear_of_the_whole(
    quarter: Marts, cursor: Cursor, unanswered: int, finding: str
) -> None:
    for category, count, missed in (("KESEHATAN", 35, unanswered), ("AGAMA", 45, 9)):
        quarter.insert("dim_categories", category_id=category, category_main=category, valid_from=date(2019, 1, 1))
        for place in range(count):
            assignment(quarter, category, unanswered=place < missed)

    section = next(
        each for each in ombudsman.compose(cursor, Period.parse("2021-Q2")).sections if each.title == "Menurut kategori"
    )

    assert section.paragraphs == (finding,)


def test_repeated_complaints_are_listed_from_five(quarter: Marts, cursor: Cursor) -> None:
    report = ombudsman.compose(cursor, Period.parse("2021-Q2"))

    assert table(report, "pengaduan_berulang").rows == (
        ("Kementerian Satu", "Kementerian", "Instansi pusat", 100, 6),
    )  # fmt: skip


def test_three_repeated_complaints_are_in_no_table_and_do_not_follow(quarter: Marts, cursor: Cursor) -> None:
    report = ombudsman.compose(cursor, Period.parse("2021-Q2"))

    of_agency = {row[0]: row[9] for row in table(report, "instansi").rows}
    assert of_agency["Kota Satu"] is Hidden.SMALL
    # The province's 10 less seven of Kota Tiga would be the three; the ministry's six are the rest of the nation's 16.
    province = next(row[-2] for row in table(report, "provinsi").rows if row[0] == "Kepulauan Riau")
    assert (province, of_agency["Kota Tiga"]) == (10, Hidden.SMALL)
    assert of_agency["Kementerian Satu"] == 6
    repeated = [cell for cell in report.cells if cell.family == "repeated_by_agency_quarter"]
    assert any(cell.is_hidden and cell.count == 3 for cell in repeated)
    assert recoverable(repeated) == []


def test_a_semester_is_the_sum_of_its_quarters(quarter: Marts, cursor: Cursor) -> None:
    rows = table(ombudsman.compose(cursor, Period.parse("2021-S1")), "indikasi_nasional").rows

    assert rows[1][:3] == ("Tidak menanggapi", 50, 160)


def test_a_quarter_without_complaints_says_so(quarter: Marts, cursor: Cursor) -> None:
    report = ombudsman.compose(cursor, Period.parse("2020-Q1"))

    assert report.sections[0].paragraphs == ("Tidak ada laporan yang diterima instansi pada Triwulan I 2020.",)
    assert report.headlines == ()


def test_a_month_is_refused_with_what_to_write(cursor: Cursor) -> None:
    with pytest.raises(ValueError, match="quarters and longer"):
        ombudsman.compose(cursor, Period.parse("2021-06"))


def test_what_has_no_category_is_one_row_whether_it_was_named_so_or_left_open(quarter: Marts, cursor: Cursor) -> None:
    quarter.insert(
        "dim_categories", category_id="LAIN", category_main="BELUM DIKATEGORIKAN", valid_from=date(2019, 1, 1)
    )
    for place in range(14):
        assignment(quarter, "LAIN" if place < 8 else "TIDAK DIKENAL", unanswered=False)

    report = ombudsman.compose(cursor, Period.parse("2021-Q2"))

    assert [row[:2] for row in table(report, "kategori").rows] == [("Belum dikategorikan", 14)]


def test_the_national_sum_gives_no_province_away(quarter: Marts, cursor: Cursor) -> None:
    report = ombudsman.compose(cursor, Period.parse("2021-Q2"))

    silent = [cell for cell in report.cells if cell.family == "tidak_menanggapi_base_by_agency_quarter"]
    # 20 + 2 + 18 in the province and 60 at the centre; their sum of 100 is a headline.
    assert {40, 60, 100} <= {cell.count for cell in silent}


def test_zones_are_said_to_have_no_source() -> None:
    assert any(words.startswith("Zona kepatuhan") and "tidak menerima" in words for words in ombudsman.DENOMINATORS)
