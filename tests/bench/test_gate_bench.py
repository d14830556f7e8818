"""The bench of the gate: what it calls caught, missed and wrong, and SQL that judges as Great Expectations does."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from psycopg2.extensions import connection as Connection

from bench.gate import accuracy, cost
from bench.gate.accuracy import Accuracy
from bench.gate.compare import KINDS, Comparison, Dirt, Finding, Tally, compare
from bench.gate.cost import Measured, Size
from bench.gate.fill import AGENCIES, zipf
from bench.gate.one_pass import breaks
from quality.rules import Expectation, at_least, at_most, in_set, is_true, not_null, unique
from simulator.dirt import Defect, Quirk

FIRST, LAST = date(2021, 6, 29), date(2021, 6, 30)
NOON = datetime(2021, 6, 1, 12, tzinfo=UTC)
DRAWN = {kind.name: 9 for kind in KINDS}


def dirt(kind: str, tracking_id: str = "1", night: date = FIRST, agency: str = "A") -> Dirt:
    return Dirt(agency, tracking_id, kind, night, NOON)


def out(rule: str, tracking_id: str | None = "1", night: date = FIRST, agency: str = "A", **more: Any) -> Finding:
    return Finding(night, agency, tracking_id, more.get("received_at", NOON), [rule], more.get("kept_out", True))


def flag(rule: str, tracking_id: str | None = "1", **more: Any) -> Finding:
    return out(rule, tracking_id, kept_out=False, **more)


def judged(truth: list[Dirt], findings: list[Finding], **rows: int) -> Comparison:
    """Compare; each keyword is a tracking id of agency A and how many rows it has."""
    named = {("A", name.removeprefix("n")): count for name, count in rows.items()}
    return compare(truth, DRAWN, findings, named)


def tally(comparison: Comparison, kind: str) -> Tally:
    return next(one for one in comparison.tallies if one.kind.name == kind)


def test_every_kind_of_the_simulator_is_looked_at() -> None:
    kinds = {kind.name.lower() for kind in (*Defect, *Quirk) if kind.name != "NONE"}
    assert {kind.name for kind in KINDS} == kinds


@pytest.mark.parametrize(
    ("finding", "caught"),
    [
        pytest.param(out("status_known"), 1, id="kept out by its rule"),
        pytest.param(out("dates_readable"), 0, id="kept out by another rule"),
        pytest.param(flag("status_known"), 0, id="only flagged"),
        pytest.param(out("status_known", night=LAST), 0, id="a night too late"),
        pytest.param(out("status_known", "2"), 0, id="another complaint"),
        pytest.param(out("status_known", agency="B"), 0, id="the same number at another agency"),
    ],
)
def test_a_defect_is_caught_when_its_rule_keeps_it_out_on_the_night_it_shows(finding: Finding, caught: int) -> None:
    one = tally(judged([dirt("unknown_status")], [finding]), "unknown_status")
    assert (one.drawn, one.visible, one.caught, one.missed) == (9, 1, caught, 1 - caught)


@pytest.mark.parametrize("finding", [flag("text_told"), out("text_told")])
def test_an_oddity_is_caught_when_it_is_flagged_or_kept_out_with_its_rule_named(finding: Finding) -> None:
    assert tally(judged([dirt("short_text")], [finding]), "short_text").caught == 1


def test_a_row_without_an_id_is_known_by_its_time_of_receipt() -> None:
    truth = [dirt("missing_id", "1"), dirt("missing_id", "2", night=LAST)]
    findings = [out("key_present", None), out("key_present", None, received_at=None, night=LAST)]
    one = tally(judged(truth, findings), "missing_id")
    assert (one.caught, one.missed) == (1, 1)


def test_of_rows_that_could_not_be_taken_apart_no_more_are_caught_than_there_are() -> None:
    truth = [dirt("ragged_row", number) for number in ("1", "2")] + [dirt("ragged_row", agency="B")]
    ragged = out("row_whole", None, received_at=None)
    assert tally(judged(truth, [ragged] * 3), "ragged_row").caught == 2
    assert tally(judged(truth, [ragged]), "ragged_row").caught == 1
    assert tally(judged(truth, [ragged] * 3), "ragged_row").false == 0


def test_a_rule_is_false_where_the_record_is_not_of_its_kind_whatever_the_night() -> None:
    truth = [dirt("unknown_status"), dirt("unknown_status", "2"), dirt("duplicate", "3")]
    findings = [out("status_known", number, night=LAST) for number in ("1", "2", "3")]
    assert tally(judged(truth, findings), "unknown_status").false == 1


def test_a_record_with_a_defect_is_judged_by_it_alone() -> None:
    truth = [dirt("unknown_status"), dirt("mass_closing"), dirt("mass_closing", "2"), dirt("duplicate")]
    result = judged(truth, [out("status_known"), flag("mass_closing"), flag("mass_closing", "2")])
    closing = tally(result, "mass_closing")
    assert (closing.visible, closing.caught, closing.false) == (1, 1, 0)
    assert [(one.visible, one.kept_out) for one in result.let_in if one.kind.name == "duplicate"] == [(0, 0)]


def test_what_must_be_let_in_and_was_not_is_counted() -> None:
    result = judged([dirt("duplicate"), dirt("number_id", "2")], [out("channel_known"), flag("region_known", "2")])
    assert {one.kind.name: one.kept_out for one in result.let_in if one.visible} == {"duplicate": 1, "number_id": 0}


def test_good_rows_are_those_of_records_without_a_defect() -> None:
    truth = [dirt("unknown_status"), dirt("short_text", "2")]
    findings = [out("status_known"), out("class_known", "3"), flag("text_told", "2"), flag("category_known", "2")]
    result = judged(truth, findings, n1=5, n2=4, n3=1)
    assert (result.good_rows, result.good_kept_out, result.good_flagged) == (5, 1, 1)
    assert (dict(result.kept_out_by), dict(result.flagged_by)) == ({"class_known": 1}, {"category_known": 1})
    assert result.wrongly_kept_out_share == 0.2


def test_a_row_without_an_id_is_good_only_where_no_defect_takes_ids_away() -> None:
    nameless = [out("event_key_present", None), out("event_key_present", None, agency="B")]
    result = compare([dirt("missing_id")], DRAWN, nameless, {("A", None): 3, ("B", None): 2})
    assert (result.good_rows, result.good_kept_out) == (2, 1)


def test_shares_are_of_what_is_visible() -> None:
    truth = [dirt("unknown_status", str(number)) for number in range(3)] + [dirt("wrong_region", "9")]
    result = judged(truth, [out("status_known", "0"), flag("region_known", "9")])
    assert result.caught_share(defects=True) == pytest.approx(1 / 3)
    assert result.caught_share(defects=False) == 1
    assert result.caught_share() == pytest.approx(1 / 2)
    assert judged([], []).caught_share() == 0, "nothing to catch proves nothing"
    assert judged([], []).wrongly_kept_out_share == 1


def test_the_report_says_which_bar_is_held() -> None:
    result = judged([dirt("unknown_status")], [out("status_known")], n2=10)
    words = accuracy.report(Accuracy(result, 0, [("A", "complaints", ["bad_row_share"])], "A"))
    assert "held   all caught: 100.00% (bar 99%)" in words
    assert "held   deliveries of good agencies held: 0" in words
    assert "MISSED" not in words.replace("MISSED oddities flagged: 0.00%", "")
    missed = accuracy.report(Accuracy(judged([dirt("unknown_status")], [], n2=10), 0, [("B", "complaints", [])], "A"))
    assert "MISSED all caught: 0.00%" in missed
    assert "MISSED deliveries of good agencies held: 1" in missed


COLUMNS = {"number", "yes", "word", "key", "other"}


@pytest.mark.parametrize(
    ("expectation", "broken"),
    [
        pytest.param(in_set("word", ["a", "it's"]), [False, False, True, False], id="in set, null not judged"),
        pytest.param(is_true("yes"), [False, True, False, False], id="is true"),
        pytest.param(at_least("number", 2), [True, False, False, False], id="at least"),
        pytest.param(at_least("number", 2, strictly=True), [True, True, False, False], id="above"),
        pytest.param(at_most("number", 2), [False, False, True, False], id="at most"),
        pytest.param(not_null("word"), [False, False, False, True], id="not null"),
    ],
)
def test_a_rule_is_said_in_sql(warehouse: Connection, expectation: Expectation, broken: list[bool]) -> None:
    condition = breaks(expectation, COLUMNS)
    assert condition is not None
    with warehouse.cursor() as cursor:
        cursor.execute(
            f"select coalesce({condition.as_string(warehouse)}, false) from (values (1, true, 'a'), (2, false, 'it''s'), (3, true, 'b'),"
            " (null, null, null)) as row (number, yes, word)"
        )
        assert [row[0] for row in cursor.fetchall()] == broken


@pytest.mark.parametrize(
    "expectation",
    [
        is_true("computed_in_python"),
        unique("key", "computed_in_python"),
        Expectation("ExpectColumnValuesToMatchRegex", {"column": "word", "regex": "a"}),
        Expectation("ExpectColumnValuesToNotBeNull", {"column": "word", "row_condition": "yes"}),
    ],
)
def test_what_sql_cannot_say_is_not_guessed(expectation: Expectation) -> None:
    assert breaks(expectation, COLUMNS) is None


def test_the_agencies_share_all_rows_and_none_goes_without() -> None:
    sizes = zipf(100_000)
    assert (len(sizes), sum(sizes), min(sizes)) == (AGENCIES, 100_000, 21)
    assert sizes[0] > 10_000


def test_the_gate_and_one_pass_find_the_same() -> None:
    (small,) = cost.measure_all([Size(2_000, 5)])
    assert small.gate.client_cpu_seconds > 1
    assert small.gate.peak_megabytes > 100
    assert small.one_pass_cpu_seconds > 0
    assert small.judged_in_sql > 25


def test_the_cost_report_names_what_is_not_in_sql() -> None:
    gate = cost.Cost(9.0, 9.0, 30.0, 1.0, 400.0)
    words = cost.report([Measured(Size(100_000), gate, 2.0, 30, ["region_in_force"])])
    assert "not in SQL: region_in_force" in words
    assert "MISSED 100,000 complaints: 31.0 CPU s" in words
    assert "held   100,000 complaints: 400.0 MB" in words
