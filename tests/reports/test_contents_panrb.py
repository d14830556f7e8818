"""PANRB's report over marts filled by hand: every figure below can be worked out from `june` by hand."""

import io
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from pypdf import PdfReader

from reports import issuing, library, readiness
from reports.__main__ import main
from reports.charts import Chart
from reports.contents import frame, panrb
from reports.contents.frame import NotPublished, change
from reports.contents.peers import funnel_limits
from reports.document import render_pdf
from reports.periods import Period
from reports.report import Hidden, Report, Table
from reports.suppression import recoverable
from tests.reports.conftest import NIGHT, Marts
from warehouse.connection import connect

MAY, JUNE = date(2021, 5, 1), date(2021, 6, 1)
# code: name, kind, province, received, followed up and completed in June, received and followed up in the year.
JUNE_OF = {
    "KOTA-21.71": ("Kota Batam", "kota", "21", 71, 46, 40, 171, 146),
    "KAB-21.02": ("Kabupaten Karimun", "kabupaten", "21", 3, 1, 0, 20, 4),
    "KAB-21.01": ("Kabupaten Bintan", "kabupaten", "21", 12, 6, 6, 40, 30),
    "KAB-21.03": ("Kabupaten Natuna", "kabupaten", "21", 9, 0, 0, 9, 0),
    "KEM-1330": ("Kementerian #eval $x$ <b>", "kementerian", None, 200, 150, 100, 900, 800),
}


@pytest.fixture
def june(marts: Marts) -> Marts:
    """Five agencies in June 2021 and the nation in May and June."""
    marts.publish()
    for code, (name, kind, province, received, followed_up, completed, year, year_followed_up) in JUNE_OF.items():
        share = year_followed_up / year
        marts.insert(
            "rpt_panrb_monev_monthly", agency_code=code, month=JUNE, agency_name=name, kind=kind,
            province_code=province, received_count=received, followed_up_count=followed_up, completed_count=completed,
            in_progress_count=followed_up - completed, backlog_count=0, backlog_over_limit_count=0,
            year_received_count=year, year_followed_up_count=year_followed_up,
            year_follow_up_verdict="data tidak cukup" if year < 10 else "baik" if share >= 0.5 else "belum baik",
            has_decree=True if kind == "kota" else None, is_active=False if kind == "kota" else None,
            has_action_plan=True if kind == "kota" else None,
        )  # fmt: skip
    for province, name in (("00", "Instansi pusat"), ("21", "Kepulauan Riau")):
        marts.insert("rpt_panrb_monev_province_monthly", province_code=province, month=JUNE, province_name=name)
    for month, received, followed_up, completed in ((MAY, 250, 200, 150), (JUNE, 290, 203, 145)):
        marts.insert(
            "rpt_national_performance_monthly", month=month, received_count=received, followed_up_count=followed_up,
            completed_count=completed,
        )  # fmt: skip
    for value, received in (("PENGADUAN", 12), ("ASPIRASI", 8)):
        marts.insert(
            "rpt_national_mix_monthly", month=JUNE, dimension="report_class", value=value, received_count=received,
            followed_up_count=0, completed_count=0,
        )  # fmt: skip
    marts.insert("metric_dictionary", metric="followed_up_rate", name_id="Tingkat tindak lanjut")
    return marts


@pytest.fixture
def cursor(marts: Marts) -> Iterator[Cursor]:
    """A cursor as the reports have it."""
    with closing(connect("reporter", "lapor/test")) as connection, connection.cursor() as opened:
        yield opened


def compose(cursor: Cursor, period: str = "2021-06") -> Report:
    return panrb.compose(cursor, Period.parse(period))


def table(report: Report, name: str) -> Table:
    return next(found for found in report.tables if found.name == name)


def row(found: Table, label: str) -> dict[str, Any]:
    values = next(values for values in found.rows if label in values)
    return {column.key: value for column, value in zip(found.columns, values, strict=True)}


def test_headlines_are_the_nations_and_change_by_percent_and_points(june: Marts, cursor: Cursor) -> None:
    told = {headline.label: (headline.value, headline.change) for headline in compose(cursor).headlines}
    assert told["Laporan diterima"] == (290, "▲ 16,0% dari bulan lalu")  # 290 / 250
    assert told["Tingkat tindak lanjut"] == (Decimal("0.7"), None)  # 203/290
    assert told["Tingkat penyelesaian"] == (Decimal("0.5"), None)
    assert told["Instansi berpredikat baik"][0] == Decimal(3) / 4  # Batam, Bintan, the ministry; Karimun is not
    assert told["Keterhubungan (memiliki SK)"][0] == 1


@pytest.mark.parametrize(
    ("night", "change", "note"),
    [
        (NIGHT, None, "Angka bulan terbaru masih akan naik"),
        (date(2021, 9, 27), None, "Angka bulan terbaru masih akan naik"),
        (date(2021, 9, 28), "▼ 10,0 poin dari bulan lalu", None),  # ninety days after 30 June
    ],
)
def test_a_rate_is_compared_once_its_youngest_complaints_are_as_old_as_complaints_get(
    june: Marts, cursor: Cursor, night: date, change: str | None, note: str | None
) -> None:
    if night != NIGHT:
        june.publish(night)
    told = {headline.label: headline for headline in compose(cursor).headlines}
    assert told["Laporan diterima"].change == "▲ 16,0% dari bulan lalu"
    # 203 of 290 in June, 200 of 250 in May, which had a month more to be followed up.
    assert (told["Tingkat tindak lanjut"].change, told["Tingkat tindak lanjut"].note) == (change, note)


def test_median_and_mean_of_the_steps_are_those_of_the_window_that_ends_with_the_period(
    june: Marts, cursor: Cursor
) -> None:
    for clock, kind, routed, median, mean in (
        ("first_response", "twelve_months", 98_457, 3, "4.26"), ("completion", "twelve_months", 98_457, None, "9.5"),
        ("first_response", "semester", 500, 2, "2.5"),
    ):  # fmt: skip
        june.insert(
            "rpt_national_timeliness", clock=clock, window_kind=kind, window_id=kind, first_date=date(2021, 1, 1),
            last_date=NIGHT, is_simulated=True, routed_count=routed, working_days_median=median, working_days_p90=12,
            ended_only_working_days_mean=Decimal(mean),
        )  # fmt: skip
    report = compose(cursor)
    told = {headline.label: (headline.value, headline.note) for headline in report.headlines}
    assert told["Median tindak lanjut"] == (
        3,
        "hari kerja, laporan Jan 2021–Jun 2021 (Kaplan–Meier); rata-rata yang sudah ditindaklanjuti 4,3",
    )
    assert told["Median penyelesaian"] == (
        None,
        "hari kerja, laporan Jan 2021–Jun 2021 (Kaplan–Meier); rata-rata yang sudah selesai 9,5",
    )
    assert table(report, "kecepatan").rows == (
        ("Tindak lanjut", "sekitar 98.500", 3, 12, Decimal("4.26")),
        ("Penyelesaian", "sekitar 98.500", None, 12, Decimal("9.5")),
    )
    assert table(compose(cursor, "2021-S1"), "kecepatan").rows[0][:3] == ("Tindak lanjut", "kurang dari 1.000", 2)


def test_a_kind_and_a_province_sum_their_agencies(june: Marts, cursor: Cursor) -> None:
    report = compose(cursor)
    riau = row(table(report, "provinsi"), "Kepulauan Riau")
    assert (riau["agency_count"], riau["received_count"], riau["followed_up_count"]) == (4, 95, 53)
    assert (riau["completed_count"], riau["in_progress_count"], riau["not_followed_up_count"]) == (46, 7, 42)
    assert riau["followed_up_rate"] == Decimal(53) / 95
    everybody = row(table(report, "provinsi"), "Seluruh instansi")
    assert (everybody["received_count"], everybody["followed_up_count"]) == (295, 203)
    regencies = row(table(report, "jenis_instansi"), "Pemerintah kabupaten")
    assert (regencies["received_count"], regencies["good_count"], regencies["judged_count"]) == (24, 1, 2)


def test_a_month_of_three_complaints_is_hidden_and_does_not_follow(june: Marts, cursor: Cursor) -> None:
    report = compose(cursor)
    karimun = row(table(report, "instansi"), "KAB-21.02")
    figures = ("received_count", "followed_up_count", "completed_count", "followed_up_rate", "backlog_count")
    assert {karimun[figure] for figure in figures} == {Hidden.SMALL}
    assert karimun["year_received_count"] == 20
    hidden = [cell for cell in report.cells if cell.is_hidden]
    assert len(hidden) > 1  # the regencies' sum is shown: one row alone would follow from it
    assert recoverable(report.cells) == []


def test_agencies_under_the_threshold_are_listed_with_their_interval(june: Marts, cursor: Cursor) -> None:
    found = table(compose(cursor), "belum_baik")
    assert [values[0] for values in found.rows] == ["Kabupaten Karimun"]  # Natuna's nine are too few to judge
    karimun = row(found, "Kabupaten Karimun")
    assert karimun["year_followed_up_rate"] == Decimal("0.2")
    # Wilson: (0.2 + 1.96^2/40 -+ 1.96 sqrt((0.16 + 1.96^2/80) / 20)) / (1 + 1.96^2/20)
    assert round(karimun["year_followed_up_rate_low"], 3) == Decimal("0.081")
    assert round(karimun["year_followed_up_rate_high"], 3) == Decimal("0.416")


def test_who_told_nothing_of_its_management_is_unknown_and_not_listed(june: Marts, cursor: Cursor) -> None:
    report = compose(cursor)
    assert [values[0] for values in table(report, "pengelolaan").rows] == ["Kota Batam"]
    section = next(section for section in report.sections if "Keterhubungan" in section.title)
    assert section.paragraphs[0].startswith("1 dari 5 instansi melaporkan")
    assert "1 tanpa login dalam 30 hari" in section.paragraphs[0]


def test_secret_complaints_stand_in_no_class(june: Marts, cursor: Cursor) -> None:
    found = table(compose(cursor), "klasifikasi")
    assert {values[0]: values[1] for values in found.rows} == {"Pengaduan": 12, "Aspirasi": 8}


def test_the_pdf_says_what_the_marts_say(june: Marts, cursor: Cursor) -> None:
    report = compose(cursor)
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(render_pdf(report))).pages)
    for part in ("290", "70,0%", "▲ 16,0% dari bulan lalu", "Kepulauan Riau", "55,8%", "10 dari 10 instansi (100,0%)"):
        assert part in text, part
    assert "DATA SIMULASI" in text


def test_peers_are_compared_in_the_window_that_ends_with_the_period(june: Marts, cursor: Cursor) -> None:
    assert "belum memuat perbandingan" in compose(cursor).sections[5].paragraphs[0]
    for code, received, value, rank, position in (
        ("KOTA-21.71", 171, 0.85, 1, "above 95"), ("KAB-21.01", 40, 0.75, 2, "within"),
    ):  # fmt: skip
        june.insert(
            "rpt_agency_comparison", agency_code=code, agency_name=JUNE_OF[code][0], peer_group="kota I",
            metric="followed_up_rate", window_kind="twelve_months", first_date=date(2021, 1, 1), last_date=NIGHT,
            is_comparable=True, numerator_count=round(received * value), denominator_count=received, value=value,
            value_low=value - 0.1, value_high=value + 0.1, shrunk_value=value, shrunk_low=value - 0.1,
            shrunk_high=value + 0.1, rank=rank, rank_low=1, rank_high=2, ranked_count=2, funnel_target=0.8,
            funnel_tau_squared=0.0, funnel_position=position,
        )  # fmt: skip
    report = compose(cursor)
    assert (
        report.sections[5]
        .paragraphs[0]
        .startswith("Laporan yang diterima Januari 2021 – Juni 2021. Dari 2 instansi yang cukup datanya")
    )
    assert "0 berada di bawah batas kelompok sebandingnya dan 1 di atasnya" in report.sections[5].paragraphs[0]
    batam = row(table(report, "kelompok_sebanding"), "Kota Batam")
    assert (batam["rank"], batam["position"]) == ("1 (1–2)", "di atas batas 95%")
    # 0.85 - 0.1 and 0.75 - 0.1 to 0.75 + 0.1: neither interval is clear of the group's 0.8.
    ranks = report.sections[5].blocks[-1]
    assert isinstance(ranks, Chart)
    assert ranks.title == "Kelompok kota I: selang 0 instansi seluruhnya di atas dan 0 di bawah rata-rata"
    assert [block.name for block in report.sections[5].blocks] == [
        "panrb_corong",
        "kelompok_sebanding",
        "panrb_peringkat",
    ]


def test_a_quarter_sums_its_months(june: Marts, cursor: Cursor) -> None:
    june.insert(
        "rpt_panrb_monev_monthly", agency_code="KOTA-21.71", month=MAY, agency_name="Kota Batam", kind="kota",
        province_code="21", received_count=9, followed_up_count=4, completed_count=2, in_progress_count=2,
        backlog_count=1, backlog_over_limit_count=0, year_received_count=100, year_followed_up_count=100,
        year_follow_up_verdict="baik",
    )  # fmt: skip
    batam = row(table(compose(cursor, "2021-Q2"), "instansi"), "KOTA-21.71")
    assert (batam["received_count"], batam["followed_up_count"], batam["year_received_count"]) == (80, 50, 171)


def test_an_empty_period_says_so(june: Marts, cursor: Cursor) -> None:
    report = compose(cursor, "2020-06")
    assert report.headlines[0].value == 0
    assert report.sections[0].paragraphs == ("Tidak ada laporan yang diterima pada Juni 2020.",)
    assert render_pdf(report)


def test_a_week_and_another_night_are_refused(june: Marts, cursor: Cursor) -> None:
    with pytest.raises(ValueError, match="months and longer"):
        compose(cursor, "2021-W25")
    with pytest.raises(NotPublished, match="stand at night 2021-06-30, not at 2021-06-29"):
        panrb.compose(cursor, Period.parse("2021-06"), night=date(2021, 6, 29))


@pytest.mark.parametrize(
    ("now", "before", "kind", "before_n", "told"),
    [
        (30, 20, "count", 20, "▲ 50,0% dari bulan lalu"),
        (30, 19, "count", 19, None),
        (Decimal("0.5"), Decimal("0.515"), "rate", 100, "▼ 1,5 poin dari bulan lalu"),
        (Decimal("0.5"), Decimal("0.5004"), "rate", 100, "tetap dari bulan lalu"),
        (Decimal("7.2"), Decimal("7.3"), "number", 100, "▼ 0,1 hari dari bulan lalu"),
        (None, 30, "count", 30, None),
    ],
)
def test_a_change_is_told_only_on_twenty_or_more(now: Any, before: Any, kind: Any, before_n: int, told: str) -> None:
    assert change(now, before, kind, Period.parse("2021-06"), before_n=before_n, unit="hari") == told


def test_funnel_limits_are_the_marts_own() -> None:
    limits = funnel_limits(0.5, 0.0, [25, 100])
    assert (limits[0].n, limits[-1].n) == (25, pytest.approx(100))
    assert limits[0].low_95 == pytest.approx(0.5 - 1.959964 * 0.1)  # sqrt(0.25 / 25) = 0.1
    assert limits[-1].high_998 == pytest.approx(0.5 + 3.090232 * 0.05)
    assert funnel_limits(0.5, 0.03, [100])[0].high_95 == pytest.approx(0.5 + 1.959964 * 0.18027756)  # sqrt(.0325)


def test_every_metric_of_the_dictionary_has_indonesian_words() -> None:
    import yaml

    from tests.reports.conftest import MODELS

    declared = set()
    for file in MODELS.rglob("*.yml"):
        for model in yaml.safe_load(file.read_text()).get("models", []):
            for column in model["columns"]:
                metric = column.get("config", {}).get("meta", {}).get("metric")
                if metric:
                    declared.add(metric if isinstance(metric, str) else metric.get("name", column["name"]))
    assert len(declared) > 20
    assert declared - set(frame.metric_words()) == set()


# ---- what may be issued, and when ----


def held(marts: Marts, agency: str, verdict: str | None = "held", count: int = 1) -> None:
    for number in range(count):
        marts.insert(
            "fct_deliveries", night=NIGHT, agency_code=f"{agency}{number or ''}", resource="complaints",
            state="received", gate_verdict=verdict,
        )  # fmt: skip


def test_a_period_that_is_over_published_and_complete_may_be_reported(june: Marts, cursor: Cursor) -> None:
    assert readiness.refusals(cursor, Period.parse("2021-06")) == []


@pytest.mark.parametrize("period", ["2021-07", "2021-W26", "2021-S2", "2021"])
def test_a_period_that_is_not_over_is_refused(june: Marts, cursor: Cursor, period: str) -> None:
    (reason,) = readiness.refusals(cursor, Period.parse(period))
    assert "the last published night is 2021-06-30" in reason


def test_nothing_is_reported_before_the_first_night(marts: Marts, cursor: Cursor) -> None:
    assert readiness.refusals(cursor, Period.parse("2021-06"))[0].startswith("No night has been published")


def test_a_night_that_changed_after_it_was_published_is_refused(june: Marts, cursor: Cursor) -> None:
    with june.connection, june.connection.cursor() as owner:
        owner.execute("update ops.nights set changed_seq = 2")
    assert "has changed since it was published" in readiness.refusals(cursor, Period.parse("2021-06"))[0]


def test_a_thin_night_is_refused_and_told_apart_from_a_held_delivery(marts: Marts, cursor: Cursor) -> None:
    marts.publish(expected=100, delivered=89)
    (reason,) = readiness.refusals(cursor, Period.parse("2021-06"))
    assert reason.startswith("Night 2021-06-30: 89 of 100 agencies delivered: 89.0% are complete, fewer than 90%.")


def test_what_the_gate_held_counts_as_missing(marts: Marts, cursor: Cursor) -> None:
    marts.publish(expected=10, delivered=10)
    for number in range(2):
        marts.insert(
            "fct_deliveries", night=date(2021, 6, 27), agency_code=f"KOTA-{number}", resource="complaints",
            state="received", gate_verdict="held",
        )  # fmt: skip
    (reason,) = readiness.refusals(cursor, Period.parse("2021-06"))
    assert "2 had a delivery held by the gate: 80.0% are complete" in reason
    assert readiness.refusals(cursor, Period.parse("2021-05"))  # later nights are looked at too: the marts stand there


def test_an_agency_with_a_held_delivery_has_no_scorecard(june: Marts, cursor: Cursor) -> None:
    held(june, "KOTA-21.71")
    (deliveries,) = readiness.read_deliveries(cursor, Period.parse("2021-06"), NIGHT)
    reason = readiness.agency_refusal(deliveries, Period.parse("2021-06"))
    assert reason is not None
    assert "python -m quality release --night 2021-06-30 --agency KOTA-21.71" in reason


@pytest.mark.parametrize(("good", "nights", "is_refused"), [(27, 30, False), (26, 30, True), (0, 0, True)])
def test_an_agency_needs_nine_of_ten_nights(good: int, nights: int, is_refused: bool) -> None:
    deliveries = readiness.Deliveries("KOTA-21.71", nights, good, ())
    assert (readiness.agency_refusal(deliveries, Period.parse("2021-06")) is not None) == is_refused


@pytest.mark.parametrize(
    ("night", "expected"),
    [
        (date(2021, 6, 30), {"panrb 2021-06", "panrb 2021-Q2", "panrb 2021-S1", "ksp 2021-W25", "ksp 2021-06", "ombudsman 2021-Q2", "ombudsman 2021-S1", "agency 2021-06", "agency 2021-S1"}),
        (date(2021, 5, 30), {"ksp 2021-W21"}),
        (date(2021, 5, 31), {"ksp 2021-W21", "panrb 2021-05", "ksp 2021-05", "agency 2021-05"}),
        (date(2021, 6, 6), {"ksp 2021-W22", "panrb 2021-05", "ksp 2021-05", "agency 2021-05"}),
        (date(2021, 6, 7), {"ksp 2021-W22"}),
    ],
)  # fmt: skip
def test_what_is_due_after_a_night(night: date, expected: set[str]) -> None:
    assert {f"{body} {period.id}" for body, period in readiness.due(night)} == expected


# ---- the commands ----


@pytest.fixture
def clean_library() -> None:
    root = library.library_root()
    if root.exists():
        library._clear(root)


def issues(connection: Connection) -> list[tuple[object, ...]]:
    with connection, connection.cursor() as opened:
        opened.execute("select body, period, version from library.issues order by version")
        return list(opened.fetchall())


def test_the_command_issues_once_and_a_restated_figure_again(
    june: Marts, clean_library: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["panrb", "2021-06"]) == 0
    assert "panrb 2021-06 version 1, issued" in capsys.readouterr().out
    assert main(["panrb", "2021-06"]) == 0
    assert "version 1, as issued before" in capsys.readouterr().out
    assert issues(june.connection) == [("panrb", "2021-06", 1)]
    with june.connection, june.connection.cursor() as owner:
        owner.execute(
            "update marts.rpt_national_performance_monthly set completed_count = 146 where month = %s", (JUNE,)
        )
    assert main(["panrb", "2021-06"]) == 0
    assert issues(june.connection) == [("panrb", "2021-06", 1), ("panrb", "2021-06", 2)]


def test_a_restatement_since_the_last_issue_is_listed(june: Marts, clean_library: None, cursor: Cursor) -> None:
    for figure, before, after in (("received_count", 70, 71), ("completed_count", 3, 6)):
        june.insert(
            "rpt_restatements", agency_code="KOTA-21.71", month=JUNE, figure=figure, restatement=1,
            agency_name="Kota Batam", published_night=date(2021, 6, 28), restated_night=date(2021, 6, 29),
            cause="laporan terlambat", value_published=before, value_before=before, value_after=after,
            difference=after - before,
        )  # fmt: skip
    restated = compose(cursor).restatements
    assert restated is not None
    assert {values[2]: values[3:6] for values in restated.rows} == {
        "Laporan diterima": (70, 71, 1),
        "Selesai": (Hidden.SMALL, Hidden.SMALL, Hidden.SMALL),
    }


def test_a_refused_period_issues_nothing_and_a_preview_is_marked(
    june: Marts, clean_library: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["panrb", "2021-07"]) == issuing.REFUSED
    assert "refused panrb 2021-07" in capsys.readouterr().err
    assert main(["panrb", "2021-07", "--preview"]) == 0
    folder = library.settings().state_dir / "previews" / "panrb" / "2021-07"
    assert json.loads((folder / "laporan.json").read_bytes())["is_preview"] is True
    assert issues(june.connection) == []


def test_due_lists_what_is_missing_and_waits_for_the_night(
    june: Marts, clean_library: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["due", "--night", "2021-06-30", "--list"]) == 0
    assert "panrb 2021-Q2" in capsys.readouterr().out.splitlines()
    assert main(["panrb", "2021-Q2"]) == 0
    capsys.readouterr()
    assert main(["due", "--night", "2021-06-30", "--list"]) == 0
    assert "panrb 2021-Q2" not in capsys.readouterr().out.splitlines()
    assert main(["due", "--night", "2021-07-01", "--list"]) == issuing.REFUSED


def test_all_scorecards_are_made_but_those_refused_which_are_told(
    june: Marts, clean_library: None, capsys: pytest.CaptureFixture[str]
) -> None:
    for code, verdict in (("KOTA-21.71", "pass"), ("KAB-21.02", "held")):
        june.insert(
            "dim_agencies", agency_code=code, name=JUNE_OF[code][0], kind=JUNE_OF[code][1], province_code="21",
            is_current=True, valid_from=MAY, is_simulated=True,
        )  # fmt: skip
        held(june, code, verdict)
    assert main(["agency", "2021-06", "--all"]) == 0
    told = capsys.readouterr()
    assert "scorecards 2021-06: 1/1" in told.out
    assert "1 in the library, 1 of them new, 1 refused" in told.out
    assert "refused KAB-21.02 2021-06: KAB-21.02: the gate holds its complaints of 2021-06-30" in told.err
    with june.connection, june.connection.cursor() as opened:
        opened.execute("select body, agency_code, folder from library.issues")
        assert opened.fetchall() == [("agency", "KOTA-21.71", "agency/2021-06/KOTA-21.71/v1")]
    assert main(["agency", "2021-06", "--agency", "KAB-21.02"]) == issuing.REFUSED


def test_a_wrong_period_is_told_with_the_five_forms(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["panrb", "Juni"])
    assert "2021-W25" in capsys.readouterr().err


def test_a_month_of_the_nation_with_three_complaints_follows_from_no_figure(june: Marts, cursor: Cursor) -> None:
    for month, received in ((date(2021, 2, 1), 2), (date(2021, 3, 1), 100), (date(2021, 4, 1), 3)):
        june.insert(
            "rpt_national_performance_monthly", month=month, received_count=received, followed_up_count=2,
            completed_count=1,
        )  # fmt: skip

    shown = compose(cursor)
    april = row(table(shown, "nasional_per_bulan"), "April 2021")
    chart = next(block for block in shown.sections[0].blocks if isinstance(block, Chart))
    hidden = {headline.label: headline.value for headline in compose(cursor, "2021-04").headlines}

    assert april["received_count"] is Hidden.SMALL
    # February's two, before the first month that may be shown, are no row at all.
    assert table(shown, "nasional_per_bulan").rows[0][0] == "Maret 2021"
    assert "n = 640" in chart.svg  # 100 in March, 250 in May and 290 in June: April's three are not in the sum
    assert "Apr 2021" not in chart.svg
    assert hidden["Laporan diterima"] is hidden["Tingkat tindak lanjut"] is Hidden.SMALL
