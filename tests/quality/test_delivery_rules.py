"""Which deliveries are held, and when the whole night is: the agency-night frame and coverage."""

from collections.abc import Iterable
from datetime import timedelta

import pytest

from quality.gate import gate
from quality.suites import rules_by_suite
from tests.quality.world import BATAM, CUT_OFF, NIGHT, World

EARLIER = [NIGHT - timedelta(days=days) for days in range(1, 6)]
SPIKE = 151  # three times the floor of 50 rows, and one


def history(world: World, agency: str, rows: int, nights: Iterable[int] = range(5), **values: str) -> None:
    for number in nights:
        world.delivery(agency, night=EARLIER[number], loaded_rows=rows, **values)


CASES: list[tuple[str, str | None, list[str] | None]] = [
    ("3 bad of 12", "held", ["bad_row_share", "status_known"]),
    ("2 bad of 12", "pass_with_quarantine", ["status_known"]),
    ("8 bad of 9", "pass_with_quarantine", ["status_known"]),
    ("11 bad events of 50", "held", ["bad_event_share", "event_type_known"]),
    ("48 bad events of 49", "pass_with_quarantine", ["event_type_known"]),
    ("flood", "held", ["volume_plausible"]),
    ("busy night", "pass", []),
    ("large agency", "pass", []),
    ("first load", "pass", []),
    ("two nights known", "pass", []),
    ("back after two nights", "pass", []),
    ("half the usual", "pass", []),
    ("a third of the usual", "pass", ["volume_not_fallen"]),
    ("small and quiet", None, None),
    ("nothing of two hundred", "pass", ["volume_not_fallen"]),
    ("closed on this weekday", "held", ["volume_plausible"]),
    ("silent for long", "pass", ["silence_usual"]),
    ("silent as ever", None, None),
    ("no habit yet", None, None),
    ("a stale export", "pass", ["records_recent"]),
    ("a weekend's lag", "pass", []),
    ("first export", "pass", []),
    ("as stated", "pass", []),
    ("a page short", "held", ["rows_as_stated"]),
    ("same file", "held", ["content_new"]),
    ("new file", "pass", []),
    ("same answer", "pass", []),
    ("same yearly file", "pass", []),
    ("drifting", "pass", ["fields_known"]),
    ("lost a field", "pass", ["fields_present"]),
    ("numbers for texts", "pass", ["fields_of_one_kind"]),
    ("nothing new", "pass", []),
]


@pytest.fixture(scope="module")
def verdicts(shared_world: World) -> dict[str, tuple[str, list[str]]]:
    """Verdict and rules of each made-up agency, after one gate run."""
    world = shared_world
    for agency, bad, good in (("3 bad of 12", 3, 9), ("2 bad of 12", 2, 10), ("8 bad of 9", 8, 1)):
        delivery = world.delivery(agency)
        for _ in range(good):
            world.complaint(delivery)
        for _ in range(bad):
            world.complaint(delivery, status=None)
    for number, (agency, bad, of) in enumerate((("11 bad events of 50", 11, 50), ("48 bad events of 49", 48, 49))):
        delivery = world.delivery(agency)
        world.complaint(delivery, tracking_id=f"600000{number}")
        for event in range(of):
            world.row("complaint_events", delivery, event_type=None if event < bad else "MASUK")

    history(world, "flood", rows=10)
    world.delivery("flood", loaded_rows=SPIKE)
    history(world, "busy night", rows=10)
    world.delivery("busy night", loaded_rows=SPIKE - 1)
    history(world, "large agency", rows=200)
    world.delivery("large agency", loaded_rows=600)
    world.delivery("first load", loaded_rows=100_000)
    history(world, "two nights known", rows=10, nights=range(2))
    world.delivery("two nights known", loaded_rows=1000)
    history(world, "back after two nights", rows=10, nights=range(2, 5))
    world.delivery("back after two nights", loaded_rows=3 * (SPIKE - 1))

    history(world, "half the usual", rows=200)
    world.delivery("half the usual", loaded_rows=67)
    history(world, "a third of the usual", rows=200)
    world.delivery("a third of the usual", loaded_rows=66)
    history(world, "small and quiet", rows=49)
    world.delivery("small and quiet", state="empty")
    history(world, "nothing of two hundred", rows=200)
    world.delivery("nothing of two hundred", state="empty")
    sundays = [NIGHT - timedelta(days=7 * weeks) for weeks in (1, 2, 3)]
    for night in (NIGHT - timedelta(days=days) for days in range(1, 22)):
        world.delivery("closed on this weekday", night=night, loaded_rows=2 if night in sundays else 300)
    world.delivery("closed on this weekday", loaded_rows=SPIKE)
    for agency, waits, present in (("silent for long", [3, 8, 2, 5], 17), ("silent as ever", [3, 8, 2, 5], 16),
                                   ("no habit yet", [3, 8, 2], 40)):  # fmt: skip
        days = present
        for wait in (*waits, 0):
            world.delivery(agency, night=NIGHT - timedelta(days=days), loaded_rows=1)
            days += wait
        world.delivery(agency, state="empty")
    for agency, hours, known in (
        ("a stale export", 73, True),
        ("a weekend's lag", 72, True),
        ("first export", 73, False),
    ):
        if known:
            history(world, agency, rows=1, nights=[0])
        moment = CUT_OFF - timedelta(hours=hours)
        world.complaint(world.delivery(agency), received_at=moment, completed_at=moment, updated_at=moment)

    world.delivery("as stated", loaded_rows=7, stated_total=7)
    world.delivery("a page short", loaded_rows=7, stated_total=8)
    for agency, connector, frequency, sha256 in (
        ("same file", "tabular", "nightly", "a"),
        ("new file", "tabular", "nightly", "new"),
        ("same answer", "rest", "nightly", "a"),
        ("same yearly file", "tabular", "irregular", "a"),
    ):
        history(world, agency, rows=5, nights=[3], connector=connector, frequency=frequency, content_sha256="a")
        world.delivery(agency, loaded_rows=5, connector=connector, frequency=frequency, content_sha256=sha256)
    world.delivery("drifting", loaded_rows=5, unknown_fields=["prioritas"])
    world.delivery("lost a field", loaded_rows=25, missing_fields=["kategori"])
    world.delivery("numbers for texts", loaded_rows=5, retyped_fields=["nomor", "status"])
    world.delivery("nothing new", loaded_rows=0, received_rows=0)
    gate(NIGHT)
    rows = world.run("select agency_code, verdict, rule_ids from quality.agency_verdict where night = %s", [NIGHT])
    return {agency: (verdict, rule_ids) for agency, verdict, rule_ids in rows}


@pytest.mark.parametrize(
    ("agency", "verdict", "rule_ids"),
    CASES,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_delivery_gets_the_verdict_it_deserves(
    verdicts: dict[str, tuple[str, list[str]]], agency: str, verdict: str | None, rule_ids: list[str] | None
) -> None:
    """None: a delivery without rows that broke no rule has no verdict, for there is nothing to let in."""
    assert verdicts.get(agency) == (None if verdict is None else (verdict, rule_ids))


def test_every_delivery_rule_has_a_delivery_that_breaks_it() -> None:
    rules = {rule.rule_id for rule in rules_by_suite()["deliveries"]}
    # What needs a week of nights has a test in test_usual.py.
    assert rules - {rule_id for _, _, rule_ids in CASES for rule_id in rule_ids or []} == {"status_mix_usual"}


def test_a_flood_that_was_held_does_not_become_the_new_normal(world: World) -> None:
    nights = [NIGHT - timedelta(days=days) for days in range(1, 10)]
    for number, night in enumerate(nights):
        flooded = number < 5
        world.delivery(BATAM, night=night, loaded_rows=1000 if flooded else 10)
        if flooded:
            world.run(
                "insert into quality.agency_verdict (night, agency_code, resource, attempt, verdict)"
                " values (%s, %s, 'complaints', 1, 'held')",
                [night, BATAM],
            )
    # The last night that was let in is six nights ago, so six nights' worth may come at once.
    world.delivery(BATAM, loaded_rows=6 * (SPIKE - 1) + 1)
    gate(NIGHT)
    assert world.run("select trailing_median from quality.agency_metric") == [(10,)]
    assert world.verdict() == "held"


@pytest.mark.parametrize(
    ("delivered", "failed", "not_asked", "verdict"),
    [
        (10, 10, 0, "passed"),
        (9, 11, 0, "held"),
        (9, 10, 0, "passed"),  # nineteen asked: too few to speak for the nation
        (20, 0, 600, "passed"),  # a rerun of a few agencies
    ],
    ids=["half answered", "fewer than half", "few were asked", "most were not asked"],
)
def test_a_night_without_half_the_agencies_is_held(
    world: World, delivered: int, failed: int, not_asked: int, verdict: str
) -> None:
    for state, count in (("received", delivered), ("failed", failed), ("expected", not_asked)):
        for number in range(count):
            world.delivery(f"{state} {number}", state=state)
    assert gate(NIGHT).verdict == verdict
    assert len(world.run("select 1 from quality.agency_verdict")) == delivered
