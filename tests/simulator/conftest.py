"""The worlds the simulator's tests look at, drawn once."""

from collections.abc import Iterator
from datetime import date

import pytest

from simulator.dirt import DirtRates
from simulator.registry import Agency, read_agencies
from simulator.threads import Served, serve_all_in_thread
from simulator.world import World

NIGHTS = (date(2021, 6, 29), date(2021, 6, 30))
FIRST, LAST = NIGHTS


@pytest.fixture(scope="session")
def nation() -> World:
    """All 657 agencies, January to June 2021."""
    return World.build()


@pytest.fixture(scope="session")
def region() -> World:
    """Sixty agencies of many dialects, none of them huge, with four times their complaints (about 9,000)."""
    return World.build(seed=4, agencies=60, scale=4)


@pytest.fixture(scope="session")
def variety() -> World:
    """Three agencies of every dialect and way to travel, with six times their complaints and enough dirt for each."""
    chosen: dict[tuple[str, str], list[str]] = {}
    for agency in read_agencies():
        codes = chosen.setdefault((agency.profile, agency.way), [])
        if len(codes) < 3 and not agency.is_central:
            codes.append(agency.code)
    extra = ["LMB-G001", "KAB-53.15", "KOTA-35.79", "KAB-18.08"]  # ratings of the nation, ratings, units, activity
    dirt = DirtRates(
        clock_skew=0.04, closed_before_created=0.04, far_past=0.04,
        short_text=0.05, foreign_text=0.05, impossible_step=0.8, wrong_region=0.05,
    )  # fmt: skip
    agencies = [code for codes in chosen.values() for code in codes] + extra
    return World.build(seed=3, agencies=agencies, scale=6, dirt=dirt)


@pytest.fixture(scope="session")
def served(variety: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The variety on all its ways (PostgreSQL excepted), two nights, healthy."""
    with serve_all_in_thread(variety, tmp_path_factory.mktemp("served"), nights=NIGHTS) as everything:
        yield everything


def of_profile(world: World, profile: str) -> list[Agency]:
    """The agencies of a dialect; there must be some."""
    found = [agency for agency in world.agencies if agency.profile == profile]
    assert found, profile
    return found
