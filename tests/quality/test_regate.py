"""Judging again by name and note, proposals for bounds, and decisions that race each other."""

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from quality.__main__ import PASSED, REFUSED, main
from quality.gate import gate
from quality.proposals import propose
from quality.references import SEEDS
from quality.release import release
from quality.steward import Wanted, decide
from tests.quality.world import BATAM, GOOD, NIGHT, World

NAMED = ["--by", "Budi", "--note", "the list was mended"]
BEFORE = NIGHT - timedelta(days=1)


def log(world: World) -> list[tuple[str, str]]:
    return world.run("select decision, delivery from quality.decision_log order by decision_id")  # type: ignore[return-value]


def without_channel(folder: Path, code: str) -> Path:
    """The seeds without one channel, as before somebody added it."""
    folder.mkdir()
    for seed in SEEDS.glob("*.csv"):
        lines = seed.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if seed.name != "channels.csv" or not line.startswith(f"{code},")]
        (folder / seed.name).write_text("".join(kept), encoding="utf-8")
    return folder


def test_a_mended_code_list_lets_the_rows_of_every_night_in(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seeds = without_channel(tmp_path / "seeds", "WHATSAPP")
    for night in (BEFORE, NIGHT):
        delivery = world.delivery(night=night)
        world.complaint(delivery, channel="WHATSAPP")
        world.complaint(delivery, status=None)
        gate(night, seeds)
    assert len(world.quarantine()) == 4
    assert main(["replay", "--rule", "channel_known", *NAMED]) == PASSED
    out = capsys.readouterr().out
    assert f"night {BEFORE}: 1 rows stood out by channel_known, 0 still do" in out
    assert {rules[0] for (rules,) in world.run("select rule_ids from quality.quarantined_record")} == {"status_known"}
    assert log(world) == [("replayed", f"night {night}: channel_known") for night in (BEFORE, NIGHT)]
    assert main(["replay", "--rule", "channel_known", *NAMED]) == REFUSED
    assert main(["replay", "--rule", "no_such_rule", *NAMED]) == REFUSED


def test_judging_again_is_logged_with_name_and_note(world: World) -> None:
    world.complaint(world.delivery())
    gate(NIGHT)
    assert main(["regate", "--night", str(NIGHT), *NAMED]) == PASSED
    assert log(world) == [("regated", f"night {NIGHT}")]
    assert main(["regate", "--night", str(NIGHT), "--by", " ", "--note", "why"]) == REFUSED
    assert len(log(world)) == 1


def test_bounds_are_proposed_from_history_with_what_they_would_have_stopped(world: World) -> None:
    for number in range(40):
        for days in range(1, 6):
            world.delivery(f"agency {number}", night=NIGHT - timedelta(days=days), loaded_rows=100)
        world.delivery(f"agency {number}", loaded_rows=200 if number else 290)
    for days in range(5, -1, -1):
        gate(NIGHT - timedelta(days=days))
    volume, share, mix = propose(90)
    # Of the six nights five have a night before them: 200 figures, the largest 290 of 100 rows, and a quarter more.
    assert (volume.bound, volume.figures, volume.largest) == ("volume_factor", 200, 2.9)
    assert (volume.proposed, volume.stopped_now, volume.stopped_then) == (3.63, 0, 0)
    assert (share.figures, share.largest) == (240, 0)
    assert (mix.figures, mix.proposed) == (0, None)
    assert "too little history" in mix.explained()


def test_nothing_is_proposed_from_nothing(world: World) -> None:
    assert main(["bounds", "--propose"]) == REFUSED
    assert main(["bounds"]) == PASSED


# -- every way out ends in the marts once, also when two of them race --------------------------------------------------


def at_once(*deeds: Callable[[], object]) -> list[str]:
    """Do all of them at the same moment; the names of what was refused."""
    refused: list[str] = []
    barrier = threading.Barrier(len(deeds))

    def run(deed: Callable[[], object]) -> None:
        barrier.wait()
        try:
            deed()
        except Exception as error:  # what a thread refuses is what is asked about
            refused.append(type(error).__name__)

    threads = [threading.Thread(target=run, args=[deed]) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return refused


def staged(world: World) -> list[int]:
    """Rows that staging takes: of accepted deliveries, but for those kept out."""
    return [
        row_id
        for (row_id,) in world.run(
            """
            select complaint.row_id
            from raw.complaints as complaint
            inner join ops.deliveries as delivery using (delivery_id)
            inner join quality.agency_verdict as verdict
                on (verdict.night, verdict.agency_code, verdict.resource, verdict.attempt)
                = (delivery.night, delivery.agency_code, delivery.resource, delivery.attempt)
            where verdict.verdict like 'pass%' and not exists (
                select from quality.quarantined_record as record
                where record.table_name = 'complaints' and record.row_id = complaint.row_id
                    and record.status in ('open', 'superseded', 'discarded')
            )
            order by complaint.row_id
            """
        )
    ]


def waive() -> object:
    return decide(Wanted(rules=["closed_before_created"]), "waived", "Budi", "as the agency says")


def discard() -> object:
    return decide(Wanted(rules=["closed_before_created"]), "discarded", "Sari", "nonsense")


@pytest.fixture
def one_bad_row(world: World) -> tuple[World, int, int]:
    """A good complaint and one closed before it was created, judged."""
    delivery = world.delivery()
    good = world.complaint(delivery)
    bad = world.complaint(
        delivery, tracking_id="6900001", completed_at=GOOD["complaints"]["received_at"] - timedelta(days=1)
    )
    gate(NIGHT)
    assert staged(world) == [good]
    return world, good, bad


def test_two_stewards_who_race_leave_one_decision_standing(one_bad_row: tuple[World, int, int]) -> None:
    world, good, bad = one_bad_row
    # Whoever comes second finds the record no longer open.
    assert at_once(waive, discard) == ["NotDecidable"]
    [(decision,)] = world.run("select decision from quality.decision_log")
    assert staged(world) == ([good, bad] if decision == "waived" else [good])


def test_a_waiver_that_races_the_gate_stands(one_bad_row: tuple[World, int, int]) -> None:
    world, good, bad = one_bad_row
    assert at_once(waive, lambda: gate(NIGHT)) == []
    assert staged(world) == [good, bad]
    gate(NIGHT)
    assert staged(world) == [good, bad]
    assert len(world.quarantine()) == 1


def test_a_waiver_that_races_the_correction_leaves_one_version_per_night(one_bad_row: tuple[World, int, int]) -> None:
    world, good, bad = one_bad_row
    later = NIGHT + timedelta(days=1)
    fixed = world.complaint(world.delivery(night=later), tracking_id="6900001")
    refused = at_once(waive, lambda: gate(later))
    # Waived first, both versions are staged and the newer counts; superseded first, there is nothing left to waive.
    assert staged(world) == ([good, fixed] if refused else [good, bad, fixed])
    assert [status for _, status, _ in world.quarantine()] == (["superseded"] if refused else ["waived"])


def test_a_release_that_races_the_gate_stands(world: World) -> None:
    delivery = world.delivery(stated_total=3)
    row = world.complaint(delivery)
    gate(NIGHT)
    assert (world.verdict(), staged(world)) == ("held", [])
    assert at_once(lambda: release(NIGHT, BATAM, "complaints", "Budi", "confirmed"), lambda: gate(NIGHT)) == []
    assert (world.verdict(), staged(world)) == ("pass", [row])
