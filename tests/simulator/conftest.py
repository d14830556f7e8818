"""The worlds the simulator's tests look at, drawn once."""

import pytest

from simulator.world import World


@pytest.fixture(scope="session")
def nation() -> World:
    """All 657 agencies, January to June 2021."""
    return World.build()


@pytest.fixture(scope="session")
def region() -> World:
    """Sixty agencies of all four dialects, none of them huge, with four times their complaints (about 9,000)."""
    return World.build(seed=4, agencies=60, scale=4)
