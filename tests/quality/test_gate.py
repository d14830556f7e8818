"""The gate as a whole: fails closed, repeats itself exactly, tells what it did, and repeats nobody's words."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import quality.gate
from quality.__main__ import HELD, NOT_EVALUATED, PASSED, REFUSED, main
from quality.bounds import BOUNDS_FILE, read_bounds
from quality.data_docs import prune
from quality.errors import NotEvaluated
from quality.gate import gate, unjudged_nights
from quality.references import SEEDS, read_references
from quality.rules import Rule, not_null
from quality.suites import ROW_SUITES, Suite
from quality.summary import rule_table
from quality.validation import _result
from tests.quality.world import BATAM, NIGHT, World

MARK = "Siti Rahmawati"


def decisions(world: World) -> dict[str, list[Any]]:
    """Everything decided, but for the list of attempts."""
    tables = ("agency_verdict", "agency_metric", "quarantined_record", "row_flag")
    return {table: world.run(f"select * from quality.{table} order by 1, 2, 3, 4") for table in tables}


def changed_seq(world: World) -> int:
    return int(world.run("select changed_seq from ops.nights where night = %s", [NIGHT])[0][0])


@pytest.fixture
def mixed_night(world: World) -> World:
    """Ten good complaints, one bad, one flagged; one delivery held."""
    delivery = world.delivery()
    for _ in range(10):
        world.complaint(delivery)
    world.complaint(delivery, status=None)
    world.complaint(delivery, kemendagri_code="99")
    world.delivery("KOTA-31.71", stated_total=3)
    return world


def test_loaded_rows_are_accepted_quarantined_or_held(mixed_night: World) -> None:
    outcome = gate(NIGHT)
    assert outcome.verdict == "passed_with_quarantine"
    rows = mixed_night.run(
        """
        select delivery.loaded_rows, verdict.verdict, count(complaint.row_id) - count(record.row_id), count(record.row_id)
        from ops.deliveries as delivery
        inner join quality.agency_verdict as verdict using (night, agency_code, resource, attempt)
        left join raw.complaints as complaint using (delivery_id)
        left join quality.quarantined_record as record
            on record.table_name = 'complaints' and record.row_id = complaint.row_id
        group by 1, 2 order by 2
        """
    )
    assert rows == [(0, "held", 0, 0), (12, "pass_with_quarantine", 11, 1)]


def test_every_attempt_leaves_its_runs_and_counts(mixed_night: World) -> None:
    gate(NIGHT)
    gate(NIGHT)
    runs = mixed_night.run("select attempt, count(*) from quality.validation_run group by 1 order by 1")
    assert runs == [(1, 9), (2, 9)]
    results = mixed_night.run(
        "select element_count, unexpected_count from quality.expectation_result"
        " where rule_id in ('status_known', 'region_known')"
    )
    assert results == [(12, 1)] * 4


def test_gating_a_night_again_changes_nothing(mixed_night: World) -> None:
    first = gate(NIGHT)
    before, sequence = decisions(mixed_night), changed_seq(mixed_night)
    second = gate(NIGHT)
    assert (first.changed, second.changed) == (True, False)
    assert decisions(mixed_night) == before
    assert changed_seq(mixed_night) == sequence


def test_what_the_gate_lets_in_differently_is_built_again(mixed_night: World) -> None:
    gate(NIGHT)
    sequence = changed_seq(mixed_night)
    mixed_night.run("update raw.complaints set status = 'DIPROSES' where status is null")
    assert gate(NIGHT).changed
    assert changed_seq(mixed_night) == sequence + 1
    assert mixed_night.quarantine() == []


def test_a_delivery_loaded_again_has_no_verdict_until_it_is_gated(mixed_night: World) -> None:
    gate(NIGHT)
    [(delivery,)] = mixed_night.run("select delivery_id from ops.deliveries where agency_code = %s", [BATAM])
    mixed_night.redo(delivery)
    mixed_night.complaint(delivery, status=None)
    current = (
        "select count(*) from quality.agency_verdict join ops.deliveries using (night, agency_code, resource, attempt)"
    )
    assert mixed_night.run(current) == [(1,)]
    gate(NIGHT)
    assert mixed_night.run(current) == [(2,)]
    assert len(mixed_night.quarantine()) == 1


def test_a_verdict_goes_with_its_delivery(mixed_night: World) -> None:
    gate(NIGHT)
    mixed_night.run("update ops.deliveries set state = 'failed' where agency_code = %s", [BATAM])
    gate(NIGHT)
    assert mixed_night.verdict() is None


# -- failing closed -----------------------------------------------------------------------------------------------------


@contextmanager
def without_column(world: World, table: str, column: str) -> Iterator[None]:
    world.run(f"alter table {table} rename column {column} to misplaced")
    try:
        yield
    finally:
        world.run(f"alter table {table} rename column misplaced to {column}")


def test_a_column_that_is_gone_stops_the_night(mixed_night: World, capsys: pytest.CaptureFixture[str]) -> None:
    with without_column(mixed_night, "raw.complaints", "status"):
        assert main(["--night", str(NIGHT)]) == NOT_EVALUATED
    assert "quality/sql/complaints.sql" in capsys.readouterr().err
    assert {table: rows for table, rows in decisions(mixed_night).items() if rows} == {}
    assert mixed_night.run("select verdict, detail is not null from quality.validation_run") == [("error", True)]
    assert gate(NIGHT).attempt == 2


def test_a_rule_that_cannot_be_evaluated_stops_the_night(
    mixed_night: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Rule("impossible", "x", not_null("no_such_column"), "en", "id", "Do this.", "a test")
    suite = Suite("complaints", "complaints", lambda _references, _bounds: [broken], "complaints", "complaints")
    monkeypatch.setattr(quality.gate, "ROW_SUITES", (suite, *ROW_SUITES[1:]))
    assert main(["--night", str(NIGHT)]) == NOT_EVALUATED
    assert "rule impossible of suite complaints could not be evaluated" in capsys.readouterr().err
    assert mixed_night.run("select 1 from quality.agency_verdict") == []


def test_a_failed_attempt_leaves_the_earlier_decisions_alone(mixed_night: World) -> None:
    gate(NIGHT)
    before = decisions(mixed_night)
    with without_column(mixed_night, "raw.complaint_events", "event_type"), pytest.raises(NotEvaluated):
        gate(NIGHT)
    assert decisions(mixed_night) == before


def test_decisions_that_cannot_be_written_are_none(mixed_night: World) -> None:
    with without_column(mixed_night, "quality.agency_metric", "bad_rows"), pytest.raises(NotEvaluated):
        gate(NIGHT)
    assert {table: rows for table, rows in decisions(mixed_night).items() if rows} == {}


def test_an_answer_that_miscounts_its_rows_is_refused() -> None:
    rule = Rule("miscounted", "x", not_null("x"), "en", "id", "Do this.", "a test")
    answer = SimpleNamespace(
        result={"element_count": 5, "unexpected_count": 2, "unexpected_index_list": [{"row_id": [1]}]}
    )
    with pytest.raises(NotEvaluated, match="counts 2 failing rows and names 1"):
        _result("complaints", rule, answer)


def test_a_missing_seed_stops_the_night(mixed_night: World, tmp_path: Path) -> None:
    with pytest.raises(NotEvaluated, match=r"report_classes\.csv does not exist"):
        gate(NIGHT, seeds=tmp_path)


def test_a_night_nobody_opened_is_not_evaluated(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--night", "2020-01-01"]) == NOT_EVALUATED
    assert "python -m extract open --night 2020-01-01" in capsys.readouterr().err
    assert world.run("select 1 from quality.validation_run") == []


def test_the_planner_hears_of_what_was_just_loaded(world: World) -> None:
    """Without it a first load is joined as if it were a handful of rows: minutes instead of seconds."""
    world.complaint(world.delivery())
    columns = world.run(
        "select string_agg(quote_ident(column_name), ', ') from information_schema.columns"
        " where table_schema = 'raw' and table_name = 'complaints' and column_name not in ('row_id', 'tracking_id')"
    )[0][0]
    world.run(
        f"insert into raw.complaints ({columns}, tracking_id)"
        f" select {columns}, (6500000 + number)::text from raw.complaints, generate_series(1, 600) as number"
    )
    world.run("select pg_stat_force_next_flush()")
    world.run("update ops.deliveries set received_rows = 601, loaded_rows = 601")
    gate(NIGHT)
    # Not what autovacuum does some time: the statistics are there as soon as the gate is through.
    assert world.run("select reltuples from pg_class where oid = 'raw.complaints'::regclass") == [(601,)]


# -- commands and pages -------------------------------------------------------------------------------------------------


def test_the_command_says_by_its_exit_code_whether_the_night_is_held(world: World) -> None:
    for number in range(20):
        world.delivery(f"agency {number}", state="received" if number < 9 else "failed")
    assert main(["--night", str(NIGHT)]) == HELD
    world.run("update ops.deliveries set state = 'empty'")
    assert main(["gate", "--night", str(NIGHT)]) == PASSED


def test_show_names_the_rule_the_words_and_what_to_do(mixed_night: World, capsys: pytest.CaptureFixture[str]) -> None:
    mixed_night.run(
        "update raw.complaints set _problems = array['status: ''Selesai Bersyarat'' is not a word'] where status is null"
    )
    gate(NIGHT)
    assert main(["show", "--night", str(NIGHT)]) == PASSED
    text = capsys.readouterr().out
    for part in ("KOTA-31.71 complaints: handed over another number", "status_known", "Selesai Bersyarat", "region_known",
                 "Add the source's word"):  # fmt: skip
        assert part in text


def test_releasing_what_is_not_held_is_refused(mixed_night: World, capsys: pytest.CaptureFixture[str]) -> None:
    gate(NIGHT)
    arguments = ["--resource", "complaints", "--night", str(NIGHT), "--by", "Budi", "--note", "confirmed"]
    assert main(["release", "--agency", BATAM, *arguments]) == REFUSED
    assert "no current verdict `held`" in capsys.readouterr().err
    assert main(["release", "--agency", "KOTA-31.71", *arguments]) == PASSED
    assert mixed_night.verdict("KOTA-31.71") == "pass"


def test_nobodys_words_leave_raw(
    world: World, server: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    delivery = world.delivery()
    columns = {"unit_name": MARK, "unit_code": MARK, "reporter_key": MARK, "category_label": MARK}
    bad = [world.complaint(delivery, status=None, **columns) for _ in range(3)]
    world.row("complaint_events", delivery, event_type=None, unit_name=MARK)
    world.row("survey_responses", world.delivery(resource="surveys"), stratum=MARK, sampling_weight=0)
    world.row("recaps", world.delivery(resource="recaps"), subject_name=MARK, subject_code="nobody")
    assert main(["--night", str(NIGHT)]) == PASSED
    assert main(["show", "--night", str(NIGHT)]) == PASSED

    pages = [path for path in (server / "quality").rglob("*") if path.is_file()]
    complaint_pages = [path for path in pages if path.suffix == ".html" and "validations/complaints/" in str(path)]
    assert any("status_known" in path.read_text() or str(bad[0]) in path.read_text() for path in complaint_pages)
    assert [path for path in pages if MARK.encode() in path.read_bytes()] == []
    tables = [name for (name,) in world.run("select tablename from pg_tables where schemaname = 'quality'")]
    text = {table: str(world.run(f"select row_to_json(t)::text from quality.{table} as t")) for table in tables}
    assert "status_known" in text["quarantined_record"]
    assert [table for table in tables if MARK in text[table]] == []
    captured = capsys.readouterr()
    assert MARK not in captured.out + captured.err + caplog.text


def test_pages_of_old_nights_are_dropped(tmp_path: Path) -> None:
    nights = [NIGHT - timedelta(days=days) for days in range(5)]
    for night in nights:
        for place in ("validations", "data_docs/local_site/validations"):
            (tmp_path / "uncommitted" / place / "complaints" / f"{night}.attempt1" / "page").mkdir(parents=True)
    assert prune(tmp_path, nights_kept=3) == nights[3:]
    kept = {path.name for path in tmp_path.rglob("*.attempt1")}
    assert kept == {f"{night}.attempt1" for night in nights[:3]}


# -- what the rules stand on --------------------------------------------------------------------------------------------


def test_the_code_lists_come_from_the_seeds() -> None:
    references = read_references()
    assert len(references.regions) >= 548
    assert {"SELESAI", "TERTUNDA"} < references.statuses
    assert {"MASUK", "RATING"} < references.event_types
    assert {"KESEHATAN", "KESEHATAN > PELAYANAN KESEHATAN"} < set(references.categories)
    assert "TINDAK_LANJUT > SELESAI_MANUAL" in references.transitions
    assert {"DISPOSISI > RESPON_AWAL", "RESPON_AWAL > TINDAK_LANJUT"} < references.transitions
    assert "MASUK > RATING" not in references.transitions
    assert references.scales["LAPOR-2020"] == (1, 4)
    assert references.regions["21.71"] == [(date(2019, 1, 1), None)]
    assert (SEEDS / "channels.csv").exists()


def test_a_bound_without_a_reason_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bounds.yml"
    file.write_text(BOUNDS_FILE.read_text().replace("reason: See survey_lowest_score.", "motto: none"))
    with pytest.raises(NotEvaluated, match="survey_highest_score"):
        read_bounds(file)
    file.write_text(BOUNDS_FILE.read_text() + "another: {value: 1, reason: none, since: 2021-06-01}\n")
    with pytest.raises(NotEvaluated, match="another"):
        read_bounds(file)


def test_the_readme_lists_the_rules_as_they_are() -> None:
    readme = (Path(quality.__file__).parent / "README.md").read_text()
    assert rule_table() in readme, "run: python -m quality rules, and paste it into quality/README.md"


def test_a_night_judges_what_has_arrived_for_earlier_nights(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    yesterday = NIGHT - timedelta(days=1)
    world.complaint(world.delivery(night=yesterday, agency="in time"), tracking_id="6000001")
    assert main(["--night", str(yesterday)]) == 0
    world.complaint(world.delivery(night=yesterday, agency="late"), tracking_id="6000002")
    world.complaint(world.delivery(agency="tonight"), tracking_id="6000003")
    assert unjudged_nights(NIGHT) == [yesterday]
    assert main(["--night", str(NIGHT)]) == 0
    assert world.verdict("late", night=yesterday) == "pass"
    assert world.verdict("tonight") == "pass"
    assert unjudged_nights(NIGHT) == []
    assert f"Night {yesterday}, attempt 2: PASSED" in capsys.readouterr().out
