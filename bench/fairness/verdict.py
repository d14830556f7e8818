"""What the models said of each nation against its truth, and the bars that they must reach."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.fairness.nation import AGENCIES, Nation
from bench.fairness.warehouse import OWN_RATE, SAME_RATE

POSITION = {code: position for position, (code, _) in enumerate(AGENCIES)}
Z_95, MANY, DRAWS = 1.959964, 100, 4_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """Shares and errors of one nation; over many, their mean."""

    wilson_coverage: float
    shrunk_coverage: float
    shrunk_coverage_30: float
    raw_correlation: float
    shrunk_correlation: float
    raw_error: float
    shrunk_error: float
    flagged: float
    flagged_30: float
    flagged_published: float
    rank_coverage: float
    rank_coverage_large: float
    rank_width: float
    draws_coverage: float
    draws_width: float
    draws_distance: float
    median_error: float
    limit_coverage: float
    closed_only_error: float


def judge(nation: Nation, comparison: pd.DataFrame, timeliness: pd.DataFrame, with_draws: bool) -> Verdict:
    """Hold the models' rows against the truth; the joint draws, which take a second, on request (else nan)."""
    own = comparison[(comparison["metric"] == OWN_RATE) & (comparison["denominator_count"] > 0)].copy()
    own["truth"] = nation.rates[own["agency_code"].map(POSITION)]
    many = own[own["denominator_count"] >= 30]
    same = comparison[(comparison["metric"] == SAME_RATE) & comparison["funnel_z_adjusted"].notna()]
    is_far = same["funnel_z_adjusted"].abs() >= Z_95
    judged = same["funnel_position"].notna()
    ranked = own[own["is_comparable"]].copy()
    peers = ranked.groupby("peer_group")
    ranked["true_rank"] = peers["truth"].rank(ascending=False)
    is_in = ranked["true_rank"].between(ranked["rank_low"], ranked["rank_high"])
    return Verdict(
        wilson_coverage=float(own["truth"].between(own["value_low"], own["value_high"]).mean()),
        shrunk_coverage=float(own["truth"].between(own["shrunk_low"], own["shrunk_high"]).mean()),
        shrunk_coverage_30=float(many["truth"].between(many["shrunk_low"], many["shrunk_high"]).mean()),
        raw_correlation=_rank_correlation(own, "value"),
        shrunk_correlation=_rank_correlation(own, "shrunk_value"),
        raw_error=float((own["value"] - own["truth"]).abs().mean()),
        shrunk_error=float((own["shrunk_value"] - own["truth"]).abs().mean()),
        flagged=float(is_far.mean()),
        flagged_30=float(is_far[same["denominator_count"] >= 30].mean()),
        flagged_published=float(is_far[judged].mean()),
        rank_coverage=float(is_in.mean()),
        rank_coverage_large=float(is_in[ranked["ranked_count"] >= 30].mean()),
        rank_width=float((ranked["rank_high"] - ranked["rank_low"]).mean()),
        **(
            _draws(ranked) if with_draws else dict.fromkeys(("draws_coverage", "draws_width", "draws_distance"), np.nan)
        ),
        **_times(nation, timeliness),
    )


def _rank_correlation(rows: pd.DataFrame, column: str) -> float:
    """Spearman's: the correlation of the places."""
    return float(rows["truth"].rank().corr(rows[column].rank()))


def _draws(ranked: pd.DataFrame) -> dict[str, float]:
    """The same rank intervals from joint draws of every agency's Beta distribution, and how far ours lie from them."""
    random = np.random.default_rng(0)
    low, high = np.empty(len(ranked)), np.empty(len(ranked))
    for places in ranked.groupby("peer_group").indices.values():
        a, b = ranked["posterior_a"].to_numpy()[places], ranked["posterior_b"].to_numpy()[places]
        drawn: NDArray[np.int64] = np.argsort(np.argsort(-random.beta(a, b, (DRAWS, a.size)), axis=1), axis=1) + 1
        low[places], high[places] = np.quantile(drawn, [0.025, 0.975], axis=0, method="inverted_cdf")
    distance = (np.abs(ranked["rank_low"] - low) + np.abs(ranked["rank_high"] - high)) / 2
    return {
        "draws_coverage": float(
            ranked["true_rank"].between(pd.Series(low, ranked.index), pd.Series(high, ranked.index)).mean()
        ),
        "draws_width": float((high - low).mean()),
        "draws_distance": float(distance.mean()),
    }


def _times(nation: Nation, timeliness: pd.DataFrame) -> dict[str, float]:
    """Mean relative error of the medians, and of the mean of the closed ones alone, where complaints are many."""
    many = timeliness[(timeliness["routed_count"] >= MANY) & timeliness["working_days_median"].notna()]
    index = many["agency_code"].map(POSITION).to_numpy()
    by_limit = 1 - np.exp(-(many["limit_working_days"].to_numpy() + 1) / nation.mean_days[index])
    is_in = (by_limit >= many["ended_by_limit_rate_low"]) & (by_limit <= many["ended_by_limit_rate_high"])
    return {
        "median_error": float((many["working_days_median"] / nation.median_days[index] - 1).mean()),
        "limit_coverage": float(is_in.mean()),
        "closed_only_error": float((many["ended_only_working_days_mean"] / nation.mean_whole_days[index] - 1).mean()),
    }


def mean(verdicts: Iterable[Verdict]) -> Verdict:
    """The mean of many nations, each counting once; what was not drawn does not count."""
    each = list(verdicts)
    return Verdict(
        **{field.name: float(np.nanmean([getattr(one, field.name) for one in each])) for field in fields(Verdict)}
    )


# What is measured, how it is written, and between which bounds it must lie (none: said for comparison).
LINES: tuple[tuple[str, str, str, tuple[float, float] | None], ...] = (
    ("coverage of 95 % intervals: raw (Wilson)", "wilson_coverage", "%", (0.94, 0.97)),
    ("coverage of 95 % intervals: shrunk", "shrunk_coverage", "%", (0.94, 0.96)),
    ("coverage of 95 % intervals: shrunk, n >= 30", "shrunk_coverage_30", "%", (0.94, 0.96)),
    ("rank correlation with the truth: raw", "raw_correlation", "", None),
    ("rank correlation with the truth: shrunk", "shrunk_correlation", "", (0.90, 1.0)),
    ("mean absolute error: raw", "raw_error", "", None),
    ("mean absolute error: shrunk", "shrunk_error", "", (0.0, 0.070)),
    ("flagged at 1.96 when none differs", "flagged", "%", (0.035, 0.065)),
    ("flagged at 1.96 when none differs, n >= 30", "flagged_30", "%", (0.035, 0.065)),
    ("flagged at 1.96 when none differs, as published", "flagged_published", "%", (0.035, 0.065)),
    ("coverage of 95 % rank intervals", "rank_coverage", "%", (0.93, 0.985)),
    ("coverage of 95 % rank intervals, 30 peers and more", "rank_coverage_large", "%", (0.93, 0.97)),
    ("mean width of rank intervals (places)", "rank_width", "", None),
    ("the same from joint draws: coverage", "draws_coverage", "%", None),
    ("the same from joint draws: width", "draws_width", "", None),
    ("mean distance of our bounds from theirs (places)", "draws_distance", "", (0.0, 1.0)),
    ("median days to first follow-up, n >= 100: relative error", "median_error", "%", (-0.05, 0.05)),
    ("share followed up by day 5: coverage of its interval", "limit_coverage", "%", (0.93, 0.97)),
    ("mean days of the closed ones alone: relative error", "closed_only_error", "%", None),
)


def report(verdict: Verdict, seeds: int) -> str:
    """The table: each measure, its bar, and whether it was reached."""
    lines = [f"{seeds} nations of {len(AGENCIES)} agencies, twelve months", f"{'':60} {'measured':>9} {'bar':>15}"]
    for title, name, unit, bar in LINES:
        value, factor, places = getattr(verdict, name), 100 if unit else 1, 1 if unit else 3
        written = f"{value * factor:.{places}f}{' %' if unit else ''}"
        limits = "" if bar is None else f"{bar[0] * factor:.4g} to {bar[1] * factor:.4g}{' %' if unit else ''}"
        word = "" if bar is None else ("held" if bar[0] <= value <= bar[1] else "MISSED")
        lines.append(f"{title:60} {written:>9} {limits:>15} {word}".rstrip())
    return "\n".join(lines)


def missed(verdict: Verdict) -> list[str]:
    """Titles of the bars not reached."""
    return [
        title for title, name, _, bar in LINES if bar and not bar[0] <= cast("float", getattr(verdict, name)) <= bar[1]
    ]
