"""python -m bench.fairness.places: rank intervals by group size, against true places and joint draws.

The formula of int_comparison_ranks in NumPy, on one group of peers at a time: volumes of 30 and more (median 90),
rates unlike, Beta(2, 1.2), or alike, Beta(60, 30). The bench proper (run.py) checks the model's own SQL, on groups as
they come.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import special

Vector = NDArray[np.float64]
Z_95, DRAWS = 1.959964, 4_000
SIZES = {10: 300, 30: 300, 80: 300, 200: 100}  # peers: repetitions
RATES = {"unlike": (2.0, 1.2), "alike": (60.0, 30.0)}


def posterior(done: Vector, received: Vector) -> tuple[Vector, Vector]:
    """Beta parameters of each agency, by the method of moments as in int_comparison_priors."""
    total, peers = received.sum(), done.size
    mean = done.sum() / total
    spread = (received * (done / received - mean) ** 2).sum() - (peers - 1) * mean * (1 - mean)
    variance = max(spread / (total - (received**2).sum() / total - (peers - 1)), 0)
    strength = total if variance == 0 else min(max(mean * (1 - mean) / variance - 1, 1), total)
    return done + mean * strength, received - done + (1 - mean) * strength


def intervals(a: Vector, b: Vector) -> tuple[Vector, Vector]:
    """Best and worst place left open, as in int_comparison_ranks."""
    logit = special.digamma(a) - special.digamma(b)
    variance = special.polygamma(1, a) + special.polygamma(1, b)
    others = ~np.eye(a.size, dtype=bool)

    def is_better(at: Vector) -> Vector:
        return np.asarray(special.ndtr((logit - at[:, None]) / np.sqrt(variance)) * others)

    pairs = special.ndtr((logit - logit[:, None]) / np.sqrt(variance + variance[:, None])) * others
    mean = 1 + pairs.sum(axis=1)
    best, worst = (is_better(logit + sign * Z_95 * np.sqrt(variance)) for sign in (1, -1))
    low = mean - np.sqrt((mean - 1 - best.sum(axis=1)) ** 2 + Z_95**2 * (best * (1 - best)).sum(axis=1))
    high = mean + np.sqrt((1 + worst.sum(axis=1) - mean) ** 2 + Z_95**2 * (worst * (1 - worst)).sum(axis=1))
    return np.clip(np.round(low), 1, a.size), np.clip(np.round(high), 1, a.size)


def places(rates: Vector) -> NDArray[np.int64]:
    """Place of each rate in its row, 1 the best."""
    return np.argsort(np.argsort(-rates, axis=-1), axis=-1) + 1


def main() -> None:
    """Print coverage, width and distance for every size and kind of group."""
    random = np.random.default_rng(1)
    print(f"{'peers':>5} {'rates':7} {'ours':>8} {'width':>7} {'draws':>8} {'width':>7} {'apart':>6}")
    for peers, repetitions in SIZES.items():
        for name, shape in RATES.items():
            ours, drawn, apart = [], [], []
            for repetition in range(repetitions):
                received = np.floor(random.lognormal(np.log(60), 0.9, peers)) + 30
                rates = random.beta(*shape, peers)
                a, b = posterior(random.binomial(received.astype(int), rates).astype(float), received)
                low, high = intervals(a, b)
                true = places(rates)
                ours.append((((low <= true) & (true <= high)).mean(), (high - low).mean()))
                if repetition % 10 == 0:
                    bounds = np.quantile(
                        places(random.beta(a, b, (DRAWS, peers))), [0.025, 0.975], axis=0, method="inverted_cdf"
                    )
                    drawn.append((((bounds[0] <= true) & (true <= bounds[1])).mean(), (bounds[1] - bounds[0]).mean()))
                    apart.append((np.abs(low - bounds[0]).mean() + np.abs(high - bounds[1]).mean()) / 2)
            (covered, width), (drawn_covered, drawn_width) = np.mean(ours, axis=0), np.mean(drawn, axis=0)
            print(
                f"{peers:>5} {name:7} {covered:8.1%} {width:7.1f} {drawn_covered:8.1%} {drawn_width:7.1f}"
                f" {np.mean(apart):6.1f}"
            )


if __name__ == "__main__":
    main()
