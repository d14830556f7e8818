"""One night built by dbt, tests and all; every figure below can be worked out from `delivered` by hand."""

import csv
from collections import Counter, defaultdict
from contextlib import closing
from datetime import date
from decimal import Decimal

import pytest
import yaml

from reports.metrics import dictionary
from tests.conftest import SHARED_DATA
from tests.dbt_project.conftest import Dbt
from tests.dbt_project.dbt_runs import REPOSITORY
from tests.dbt_project.raw_world import BATAM, KARIMUN, PUPR, RawWorld
from tests.dbt_project.test_queries import questions
from warehouse.connection import connect

NIGHT = date(2021, 6, 30)
ATTRIBUTES = ("kemudahan_mendaftar", "kecepatan_respons")


@pytest.fixture(scope="module")
def built(world: RawWorld, dbt: Dbt) -> RawWorld:
    """The night of 30 June as delivered below, built with every test of the project."""
    delivered(world)
    dbt("build")
    return world


def delivered(world: RawWorld) -> None:
    world.open(NIGHT)
    world.delivery(NIGHT, BATAM, verdict="pass_with_quarantine")
    # Completed by an officer; routed on Friday before Lebaran and answered on the last of five working days.
    world.complaint(
        NIGHT,
        BATAM,
        "#1",
        [
            ("MASUK", "2021-05-06 09:00"),
            ("VERIFIKASI", "2021-05-06 10:00"),
            ("DISPOSISI", "2021-05-07 09:00"),
            ("TINDAK_LANJUT", "2021-05-19 23:00"),
            ("SELESAI_MANUAL", "2021-05-20 09:00"),
        ],
        category_main="KESEHATAN",
    )
    # Came in at 23:30 WIB of 31 May; on hold.
    world.complaint(
        NIGHT,
        BATAM,
        "#2",
        [("MASUK", "2021-05-31 23:30"), ("DISPOSISI", "2021-06-02 09:00"), ("TUNDA", "2021-06-03 09:00")],
        report_class="WBS",
    )
    # Returned by Batam and routed to PUPR, which has it now.
    world.complaint(
        NIGHT,
        BATAM,
        "#3",
        [("MASUK", "2021-06-07 09:00"), ("DISPOSISI", "2021-06-08 09:00"), ("BUKAN_WEWENANG", "2021-06-09 09:00")],
    )
    # Kept out by the gate; its events wait with it. And an event kept out of a complaint that is in.
    bad = world.complaint(NIGHT, BATAM, "#4", [("MASUK", "2021-06-07 09:00")])
    world.quarantine(NIGHT, BATAM, "complaints", bad)
    world.complaint(NIGHT, BATAM, "#5", [("MASUK", "2021-06-07 09:00")])
    wrong = world.event(NIGHT, BATAM, "#5", 2, "ARSIP", "2021-06-08 09:00")
    world.quarantine(NIGHT, BATAM, "complaint_events", wrong)
    # Let in by a person.
    released = world.complaint(NIGHT, BATAM, "#6", [("MASUK", "2021-06-07 09:00"), ("ARSIP", "2021-06-08 09:00")])
    world.quarantine(NIGHT, BATAM, "complaints", released, status="waived")

    world.delivery(NIGHT, PUPR)
    world.complaint(
        NIGHT,
        PUPR,
        "#3",
        [
            ("MASUK", "2021-06-07 09:00"),
            ("DISPOSISI", "2021-06-10 09:00"),
            ("TINDAK_LANJUT", "2021-06-11 09:00"),
            ("SELESAI_OTOMATIS", "2021-06-25 09:00"),
            ("BUKA_KEMBALI", "2021-06-28 09:00"),
        ],
    )

    world.delivery(NIGHT, KARIMUN, verdict="held")
    world.complaint(NIGHT, KARIMUN, "#7", [("MASUK", "2021-06-07 09:00"), ("DISPOSISI", "2021-06-08 09:00")])

    world.delivery(NIGHT, PUPR, "surveys")
    for number in range(1000):
        # 90.0 and 61.4 per cent in the top two boxes: the mean is 75.7.
        world.response(
            NIGHT,
            PUPR,
            f"r{number}",
            {ATTRIBUTES[0]: 4 if number < 900 else 2, ATTRIBUTES[1]: 3 if number < 614 else 1},
        )

    # Taken again after the gate passed it: the verdict is on the attempt before.
    world.delivery(NIGHT, KARIMUN, "recaps")
    world.recap(NIGHT, KARIMUN, KARIMUN, date(2021, 1, 1), NIGHT, received_count=1)
    world.run("update ops.deliveries set attempt = 2 where agency_code = %s and resource = 'recaps'", (KARIMUN,))

    world.delivery(NIGHT, BATAM, "recaps")
    world.recap(
        NIGHT,
        BATAM,
        BATAM,
        date(2021, 1, 1),
        NIGHT,
        received_count=5,
        routed_count=3,
        completed_count=3,
        on_hold_count=1,
    )


def test_a_complaint_two_agencies_had_counts_once_nationally_and_once_per_agency(built: RawWorld) -> None:
    assert built.run(
        "select tracking_id, agency_code, agency_count, status_code from marts.fct_complaints where tracking_id = '#3'"
    ) == [("#3", PUPR, 2, "DIPROSES")]
    assert built.run(
        "select agency_code, is_owner, transferred_out_date from marts.fct_assignments where tracking_id = '#3' order by assignment_seq"
    ) == [
        (BATAM, False, date(2021, 6, 9)),
        (PUPR, True, None),
    ]


def test_statuses_follow_from_the_event_log(built: RawWorld) -> None:
    statuses = dict(built.run("select tracking_id, status_code from marts.fct_complaints"))
    assert statuses == {
        "#1": "SELESAI",
        "#2": "TERTUNDA",
        "#3": "DIPROSES",
        "#5": "BELUM_TERVERIFIKASI",
        "#6": "DIARSIPKAN",
    }


def test_quarantined_and_held_rows_are_in_no_mart(built: RawWorld) -> None:
    assert built.value("select count(*) from marts.fct_assignments") == 6
    for mart in ("fct_complaints", "fct_assignments", "fct_complaint_events"):
        assert built.value(f"select count(*) from marts.{mart} where tracking_id in ('#4', '#7')") == 0
    assert built.value("select count(*) from marts.fct_complaint_events where tracking_id = '#5'") == 1


def test_every_row_delivered_is_accounted_for(built: RawWorld) -> None:
    counted = built.run(
        "select agency_code, received_count, accepted_count, quarantined_count, held_count, received_event_count, accepted_event_count,"
        " quarantined_event_count, held_event_count from marts.fct_deliveries where resource = 'complaints' order by agency_code"
    )
    assert counted == [
        (KARIMUN, 1, 0, 0, 1, 2, 0, 0, 2),
        (PUPR, 1, 1, 0, 0, 5, 5, 0, 0),
        (BATAM, 6, 5, 1, 0, 16, 15, 1, 0),
    ]


def test_a_verdict_on_an_earlier_attempt_lets_nothing_in(built: RawWorld) -> None:
    row = built.run(
        "select gate_verdict, accepted_count, held_count from marts.fct_deliveries where agency_code = %s and resource = 'recaps'",
        (KARIMUN,),
    )
    assert row == [("not_gated", 0, 1)]
    assert built.value(f"select count(*) from marts.rpt_recap_reconciliation where agency_code = '{KARIMUN}'") == 0


def test_coverage_tells_held_from_empty(built: RawWorld) -> None:
    rows = built.run(
        "select kind, province_code, expected_count, delivered_count, held_count, coverage, is_simulated from marts.rpt_coverage_daily order by kind"
    )
    assert rows == [
        ("kabupaten", "21", 1, 0, 1, Decimal(0), True),
        ("kementerian", "00", 1, 1, 0, Decimal(1), True),
        ("kota", "21", 1, 1, 0, Decimal(1), True),
    ]


def test_the_month_of_a_complaint_is_that_of_jakarta(built: RawWorld) -> None:
    assert built.value("select received_date from marts.fct_complaints where tracking_id = '#2'") == date(2021, 5, 31)


def test_working_days_skip_lebaran(built: RawWorld) -> None:
    # 7 May is day 0; 10, 11, 17, 18 and 19 May are the five days: the 12th is joint leave, the 13th and 14th are holidays.
    assert built.value(
        "select array_agg(calendar_date order by calendar_date) from marts.dim_dates where is_working_day and calendar_date between '2021-05-08' and '2021-05-19'"
    ) == [date(2021, 5, day) for day in (10, 11, 17, 18, 19)]
    assert built.run(
        "select first_response_working_days, first_response_due_date, first_response_outcome, sla_basis from marts.fct_assignments where tracking_id = '#1'"
    ) == [(5, date(2021, 5, 19), "met", "asumsi")]


def test_months_without_complaints_are_zero_rows_with_null_rates(built: RawWorld) -> None:
    rows = built.run(
        "select month, received_count, followed_up_rate from marts.rpt_agency_performance_monthly where agency_code = %s order by month",
        (KARIMUN,),
    )
    assert rows == [(date(2021, 5, 1), 0, None), (date(2021, 6, 1), 0, None)]


def test_the_months_of_an_agency_add_up(built: RawWorld) -> None:
    rows = built.run(
        "select sum(received_count), sum(valid_count), sum(routed_count), sum(followed_up_count), sum(completed_count), sum(on_hold_count), sum(archived_count),"
        " sum(reassigned_count) from marts.rpt_agency_performance_monthly where agency_code = %s",
        (BATAM,),
    )
    assert rows == [(5, 4, 3, 1, 1, 1, 1, 1)]


def test_stock_flows_into_stock(built: RawWorld) -> None:
    columns = (
        "received_count, transferred_in_count, reopened_count, completed_count, archived_count, transferred_out_count"
    )
    sums = ", ".join(f"sum({column})::integer" for column in columns.split(", "))
    totals = {
        agency: tuple(counts)
        for agency, *counts in built.run(
            f"select agency_code, {sums} from marts.rpt_agency_stock_flow_daily group by agency_code"
        )
    }
    assert totals == {BATAM: (5, 0, 0, 1, 1, 1), PUPR: (0, 1, 1, 1, 0, 0), KARIMUN: (0, 0, 0, 0, 0, 0)}
    closing = dict(
        built.run(
            "select agency_code, closing_count from marts.rpt_agency_stock_flow_daily where business_date = %s",
            (NIGHT,),
        )
    )
    assert closing == {BATAM: 2, PUPR: 1, KARIMUN: 0}


def test_whistleblowing_is_always_secret(built: RawWorld) -> None:
    assert built.run("select tracking_id from marts.fct_complaints where is_secret") == [("#2",)]


def test_what_nobody_has_categorised_is_a_category(built: RawWorld) -> None:
    assert (
        built.value(
            "select count(*) from marts.fct_complaints inner join marts.dim_categories using (category_id) where sector = 'Belum dikategorikan'"
        )
        == 4
    )


def test_the_survey_of_2020_is_computed_from_its_answers(built: RawWorld) -> None:
    row = built.run(
        "select metric_kind, value, respondent_count, basis, attribute_values from marts.rpt_national_satisfaction where wave = 2020"
    )
    assert row == [("TOP2BOX_LAPOR", Decimal("75.7"), 1000, "computed", {ATTRIBUTES[0]: 90.0, ATTRIBUTES[1]: 61.4})]
    assert (
        built.value("select is_comparable_with_previous from marts.rpt_national_satisfaction where wave = 2021")
        is False
    )


def test_a_stated_recap_is_compared_with_the_complaints(built: RawWorld) -> None:
    rows = dict(built.run("select figure, verdict from marts.rpt_recap_reconciliation"))
    assert rows == {"received": "agrees", "routed": "agrees", "completed": "differs", "on_hold": "agrees"}


def test_regions_follow_the_split_of_papua(built: RawWorld) -> None:
    def provinces(on: str) -> int:
        return int(
            built.value(
                f"select count(*) from marts.dim_regions where kind = 'provinsi' and valid_from <= '{on}' and (valid_to is null or valid_to > '{on}')"
            )
        )

    assert (provinces("2021-06-30"), provinces("2023-01-01")) == (34, 38)
    assert built.value("select count(*) from marts.dim_regions where kind <> 'provinsi' and is_current") == 514
    # Kemendagri and BPS number Papua differently.
    assert (
        built.value(
            "select bps_code from marts.dim_regions where kemendagri_code = '91' and valid_from <= '2021-06-30'"
        )
        == "94"
    )


def test_the_columns_described_are_those_there_are(built: RawWorld) -> None:
    there = defaultdict(set)
    for table, column in built.run(
        "select table_name, column_name from information_schema.columns where table_schema in ('staging', 'intermediate', 'marts')"
    ):
        there[table].add(column)
    described = {
        model["name"]: {column["name"] for column in model["columns"]}
        for path in (REPOSITORY / "dbt_project" / "models").rglob("*.yml")
        for model in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("models", [])
    }
    assert len(described) > 30
    assert {name: columns ^ there[name] for name, columns in described.items() if columns != there[name]} == {}


def test_the_page_of_metrics_is_current(built: RawWorld) -> None:
    with built.connection.cursor() as cursor:
        page = dictionary(cursor)
    built.connection.rollback()
    assert page.count("\n## ") > 20
    written = (REPOSITORY / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert written == page, "run: python -m reports metrics > docs/metrics.md (after a build)"


def test_every_question_of_the_analysts_is_answered(built: RawWorld) -> None:
    with closing(connect("panrb_analyst", "lapor/test")) as connection, connection.cursor() as cursor:
        rows = {}
        for question in questions():
            cursor.execute(question.sql)
            rows[question.number] = cursor.rowcount
    assert len(rows) == 20
    # The others ask for more complaints, or more trouble, than this night has.
    assert {number for number, count in rows.items() if count} >= {1, 3, 7, 8, 10, 11, 13, 19}


@pytest.mark.parametrize(
    ("role", "mart", "may_read"),
    [
        ("ksp_reader", "fct_complaints", False),
        ("ksp_reader", "rpt_agency_performance_monthly", False),
        ("ombudsman_reader", "fct_complaints", True),
        ("reporter", "fct_assignments", True),
    ],
)
def test_roles_read_what_their_work_needs(built: RawWorld, role: str, mart: str, may_read: bool) -> None:
    assert built.value(f"select has_table_privilege('{role}', 'marts.{mart}', 'select')") is may_read


@pytest.mark.skipif(not SHARED_DATA.exists(), reason="../shared/data is not here")
def test_east_java_states_66_recaps_that_do_not_add_up_and_a_month_copied_from_the_last(
    built: RawWorld, dbt: Dbt
) -> None:
    months = [
        "Januari",
        "Februari",
        "Maret",
        "April",
        "Mei",
        "Juni",
        "Juli",
        "Agustus",
        "September",
        "Oktober",
        "November",
        "Desember",
    ]
    built.delivery(NIGHT, PUPR, "recaps")
    with (SHARED_DATA / "real" / "sp4n_jatim_monthly" / "counts.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 760
    for row in rows:
        start = date(int(row["Tahun"]), months.index(row["Bulan"]) + 1, 1)
        stated = {
            name: int(row[column] or 0)
            for name, column in (
                ("received_count", "jumlah_pengaduan"),
                ("unverified_count", "belum_terverifikasi"),
                ("unanswered_count", "belum_ditindaklanjuti"),
                ("in_progress_count", "proses"),
                ("completed_count", "selesai"),
                ("on_hold_count", "tunda"),
                ("archived_count", "arsip"),
            )
        }
        built.recap(NIGHT, PUPR, row["kabupaten_kota"], start, date(start.year, start.month, 28), **stated)
    built.changed(NIGHT)
    what = ("--select", "+rpt_recap_reconciliation", "--indirect-selection", "cautious")
    dbt("build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "seed", *what)
    verdicts = built.run(
        f"select distinct verdict, subject_code, period_start from marts.rpt_recap_reconciliation where agency_code = '{PUPR}'"
    )
    counted = Counter(verdict for verdict, _, _ in verdicts)
    assert counted["parts do not add up"] == 66
    assert counted["stale copy"] == 38
    assert {start for verdict, _, start in verdicts if verdict == "stale copy"} == {date(2024, 2, 1)}
    assert built.value("select count(*) from marts.rpt_recap_reconciliation where is_stale_copy") == 266
    assert (
        built.value(
            "select count(*) from marts.rpt_recap_reconciliation where agency_code = 'KEM-1330' and computed_count is not null"
        )
        == 0
    )
