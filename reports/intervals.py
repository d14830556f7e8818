"""How sure a share is."""

from math import sqrt

Z_95 = 1.959964


def wilson_interval(successes: int, trials: int, z: float = Z_95) -> tuple[float, float] | None:
    """95 % score interval of a proportion, as shares of 1; None when trials is 0.

    Wilson (1927). Raises ValueError if successes > trials or either is negative.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} of {trials} is no proportion")
    if trials == 0:
        return None
    share, spread = successes / trials, z * z / trials
    centre = share + spread / 2
    margin = z * sqrt((share * (1 - share) + spread / 4) / trials)
    return max((centre - margin) / (1 + spread), 0.0), min((centre + margin) / (1 + spread), 1.0)


def is_apart(successes: int, trials: int, share: float) -> int:
    """1 or -1 where the 95 % interval of the proportion lies wholly above or below a share of 1, else 0."""
    interval = wilson_interval(successes, trials)
    if interval is None or interval[0] <= share <= interval[1]:
        return 0
    return 1 if interval[0] > share else -1
