"""Wilson's interval, on numbers worked out elsewhere."""

import pytest

from reports.intervals import wilson_interval


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(46, 71, 53.18, 74.88), (46, 61, 63.32, 84.49), (61, 71, 75.98, 92.17), (0, 5, 0.0, 43.45), (5, 5, 56.55, 100.0)],
    ids=["Batam completed of received", "of routed", "routed", "none of five", "all of five"],
)
def test_the_interval_is_wilsons(successes: int, trials: int, low: float, high: float) -> None:
    interval = wilson_interval(successes, trials)
    assert interval is not None
    assert [round(100 * bound, 2) for bound in interval] == [low, high]


def test_no_trials_say_nothing() -> None:
    assert wilson_interval(0, 0) is None


@pytest.mark.parametrize(("successes", "trials"), [(2, 1), (-1, 5)])
def test_what_is_no_proportion_is_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="no proportion"):
        wilson_interval(successes, trials)
