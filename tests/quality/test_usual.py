"""What is usual: the mix of states of an agency, and the nation's rows, nulls and mix."""

from collections.abc import Mapping
from datetime import date, timedelta

import pandas as pd
import pytest
from psycopg2.extras import Json

from quality.__main__ import HELD, PASSED, REFUSED, main
from quality.bounds import read_bounds
from quality.decisions import Delivery
from quality.gate import gate
from quality.usual import Metric, add_national_figures, add_status_mix, distance, shares
from tests.quality.world import BATAM, CUT_OFF, NIGHT, World

BOUNDS = read_bounds()
USUAL = {"status:SELESAI": 50, "status:DIPROSES": 30, "status:TERTUNDA": 20}


def nights(count: int, counts: Mapping[str, int] = USUAL, rows: int = 100) -> list[Metric]:
    return [Metric(NIGHT - timedelta(days=days), BATAM, "complaints", rows, counts) for days in range(1, count + 1)]


def mix(counts: Mapping[str, int], metrics: list[Metric]) -> float | None:
    frame = pd.DataFrame({"agency_code": [BATAM], "resource": ["complaints"], "counts": [pd.Series(counts).to_json()]})
    [found] = add_status_mix(frame, metrics, BOUNDS)["mix_distance"].tolist()
    return None if found is None or pd.isna(found) else float(found)


def national(
    rows: int, metrics: list[Metric], counts: Mapping[str, int], verdict: str = "pass", night: date = NIGHT
) -> list[float | None]:
    delivery = Delivery(
        1, BATAM, "complaints", 1, rows, rows, 0, None, None, False, dict(counts), verdict,  # type: ignore[arg-type]
    )  # fmt: skip
    frame = pd.DataFrame({"resource": ["complaints"]})
    judged = add_national_figures(frame, [delivery], metrics, night, BOUNDS).iloc[0]
    return [None if pd.isna(judged[name]) else round(float(judged[name]), 3) for name in judged.index[1:]]


def test_the_distance_of_two_mixes_is_half_their_differences() -> None:
    assert distance({"a": 0.5, "b": 0.5}, {"a": 0.25, "c": 0.75}) == 0.75
    assert distance({"a": 1.0}, {"a": 1.0}) == 0
    assert shares({"status:SELESAI": 3, "status:DIPROSES": 1, "class:PENGADUAN": 4}, "status") == {
        "status:SELESAI": 0.75,
        "status:DIPROSES": 0.25,
    }


def test_a_mix_is_measured_against_the_mean_of_the_nights_before() -> None:
    assert mix(USUAL, nights(7)) == 0
    assert mix({"status:SELESAI": 100}, nights(7)) == pytest.approx(0.5)
    assert mix({"status:DIARSIPKAN": 50}, nights(7)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("counts", "metrics"),
    [
        ({"status:DIARSIPKAN": 49}, nights(7)),
        ({"status:DIARSIPKAN": 50}, nights(6)),
        ({"status:DIARSIPKAN": 50}, nights(7, rows=9)),
        ({"class:PENGADUAN": 50}, nights(7)),
    ],
    ids=["too few rows", "too few nights", "too small nights", "nothing said"],
)
def test_a_mix_of_too_little_is_not_judged(counts: Mapping[str, int], metrics: list[Metric]) -> None:
    assert mix(counts, metrics) is None


def test_the_nation_is_measured_against_its_usual_night() -> None:
    counts = USUAL | {"without:category": 30, "class:PENGADUAN": 100}
    assert national(100, nights(7, counts), counts) == [1, 0, 0]
    assert national(301, nights(7, counts), counts)[0] == 3.01
    assert national(25, nights(7, counts), counts)[0] == 4
    rising = USUAL | {"without:category": 50, "class:PENGADUAN": 100}
    assert national(100, nights(7, counts), rising) == [1, 0, 0.2]
    other = USUAL | {"without:category": 30, "class:PENGADUAN": 60, "class:ASPIRASI": 40}
    assert national(100, nights(7, counts), other) == [1, 0.4, 0]


def test_a_nation_without_history_is_not_judged() -> None:
    assert national(100, nights(6), USUAL) == [None, None, None]
    assert national(100, nights(7, rows=99), USUAL) == [None, None, None]


def test_after_three_nights_out_three_nights_rows_are_usual() -> None:
    away = [Metric(one.night - timedelta(days=2), *(BATAM, "complaints", 100, USUAL)) for one in nights(7)]
    assert national(300, away, USUAL)[0] == 1


def test_weekdays_are_compared_with_their_like() -> None:
    weeks = [
        Metric(day, BATAM, "complaints", 400 if day.weekday() == NIGHT.weekday() else 100, USUAL)
        for day in (NIGHT - timedelta(days=days) for days in range(1, 22))
    ]
    assert national(400, weeks, USUAL)[0] == 1


def test_a_first_weekend_is_no_surprise() -> None:
    """June 2021: a week begun by the first load of 9,000 rows on Friday the 4th, 400 on working days, 90 at weekends."""
    rows = [9_000, 90, 90, 400, 400, 400, 400, 400]
    week = [Metric(date(2021, 6, day), BATAM, "complaints", count, USUAL) for day, count in enumerate(rows, start=4)]
    saturday = date(2021, 6, 12)
    assert national(90, week, USUAL, night=saturday)[0] == 1  # as the weekend before; of any day 4.4
    assert national(400, week, USUAL, night=saturday)[0] == 1  # as any day
    assert national(20, week, USUAL, night=saturday)[0] == 4.5
    assert national(2_000, week, USUAL, night=saturday)[0] == 5


def test_what_is_held_is_not_the_nations() -> None:
    assert national(5000, nights(7), USUAL, "held")[0] == 100


def judged_before(world: World, metric: Metric) -> None:
    """A delivery of an earlier night, as the gate left it."""
    world.delivery(metric.agency_code, night=metric.night, loaded_rows=metric.rows)
    world.run(
        "insert into quality.agency_verdict (night, agency_code, resource, attempt, verdict) values (%s, %s, %s, 1, 'pass')",
        [metric.night, metric.agency_code, metric.resource],
    )
    world.run(
        "insert into quality.agency_metric"
        " (night, agency_code, resource, received_rows, loaded_rows, bad_rows, counts) values (%s, %s, %s, %s, %s, 0, %s)",
        [metric.night, metric.agency_code, metric.resource, metric.rows, metric.rows, Json(metric.counts)],
    )


def broken_night_rules(world: World) -> set[str]:
    """Rules over the last judged night that were broken."""
    query = "select rule_id from quality.rule_history where suite = 'night' and broken_count > 0 and night = %s"
    return {rule_id for (rule_id,) in world.run(query, [NIGHT])}


def test_other_states_and_other_nulls_than_usual_are_flagged_and_let_in(world: World) -> None:
    for one in nights(7, {"status:SELESAI": 100, "class:PENGADUAN": 100, "channel:WEBSITE": 100}):
        judged_before(world, one)
    tonight = world.delivery()
    for _ in range(50):
        world.complaint(tonight, status="DIPROSES", completed_at=None, category_main=None, updated_at=CUT_OFF)
    assert gate(NIGHT).verdict == "passed"
    assert world.run("select rule_ids from quality.agency_verdict where night = %s", [NIGHT]) == [
        (["status_mix_usual"],)
    ]
    assert broken_night_rules(world) == {"national_nulls_usual", "national_mix_usual"}


def test_an_agency_that_was_not_asked_is_noticed(world: World) -> None:
    world.delivery()
    world.delivery("KOTA-31.71", state="expected")
    gate(NIGHT)
    assert broken_night_rules(world) == {"all_asked"}


def a_flood(world: World) -> None:
    """Ten agencies of twenty rows a night; tonight each brings three and a quarter times that, below its own bound."""
    for number in range(10):
        for days in range(1, 8):
            judged_before(world, Metric(NIGHT - timedelta(days=days), f"agency {number}", "complaints", 20, {}))
        world.delivery(f"agency {number}", loaded_rows=65)


def test_a_night_of_thrice_the_nations_rows_is_held_until_somebody_releases_it(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    a_flood(world)
    arguments = ["release", "--night", str(NIGHT), "--by", "Budi", "--note", "the portal was migrated"]
    assert main(arguments) == REFUSED  # not judged yet
    assert main(["--night", str(NIGHT)]) == HELD
    assert "national_volume_plausible" in capsys.readouterr().out
    assert main(arguments) == PASSED
    assert main(["--night", str(NIGHT)]) == PASSED
    assert world.run("select decision, decided_by, delivery from quality.decision_log") == [
        ("released", "Budi", f"night {NIGHT}: national_volume_plausible")
    ]
    assert main(arguments) == REFUSED  # it is not held any more


def test_a_released_night_is_held_again_by_another_rule(world: World) -> None:
    a_flood(world)
    gate(NIGHT)
    assert main(["release", "--night", str(NIGHT), "--by", "Budi", "--note", "migrated"]) == PASSED
    for number in range(30):
        world.delivery(f"failing {number}", state="failed")
    assert gate(NIGHT).verdict == "held"


def test_what_a_night_said_is_kept_for_the_nights_after(world: World) -> None:
    delivery = world.delivery()
    world.complaint(delivery)
    world.complaint(delivery, status="DIPROSES", category_main=None, channel=None)
    gate(NIGHT)
    [(counts,)] = world.run("select counts from quality.agency_metric")
    assert counts == {
        "status:SELESAI": 1, "status:DIPROSES": 1, "class:PENGADUAN": 2, "channel:WEBSITE": 1,
        "without:channel": 1, "without:category": 1,
    }  # fmt: skip
