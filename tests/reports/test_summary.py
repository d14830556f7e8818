"""The terminal summary, over marts of a few rows made by hand and rolled back."""

from collections.abc import Iterator

import pytest
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from reports.summary import STAMP, summarise
from reports.terminal import WIDTH, table

# The columns the summary reads, as dbt_project builds them.
MARTS = """
create table marts.rpt_national_performance_monthly (
    month date, received_count int, routed_count int, followed_up_count int, completed_count int,
    completed_automatic_count int
);
create table marts.rpt_coverage_daily (
    night date, expected_count int, delivered_count int, empty_count int, late_count int, failed_count int, held_count int,
    not_connected_count int
);
create table marts.dim_agencies (agency_code text, name text, is_current boolean);
create table marts.fct_deliveries (
    night date, agency_code text, resource text, state text, gate_verdict text, reason text, gate_reasons text[],
    received_count int, accepted_count int, quarantined_count int, held_count int, superseded_count int,
    received_event_count int default 0, accepted_event_count int default 0, quarantined_event_count int default 0,
    held_event_count int default 0, superseded_event_count int default 0
);
create table marts.rpt_agency_performance_monthly (
    agency_code text, agency_name text, kind text, month date, received_count int, routed_count int,
    followed_up_count int, completed_count int, on_hold_count int
);
create table marts.rpt_recap_reconciliation (
    agency_code text, subject_code text, period_start date, period_end date, figure text, recap_verdict text, verdict text,
    parts_add_up boolean, is_stale_copy boolean, stated_count int
);
create table marts.rpt_national_satisfaction (
    wave int, metric_kind text, value numeric, respondent_count int, margin_of_error numeric, sampling_frame text,
    basis text, value_published numeric, source text, attribute_values jsonb
);
"""
BATAM = (
    "('KOTA-21.71', 'Pemerintah Kota Batam', 'kota', '2021-{month}-01', {received}, {routed}, {done}, {done}, {held})"
)


@pytest.fixture
def cursor(warehouse: Connection) -> Iterator[Cursor]:
    """A cursor in a transaction that sees an empty set of marts instead of whatever was built, and is rolled back."""
    with warehouse.cursor() as cursor:
        for name in [line.split()[2] for line in MARTS.splitlines() if line.startswith("create table")]:
            cursor.execute(
                "select table_type from information_schema.tables where table_schema || '.' || table_name = %s", (name,)
            )
            if cursor.fetchone():
                cursor.execute(f"drop table {name} cascade")
        cursor.execute(MARTS)
        yield cursor
    warehouse.rollback()


def publish(cursor: Cursor, night: str = "2021-06-30", simulated: bool = True) -> None:
    cursor.execute(
        "insert into ops.nights (night, cut_off_at, registry, is_simulated, published_at)"
        " values (%s, %s::date + 1, 'test', %s, now())",
        (night, night, simulated),
    )


def add_batam(cursor: Cursor) -> None:
    months = [("05", 40, 35, 30, 0), ("06", 31, 26, 16, 1)]
    for month, received, routed, done, held in months:
        values = BATAM.format(month=month, received=received, routed=routed, done=done, held=held)
        cursor.execute(f"insert into marts.rpt_agency_performance_monthly values {values}")
    cursor.execute(
        "insert into marts.rpt_recap_reconciliation values"
        " ('KOTA-21.71', 'KOTA-21.71', '2021-01-01', '2021-06-30', 'received', 'parts not stated', 'agrees', null, false, 71),"
        " ('KOTA-21.71', 'KOTA-21.71', '2021-01-01', '2021-06-30', 'routed', 'parts not stated', 'differs', null, false, 62)"
    )


def line_with(lines: list[str], words: str) -> str:
    found = [line for line in lines if words in line]
    assert found, f"no line with {words!r} in:\n" + "\n".join(lines)
    return found[0]


def test_before_the_first_night_it_says_what_to_type(cursor: Cursor) -> None:
    assert summarise(cursor) == ["No night has been published yet. Run one: make demo"]


@pytest.mark.parametrize("simulated", [True, False])
def test_simulated_figures_are_stamped_and_real_ones_are_not(cursor: Cursor, simulated: bool) -> None:
    publish(cursor, simulated=simulated)
    add_batam(cursor)
    assert (STAMP in "\n".join(summarise(cursor))) is simulated


def test_the_funnel_counts_each_step_as_a_share_of_received(cursor: Cursor) -> None:
    publish(cursor)
    add_batam(cursor)
    cursor.execute(
        "insert into marts.rpt_national_performance_monthly"
        " values ('2020-12-01', 1, 0, 0, 0, 0), ('2021-06-01', 2000, 1200, 800, 500, 100)"
    )
    lines = summarise(cursor)
    assert line_with(lines, "laporan masuk").split()[-3:] == ["2,000", "100.0", "%"]
    assert line_with(lines, "terdisposisi").split()[-3:] == ["1,200", "60.0", "%"]
    assert line_with(lines, "ditindaklanjuti").split()[-3:] == ["800", "40.0", "%"]
    assert line_with(lines, "(selesai)").split()[-3:] == ["500", "25.0", "%"]
    assert line_with(lines, "otomatis").split()[-3:] == ["100", "5.0", "%"]


def test_published_totals_stand_beside_what_the_warehouse_counts(cursor: Cursor) -> None:
    publish(cursor)
    add_batam(cursor)
    lines = summarise(cursor, ["KOTA-21.71"])
    start = lines.index(line_with(lines, "published totals, reproduced"))
    rows = [line.split() for line in lines[start + 2 : start + 7]]
    assert rows == [
        ["received", "71", "100.0", "%", "71", "agrees"],
        ["routed", "61", "85.9", "%", "62", "differs"],
        ["followed", "up", "46", "64.8", "%", "-", "not", "stated"],
        ["completed", "46", "64.8", "%", "-", "not", "stated"],
        ["on", "hold", "1", "1.4", "%", "-", "not", "stated"],
    ]


def test_an_agency_with_fewer_than_thirty_complaints_is_not_ranked(cursor: Cursor) -> None:
    publish(cursor)
    cursor.execute(
        "insert into marts.rpt_agency_performance_monthly"
        " select code, 'Agency ' || code, 'kabupaten', '2021-06-01', n, n, n / 2, 0, 0"
        " from (values ('A', 29), ('B', 30), ('C', 100)) as agencies (code, n)"
    )
    lines = summarise(cursor)
    assert "n >= 30" in line_with(lines, "Follow-up rates")
    assert line_with(lines, "Agency C").split()[2:] == ["kabupaten", "100", "50", "50.0", "%", "40.4", "-", "59.6"]
    assert not [line for line in lines if "Agency A" in line]


def test_five_best_and_five_worst_are_shown_and_the_middle_is_not(cursor: Cursor) -> None:
    publish(cursor)
    cursor.execute(
        "insert into marts.rpt_agency_performance_monthly"
        " select 'K' || n, 'Kabupaten ' || lpad(n::text, 2, '0'), 'kabupaten', '2021-06-01', 100, 100, n, 0, 0"
        " from generate_series(1, 12) as n"
    )
    shown = [line.split()[1] for line in summarise(cursor) if line.startswith("  Kabupaten")]
    assert shown == ["12", "11", "10", "09", "08", "05", "04", "03", "02", "01"]


def test_coverage_names_everyone_who_did_not_deliver_and_why(cursor: Cursor) -> None:
    publish(cursor)
    cursor.execute("insert into marts.rpt_coverage_daily values ('2021-06-30', 657, 600, 53, 0, 3, 1, 0)")
    cursor.execute(
        "insert into marts.dim_agencies select c, 'Kota ' || c, true from unnest('{A,B,C,D,E,F,G}'::text[]) as c"
    )
    cursor.execute(
        "insert into marts.fct_deliveries values"
        " ('2021-06-30', 'A', 'complaints', 'failed', null, 'answered 500', null, 0, 0, 0, 0, 0),"
        " ('2021-06-30', 'B', 'complaints', 'received', 'held', null, '{too many bad rows}', 40, 0, 0, 40, 0),"
        " ('2021-06-30', 'G', 'surveys', 'late', null, 'not asked for here', null, 0, 0, 0, 0, 0)"
    )
    cursor.execute(
        "insert into marts.fct_deliveries"
        " select '2021-06-30', c, 'complaints', 'late', null, 'no file', null, 0, 0, 0, 0, 0"
        " from unnest('{A,B,C,D,E,F}'::text[]) as c"
    )
    lines = summarise(cursor)
    told = " ".join(line.strip() for line in lines)
    assert (
        "Agencies expected: 657. Of these 600 delivered, 53 nothing new (empty), 3 failed, 1 held by the gate." in told
    )
    assert "Coverage 99.4 %." in told
    assert line_with(lines, "- failed: ") == "    - failed: Kota A. answered 500"
    assert line_with(lines, "- held: ") == "    - held: Kota B. too many bad rows"
    assert line_with(lines, "- late: ") == "    - late: Kota A, Kota B, Kota C, Kota D, Kota E and 1 more. no file"
    assert "not asked for here" not in told
    assert line_with(lines, "2021-06-30 Kota B") == "    - 2021-06-30 Kota B, complaints, 40 rows. too many bad rows"


@pytest.mark.parametrize(("superseded", "answer"), [(2, "yes"), (3, "NO")])
def test_rows_that_do_not_add_up_are_called_out(cursor: Cursor, superseded: int, answer: str) -> None:
    publish(cursor)
    cursor.execute(
        "insert into marts.fct_deliveries values"
        " ('2021-06-30', 'A', 'complaints', 'received', 'pass', null, null, 10, 6, 2, 0, %s)",
        (superseded,),
    )
    lines = summarise(cursor)
    assert line_with(lines, "  complaints").split()[-1] == answer


def test_a_satisfaction_wave_is_told_only_when_its_answers_were_delivered(cursor: Cursor) -> None:
    publish(cursor)
    wave = "insert into marts.rpt_national_satisfaction values (2020, 'TOP2BOX_LAPOR', 75.7, 1329, 3, '34 provinsi', %s, 75.7, 'menpan.go.id', %s)"
    cursor.execute(wave, ("published", None))
    assert not [line for line in summarise(cursor) if "Satisfaction" in line]
    cursor.execute("delete from marts.rpt_national_satisfaction")
    cursor.execute(wave, ("computed", '{"kerahasiaan": 84.0, "kecepatan_respons": 60.1, "kesopanan_jawaban": 80.0}'))
    lines = summarise(cursor)
    assert "1,329" in line_with(lines, "34 provinsi")
    assert "lowest: kecepatan respons 60.1 %" in line_with(lines, "Highest: kerahasiaan 84.0 %")


def test_recaps_of_real_files_are_counted_by_verdict(cursor: Cursor) -> None:
    publish(cursor, "2024-09-01", simulated=False)
    cursor.execute(
        "insert into marts.rpt_recap_reconciliation"
        " select 'PROV-35', 'K' || n, '2024-02-01', '2024-02-29', figure,"
        " case when n <= 3 then 'parts do not add up' else 'parts add up' end, 'not computed', n > 3, n = 38, 1"
        " from generate_series(1, 38) as n cross join (values ('received'), ('completed')) as figures (figure)"
    )
    lines = summarise(cursor)
    assert "agencies state about themselves: 38" in line_with(lines, "Recaps")
    assert "3 whose parts do not add up, 1 that repeat the period before." in line_with(lines, "repeat the period")


def test_no_line_is_wider_than_the_terminal(cursor: Cursor) -> None:
    publish(cursor)
    cursor.execute(
        "insert into marts.rpt_agency_performance_monthly"
        " select 'K' || n, repeat('Kementerian ', 12) || n, 'kementerian', '2021-06-01', 1000000, 1000000, 900000, 0, 0"
        " from generate_series(1, 12) as n"
    )
    lines = summarise(cursor)
    assert len(lines) > 20
    assert [line for line in lines if len(line) > WIDTH] == []


def test_columns_of_a_table_stand_under_each_other() -> None:
    assert table(("agency", "n"), [("Batam", "71"), ("Kementerian", "1,294")]) == [
        "  agency           n",
        "  Batam           71",
        "  Kementerian  1,294",
    ]
