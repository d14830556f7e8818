"""Rules that look at more than one row, at the shape of a text, or at the dates of a seed."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from quality.gate import gate
from quality.references import SEEDS
from tests.quality.world import BATAM, GOOD, NIGHT, World

RECEIVED = GOOD["complaints"]["received_at"]
BINTAN = "KAB-21.01"


def flags(world: World, rule_id: str) -> list[int]:
    """The rows flagged by a rule, in order."""
    query = "select row_id from quality.row_flag where rule_id = %s order by row_id"
    return [row_id for (row_id,) in world.run(query, [rule_id])]


def test_agencies_that_tell_one_complaint_a_day_apart_are_flagged(world: World) -> None:
    batam, bintan = world.delivery(), world.delivery(BINTAN)
    rows = []
    for number, hours in ((6000001, 24), (6000002, 25)):
        rows.append(world.complaint(batam, tracking_id=str(number)))
        rows.append(world.complaint(bintan, tracking_id=str(number), received_at=RECEIVED + timedelta(hours=hours)))
    gate(NIGHT)
    assert flags(world, "told_alike") == rows[2:]


@pytest.mark.parametrize(
    ("hours", "values", "is_flagged"),
    [
        (1, {}, True),
        (-24, {}, True),
        (25, {}, False),
        (1, {"category_main": "AGAMA"}, False),
        (1, {"kemendagri_code": "21.01"}, False),
        (1, {"reporter_key": "somebody else"}, False),
        (1, {"reporter_key": None, "is_anonymous": True}, False),
    ],
    ids=["an hour later", "a day earlier", "two days later", "another matter", "another place", "another reporter",
         "nobody knows who"],
)  # fmt: skip
def test_a_matter_told_twice_is_flagged_under_both_numbers(
    world: World, hours: int, values: dict[str, object], is_flagged: bool
) -> None:
    first = world.complaint(world.delivery(), reporter_key="one reporter")
    told_again = {"reporter_key": "one reporter", "received_at": RECEIVED + timedelta(hours=hours)} | values
    second = world.complaint(world.delivery(BINTAN), source_system="laporgub", **told_again)
    gate(NIGHT)
    assert flags(world, "told_once") == ([first, second] if is_flagged else [])


def test_one_complaint_at_two_agencies_is_not_told_twice(world: World) -> None:
    for agency in (BATAM, BINTAN):
        world.complaint(world.delivery(agency), tracking_id="6000001", reporter_key="one reporter")
    gate(NIGHT)
    assert len(world.run("select 1 from raw.complaints")) == 2
    assert flags(world, "told_once") == []


@pytest.mark.parametrize(
    ("title", "body", "broken"),
    [
        ("Jalan rusak", "Jalan di depan pasar berlubang sejak bulan lalu dan belum diperbaiki.", set()),
        ("Lampu", "mati", {"text_told"}),
        (None, "Jalan ini berlubang", {"text_told"}),
        (None, "Jalan ini berlubang.", set()),
        ("Street light", "The light in front of our house has been out for two weeks now.", {"text_in_indonesian"}),
        ("PRIHAL", "LAMPU JALAN MATI SEJAK SEMINGGU, MOHON SEGERA DITANGANI OLEH DINAS", set()),
        (None, "Jl. Ahmad Yani No. 12, Batam Kota", set()),  # too short to tell the language
    ],
    ids=["a complaint", "two words", "nineteen characters", "twenty characters", "English", "capitals", "an address"],
)
def test_a_text_is_judged_by_its_shape(world: World, title: str | None, body: str, broken: set[str]) -> None:
    world.run("update raw.agencies set time_zone = 'Asia/Jakarta'")
    delivery = world.delivery()
    world.complaint(delivery, tracking_id="6000001")
    world.run(
        "insert into restricted.complaint_texts (delivery_id, night, agency_code, source_system, tracking_id, title, body)"
        " values (%s, %s, %s, 'lapor', '6000001', %s, %s)",
        [delivery, NIGHT, BATAM, title, body],
    )
    gate(NIGHT)
    assert {rule_id for (rule_id,) in world.run("select rule_id from quality.row_flag")} == broken


def test_texts_of_other_countries_are_not_judged(world: World) -> None:
    delivery = world.delivery()
    world.complaint(delivery, tracking_id="6000001")
    world.run("update raw.agencies set time_zone = 'America/New_York'")
    world.run(
        "insert into restricted.complaint_texts (delivery_id, night, agency_code, source_system, tracking_id, body)"
        " values (%s, %s, %s, 'lapor', '6000001', 'Noise')",
        [delivery, NIGHT, BATAM],
    )
    gate(NIGHT)
    assert world.run("select text_length from raw.complaint_text_shapes") == [(5,)]
    assert world.run("select 1 from quality.row_flag") == []


def test_closing_twenty_within_minutes_is_flagged(world: World) -> None:
    hurried, busy = world.delivery(), world.delivery(BINTAN)
    closed = GOOD["complaints"]["completed_at"]
    together = [
        world.row(
            "complaint_events",
            hurried,
            event_type="SELESAI_MANUAL",
            occurred_at=closed + timedelta(seconds=15 * number),
        )
        for number in range(20)
    ]
    world.row("complaint_events", hurried, event_type="SELESAI_MANUAL", occurred_at=closed + timedelta(hours=1))
    for number in range(20):
        values = {"event_type": "SELESAI_MANUAL", "occurred_at": closed + timedelta(seconds=15 * number)}
        if number == 0:
            values["event_type"] = "SELESAI_OTOMATIS"  # closing by itself is nobody's hurry
        world.row("complaint_events", busy, **values)
    gate(NIGHT)
    assert flags(world, "mass_closing") == together


def test_a_step_is_measured_against_the_log_of_earlier_nights(world: World) -> None:
    before = world.delivery(night=NIGHT - timedelta(days=1))
    world.row("complaint_events", before, tracking_id="6000001", event_seq=1)
    tonight = world.delivery()
    impossible = world.row("complaint_events", tonight, tracking_id="6000001", event_seq=2, event_type="RATING")
    world.row("complaint_events", tonight, tracking_id="6000002", event_seq=2, event_type="RATING")  # nothing before it
    gate(NIGHT)
    assert flags(world, "transition_allowed") == [impossible]


def test_a_category_counts_only_while_it_is_in_use(world: World, tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    shutil.copytree(SEEDS, seeds)
    with (seeds / "categories.csv").open("a", encoding="utf-8") as file:
        file.write("MUDIK,,Lain,2021-06-11,2021-06-12,a campaign of one day\n")
    delivery = world.delivery()
    days = {name: world.complaint(delivery, category_main="MUDIK", received_at=RECEIVED + timedelta(days=offset))
            for name, offset in (("before", -1), ("that day", 0), ("after", 1))}  # fmt: skip
    gate(NIGHT, seeds)
    assert flags(world, "category_in_force") == [days["before"], days["after"]]
    assert flags(world, "category_known") == []
