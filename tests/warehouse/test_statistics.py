"""The functions of schema statistics agree with SciPy, also where they are hard to compute."""

import math
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import psycopg2.errors
import pytest
from scipy import optimize, special, stats

from warehouse.connection import connect

SHAPES = (0.05, 0.3, 0.5, 1.0, 1.7, 5.0, 30.0, 250.0, 1e4, 1e5)
SHARES = (1e-6, 0.001, 0.025, 0.3, 0.5, 0.9, 0.975, 0.999999)
COUNTS = (0, 1, 2, 3, 5, 10, 30, 99, 1_000, 25_000, 1_000_000)


def ask(statement: str, rows: Sequence[tuple[float, ...]]) -> list[float]:
    """The statement's single value for each row of arguments, as an analyst may ask."""
    with closing(connect("panrb_analyst", "lapor/test")) as connection, connection.cursor() as cursor:
        values = []
        for row in rows:
            cursor.execute(statement, row)
            values.append(cursor.fetchone()[0])  # type: ignore[index]
    return values


def test_quantiles_of_beta_agree_with_scipy_over_a_hard_grid(server: Path) -> None:
    grid = [(share, a, b) for share in SHARES for a in SHAPES for b in SHAPES]
    ours = ask("select statistics.beta_quantile(%s, %s, %s)", grid)
    worst = max((abs(mine - float(stats.beta.ppf(*row))), row, mine) for mine, row in zip(ours, grid, strict=True))
    assert len(ours) == 800
    assert worst[0] < 1e-9, worst


def test_probabilities_of_beta_agree_with_scipy(server: Path) -> None:
    grid = [(value, a, b) for value in (1e-12, 0.01, 0.4, 0.5, 0.93, 1 - 1e-12) for a in SHAPES for b in SHAPES]
    ours = ask("select statistics.beta_cdf(%s, %s, %s)", grid)
    assert max(abs(mine - special.betainc(a, b, value)) for mine, (value, a, b) in zip(ours, grid, strict=True)) < 1e-9
    assert ask("select statistics.beta_cdf(%s, 2, 3)", [(-1,), (0,), (1,), (2,)]) == [0, 0, 1, 1]


def test_an_impossible_distribution_is_refused(server: Path) -> None:
    for shares in ((0.5, 0, 1), (0.5, 1, -1), (1.5, 1, 1)):
        with pytest.raises(psycopg2.errors.RaiseException):
            ask("select statistics.beta_quantile(%s, %s, %s)", [shares])
    assert ask("select statistics.beta_quantile(%s, 2, 3)", [(0,), (1,)]) == [0, 1]


def test_mid_p_bounds_of_a_count_are_where_the_tail_is(server: Path) -> None:
    low = ask("select statistics.poisson_mid_p_low(%s)", [(count,) for count in COUNTS])
    high = ask("select statistics.poisson_mid_p_high(%s)", [(count,) for count in COUNTS])
    assert low[0] == 0
    for count, lower, upper in zip(COUNTS, low, high, strict=True):

        def below(mean: float, count: int = count) -> float:
            return float(stats.poisson.cdf(count, mean) - 0.5 * stats.poisson.pmf(count, mean))

        spread = 6 * math.sqrt(count + 1)
        expected = optimize.brentq(lambda mean: below(mean) - 0.025, count, count + spread, xtol=1e-12, rtol=1e-14)
        assert upper == pytest.approx(expected, rel=1e-8)
        if count:
            start = max(count - spread, 1e-9)
            expected = optimize.brentq(lambda mean: below(mean) - 0.975, start, count, xtol=1e-12, rtol=1e-14)
            assert lower == pytest.approx(expected, rel=1e-8)


def test_the_normal_distribution_and_the_gamma_family_agree_with_scipy(server: Path) -> None:
    values = [(value,) for value in (-40.0, -8.5, -7.0, -3.09, -1.96, -0.1, 0.0, 0.1, 1.96, 3.09, 7.2, 40.0)]
    ours = ask("select statistics.normal_cdf(%s)", values)
    assert max(abs(mine - stats.norm.cdf(value)) for mine, (value,) in zip(ours, values, strict=True)) < 1e-14
    for name, function, places in (
        ("log_gamma", special.gammaln, 1e-13),
        ("digamma", special.digamma, 2e-5),
        ("trigamma", lambda value: special.polygamma(1, value), 1e-4),
    ):
        ours = ask(f"select statistics.{name}(%s)", [(shape,) for shape in SHAPES])
        for mine, shape in zip(ours, SHAPES, strict=True):
            assert mine == pytest.approx(float(function(shape)), rel=places, abs=places)
