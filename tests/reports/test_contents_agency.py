"""Scorecards over marts filled by hand: every figure below can be worked out from `semester` by hand."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from psycopg2.extensions import cursor as Cursor

from reports import library
from reports.contents import agency
from reports.document import render_pdf
from reports.periods import Period
from reports.report import Headline, Hidden, Report, Table
from reports.suppression import Cell, recoverable
from tests.reports.conftest import Marts
from warehouse.connection import connect

APRIL, MAY, JUNE = date(2021, 4, 1), date(2021, 5, 1), date(2021, 6, 1)
# Agency: name; received, followed up and completed by month.
MONTHS = {
    "KOTA-1": ("Kota Satu", {APRIL: (20, 18, 15), MAY: (25, 20, 15), JUNE: (40, 30, 20)}),
    "KOTA-2": ("Kota Dua", {MAY: (12, 6, 6), JUNE: (3, 1, 0)}),
    "KOTA-3": ("Kota Tiga", {}),
    "KOTA-4": ("Kota Empat", {JUNE: (7, 4, 2)}),
    "KOTA-5": ("Kota Lima", {MAY: (2, 1, 1), JUNE: (3, 1, 0)}),
}
UNITS = (("Dinas Jalan", 24, 12, 10), ("Dinas Air", 13, 13, 9), ("Lurah Kecil", 3, 3, 1))


def counts(received: int, followed_up: int, completed: int) -> dict[str, Any]:
    """Everything received is valid, routed once and due; half of what was followed up was so in time."""
    return {
        "received_count": received, "valid_count": received, "routed_count": received,
        "followed_up_count": followed_up, "completed_count": completed, "completed_automatic_count": 0,
        "reassigned_count": 0, "first_response_due_count": received,
        "first_response_within_limit_count": followed_up // 2, "completion_due_count": received,
        "completion_within_limit_count": completed // 2,
    }  # fmt: skip


@pytest.fixture
def semester(marts: Marts) -> Marts:
    """Five cities: one with enough of everything, one with three complaints in June, one with none, seven, five in two."""
    marts.publish()
    marts.insert("dim_regions", kemendagri_code="21", name="Kepulauan Riau", kind="provinsi", is_current=True)
    for code, (name, months) in MONTHS.items():
        marts.insert(
            "dim_agencies", agency_code=code, name=name, kind="kota", province_code="21", is_current=True,
            valid_from=date(2019, 1, 1),
        )  # fmt: skip
        for month, figures in months.items():
            marts.insert("rpt_agency_performance_monthly", agency_code=code, month=month, **counts(*figures))
            marts.insert(
                "rpt_panrb_monev_monthly", agency_code=code, month=month, backlog_count=figures[0] - figures[2],
                backlog_over_limit_count=1,
            )  # fmt: skip
    for name, received, followed_up, completed in UNITS:
        marts.insert(
            "rpt_unit_performance_monthly", agency_code="KOTA-1", unit_basis="name", unit_key=name.upper(),
            unit_name=name, month=JUNE, **counts(received, followed_up, completed),
        )  # fmt: skip
    compared("KOTA-1", marts, numerator=68, denominator=85)
    marts.insert(
        "rpt_peer_distribution", peer_group="kota II", window_id="12M-2021-06", metric="followed_up_rate",
        agency_count=18, p10=Decimal("0.2"), p25=Decimal("0.4"), p50=Decimal("0.5"), p75=Decimal("0.6"),
        p90=Decimal("0.7"),
    )  # fmt: skip
    return marts


def compared(code: str, marts: Marts, *, numerator: int, denominator: int) -> None:
    for metric in ("followed_up_rate", "completed_rate"):
        marts.insert(
            "rpt_agency_comparison", agency_code=code, window_id="12M-2021-06", metric=metric,
            window_kind="twelve_months", first_date=APRIL, last_date=date(2021, 6, 30), peer_group="kota II",
            is_comparable=True, numerator_count=numerator, denominator_count=denominator,
            value=Decimal(numerator) / denominator, shrunk_value=Decimal("0.78"), shrunk_low=Decimal("0.7"),
            shrunk_high=Decimal("0.86"), rank=2, rank_low=1, rank_high=5, ranked_count=18,
            funnel_target=Decimal("0.5"), funnel_tau_squared=Decimal("0.01"), funnel_position="above 95",
        )  # fmt: skip


@pytest.fixture
def cursor(marts: Marts) -> Iterator[Cursor]:
    with closing(connect("reporter", "lapor/test")) as connection, connection.cursor() as opened:
        yield opened


def card(cursor: Cursor, code: str, period: str = "2021-06") -> Report:
    return agency.compose(cursor, Period.parse(period), agency_code=code)


def told(report: Report) -> dict[str, Headline]:
    return {headline.label: headline for headline in report.headlines}


def table(report: Report, name: str) -> Table:
    return next(each for each in report.tables if each.name == name)


def words(report: Report) -> str:
    return " ".join(paragraph for section in report.sections for paragraph in section.paragraphs)


def test_rates_stand_with_their_interval_and_n_and_the_change_of_what_is_settled(
    semester: Marts, cursor: Cursor
) -> None:
    report = card(cursor, "KOTA-1")

    rate = told(report)["Tingkat tindak lanjut"]
    # 30 of 40; Wilson 95 %: 0.598 to 0.858. May's 20 of 25 had a month more: no change to speak of yet.
    assert rate.value == Decimal(30) / 40
    assert rate.note == "selang 95% 59,8%–85,8%, n = 40"
    assert rate.change is None
    # 15 of 40 due in June within the limit, 10 of 25 in May: 37.5 % after 40 %.
    assert told(report)["Tindak lanjut tepat waktu"].change == "▼ 2,5 poin dari bulan lalu"
    assert told(report)["Laporan diterima"].change == "▲ 60,0% dari bulan lalu"


def test_a_quarter_sums_its_months_and_then_divides(semester: Marts, cursor: Cursor) -> None:
    rows = table(card(cursor, "KOTA-1", "2021-Q2"), "indikator").rows

    # 18 + 20 + 30 of 20 + 25 + 40.
    assert rows[0][:5] == ("Tingkat tindak lanjut", 68, 85, "diterima", Decimal(68) / 85)


def test_the_place_among_peers_says_what_the_data_leave_open(semester: Marts, cursor: Cursor) -> None:
    report = card(cursor, "KOTA-1")

    rank = told(report)["Peringkat di kelompok sebanding"]
    assert (rank.value, rank.note) == ("2 dari 18", "rentang peringkat 1–5 (95%)")
    row = table(report, "perbandingan").rows[0]
    assert row[1:6] == (Decimal("0.8"), Decimal("0.78"), Decimal("0.7"), Decimal("0.86"), Decimal("0.5"))
    assert row[6:] == ("2 (1–5) dari 18", "di atas 95%")
    charts = [block.name for section in report.sections for block in section.blocks if not isinstance(block, Table)]
    assert charts == ["kelompok", "corong"]


def test_no_other_agency_is_named_anywhere(semester: Marts, cursor: Cursor) -> None:
    reports = list(agency.compose_all(cursor, Period.parse("2021-06")))

    assert [report.agency_code for report in reports] == list(MONTHS)
    for report in reports:
        others = [name for code, (name, _) in MONTHS.items() if code != report.agency_code]
        assert not [name for name in others if name in repr(report)]


def test_three_complaints_show_no_figure_and_cannot_be_worked_out(semester: Marts, cursor: Cursor) -> None:
    report = card(cursor, "KOTA-2")

    assert {told(report)[label].value for label in ("Laporan diterima", "Tingkat tindak lanjut")} == {Hidden.SMALL}
    assert "terlalu sedikit untuk ditampilkan (n < 5)" in words(report)
    june = table(report, "bulanan").rows[-1]
    assert set(june[1:]) == {Hidden.SMALL}
    hidden = {cell.members: cell.count for cell in report.cells if cell.is_hidden}
    assert hidden[frozenset({"KOTA-2/2021-06"})] == 3
    assert recoverable(report.cells) == []


def test_where_all_is_hidden_a_sentence_stands_for_the_tables_of_stars(semester: Marts, cursor: Cursor) -> None:
    section = card(cursor, "KOTA-5").sections[0]

    assert section.paragraphs == (
        "Laporan yang diterima pada Juni 2021 terlalu sedikit untuk ditampilkan (n < 5).",
        "Angka per bulan disamarkan.",
    )
    assert section.blocks == ()
    # Of three in June and twelve in May the months are worth a table, the indicators of June are not.
    assert [block.name for block in card(cursor, "KOTA-2").sections[0].blocks] == ["bulanan"]


def test_seven_complaints_are_counted_and_have_no_rate(semester: Marts, cursor: Cursor) -> None:
    report = card(cursor, "KOTA-4")

    assert told(report)["Laporan diterima"].value == 7
    assert told(report)["Tingkat tindak lanjut"].value is None
    assert told(report)["Tingkat tindak lanjut"].note == "data tidak cukup (n = 7 < 10)"
    assert "Dari 7 laporan yang diterima pada Juni 2021, 4 sudah ditindaklanjuti dan 2 selesai" in words(report)


def test_an_agency_without_complaints_says_so(semester: Marts, cursor: Cursor) -> None:
    report = card(cursor, "KOTA-3")

    assert report.sections[0].paragraphs == ("Tidak ada laporan yang diterima sampai dengan Juni 2021.",)
    assert report.tables == ()


def test_the_dictionary_has_the_metrics_the_scorecard_speaks_of(semester: Marts, cursor: Cursor) -> None:
    for metric in ("followed_up_rate", "routing_accuracy_rate_of_routed", "shrunk_value", "rating", "agency_coverage"):
        semester.insert("metric_dictionary", metric=metric, name_id=metric)

    told = {code: [metric.metric_id for metric in card(cursor, code).metrics] for code in ("KOTA-1", "KOTA-3")}

    # Nobody rated Kota Satu; Kota Tiga has had no complaints, so its headlines and its nights are all there is.
    assert told == {
        "KOTA-1": ["followed_up_rate", "routing_accuracy_rate_of_routed", "shrunk_value", "agency_coverage"],
        "KOTA-3": ["followed_up_rate", "agency_coverage"],
    }


def test_a_unit_with_three_complaints_is_not_listed_and_does_not_follow(semester: Marts, cursor: Cursor) -> None:
    report = card(cursor, "KOTA-1")

    listed = table(report, "unit")
    # 40 - 24 - 13 would be the three: one more unit is hidden with it.
    assert [row[:4] for row in listed.rows] == [("Dinas Jalan", 24, 12, 10)]
    assert listed.note == "2 unit disamarkan (n < 5) dan tidak tercantum."
    assert recoverable(report.cells) == []


def test_what_a_report_over_many_agencies_hides_stays_hidden(semester: Marts, cursor: Cursor) -> None:
    hidden = Cell("received_by_agency_month", frozenset({"KOTA-1/2021-06"}), 40, is_hidden=True)
    issue_of_panrb(semester, hidden)

    report = card(cursor, "KOTA-1", "2021-Q2")

    months = table(report, "bulanan").rows
    assert months[-1][1] is Hidden.SMALL
    assert months[-2][1] == 25
    assert told(report)["Laporan diterima"].value is Hidden.SMALL  # the sum of three months would give June away


def issue_of_panrb(marts: Marts, cell: Cell) -> None:
    with marts.connection, marts.connection.cursor() as owner:
        owner.execute(
            "insert into library.issues (body, period, version, title, night, cut_off_at, is_preview, is_simulated,"
            " coverage_delivered, coverage_expected, code_version, manifest_sha256, folder) values ('panrb', '2021-06',"
            " 1, 'Laporan', '2021-06-30', '2021-06-30 17:00+00', false, true, 10, 10, 'test', %s, 'panrb/2021-06/v1')"
            " returning issue_id",
            ("0" * 64,),
        )
        (issue_id,) = owner.fetchone() or (None,)
        owner.execute(
            "insert into library.cells (issue_id, family, members, cell_count, is_hidden) values (%s, %s, %s, %s, %s)",
            (issue_id, cell.family, sorted(cell.members), cell.count, cell.is_hidden),
        )


def test_stock_is_shown_only_where_every_month_has_enough(semester: Marts, cursor: Cursor) -> None:
    for code, opening in (("KOTA-1", 10), ("KOTA-4", 2)):
        for month in (APRIL, MAY, JUNE):
            semester.insert(
                "rpt_agency_stock_flow_daily", agency_code=code, business_date=month, opening_count=opening,
                received_count=8, transferred_in_count=0, reopened_count=0, completed_count=8, archived_count=0,
                transferred_out_count=0, closing_count=opening,
            )  # fmt: skip

    assert (
        "masuk 24 laporan dan keluar 24 laporan; 10 laporan terbuka di akhir Juni 2021, sama dengan akhir Apr 2021."
        in words(card(cursor, "KOTA-1"))
    )
    assert "Stok terlalu kecil untuk ditampilkan (n < 5)" in words(card(cursor, "KOTA-4"))


def test_stock_is_told_from_where_it_has_grown_and_its_growth_over_two_months(semester: Marts, cursor: Cursor) -> None:
    # March opens with two; from then on 8 come and 2 go each month: 8, 14, 20, 26 open at their ends.
    for month, opening, at_end in ((date(2021, 3, 1), 2, 8), (APRIL, 8, 14), (MAY, 14, 20), (JUNE, 20, 26)):
        semester.insert(
            "rpt_agency_stock_flow_daily", agency_code="KOTA-1", business_date=month, opening_count=opening,
            received_count=8, transferred_in_count=0, reopened_count=0, completed_count=1, archived_count=1,
            transferred_out_count=0, closing_count=at_end,
        )  # fmt: skip

    assert (
        "Sejak Apr 2021 masuk 24 laporan dan keluar 6 laporan; 26 laporan terbuka di akhir Juni 2021, 12 lebih banyak"
        " daripada akhir Apr 2021."
    ) in words(card(cursor, "KOTA-1"))


def test_a_unit_is_called_slow_only_where_its_interval_is_clear_of_the_agency(semester: Marts, cursor: Cursor) -> None:
    # Six larger units push it out of the six rows of the PDF. With them 40 of the 40 of June are not all: 30 of 40.
    for place in range(6):
        semester.insert(
            "rpt_unit_performance_monthly", agency_code="KOTA-1", unit_basis="name", unit_key=f"BESAR {place}",
            unit_name=f"Besar {place}", month=JUNE, **counts(30 + place, 22, 20),
        )  # fmt: skip

    report = card(cursor, "KOTA-1")

    # 12 of 24: 31 % to 69 %, below 75 %. Besar 5, 22 of 35, has 46 % to 77 %.
    assert "Tindak lanjut paling rendah pada Dinas Jalan: 12 dari 24 laporan (50,0%); seluruh instansi 75,0%." in words(
        report
    )
    units = table(report, "unit")
    assert (units.rows[units.kept_rows[0]][0], units.kept_rows[0] >= (units.in_pdf_rows or 0)) == ("Dinas Jalan", True)


def test_where_chance_may_have_put_a_unit_last_none_is_named(semester: Marts, cursor: Cursor) -> None:
    with semester.connection, semester.connection.cursor() as owner:
        owner.execute(
            "update marts.rpt_unit_performance_monthly set followed_up_count = 15 where unit_name = 'Dinas Jalan'"
        )

    # 15 of 24: 43 % to 79 %.
    assert "Tidak ada unit yang tingkat tindak lanjutnya jelas di bawah seluruh instansi (75,0%)." in words(
        card(cursor, "KOTA-1")
    )


@pytest.mark.parametrize(
    ("stars", "sentence"),
    [
        (0, "Tidak ada rating yang diberikan pada Juni 2021."),
        (3, "Rating yang diberikan terlalu sedikit untuk ditampilkan (n < 5)."),
        (8, "8 rating diberikan; data tidak cukup untuk rata-rata (n < 10)."),
        (12, "Rata-rata rating 4,00 dari 5 (n = 12); 60,0% penyelesaian diberi rating."),
    ],
)
def test_ratings_are_told_by_how_many_there_are(semester: Marts, cursor: Cursor, stars: int, sentence: str) -> None:
    semester.insert(
        "rpt_ratings_monthly", agency_code="KOTA-1", month=JUNE, rating_count=stars, one_star_count=0,
        two_stars_count=0, three_stars_count=0, four_stars_count=stars, five_stars_count=0, completion_count=20,
        rated_completion_count=stars,
    )  # fmt: skip

    assert sentence in words(card(cursor, "KOTA-1"))


def test_nights_that_are_missing_are_told(semester: Marts, cursor: Cursor) -> None:
    for day, state, verdict in ((28, "received", "pass"), (29, "late", None), (30, "received", "held")):
        semester.insert(
            "fct_deliveries", night=date(2021, 6, day), agency_code="KOTA-1", resource="complaints", state=state,
            gate_verdict=verdict,
        )  # fmt: skip

    assert (
        "masuk atau nihil pada 1 dari 3 malam pengolahan. Sisanya: 1 ditahan pemeriksaan dan 1 terlambat."
        in words(card(cursor, "KOTA-1"))
    )  # fmt: skip


def test_what_was_loaded_at_once_later_is_not_called_undelivered(semester: Marts, cursor: Cursor) -> None:
    for day in (27, 28, 29, 30):
        semester.insert(
            "fct_deliveries", night=date(2021, 6, day), agency_code="KOTA-1", resource="complaints", state="received",
            gate_verdict="pass",
        )  # fmt: skip

    assert ("Data Mei 2021 dimuat sekaligus pada 27 Juni 2021; kelengkapan malam demi malam tidak diukur.") in words(
        card(cursor, "KOTA-1", "2021-05")
    )
    assert (
        "masuk atau nihil pada 4 dari 4 malam pengolahan, jadi lengkap. Data sebelum 27 Juni 2021 dimuat sekaligus"
    ) in words(card(cursor, "KOTA-1"))


def test_what_the_agency_states_stands_beside_what_its_complaints_add_up_to(semester: Marts, cursor: Cursor) -> None:
    for figure, stated, computed in (("received", 85, 85), ("completed", 60, 50)):
        semester.insert(
            "rpt_recap_reconciliation", agency_code="KOTA-1", subject_code="KOTA-1", period_start=APRIL,
            period_end=date(2021, 6, 30), figure=figure, stated_count=stated, computed_count=computed,
            difference=computed - stated, verdict="agrees" if stated == computed else "differs",
        )  # fmt: skip

    assert table(card(cursor, "KOTA-1"), "rekap").rows == (
        ("Diterima", 85, 85, 0, "sama"),
        ("Selesai", 60, 50, -10, "berbeda"),
    )


def test_a_scorecard_made_again_is_the_same_after_it_was_issued(semester: Marts) -> None:
    with closing(connect("reporter", "lapor/test")) as connection:
        with connection, connection.cursor() as cursor:
            first = card(cursor, "KOTA-2")
        library.issue(connection, first)
        with connection, connection.cursor() as cursor:
            again = card(cursor, "KOTA-2")

    assert render_pdf(again) == render_pdf(first)
    assert again.cells == first.cells


def test_an_unknown_agency_is_refused(semester: Marts, cursor: Cursor) -> None:
    with pytest.raises(ValueError, match="KOTA-9 is no agency"):
        card(cursor, "KOTA-9")


def test_a_week_is_refused_with_what_to_write(cursor: Cursor) -> None:
    with pytest.raises(ValueError, match="months and longer"):
        card(cursor, "KOTA-1", "2021-W25")


def test_what_names_no_unit_is_no_unit_to_be_called_slow(semester: Marts, cursor: Cursor) -> None:
    semester.insert(
        "rpt_unit_performance_monthly", agency_code="KOTA-1", unit_basis="not_told", unit_key="TIDAK DISEBUTKAN",
        unit_name="TIDAK DISEBUTKAN", month=JUNE, **counts(30, 0, 0),
    )  # fmt: skip

    report = card(cursor, "KOTA-1")

    assert table(report, "unit").rows[0][:3] == ("Unit tidak disebutkan", 30, 0)
    assert "Tindak lanjut paling rendah pada Dinas Jalan: 12 dari 24 laporan (50,0%);" in words(report)


@pytest.mark.parametrize(("routed", "names"), [(40, ["bertahan"]), (9, [])])
def test_the_survival_curve_is_drawn_from_ten_routed(
    semester: Marts, cursor: Cursor, routed: int, names: list[str]
) -> None:
    semester.insert(
        "dim_agency_peer_groups", agency_code="KOTA-1", window_id="12M-2021-06", window_kind="twelve_months",
        last_date=date(2021, 6, 30),
    )  # fmt: skip
    for clock, days, median in (("first_response", 5, 3), ("completion", 14, 12)):
        semester.insert(
            "rpt_agency_timeliness", agency_code="KOTA-1", window_id="12M-2021-06", clock=clock, routed_count=routed,
            open_count=4, working_days_median=median, limit_working_days=days, ended_by_limit_rate=Decimal("0.8"),
        )  # fmt: skip
        for day, rate in ((3, "0.5"), (12, "0.25"), (90, "0.1")):
            semester.insert(
                "rpt_survival_curves", agency_code="KOTA-1", window_id="12M-2021-06", clock=clock, working_days=day,
                is_simulated=True, routed_count=routed, survival_rate=Decimal(rate),
            )  # fmt: skip

    section = next(each for each in card(cursor, "KOTA-1").sections if each.title == "Kecepatan dan stok")

    charts = [block for block in section.blocks if not isinstance(block, Table)]
    assert [chart.name for chart in charts] == names
    if charts:
        assert charts[0].title == "Separuh laporan selesai dalam 12 hari kerja"
        # Ninety working days are left out: 25 % after twelve is the last that is drawn.
        assert "Selesai: separuh selesai dalam 3 hari kerja; 25% masih terbuka setelah 12 hari" in charts[0].description
