"""The soak: what it draws, which agencies it is about, how a step is tried again, and what its report says."""

import random
from datetime import date, timedelta
from pathlib import Path

import pytest

from bench import night as nightly
from bench.soak import faults
from bench.soak.disk import disk
from bench.soak.report import Soak, report, told
from bench.soak.run import registry_of
from bench.soak.supervised import Night, SoakFailed, Step, Supervised
from extract.sources import read_registry
from simulator.faults import possible_faults
from simulator.registry import read_agencies

NIGHTS = [date(2021, 6, 1) + timedelta(days=day) for day in range(30)]


def test_every_kind_an_agency_can_break_by_comes_about_as_often_and_the_first_night_is_left_alone() -> None:
    agencies = read_agencies()
    plan = faults.agency_faults(agencies, NIGHTS, random.Random(1))
    assert len(plan) == 29 * 13
    counts = {kind: sum(entry["kind"] == kind for entry in plan) for entry in plan for kind in [entry["kind"]]}
    assert set(counts) == {kind for agency in agencies for kind in possible_faults(agency)}
    assert max(counts.values()) - min(counts.values()) <= 6
    assert NIGHTS[0].isoformat() not in {night for entry in plan for night in entry["nights"]}  # type: ignore[attr-defined]
    able = {agency.code: possible_faults(agency) for agency in agencies}
    assert all(entry["kind"] in able[str(entry["agency"])] for entry in plan)
    assert plan == faults.agency_faults(agencies, NIGHTS, random.Random(1))


def test_every_blow_is_dealt_before_one_comes_again() -> None:
    blows = faults.machine_faults(NIGHTS, random.Random(30))
    assert blows[NIGHTS[0]] == []
    assert {(blow.what, blow.step) for of_night in blows.values() for blow in of_night} == set(faults.MACHINE)
    assert all(len({blow.step for blow in of_night}) == len(of_night) for of_night in blows.values())


def test_a_smaller_nation_is_a_registry_of_its_own(tmp_path: Path) -> None:
    folder = registry_of(40, tmp_path / "registry")
    registry = read_registry(folder)
    assert len(registry.agencies) == 40
    assert "KOTA-21.71" in registry.agencies
    assert "KEM-3014" not in registry.agencies
    assert {source.agency_code for source in registry.sources.values()} == set(registry.agencies)


@pytest.fixture
def supervised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Supervised:
    """One whose server never goes away."""
    monkeypatch.setattr(Supervised, "up", lambda self: None)
    monkeypatch.setattr(Supervised, "_postgres_seconds", lambda self: 0.0)
    monkeypatch.setattr(nightly, "REPOSITORY", tmp_path)
    return Supervised(tmp_path, nightly.environment_of(tmp_path))


def steps(monkeypatch: pytest.MonkeyPatch, name: str, command: str) -> None:
    """Let a night be one step."""
    monkeypatch.setattr(nightly, "steps", lambda night: [(name, [command])])
    monkeypatch.setattr(Supervised, "run", lambda self, *commands: None)


def test_a_step_that_is_killed_is_tried_again_and_struck_once(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    steps(monkeypatch, "build", f"test -e {tmp_path}/again || {{ touch {tmp_path}/again; exec sleep 100; }}")
    night = supervised.night(NIGHTS[1], [faults.MachineFault("kill -9", "build", 0.1)])
    (step,) = night.steps
    assert (step.tries, step.blow, step.came) == (2, "kill -9", True)
    assert step.wall_seconds < 60
    assert "kill -9 in build" in told(night)


def test_a_step_that_fails_too_often_ends_the_soak_in_its_own_words(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps(monkeypatch, "gate", "echo these are the words; exit 3")
    with pytest.raises(SoakFailed, match=r"(?s)gate failed 2 times.*these are the words\nthese are the words"):
        supervised.night(NIGHTS[1], [])


def test_a_night_that_the_gate_holds_is_not_tried_again(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps(monkeypatch, "gate", "echo held; exit 2")
    with pytest.raises(SoakFailed, match=r"(?s)decided against the night[^\n]*\nheld\n$"):
        supervised.night(NIGHTS[1], [])


def test_the_disk_is_told_by_part_and_the_simulators_is_not_counted(tmp_path: Path) -> None:
    for name in ("postgres/pg_wal/1", "landing/1", "simulator/1", "other"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * 1_048_576)
    measured = {name: round(size) for name, size in disk(tmp_path).items() if size >= 0.5}
    assert measured == {"PostgreSQL": 1, "of that changes (pg_wal)": 1, "landing": 1, "the rest": 1}


def test_the_report_says_what_grew_by_how_much_of_what() -> None:
    def night(day: int, megabytes: float, rows: int) -> Night:
        return Night(
            night=NIGHTS[day],
            steps=[Step(name, 1 + (name == "gate"), 2.0, 2.0, 1.0, 100.0 + day) for name in faults.STEPS],
            postgres_cpu_seconds=3.0,
            states={"received": 5, "failed": 1},
            rows={"received": rows + 10, "loaded": rows, "events": 2 * rows, "held deliveries": 0},
            megabytes={"PostgreSQL": 100 + megabytes, "landing": megabytes},
        )

    soak = Soak(
        agencies=6, seed=1, nights=[night(0, 10.0, 5000), night(1, 13.0, 1000)], kinds={"hang": {"failed": 1}},
        schemas={"raw": (50.0, 51.0), "restricted": (2.0, 2.5)},
    )  # fmt: skip
    text = report(soak)
    assert "| 2021-06-02 | 1.0 | 1.0 | 1.0 | 1.0 | 1.0 | 10 | 5 | 3 | 1,010 | 1,000 | 1 failed | - |" in text
    assert "| gate | 100 | 101 | 101 | 101 |" in text
    assert "| hang | 1 | 1 failed |" in text
    assert "| landing | 10.0 | 13.0 | 3.00 |" in text
    assert "for each, 3,000 bytes of landing and 3,000 of PostgreSQL, of which 1,500 in raw and restricted" in text
    assert "steps tried again: 2." in text
