"""python -m bench.topics [--weeks 400]: how often rpt_category_trends_weekly calls a topic rising when nothing happens.

Countries in which every main category and province keeps its own steady rate, at the volume of 2018 and at twenty
times that, are drawn week by week and judged as the model judges: median of the weeks compared with, their
dispersion, upper tail, at least ten cases, at least one expected. Printed: cells flagged in a week by chance, per
threshold. docs/topics.md has the figures, the seed topic_rules the threshold chosen from them.
"""

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Numbers = NDArray[np.float64]

# Main categories by the public listing of July 2025 (3,278 categorised of 6,000), and what nobody categorised.
CATEGORY_COUNTS = (
    2722,
    746,
    546,
    262,
    212,
    203,
    194,
    175,
    161,
    154,
    98,
    93,
    93,
    77,
    47,
    44,
    38,
    28,
    20,
    19,
    19,
    15,
    5,
    4,
    4,
    4,
    4,
    4,
)
# Provinces by population in millions, 2020, and complaints that name no place.
PROVINCE_WEIGHTS = (
    48.3, 40.7, 36.5, 14.8, 11.9, 10.6, 9.1, 9.0, 8.5, 6.4, 5.5, 5.4, 5.3, 5.3, 5.3, 4.3, 4.3, 4.1, 3.8, 3.7, 3.5, 3.0,
    2.7, 2.6, 2.6, 2.1, 2.0, 1.8, 1.5, 1.4, 1.3, 1.2, 1.1, 0.7, 20.0,
)  # fmt: skip
COMPLAINTS_PER_YEAR = (125_000, 2_500_000)
DISPERSIONS = (1.0, 1.5, 3.0, 6.0)
THRESHOLDS = (3.0, 3.5, 4.0, 4.5, 5.0)
MIN_CASES, MIN_EXPECTED, MIN_CHANGE_BASE = 10, 1.0, 20
REFERENCE_WEEKS, YEARS, SPAN, SEED = 8, (1, 2, 3), 2, 20210630


@dataclass(frozen=True, slots=True)
class Country:
    """A steady country: expected complaints per week and cell, and their variance over mean."""

    per_year: int
    dispersion: float

    def draw(self, weeks: int, rng: np.random.Generator) -> Numbers:
        """Weeks x categories x areas; area 0 is the nation, the sum of the others."""
        rates = np.outer(CATEGORY_COUNTS, PROVINCE_WEIGHTS)
        rates = rates / rates.sum() * self.per_year / 52
        shape = (weeks, *rates.shape)
        if self.dispersion > 1:
            size = np.broadcast_to(rates / (self.dispersion - 1), shape)
            cells = rng.negative_binomial(size, 1 / self.dispersion)
        else:
            cells = rng.poisson(np.broadcast_to(rates, shape))
        return np.concatenate([cells.sum(axis=2, keepdims=True), cells], axis=2).astype(float)


def scores(counts: Numbers, expected: Numbers, dispersion: Numbers) -> Numbers:
    """-log10 of the upper tail; 0 under the minimum of cases."""
    mean = np.maximum(expected, MIN_EXPECTED)
    is_dispersed = dispersion > 1.001
    spread = np.where(is_dispersed, dispersion, 2)
    log_tail = np.where(
        is_dispersed,
        stats.nbinom.logsf(counts - 1, mean / (spread - 1), 1 / spread),
        stats.poisson.logsf(counts - 1, mean),
    )
    return np.where(counts >= MIN_CASES, -log_tail / np.log(10), 0.0)


def summary(compared: Numbers) -> tuple[Numbers, Numbers]:
    """Median of the weeks compared with (first axis) and variance over mean: their own, that of all areas, or 1."""
    mean = compared.mean(axis=0)
    ratio = np.divide(compared.var(axis=0, ddof=1), mean, out=np.zeros_like(mean), where=mean > 0)
    areas = ratio[:, 1:]
    pooled = areas.sum(axis=1) / np.maximum((mean[:, 1:] > 0).sum(axis=1), 1)
    return np.median(compared, axis=0), np.maximum(np.maximum(ratio, pooled[:, None]), 1)


def judge(counts: Numbers, week: int) -> tuple[Numbers, Numbers]:
    """Scores of a week by the weeks before, and by earlier years where those hold enough (else by the weeks before)."""
    recent = counts[week - REFERENCE_WEEKS : week]
    by_recent = scores(counts[week], *summary(recent))
    compared, raw = [], []
    for back in YEARS:
        same = week - 52 * back
        before = counts[same - REFERENCE_WEEKS : same, :, 0].sum(axis=0)
        growth = np.where(before >= MIN_CHANGE_BASE, recent[:, :, 0].sum(axis=0) / np.maximum(before, 1), 0.0)
        raw.append(counts[same - SPAN : same + SPAN + 1])
        compared.append(raw[-1] * growth[None, :, None])
    usable = (np.concatenate(raw).sum(axis=0) >= MIN_CHANGE_BASE) & (growth > 0)[:, None]
    by_year = scores(counts[week], *summary(np.concatenate(compared)))
    return by_recent, np.where(usable, by_year, by_recent)


def measure(country: Country, weeks: int) -> dict[str, list[float]]:
    """Flags per week for each threshold, by basis."""
    rng = np.random.default_rng(SEED)
    first = 52 * max(YEARS) + REFERENCE_WEEKS + SPAN
    counts = country.draw(first + weeks, rng)
    flags = {"8-week median": np.zeros(len(THRESHOLDS)), "same weeks of earlier years": np.zeros(len(THRESHOLDS))}
    for week in range(first, first + weeks):
        for basis, found in zip(flags, judge(counts, week), strict=True):
            flags[basis] += [(found >= threshold).sum() for threshold in THRESHOLDS]
    return {basis: [float(count) for count in found / weeks] for basis, found in flags.items()}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weeks", type=int, default=400, help="weeks judged of each country")
    options = parser.parse_args()
    cells = len(CATEGORY_COUNTS) * (len(PROVINCE_WEIGHTS) + 1)
    print(f"Cells flagged by chance in a week, of {cells}; {options.weeks} weeks of each country, seed {SEED}\n")
    print("| complaints a year | variance / mean | basis | " + " | ".join(f"{score:g}" for score in THRESHOLDS) + " |")
    print("|---|---|---|" + "---|" * len(THRESHOLDS))
    for per_year in COMPLAINTS_PER_YEAR:
        for dispersion in DISPERSIONS:
            for basis, found in measure(Country(per_year, dispersion), options.weeks).items():
                print(
                    f"| {per_year:,} | {dispersion:g} | {basis} | "
                    + " | ".join(f"{flags:.2f}" for flags in found)
                    + " |"
                )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
