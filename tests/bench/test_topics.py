"""The bench of rising topics judges by the rules of the seed, and steady countries have less than one false alarm a week."""

import csv
from pathlib import Path

import numpy as np
import pytest

from bench import topics

SEED = Path(__file__).resolve().parent.parent.parent / "dbt_project" / "seeds" / "topic_rules.csv"


def rules() -> dict[str, float]:
    """The rules in force."""
    with SEED.open(encoding="utf-8") as file:
        return {row["rule"]: float(row["value"]) for row in csv.DictReader(file) if not row["valid_to"]}


def test_the_bench_judges_by_the_rules_of_the_seed() -> None:
    in_force = rules()
    assert (
        in_force["min_cases"],
        in_force["min_expected"],
        in_force["min_change_base"],
        in_force["reference_weeks"],
        in_force["same_weeks_span"],
    ) == (topics.MIN_CASES, topics.MIN_EXPECTED, topics.MIN_CHANGE_BASE, topics.REFERENCE_WEEKS, topics.SPAN)
    assert max(topics.YEARS) == in_force["reference_years"]


def test_the_bench_scores_as_the_warehouse_does() -> None:
    # The spike of rpt_category_trends_weekly's unit test; nine cases are no topic.
    found = topics.scores(np.array([40.0, 9.0]), np.array([10.0, 0.1]), np.array([1.0, 1.0]))
    assert found == pytest.approx([12.1342, 0], abs=1e-4)


@pytest.mark.parametrize("per_year", topics.COMPLAINTS_PER_YEAR)
@pytest.mark.parametrize("dispersion", [1.0, 3.0])
def test_a_steady_country_raises_less_than_one_false_alarm_a_week(per_year: int, dispersion: float) -> None:
    flags = topics.measure(topics.Country(per_year, dispersion), weeks=60)
    at = topics.THRESHOLDS.index(rules()["rising_score"])
    assert max(found[at] for found in flags.values()) <= 1
    # The bench can see a false alarm: at a chance of one in a thousand there are some.
    assert max(found[0] for found in flags.values()) > 0
