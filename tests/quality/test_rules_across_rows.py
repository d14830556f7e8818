"""Rules that look at more than one row, at the shape of a text, or at the dates of a seed."""

import shutil
from datetime import timedelta
from pathlib import Path

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


def test_a_matter_told_twice_is_flagged_under_both_numbers(world: World) -> None:
    batam, bintan = world.delivery(), world.delivery(BINTAN)
    flagged = []
    for case, hours, values, is_flagged in (
        ("an hour later", 1, {}, True),
        ("a day earlier", -24, {}, True),
        ("two days later", 25, {}, False),
        ("another matter", 1, {"category_main": "AGAMA"}, False),
        ("another place", 1, {"kemendagri_code": "21.01"}, False),
        ("another reporter", 1, {"reporter_key": "somebody else"}, False),
        ("nobody knows who", 1, {"reporter_key": None, "is_anonymous": True}, False),
    ):
        first = world.complaint(batam, reporter_key=case)
        again: dict[str, object] = {"reporter_key": case, "received_at": RECEIVED + timedelta(hours=hours)}
        second = world.complaint(bintan, source_system="laporgub", **again | values)
        flagged += [first, second] if is_flagged else []
    gate(NIGHT)
    assert flags(world, "told_once") == flagged


def test_one_complaint_at_two_agencies_is_not_told_twice(world: World) -> None:
    for agency in (BATAM, BINTAN):
        world.complaint(world.delivery(agency), tracking_id="6000001", reporter_key="one reporter")
    gate(NIGHT)
    assert len(world.run("select 1 from raw.complaints")) == 2
    assert flags(world, "told_once") == []


def test_a_text_is_judged_by_its_shape(world: World) -> None:
    delivery = world.delivery()
    texts = (
        ("Jalan rusak", "Jalan di depan pasar berlubang sejak bulan lalu dan belum diperbaiki.", None),
        ("Lampu", "mati", "text_told"),
        (None, "Jalan ini berlubang", "text_told"),  # nineteen characters
        (None, "Jalan ini berlubang.", None),
        ("Street light", "The light in front of our house has been out for two weeks now.", "text_in_indonesian"),
        ("PERIHAL", "LAMPU JALAN MATI SEJAK SEMINGGU, MOHON SEGERA DITANGANI OLEH DINAS", None),
        (None, "Jl. Ahmad Yani No. 12, Batam Kota", None),  # too short to tell the language
    )
    expected = []
    for number, (title, body, broken) in enumerate(texts):
        row = world.complaint(delivery, tracking_id=f"690000{number}")
        world.run(
            "insert into restricted.complaint_texts"
            " (delivery_id, night, agency_code, source_system, tracking_id, title, body)"
            " values (%s, %s, %s, 'lapor', %s, %s, %s)",
            [delivery, NIGHT, BATAM, f"690000{number}", title, body],
        )
        expected += [(row, broken)] if broken else []
    gate(NIGHT)
    assert world.run("select row_id, rule_id from quality.row_flag order by row_id") == expected


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
