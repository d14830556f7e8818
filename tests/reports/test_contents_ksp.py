"""KSP's report over marts filled by hand: every figure below can be worked out from `week` by hand."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal

import pytest
from psycopg2.extensions import cursor as Cursor

from reports.charts import Line
from reports.contents import ksp
from reports.contents.ksp_figures import CAME
from reports.contents.ksp_stock import _trend_title
from reports.contents.wording import category_words, counted, listed
from reports.periods import Period
from reports.report import Hidden, Report, Table
from reports.suppression import recoverable
from tests.reports.conftest import Marts
from warehouse.connection import connect

W24, W25 = date(2021, 6, 14), date(2021, 6, 21)
NAMES = {
    "KEM-1": ("Kementerian Satu", "kementerian"),
    "KAB-1": ("Kabupaten Satu", "kabupaten"),
    "KAB-2": ("Kabupaten Dua", "kabupaten"),
}
# Programme, agency, province: open before, came, left, open, overdue; and overdue a week earlier.
STAYS = (
    ("KIP", "KEM-1", "21", 30, 5, 3, 32, 12, 10),
    ("KIP", "KAB-1", "21", 6, 2, 0, 8, 1, 1),
    ("KIP", "KAB-2", "32", 3, 0, 0, 3, 2, 2),
    ("PKH", "KEM-1", "32", 18, 6, 4, 20, 0, 0),
)
PROGRAMMES = {"KIP": "Kartu Indonesia Pintar", "PKH": "Program Keluarga Harapan"}


@pytest.fixture
def week(marts: Marts) -> Marts:
    """Two programmes at three agencies in two weeks; one of the agencies has three complaints."""
    marts.publish()
    for code, name in (("21", "Kepulauan Riau"), ("32", "Jawa Barat")):
        marts.insert("dim_regions", kemendagri_code=code, name=name, kind="provinsi", is_current=True)
    for programme, agency, province, opening, came, left, closing_count, overdue, overdue_before in STAYS:
        name, kind = NAMES[agency]
        place = {
            "programme": programme, "programme_name": PROGRAMMES[programme], "agency_code": agency,
            "agency_name": name, "kind": kind, "province_code": province, "is_simulated": True,
        }  # fmt: skip
        marts.insert(
            "rpt_ksp_strategic_issues_weekly", week=W24, week_end_date=date(2021, 6, 20), opening_count=opening,
            in_count=0, out_count=0, closing_count=opening, overdue_14_days_count=overdue_before, **place,
        )  # fmt: skip
        marts.insert(
            "rpt_ksp_strategic_issues_weekly", week=W25, week_end_date=date(2021, 6, 27), opening_count=opening,
            in_count=came, out_count=left, closing_count=closing_count, overdue_14_days_count=overdue, **place,
        )  # fmt: skip
    for rank, agency in enumerate(["KAB-2", "KEM-1", *["KAB-1"] * 30], start=1):
        marts.insert(
            "rpt_ksp_longest_open", programme="KIP", rank=rank, programme_name=PROGRAMMES["KIP"], agency_code=agency,
            agency_name=NAMES[agency][0], kind=NAMES[agency][1], province_code="32" if agency == "KAB-2" else "21",
            is_simulated=True, category_id="PENDIDIKAN DAN KEBUDAYAAN > KARTU INDONESIA PINTAR/KIP",
            received_month=date(2021, 1, 1), cut_off_date=date(2021, 6, 30), open_days=200 - rank,
            is_overdue_14_days=True,
        )  # fmt: skip
    return marts


@pytest.fixture
def cursor(marts: Marts) -> Iterator[Cursor]:
    with closing(connect("reporter", "lapor/test")) as connection, connection.cursor() as opened:
        yield opened


def table(report: Report, name: str) -> Table:
    return next(each for each in report.tables if each.name == name)


def topic(marts: Marts, area_code: str, area_name: str, received: int, *, is_rising: bool) -> None:
    marts.insert(
        "rpt_category_trends_weekly", category_main="KESEHATAN", area_code=area_code, week=W25, area_name=area_name,
        is_simulated=True, working_day_count=5, received_count=received, expected_count=Decimal("5"),
        surprise_score=Decimal("6.2") if is_rising else None, is_rising=is_rising,
    )  # fmt: skip


def test_headlines_count_what_is_open_and_what_is_stuck(week: Marts, cursor: Cursor) -> None:
    report = ksp.compose(cursor, Period.parse("2021-W25"))

    told = {headline.label: headline for headline in report.headlines}

    # 32 + 8 + 3 + 20 open, 57 a week earlier; 12 + 1 + 2 + 0 overdue, 13 a week earlier, too few for a percentage.
    assert told["Penanganan terbuka"].value == 63
    assert told["Penanganan terbuka"].change == "▲ 10,5% dari minggu lalu"
    assert told["Lewat tenggat > 14 hari"].value == 15
    assert told["Lewat tenggat > 14 hari"].change is None
    assert told["Pertumbuhan tunggakan"].value == 6
    assert told["Pertumbuhan tunggakan"].note == "masuk 13, keluar 7"


def test_a_programme_has_its_flows_growth_and_shares(week: Marts, cursor: Cursor) -> None:
    rows = table(ksp.compose(cursor, Period.parse("2021-W25")), "program").rows

    # Came, left, growth / opening: 39 open at first, 7 in, 3 out, 43 open; 400 / 39 percent; 15 of 43 overdue.
    assert rows[0][:6] == ("Kartu Indonesia Pintar", 39, 7, 3, 43, 4)
    assert rows[0][6:] == (Decimal(400) / 39, 15, Decimal(15) / 43)
    # Opened with 18: under 20 there is no percentage growth.
    assert rows[1] == ("Program Keluarga Harapan", 18, 6, 4, 20, 2, None, 0, Decimal(0))


def test_an_agency_with_three_complaints_is_nowhere_and_cannot_be_worked_out(week: Marts, cursor: Cursor) -> None:
    report = ksp.compose(cursor, Period.parse("2021-06"))

    assert table(report, "instansi").rows[0][:4] == ("Kementerian Satu", "Kementerian", 52, 12)
    words = [value for each in report.tables for row in each.rows for value in row if isinstance(value, str)]
    assert "Kementerian Satu" in words
    assert "Kabupaten Dua" not in words
    assert any(cell.is_hidden and cell.count == 3 for cell in report.cells)
    assert recoverable(report.cells) == []
    # All that is not shown stands together in the last row: 63 - 52.
    together = table(report, "instansi")
    assert together.rows[-1][:3] == ("Instansi lainnya", "", 11)
    assert together.kept_rows == (len(together.rows) - 1,)  # where the PDF cuts the list, this row stays


def test_the_list_of_the_longest_open_is_never_whole_and_hides_small_agencies(week: Marts, cursor: Cursor) -> None:
    rows = table(ksp.compose(cursor, Period.parse("2021-06")), "kip_terlama").rows

    assert len(rows) == 43 // 2
    assert rows[0][:3] == (Hidden.SMALL, Hidden.SMALL, "Kartu Indonesia pintar/KIP")
    assert rows[1][:2] == ("Kementerian Satu", "Kepulauan Riau")


def test_the_longest_open_says_that_its_programme_is_one_and_how_many_are_as_old(week: Marts, cursor: Cursor) -> None:
    with week.connection, week.connection.cursor() as owner:
        owner.execute("update marts.rpt_ksp_longest_open set open_days = 199 where rank <= 3")

    report = ksp.compose(cursor, Period.parse("2021-W25"))

    found = next(each for each in report.sections if each.title == "Laporan yang paling lama terbuka").paragraphs[0]
    assert "199 hari kalender (program Kartu Indonesia Pintar; 3 laporan sama lamanya)" in found


def test_growth_is_that_of_eight_weeks_not_of_the_start_of_the_data() -> None:
    start = date(2021, 1, 4)
    filling = [(start + timedelta(weeks=week), float(100 * week)) for week in range(13)]  # 0 to 1.200 in twelve weeks
    steady = [(day, value / 2) for day, value in filling]

    assert _trend_title([Line("A", filling), Line("B", steady)]) == "Tunggakan A bertambah 800 dalam 8 minggu terakhir"
    assert _trend_title([Line("A", filling[:8])]) == "Penanganan terbuka di akhir minggu"  # seven weeks are too few
    assert _trend_title([Line("A", [(day, 50.0) for day, _ in filling])]) == (
        "Tunggakan tidak bertambah dalam 8 minggu terakhir"
    )


def test_a_few_that_came_in_are_hidden_and_do_not_follow_from_what_left(week: Marts, cursor: Cursor) -> None:
    week.insert(
        "rpt_ksp_strategic_issues_weekly", programme="DANA_DESA", programme_name="Dana desa", agency_code="KEM-1",
        agency_name="Kementerian Satu", kind="kementerian", province_code="32", is_simulated=True, week=W25,
        week_end_date=date(2021, 6, 27), opening_count=20, in_count=2, out_count=1, closing_count=21,
        overdue_14_days_count=0,
    )  # fmt: skip

    report = ksp.compose(cursor, Period.parse("2021-W25"))

    row = next(row for row in table(report, "program").rows if row[0] == "Dana desa")
    assert row[2:4] == (Hidden.SMALL, Hidden.SMALL)  # with growth shown, what left would give it away
    hidden = [cell for cell in report.cells if cell.family == CAME and cell.is_hidden]
    assert len(hidden) > 1  # the nation's sum is shown, so one alone would follow
    assert recoverable(report.cells) == []


def test_a_rising_topic_is_the_first_finding(week: Marts, cursor: Cursor) -> None:
    topic(week, "NASIONAL", "Nasional", 40, is_rising=False)
    topic(week, "32", "Jawa Barat", 30, is_rising=True)
    topic(week, "21", "Kepulauan Riau", 10, is_rising=False)

    report = ksp.compose(cursor, Period.parse("2021-W25"))

    assert report.sections[0].paragraphs[0] == (
        "Satu kenaikan topik melampaui batas; yang paling menonjol Kesehatan di Jawa Barat pada pekan 21 Juni 2021:"
        " 30 laporan, biasanya sekitar 5."
    )
    assert table(report, "topik_naik").rows == (
        ("Kesehatan", "Jawa Barat", W25, 30, Decimal("5"), Decimal("6.2")),
    )  # fmt: skip


def test_a_rising_topic_is_hidden_where_the_rest_of_the_country_has_few(week: Marts, cursor: Cursor) -> None:
    topic(week, "NASIONAL", "Nasional", 33, is_rising=False)
    topic(week, "32", "Jawa Barat", 30, is_rising=True)
    topic(week, "21", "Kepulauan Riau", 3, is_rising=False)

    report = ksp.compose(cursor, Period.parse("2021-W25"))

    shown = [row[-3] for name in ("topik_naik", "topik_nasional") for row in table(report, name).rows]
    assert Hidden.SMALL in shown  # 33 - 30 would count the three of the other province


def test_a_period_without_anything_says_so(week: Marts, cursor: Cursor) -> None:
    report = ksp.compose(cursor, Period.parse("2021-W10"))

    assert [section.paragraphs[0] for section in report.sections] == [
        "Belum ada minggu penuh yang berakhir pada Minggu 10 2021 (8–14 Maret).",
        "Tidak ada laporan program prioritas yang terbuka atau bergerak pada Minggu 10 2021 (8–14 Maret).",
    ]
    assert report.tables == ()


def test_the_weekly_report_is_the_short_one(week: Marts, cursor: Cursor) -> None:
    weekly, monthly = (ksp.compose(cursor, Period.parse(period)) for period in ("2021-W25", "2021-06"))

    annex = {f"Lampiran: {name}" for name in PROGRAMMES.values()}
    assert annex <= {section.title for section in monthly.sections}
    assert not annex & {section.title for section in weekly.sections}


def test_a_quarter_is_refused_with_what_to_write(cursor: Cursor) -> None:
    with pytest.raises(ValueError, match="weekly or monthly"):
        ksp.compose(cursor, Period.parse("2021-Q2"))


@pytest.mark.parametrize(
    ("count", "words"), [(0, "tidak ada laporan"), (1, "satu laporan"), (2, "2 laporan"), (1294, "1.294 laporan")]
)
def test_sentences_count_none_one_and_many(count: int, words: str) -> None:
    assert counted(count, "laporan") == words


def test_names_are_listed_as_a_sentence_lists_them() -> None:
    assert [listed(["A", "B", "C"][:count]) for count in range(4)] == ["", "A", "A dan B", "A, B, dan C"]


@pytest.mark.parametrize(
    ("category", "words"),
    [
        ("KETENAGAKERJAAN > STATUS KLAIM", "Ketenagakerjaan: status klaim"),
        ("KESEHATAN > ADMINISTRASI BPJS KESEHATAN", "Kesehatan: administrasi BPJS kesehatan"),
        ("SOSIAL > KARTU KELUARGA SEJAHTERA (KKS)", "Sosial: kartu keluarga sejahtera (KKS)"),
        ("SP4N-LAPOR!", "SP4N-LAPOR!"),
        ("BPJS-TK MOBILE DI INDONESIA", "BPJS-TK mobile di Indonesia"),
    ],
)
def test_a_category_reads_as_words(category: str, words: str) -> None:
    assert category_words(category) == words


def test_a_programme_that_is_hidden_is_no_line_of_the_trend(week: Marts, cursor: Cursor) -> None:
    week.insert(
        "rpt_ksp_strategic_issues_weekly", programme="DANA_DESA", programme_name="Dana desa", agency_code="KEM-1",
        agency_name="Kementerian Satu", kind="kementerian", province_code="32", is_simulated=True, week=W25,
        week_end_date=date(2021, 6, 27), opening_count=0, in_count=3, out_count=0, closing_count=3,
        overdue_14_days_count=0,
    )  # fmt: skip

    report = ksp.compose(cursor, Period.parse("2021-W25"))

    stock = {row[0]: row[4] for row in table(report, "program").rows}
    assert stock["Program Keluarga Harapan"] is Hidden.SMALL  # 66 - 43 - 20 would count the three of Dana desa
    chart = next(each for each in report.sections[1].blocks if not isinstance(each, Table))
    assert "Kartu Indonesia Pintar" in chart.svg
    assert "Program Keluarga Harapan" not in chart.svg
    assert "n = 43" in chart.svg


def test_the_annex_lists_agencies_only_where_one_may_be_named(marts: Marts, cursor: Cursor) -> None:
    marts.publish()
    for programme, agency, count in (
        ("DANA_DESA", "KAB-1", 4), ("DANA_DESA", "KAB-2", 3), ("DANA_DESA", "KAB-3", 2), ("PKH", "KEM-1", 20),
    ):  # fmt: skip
        for monday, last_day in ((W24, date(2021, 6, 20)), (W25, date(2021, 6, 27))):
            marts.insert(
                "rpt_ksp_strategic_issues_weekly", programme=programme, programme_name=programme, agency_code=agency,
                agency_name=agency, kind="kabupaten", province_code="32", is_simulated=True, week=monday,
                week_end_date=last_day, opening_count=count, in_count=0, out_count=0, closing_count=count,
                overdue_14_days_count=1,
            )  # fmt: skip

    report = ksp.compose(cursor, Period.parse("2021-06"))

    annex = {section.title: section for section in report.sections if section.title.startswith("Lampiran")}
    villages, families = annex["Lampiran: DANA_DESA"], annex["Lampiran: PKH"]
    assert villages.paragraphs[0].endswith("Tidak ada instansi dengan sedikitnya lima penanganan terbuka.")
    assert [block.name for block in villages.blocks] == ["dana_desa_terlama"]
    assert [block.name for block in families.blocks] == ["pkh_instansi", "pkh_terlama"]
    assert recoverable(report.cells) == []
