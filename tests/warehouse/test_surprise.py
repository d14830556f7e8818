"""The surprise of a count agrees with SciPy's upper tails, also where those are too small for a double."""

import math
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import psycopg2.errors
import pytest
from scipy import stats

from warehouse.connection import connect

EXPECTED = (0.05, 0.5, 1.0, 3.7, 10.0, 100.0, 2_500.0)
DISPERSIONS = (0.0, 0.4, 1.0, 1.01, 1.5, 3.0, 20.0)
OBSERVED = (0, 1, 2, 3, 4, 10, 11, 40, 99, 100, 101, 160, 2_400, 2_500, 2_501, 3_000)
SMALLEST_TAIL = 1e-250  # below it SciPy's own tails lose digits


def surprise(rows: Sequence[tuple[int, float, float]]) -> list[float]:
    """The score of each (observed, expected, dispersion), as an analyst may ask for it."""
    with closing(connect("panrb_analyst", "lapor/test")) as connection, connection.cursor() as cursor:
        scores = []
        for row in rows:
            cursor.execute("select statistics.surprise_score(%s, %s, %s)", row)
            scores.append(cursor.fetchone()[0])  # type: ignore[index]
    return scores


def tail(observed: int, expected: float, dispersion: float) -> float:
    """P(X >= observed) by SciPy."""
    if dispersion <= 1:
        return float(stats.poisson.sf(observed - 1, expected))
    return float(stats.nbinom.sf(observed - 1, expected / (dispersion - 1), 1 / dispersion))


def test_scores_agree_with_scipy_over_a_hard_grid(server: Path) -> None:
    grid = [(x, mean, spread) for x in OBSERVED for mean in EXPECTED for spread in DISPERSIONS]
    pairs = [(mine, tail(*row), row) for mine, row in zip(surprise(grid), grid, strict=True)]
    compared = [(abs(mine + math.log10(theirs)), row) for mine, theirs, row in pairs if theirs > SMALLEST_TAIL]
    assert len(compared) > 600
    assert max(compared)[0] < 1e-8, max(compared)
    assert min(mine for mine, theirs, _ in pairs if theirs <= SMALLEST_TAIL) > 249


def test_a_spike_of_40_where_10_were_expected(server: Path) -> None:
    poisson, dispersed = surprise([(40, 10, 1), (40, 10, 3)])
    assert poisson == pytest.approx(12.134, abs=0.001)
    assert 3 < dispersed < poisson
    # Far below the smallest double; every further term is at most 1/100,000 of the one before.
    log_first = -1 - math.lgamma(100_001)
    assert surprise([(100_000, 1, 1)])[0] == pytest.approx(-log_first / math.log(10), abs=0.001)


def test_an_expectation_of_nothing_is_refused(server: Path) -> None:
    with pytest.raises(psycopg2.errors.RaiseException, match="above 0"):
        surprise([(10, 0, 1)])
