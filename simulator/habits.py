"""How each agency tends to treat complaints: the spread between agencies that the comparison reports are about.

Calibration, not fact: a Beta spread in which 19 % of agencies follow up at least half of their complaints (PANRB, 2020)
and which goes with volume, so that about 70 % of all complaints are followed up.
"""

from dataclasses import dataclass

import numpy as np

from simulator.workdays import Floats

FOLLOW_UP_BETA = (0.32, 1.25)
FOLLOW_UP_CEILING = 0.985
VOLUME_CORRELATION = 0.75


@dataclass(frozen=True, slots=True)
class Habits:
    """One value per agency: shares of 1, and the median working days to a first follow-up."""

    follow_up: Floats
    never_verified: Floats
    archived: Floats
    on_hold: Floats
    reassigned: Floats
    response_days: Floats
    same_day: Floats
    manual_completion: Floats


def draw_habits(per_half_year: Floats, rng: np.random.Generator) -> Habits:
    """Draw the habits of agencies with these volumes; `follow_up` is the share of all complaints received."""
    count = len(per_half_year)
    logarithm = np.log(per_half_year)
    volume_score = (logarithm - logarithm.mean()) / max(float(logarithm.std()), 1e-9)
    score = VOLUME_CORRELATION * volume_score + np.sqrt(1 - VOLUME_CORRELATION**2) * rng.normal(size=count)
    follow_up = np.empty(count)
    # Sorted draws given out by the score: exactly Beta over agencies, correlated with volume.
    follow_up[np.argsort(score)] = np.sort(np.minimum(rng.beta(*FOLLOW_UP_BETA, count), FOLLOW_UP_CEILING))
    archived = 0.01 + 0.39 * rng.beta(0.8, 5.0, count) * (1 - 0.6 * follow_up)
    never = 0.01 + 0.14 * rng.beta(1.2, 3.0, count) * (1 - follow_up)
    return Habits(
        follow_up=follow_up,
        never_verified=never,
        archived=archived,
        on_hold=rng.uniform(0.01, 0.05, count),
        reassigned=rng.uniform(0.05, 0.15, count),
        response_days=np.exp(np.log(6.0) - 1.6 * follow_up + rng.normal(0, 0.35, count)),
        same_day=rng.uniform(0.08, 0.30, count),
        manual_completion=rng.uniform(0.25, 0.80, count),
    )
