"""The life of a bad row and of a held delivery: seen, seen again, fixed, decided by someone."""

from datetime import timedelta
from typing import Any

import pytest

from quality.gate import gate
from quality.release import release
from tests.quality.world import BATAM, NIGHT, World

FIRST = NIGHT - timedelta(days=1)
BAD: dict[str, Any] = {"tracking_id": "7000001", "status": None}
FIXED = BAD | {"status": "SELESAI"}


def test_a_corrected_version_clears_the_quarantine(world: World) -> None:
    bad = world.complaint(world.delivery(night=FIRST), **BAD)
    gate(FIRST)
    assert world.quarantine() == [(bad, "open", 1)]
    world.complaint(world.delivery(), **FIXED)
    gate(NIGHT)
    assert world.quarantine() == [(bad, "superseded", 1)]
    gate(FIRST)
    assert world.quarantine() == [(bad, "superseded", 1)]


@pytest.mark.parametrize(
    ("table", "key", "bad"),
    [
        ("complaint_events", {"tracking_id": "7000001", "event_seq": 3}, {"event_type": None}),
        ("survey_responses", {"respondent_key": "r1"}, {"sampling_weight": 0}),
        ("recaps", {}, {"completed_count": -1}),
    ],
    ids=["event", "survey answer", "recap"],
)
def test_every_kind_of_row_is_cleared_by_its_correction(
    world: World, table: str, key: dict[str, Any], bad: dict[str, Any]
) -> None:
    resource = {"survey_responses": "surveys", "recaps": "recaps"}.get(table, "complaints")
    row = world.row(table, world.delivery(resource=resource, night=FIRST), **key, **bad)
    gate(FIRST)
    world.row(table, world.delivery(resource=resource), **key)
    gate(NIGHT)
    assert world.quarantine() == [(row, "superseded", 1)]


def test_another_agencys_version_clears_nothing(world: World) -> None:
    bad = world.complaint(world.delivery(night=FIRST), **BAD)
    gate(FIRST)
    world.complaint(world.delivery("KOTA-31.71"), **FIXED)
    gate(NIGHT)
    gate(FIRST)
    assert world.quarantine() == [(bad, "open", 1)]


def test_an_earlier_good_version_clears_nothing(world: World) -> None:
    world.complaint(world.delivery(night=FIRST), **FIXED)
    gate(FIRST)
    bad = world.complaint(world.delivery(), **BAD)
    gate(NIGHT)
    assert world.quarantine() == [(bad, "open", 1)]


def test_a_correction_in_a_held_delivery_clears_only_once_released(world: World) -> None:
    bad = world.complaint(world.delivery(night=FIRST), **BAD)
    gate(FIRST)
    world.complaint(world.delivery(stated_total=9), **FIXED)
    gate(NIGHT)
    assert world.quarantine() == [(bad, "open", 1)]
    release(NIGHT, BATAM, "complaints", by="Budi", note="the agency counts drafts")
    assert world.quarantine() == [(bad, "superseded", 1)]


def test_a_correction_that_turns_out_bad_opens_the_quarantine_again(world: World) -> None:
    bad = world.complaint(world.delivery(night=FIRST), **BAD)
    gate(FIRST)
    later = world.complaint(world.delivery(), **FIXED)
    gate(NIGHT)
    world.run("update raw.complaints set channel = 'TELEGRAF' where row_id = %s", [later])
    gate(NIGHT)
    assert world.quarantine() == [(bad, "open", 1), (later, "open", 1)]


def test_a_version_that_is_itself_superseded_clears_nothing(world: World) -> None:
    nights = [FIRST - timedelta(days=1), FIRST, NIGHT]
    first, second, third = (
        world.complaint(world.delivery(night=night), **BAD | {"status": status})
        for night, status in zip(nights, (None, "?", "SELESAI"), strict=True)
    )
    for night in nights:
        gate(night)
    assert world.quarantine() == [(first, "superseded", 1), (second, "superseded", 1)]
    world.run("update raw.complaints set status = null where row_id = %s", [third])
    gate(NIGHT)
    assert world.quarantine() == [(first, "open", 1), (second, "open", 1), (third, "open", 1)]


def test_the_same_bad_row_on_three_nights_is_one_thing_seen_three_times(world: World) -> None:
    nights = [FIRST - timedelta(days=1), FIRST, NIGHT]
    rows = []
    for night in nights:
        rows.append(world.complaint(world.delivery(night=night), **BAD))
        gate(night)
    assert world.quarantine() == [(row, "open", 3) for row in rows]
    things = world.run("select distinct source_key, first_seen, last_seen from quality.quarantined_record")
    assert things == [(f"lapor/7000001/{BATAM}", nights[0], NIGHT)]
    gate(NIGHT)
    assert world.quarantine() == [(row, "open", 3) for row in rows]


def test_loading_a_night_again_is_not_a_second_sighting(world: World) -> None:
    delivery = world.delivery()
    world.complaint(delivery, **BAD)
    gate(NIGHT)
    world.redo(delivery)
    again = world.complaint(delivery, **BAD)
    gate(NIGHT)
    assert world.quarantine() == [(again, "open", 1)]


@pytest.mark.parametrize("status", ["released", "waived", "discarded"])
def test_a_decision_holds_for_the_same_content_whenever_it_comes(world: World, status: str) -> None:
    delivery = world.delivery(night=FIRST)
    world.complaint(delivery, **BAD)
    gate(FIRST)
    world.run("update quality.quarantined_record set status = %s, decided_by = 'Budi', note = 'known'", [status])
    world.redo(delivery)
    gate(FIRST)  # the source is silent for once: the decision waits
    first = world.complaint(delivery, **BAD)
    gate(FIRST)
    second = world.complaint(world.delivery(), **BAD)
    other = world.complaint(world.delivery("KOTA-31.71"), **BAD)
    gate(NIGHT)
    assert world.quarantine() == [(first, status, 2), (second, status, 2), (other, "open", 1)]
    assert world.run("select distinct decided_by, note from quality.quarantined_record where status <> 'open'") == [
        ("Budi", "known")
    ]


def test_reasons_name_every_rule_and_what_the_loader_could_not_read(world: World) -> None:
    problem = "status: 'Selesai Bersyarat' is not a word of profile lapor_v3"
    world.complaint(world.delivery(), status=None, kemendagri_code="99", _problems=[problem])
    gate(NIGHT)
    [(rule_ids, reasons)] = world.run("select rule_ids, reasons from quality.quarantined_record")
    assert rule_ids == ["status_known", "region_known"]
    assert reasons == [
        "status: status missing or none of the known ones (status_known)",
        "kemendagri_code: region code is none of Kemendagri's (region_known)",
        problem,
    ]


def test_a_released_delivery_lets_its_rows_in_but_not_its_bad_ones(world: World) -> None:
    delivery = world.delivery(stated_total=99, content_sha256="a")
    bad = world.complaint(delivery, **BAD)
    world.complaint(delivery)
    gate(NIGHT)
    assert world.verdict() == "held"
    [(sequence,)] = world.run("select changed_seq from ops.nights")
    assert release(NIGHT, BATAM, "complaints", by="Budi", note="drafts") == "pass_with_quarantine"
    assert world.run("select changed_seq, released_by from ops.nights, quality.agency_verdict") == [
        (sequence + 1, "Budi")
    ]
    assert world.quarantine() == [(bad, "open", 1)]
    assert not gate(NIGHT).changed
    assert world.verdict() == "pass_with_quarantine"


@pytest.mark.parametrize(
    ("content_sha256", "verdict"), [("a", "pass"), ("b", "held")], ids=["same content", "other content"]
)
def test_a_release_lasts_as_long_as_the_content(world: World, content_sha256: str, verdict: str) -> None:
    delivery = world.delivery(stated_total=99, content_sha256="a")
    world.complaint(delivery)
    gate(NIGHT)
    release(NIGHT, BATAM, "complaints", by="Budi", note="drafts")
    world.redo(delivery)
    world.complaint(delivery)
    world.run("update ops.deliveries set content_sha256 = %s", [content_sha256])
    gate(NIGHT)
    assert world.verdict() == verdict


def test_a_release_does_not_cover_what_comes_later(world: World) -> None:
    delivery = world.delivery(stated_total=99, content_sha256="a")
    for _ in range(10):
        world.complaint(delivery)
    gate(NIGHT)
    release(NIGHT, BATAM, "complaints", by="Budi", note="drafts")
    world.run("update raw.complaints set status = null")
    gate(NIGHT)
    assert world.verdict() == "held"
