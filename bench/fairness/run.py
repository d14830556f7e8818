"""Draw nations, let the models compare their agencies, judge what they said."""

import time

from bench.fairness import nation, verdict
from bench.fairness.verdict import Verdict
from bench.fairness.warehouse import scratch

SEEDS = 200
DRAWS_EVERY = 10


def measure(seeds: int) -> Verdict:
    """The mean verdict over the nations of seeds 1, 2, ...; says where it is."""
    verdicts, began = [], time.monotonic()
    with scratch() as warehouse:
        for seed in range(1, seeds + 1):
            drawn = nation.draw(seed)
            comparison, timeliness = warehouse.compare(drawn)
            verdicts.append(verdict.judge(drawn, comparison, timeliness, with_draws=seed % DRAWS_EVERY == 1))
            if seed % 10 == 0 or seed == seeds:
                print(f"{seed} of {seeds} nations, {time.monotonic() - began:.0f} s", flush=True)
    return verdict.mean(verdicts)
