"""Every macro has a test that would notice if it were wrong; the formulas are asked of PostgreSQL itself."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import jinja2
import pytest

from tests.proofs import DBT_PROJECT, missing
from warehouse.connection import connect

BUILDS = "tests/dbt_project/test_incremental_builds.py"
INCREMENTAL = f"{BUILDS}::test_incremental_builds_equal_a_full_refresh"
NEW_RULE = f"{BUILDS}::test_a_changed_rule_makes_everything_anew"
RESULTS = "tests/dbt_project/test_build_results.py"
ACCESS = "tests/warehouse/test_access.py"
RESTATED = "tests/dbt_project/test_restatements.py::test_a_figure_is_restated_at_its_own_cut_off_and_with_its_cause"
DICTIONARY = "tests/dbt_project/test_metric_dictionary.py"
HERE = "tests/dbt_project/test_macros.py"
BUILT = "tests/dbt_project/test_a_built_night.py"
PROOFS = {
    "activity_before_this_build": (INCREMENTAL,),
    "business_date": (f"{HERE}::test_a_moment_belongs_to_the_day_it_has_in_jakarta",),
    "calendar_is_known": (f"{HERE}::test_a_day_off_counts_from_its_announcement_until_it_is_revoked",),
    "category_id": (f"{HERE}::test_a_category_is_known_by_both_its_names",),
    "close_complaint_rows": (f"{ACCESS}::test_between_staging_and_marts_no_row_of_a_complaint_is_open",),
    "clock_outcome": (f"{HERE}::test_a_clock_ends_in_one_of_seven_ways", "dbt: working_days_skip_lebaran_and_pauses"),
    "complete_full_build": (NEW_RULE,),
    "day_reached": ("dbt: medians_count_open_cases_in",),
    "decide_full_build": (INCREMENTAL, NEW_RULE),
    "ended_share_bound": ("dbt: the_curve_is_read_at_the_limit_and_at_the_half",),
    "filled_by_changes": (NEW_RULE,),
    "first_stock_date": ("dbt: every_day_opens_with_what_the_day_before_closed_with",),
    "first_told_night": (RESTATED, "dbt: other_rules_cause_what_no_late_row_explains"),
    "follow_up_verdict": (f"{HERE}::test_half_followed_up_is_good_from_ten_complaints_on",),
    "forget_former_tests": (f"{RESULTS}::test_nothing_stale_is_left_after_the_repair",),
    "forget_unpublished": (RESTATED,),
    "funnel_z": ("dbt: four_published_provinces_lie_far_apart",),
    "generate_schema_name": (INCREMENTAL,),
    "get_incremental_replace_worked_on_sql": (INCREMENTAL,),
    "grant_access": (
        f"{ACCESS}::test_nobody_reads_rows_of_secret_complaints",
        f"{ACCESS}::test_an_agency_sees_its_own_rows",
        f"{ACCESS}::test_every_mart_carries_its_access_for_programs_that_hand_rows_on",
    ),
    "handling_rates": (
        "dbt: batam_has_its_published_rates",
        "dbt: a_unit_is_its_code_else_its_name_else_not_told",
    ),
    "in_worked_nights": (INCREMENTAL,),
    "is_full_build": (INCREMENTAL,),
    "is_let_in": (RESTATED,),
    "kaplan_meier": ("dbt: kaplan_meier_by_hand",),
    "known_reporters_before_this_build": (INCREMENTAL,),
    "list_of_the_last_build": (INCREMENTAL,),
    "log_of_the_published_marts": (RESTATED,),
    "mart_before_this_build": (INCREMENTAL,),
    "message_without_values": (f"{RESULTS}::test_a_message_tells_what_happened_and_no_value",),
    "metrics_declared": (f"{BUILT}::test_the_page_of_metrics_is_current",),
    "metrics_of": (
        f"{DICTIONARY}::test_a_metric_is_declared_once_and_named_elsewhere",
        f"{DICTIONARY}::test_metrics_that_contradict_each_other_are_refused",
    ),
    "own_agency": (f"{ACCESS}::test_no_agency_or_one_that_is_not_there_sees_no_row",),
    "rate": (f"{HERE}::test_a_rate_is_exact_and_null_of_nothing", "dbt: batam_has_its_published_rates"),
    "read_as_who_asks": (f"{ACCESS}::test_an_engineer_does_not_meet_secret_complaints_on_their_way",),
    "record_build": (f"{RESULTS}::test_a_good_build_is_written_down",),
    "refresh_raw_statistics": (f"{HERE}::test_the_planner_hears_of_tables_that_grew",),
    "refuse_partial_refresh": (f"{HERE}::test_one_mart_alone_is_not_made_anew_from_a_nights_changes",),
    "rows_this_build_wrote": (INCREMENTAL,),
    "rule_seeds": ("tests/dbt_project/test_rules.py::test_every_rule_under_a_mart_filled_by_changes_is_watched",),
    "rule_value": (
        f"{HERE}::test_half_followed_up_is_good_from_ten_complaints_on",
        "dbt: peers_are_of_one_kind_and_size",
    ),
    "rules_checksum": (NEW_RULE,),
    "same_key": (INCREMENTAL,),
    "scope_before_this_build": (NEW_RULE,),
    "selection_of_run": (f"{RESULTS}::test_a_failed_test_is_written_down_and_said_where_its_rows_are",),
    "set_access": (f"{ACCESS}::test_while_everything_is_built_anew_readers_read_on_and_see_no_more",),
    "start_build": (INCREMENTAL,),
    "stock_flows": ("dbt: a_stock_restarts_when_a_changed_complaint_moves_otherwise", INCREMENTAL),
    "stock_movements": ("dbt: a_stock_restarts_when_a_changed_complaint_moves_otherwise", INCREMENTAL),
    "survey_precision": ("dbt: strata_and_weights_make_the_design_effect",),
    "text_literal": (f"{RESULTS}::test_an_error_is_told_without_values_and_outlives_a_record_that_fails",),
    "touched_months": (INCREMENTAL,),
    "wilson": (f"{HERE}::test_the_interval_is_wilsons", "dbt: batam_has_its_published_rates"),
}  # fmt: skip


def macros_there_are() -> set[str]:
    """Names of all macros of the project; generic tests are named in the tests' own folder."""
    names = {
        name
        for path in (DBT_PROJECT / "macros").rglob("*.sql")
        for name in re.findall(r"{%-?\s*macro\s+(\w+)", path.read_text(encoding="utf-8"))
    }
    assert len(names) > 15
    return names


def test_every_macro_is_in_the_table_and_nothing_else_is() -> None:
    assert set(PROOFS) == macros_there_are()


@pytest.mark.parametrize("macro", PROOFS)
def test_the_test_of_a_macro_is_there(macro: str) -> None:
    assert PROOFS[macro]
    assert missing(PROOFS[macro]) == []


def measures(name: str, *arguments: Any, file: str = "measures.sql", **stand_ins: Any) -> str:
    """The SQL a macro of measures.sql (or another file) writes; stand_ins are what it calls of dbt."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)  # noqa: S701 (SQL, not HTML)
    files = dict.fromkeys(["measures.sql", file])
    source = "\n".join((DBT_PROJECT / "macros" / each).read_text(encoding="utf-8") for each in files)
    globals_ = {"var": {"business_zone": "Asia/Jakarta"}.get, **stand_ins}
    return str(getattr(environment.from_string(source, globals=globals_).module, name)(*arguments))


@pytest.fixture(scope="module")
def value(server: Path) -> Iterator[Callable[[str], Any]]:
    """Asks PostgreSQL for the value of an expression or a query."""
    with closing(connect("owner", "lapor/test")) as connection, connection.cursor() as cursor:

        def ask(expression: str) -> Any:
            cursor.execute(f"select ({expression})")
            row = cursor.fetchone()
            assert row is not None
            return row[0]

        yield ask


@pytest.mark.parametrize(
    ("numerator", "denominator", "percent"),
    [(46, 71, "64.79"), (61, 71, "85.92"), (46, 61, "75.41"), (0, 5, "0.00"), (5, 5, "100.00"), (1, 3, "33.33")],
)
def test_a_rate_is_exact_and_null_of_nothing(
    value: Callable[[str], Any], numerator: int, denominator: int, percent: str
) -> None:
    share = value(measures("rate", numerator, denominator))
    assert share is not None
    assert round(100 * share, 2) == Decimal(percent)
    assert abs(share * denominator - numerator) < Decimal("1e-15")  # not rounded
    assert value(measures("rate", 0, 0)) is None


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        pytest.param(46, 71, "53.18", "74.88", id="Batam completed of received"),
        pytest.param(46, 61, "63.32", "84.49", id="completed of routed"),
        pytest.param(61, 71, "75.98", "92.17", id="routed of received"),
        pytest.param(0, 5, "0.00", "43.45", id="none of five"),
        pytest.param(5, 5, "56.55", "100.00", id="all of five"),
    ],
)
def test_the_interval_is_wilsons(value: Callable[[str], Any], successes: int, trials: int, low: str, high: str) -> None:
    bounds = [value(measures("wilson", successes, trials, side)) for side in ("low", "high")]
    assert [round(100 * bound, 2) for bound in bounds] == [Decimal(low), Decimal(high)]


@pytest.mark.parametrize("side", ["low", "high"])
def test_nothing_tried_has_no_interval(value: Callable[[str], Any], side: str) -> None:
    assert value(measures("wilson", 0, 0, side)) is None


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        pytest.param("2021-06-30 16:59:59+00", date(2021, 6, 30), id="a second before midnight in Jakarta"),
        pytest.param("2021-06-30 17:00:00+00", date(2021, 7, 1), id="midnight in Jakarta"),
        # 00:30 of 1 July in Jayapura (WIT) is 22:30 of 30 June in Jakarta: the nation has one calendar.
        pytest.param("2021-07-01 00:30:00+09", date(2021, 6, 30), id="half past midnight in Jayapura"),
        pytest.param("2021-07-01 00:30:00+08", date(2021, 6, 30), id="half past midnight in Makassar"),
    ],
)
def test_a_moment_belongs_to_the_day_it_has_in_jakarta(value: Callable[[str], Any], moment: str, day: date) -> None:
    assert value(measures("business_date", f"'{moment}'::timestamptz")) == day


@pytest.mark.parametrize(
    ("night", "known"),
    [
        pytest.param("'2020-09-09'::date", False, id="the day before it is announced"),
        pytest.param("'2020-09-10'::date", True, id="announced"),
        pytest.param("'2021-02-21'::date", True, id="the day before it is revoked"),
        pytest.param("'2021-02-22'::date", False, id="revoked"),
        pytest.param("null::date", False, id="for good"),
    ],
)
def test_a_day_off_counts_from_its_announcement_until_it_is_revoked(
    value: Callable[[str], Any], night: str, known: bool
) -> None:
    joint_leave = "select '2020-09-10'::date as announced_on, '2021-02-22'::date as revoked_on"
    always = "select null::date as announced_on, null::date as revoked_on"
    condition = measures("calendar_is_known", night, file="build_scope.sql")
    assert value(f"select {condition} from ({joint_leave}) as calendar") is known
    assert value(f"select {condition} from ({always}) as calendar") is True


@pytest.mark.parametrize(
    ("main", "label", "category"),
    [
        ("'KESEHATAN'", "'LAINNYA'", "KESEHATAN > LAINNYA"),
        ("'PENDIDIKAN'", "'LAINNYA'", "PENDIDIKAN > LAINNYA"),
        ("'KESEHATAN'", "null::text", "KESEHATAN"),
        ("null::text", "null::text", "BELUM DIKATEGORIKAN"),
    ],
)
def test_a_category_is_known_by_both_its_names(
    value: Callable[[str], Any], main: str, label: str, category: str
) -> None:
    assert value(measures("category_id", main, label)) == category


@pytest.mark.parametrize(
    ("started", "due", "done", "days", "status", "passed_on", "outcome"),
    [
        pytest.param(None, None, None, None, "BELUM_TERVERIFIKASI", None, "not_started", id="never routed"),
        pytest.param("2019-01-02", None, None, None, "TERDISPOSISI", None, "not_measurable", id="no limit known"),
        pytest.param("2021-06-01", "2021-06-08", "2021-06-08", 5, "SELESAI", None, "met", id="done on the last day"),
        pytest.param("2021-06-01", "2021-06-08", "2021-06-09", 6, "SELESAI", None, "missed", id="done a day late"),
        pytest.param("2021-06-01", "2021-06-08", None, None, "TERDISPOSISI", None, "missed", id="due and not done"),
        pytest.param("2021-06-28", "2021-06-30", None, None, "TERDISPOSISI", None, "missed", id="due this night"),
        pytest.param("2021-06-28", "2021-07-05", None, None, "TERDISPOSISI", None, "not_yet_due", id="not due yet"),
        pytest.param("2021-06-01", "2021-06-08", None, None, "TERTUNDA", None, "paused", id="on hold past the limit"),
        pytest.param("2021-06-01", "2021-06-08", None, None, "DIARSIPKAN", None, "stopped", id="archived unanswered"),
        pytest.param("2021-06-01", "2021-06-08", None, None, "TERDISPOSISI", "2021-06-03", "stopped", id="passed on"),
    ],
)  # fmt: skip
def test_a_clock_ends_in_one_of_seven_ways(
    value: Callable[[str], Any],
    started: str | None,
    due: str | None,
    done: str | None,
    days: int | None,
    status: str,
    passed_on: str | None,
    outcome: str,
) -> None:
    def typed(text: str | None, kind: str) -> str:
        return f"'{text}'::{kind}" if text else f"null::{kind}"

    clock = measures("clock_outcome", "measured.done_at", "measured.days", "5", "measured.due_date")
    measured = (
        f"select {typed(started, 'timestamptz')} as started_at, {typed(due, 'date')} as due_date,"
        f" {typed(done, 'timestamptz')} as done_at, {days or 'null'}::integer as days, '{status}' as status_code,"
        f" {typed(passed_on, 'timestamptz')} as transferred_out_at"
    )
    scope = "select '2021-06-30'::date as night"
    assert value(f"select {clock} from ({measured}) as measured cross join ({scope}) as scope") == outcome


@pytest.mark.parametrize(
    ("followed_up", "received", "on", "verdict"),
    [
        (30, 60, "2021-06-30", "baik"),
        (29, 60, "2021-06-30", "belum baik"),
        (5, 10, "2021-06-30", "baik"),
        (9, 9, "2021-06-30", "data tidak cukup"),
        (0, 0, "2021-06-30", "tidak ada laporan"),
        (30, 60, "2022-01-01", "belum baik"),  # the threshold of that year was another
    ],
)
def test_half_followed_up_is_good_from_ten_complaints_on(
    value: Callable[[str], Any], followed_up: int, received: int, on: str, verdict: str
) -> None:
    rules = """(values
        ('min_count_shown', 10, '2019-01-01'::date, null::date),
        ('follow_up_good', 0.5, '2019-01-01', '2022-01-01'), ('follow_up_good', 0.6, '2022-01-01', null)
    )"""

    def ref(seed: str) -> str:
        assert seed in {"comparison_rules", "oversight_thresholds"}
        return f"(select * from {rules} as rows (rule, value, valid_from, valid_to))"

    arguments = (str(followed_up), str(received), f"'{on}'::date")
    assert value(measures("follow_up_verdict", *arguments, file="oversight.sql", ref=ref)) == verdict


@pytest.mark.parametrize(
    ("is_there", "full_refresh", "is_full_build", "refused"),
    [
        pytest.param(True, False, False, False, id="a night"),
        pytest.param(True, True, False, True, id="one mart anew"),
        pytest.param(False, False, False, True, id="a mart that is not there yet"),
        pytest.param(True, True, True, False, id="everything anew"),
    ],
)
def test_one_mart_alone_is_not_made_anew_from_a_nights_changes(
    is_there: bool, full_refresh: bool, is_full_build: bool, refused: bool
) -> None:
    source = (DBT_PROJECT / "macros" / "build_scope.sql").read_text(encoding="utf-8")
    macro = re.search(r"{% macro refuse_partial_refresh.*?endmacro %}", source, re.DOTALL)
    assert macro
    words: list[str] = []

    class Returned(Exception):
        pass

    def return_(_: str) -> None:
        raise Returned

    environment = jinja2.Environment(autoescape=False)  # noqa: S701 (SQL, not HTML)
    dbt = {
        "execute": True,
        "this": {"identifier": "fct_complaints"},
        "load_relation": lambda _: "marts.fct_complaints" if is_there else None,
        "flags": {"FULL_REFRESH": full_refresh},
        "is_full_build": lambda: is_full_build,
        "exceptions": {"raise_compiler_error": words.append},
        "return": return_,
    }
    with pytest.raises(Returned):
        environment.from_string(macro[0], globals=dbt).module.refuse_partial_refresh()  # type: ignore[attr-defined]
    assert bool(words) is refused
    assert not refused or words[0].startswith("fct_complaints can only be made anew together")


def test_the_planner_hears_of_tables_that_grew(server: Path) -> None:
    """The statement that start of a build is made of, asked of a table that has just been filled and never analysed."""
    source = (DBT_PROJECT / "macros" / "build_scope.sql").read_text(encoding="utf-8")
    macro = source.split("macro refresh_raw_statistics()")[1].split("endmacro")[0]
    query = re.search(r'run_query\("(.*?)"\)', macro, re.DOTALL)
    assert query
    with closing(connect("owner", "lapor/test")) as connection, connection, connection.cursor() as cursor:
        cursor.execute("create table quality.just_filled as select number from generate_series(1, 2000) as number")
        try:
            connection.commit()
            cursor.execute("select pg_stat_force_next_flush()")
            connection.commit()
            cursor.execute(query[1])
            assert ("analyze quality.just_filled",) in cursor.fetchall()
            cursor.execute("analyze quality.just_filled")
            connection.commit()
            cursor.execute("select pg_stat_force_next_flush()")
            connection.commit()
            cursor.execute(query[1])
            assert ("analyze quality.just_filled",) not in cursor.fetchall()
        finally:
            connection.rollback()
            cursor.execute("drop table quality.just_filled")
