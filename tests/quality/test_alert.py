"""One message a night: it rings for what is new or out of the usual, and stays short however bad the night is."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from quality.alert import LINES_AT_MOST, Alert, compose_alert, store_alert
from quality.bounds import read_bounds
from quality.errors import NotEvaluated
from quality.gate import gate
from tests.quality.world import BATAM, NIGHT, World

MARK = "Siti Rahmawati"


def judged(
    world: World, night: date, broken: dict[str, int], verdict: str = "passed", suite: str = "complaints"
) -> None:
    """A night as the gate leaves it behind: its runs, and of every rule how many of 1,000 rows broke it."""
    world.delivery(f"asked {suite}", night=night)
    for name, decided in ((suite, "passed"), ("night", verdict)):
        world.run(
            "insert into quality.validation_run"
            " (night, attempt, resource, suite_hash, row_count, verdict, started_at, finished_at)"
            " values (%s, 1, %s, '', 1000, %s, now(), now()) on conflict (night, attempt, resource)"
            " do update set verdict = excluded.verdict",
            [night, name, decided],
        )
    for rule_id, count in broken.items():
        world.run(
            "insert into quality.expectation_result select run_id, %s, 'critical', 1000, %s from quality.validation_run"
            " where night = %s and resource = %s",
            [rule_id, count, night, suite],
        )


def history(world: World, *broken: dict[str, int]) -> None:
    """Nights one after another, the last of them NIGHT."""
    for number, rules in enumerate(broken):
        judged(world, NIGHT - timedelta(days=len(broken) - 1 - number), rules)


def hold(world: World, agency: str, night: date = NIGHT, rule: str = "rows_as_stated") -> None:
    world.delivery(agency, night=night)
    world.run(
        "insert into quality.agency_verdict (night, agency_code, resource, attempt, verdict, rule_ids)"
        " values (%s, %s, 'complaints', 1, 'held', %s)",
        [night, agency, [rule]],
    )


def test_a_night_like_the_others_says_so_in_one_line(world: World) -> None:
    history(world, *[{"status_known": 40, "region_known": 12}] * 5)
    alert = compose_alert(NIGHT)
    assert (alert.level, alert.lines) == ("quiet", ())
    assert "nothing is out of the usual" in alert.headline
    assert str(alert) == f"QUIET {NIGHT}: {alert.headline}"


def test_a_rule_far_above_its_own_usual_is_worth_a_look(world: World) -> None:
    history(
        world,
        *[{"status_known": usual, "region_known": 300} for usual in (20, 22, 24, 26)],
        {"status_known": 80, "region_known": 310},
    )
    alert = compose_alert(NIGHT)
    assert (alert.level, alert.headline) == ("look", "1 rule broken far above usual")
    [line] = alert.lines
    assert line.startswith("status_known breaks far above usual: 80 of 1,000 (usually 23). data engineer: Add the")


@pytest.mark.parametrize(
    ("past", "tonight", "level"),
    [
        ([0, 0, 0], 10, "quiet"),
        ([0, 0, 0], 11, "look"),
        ([100, 100, 100], 300, "quiet"),
        ([100, 100, 100], 301, "look"),
        ([0, 0], 500, "quiet"),
        ([500] + [10] * 28, 31, "look"),
    ],
    ids=[
        "at the floor",
        "above the floor",
        "at three times",
        "above three times",
        "no usual yet",
        "older nights do not count",
    ],
)
def test_from_where_on_a_rule_is_unusual(world: World, past: list[int], tonight: int, level: str) -> None:
    history(world, *[{"status_known": count} for count in [*past, tonight]])
    assert compose_alert(NIGHT).level == level


def test_thresholds_can_be_set(world: World) -> None:
    history(world, *[{"status_known": 4}] * 3, {"status_known": 9})
    assert compose_alert(NIGHT).level == "quiet"
    assert compose_alert(NIGHT, replace(read_bounds(), unusual_floor_rows=5, unusual_factor=2)).level == "look"
    hold(world, "KOTA-31.71")
    assert compose_alert(NIGHT, replace(read_bounds(), newly_held_min_deliveries=1)).level == "act"


def test_a_rule_rings_on_its_seventh_red_night_and_not_on_the_eighth(world: World) -> None:
    history(world, *[{"status_known": 5}] * 7)
    alert = compose_alert(NIGHT)
    assert (alert.level, alert.headline) == ("look", "1 rule red for the 7th night")
    assert alert.lines[-1] == "Red for 7 nights or more, mend the source or the rule: status_known (7)"
    judged(world, NIGHT + timedelta(days=1), {"status_known": 5})
    assert compose_alert(NIGHT + timedelta(days=1)).level == "quiet"


def test_a_white_night_between_starts_the_week_anew(world: World) -> None:
    history(world, *[{"status_known": 5}] * 3, {"status_known": 0}, *[{"status_known": 5}] * 3)
    assert compose_alert(NIGHT).level == "quiet"


def test_what_becomes_held_rings_and_what_stays_held_does_not(world: World) -> None:
    judged(world, NIGHT - timedelta(days=1), {"rows_as_stated": 1}, suite="deliveries")
    judged(world, NIGHT, {"rows_as_stated": 7}, suite="deliveries")
    for number in range(6):
        hold(world, f"KOTA-{number}")
    hold(world, BATAM, NIGHT - timedelta(days=1))
    hold(world, BATAM)
    alert = compose_alert(NIGHT)
    assert (alert.level, alert.headline) == ("act", "6 deliveries newly held, 7 in all")
    [line] = alert.lines
    assert "rows_as_stated newly holds 6 deliveries (usually 1 held): KOTA-0 complaints, KOTA-1 complaints" in line
    assert f"python -m quality release --night {NIGHT} --agency A" in line
    assert BATAM not in line

    tomorrow = NIGHT + timedelta(days=1)
    judged(world, tomorrow, {"rows_as_stated": 7}, suite="deliveries")
    for agency in [f"KOTA-{number}" for number in range(6)] + [BATAM]:
        hold(world, agency, tomorrow)
    alert = compose_alert(tomorrow)
    assert alert.level == "quiet"
    assert "7 held (0 newly)" in alert.headline


def test_a_held_night_asks_to_act(world: World) -> None:
    for number in range(20):
        world.delivery(f"agency {number}", state="received" if number < 9 else "failed")
    gate(NIGHT)
    alert = compose_alert(NIGHT)
    assert (alert.level, alert.headline) == ("act", "HELD by coverage: it is not published")
    assert alert.lines[0].startswith("coverage holds the night: 1 of 1 (no usual yet). data engineer: See reason in")


def test_a_night_released_by_name_rings_no_more(world: World) -> None:
    judged(world, NIGHT, {"coverage": 1}, verdict="held", suite="night")
    assert compose_alert(NIGHT).level == "act"
    world.run("insert into quality.night_release values (%s, array['coverage'], 'Budi', 'a holiday')", [NIGHT])
    assert compose_alert(NIGHT).level == "quiet"


def test_a_night_that_was_not_judged_asks_to_act_with_the_reason(world: World) -> None:
    world.delivery()
    alert = compose_alert(NIGHT)
    assert (alert.level, alert.lines) == (
        "act",
        (f"The gate has not judged it. Run: python -m quality --night {NIGHT}",),
    )
    world.run(
        "insert into quality.validation_run (night, attempt, resource, suite_hash, row_count, verdict, detail, started_at, finished_at)"
        " values (%s, 1, 'night', '', 0, 'error', 'quality/sql/complaints.sql could not be read', now(), now())",
        [NIGHT],
    )
    alert = compose_alert(NIGHT)
    assert (alert.level, alert.headline) == ("act", "NOT EVALUATED: nothing of the night is released")
    assert alert.lines[0] == "quality/sql/complaints.sql could not be read"


def test_a_failed_attempt_after_a_good_one_says_that_the_good_one_stands(world: World) -> None:
    judged(world, NIGHT, {"status_known": 1})
    world.run(
        "insert into quality.validation_run (night, attempt, resource, suite_hash, row_count, verdict, detail, started_at, finished_at)"
        " values (%s, 2, 'night', '', 0, 'error', 'gone', now(), now())",
        [NIGHT],
    )
    alert = compose_alert(NIGHT)
    assert (alert.level, alert.headline) == ("act", "NOT EVALUATED in attempt 2")
    assert "The decisions of attempt 1 stand" in alert.lines[1]


def test_the_worst_night_still_fits_on_a_screen(world: World) -> None:
    rules = [f"rule_{number:02}" for number in range(40)]
    history(world, *[dict.fromkeys(rules, 1)] * 7, dict.fromkeys(rules, 900))
    for number in range(30):
        hold(world, f"KOTA-{number:02}", rule="volume_plausible")
    alert = compose_alert(NIGHT)
    assert alert.level == "act"
    assert len(alert.lines) == LINES_AT_MOST
    assert "KOTA-09 complaints and 20 more" in alert.lines[0]
    assert alert.lines[-2] == f"and 28 more: python -m quality show --night {NIGHT}"
    assert alert.lines[-1].endswith("rule_09 (8) and 30 more")


def test_the_agency_behind_a_rule_is_named_and_nobodys_words(world: World) -> None:
    history(world, *[{"status_known": 0}] * 4)
    for agency, count in ((BATAM, 15), ("KOTA-31.71", 3)):
        delivery = world.delivery(agency, resource="complaints")
        for _ in range(count):
            world.complaint(delivery, status=None, unit_name=MARK, _problems=[f"status: '{MARK}' is not a word"])
    gate(NIGHT)
    alert = compose_alert(NIGHT)
    assert any(
        "status_known breaks far above usual: 18 of 18 (usually 0; most from KOTA-21.71: 15)" in line
        for line in alert.lines
    )
    assert MARK not in str(alert)


def test_the_alert_of_a_night_is_one_row_that_is_replaced(world: World) -> None:
    history(world, *[{"status_known": 5}] * 3)
    assert store_alert(NIGHT).level == "quiet"
    hold(world, BATAM)
    alert = store_alert(NIGHT, replace(read_bounds(), newly_held_min_deliveries=1))
    rows = world.run("select night, level, headline, lines from quality.night_alert")
    assert [Alert(*row[:3], tuple(row[3])) for row in rows] == [alert]
    assert alert.level == "act"


def test_a_night_nobody_opened_has_no_alert(world: World) -> None:
    with pytest.raises(NotEvaluated, match="extract open"):
        store_alert(NIGHT)
    assert world.run("select 1 from quality.night_alert") == []
