"""Bounds that the history would ask for, each beside the one in force, with what either would have stopped.

A proposal is a reading of the trailing nights, not a decision: whoever takes it over writes reason and date into
bounds.yml. Nights and deliveries that were held are left out, so that no flood widens the bound that caught it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import ceil

from psycopg2.extensions import cursor as Cursor

from quality.bounds import read_bounds
from quality.errors import NotDecidable
from quality.usual import Metric, distance, shares
from warehouse.connection import connect

# Two to three hundred deliveries a night bring rows: one in two thousand is about one a week for a person to look at.
QUANTILE = 0.9995
MARGIN = 1.25
MIN_FIGURES = 100


@dataclass(frozen=True, slots=True)
class Proposal:
    """One bound: its value now, the proposed one (None: too little history), over how many figures.

    `stopped_now` and `stopped_then` are how many of those figures lie beyond the one and the other.
    """

    bound: str
    now: float
    proposed: float | None
    figures: int
    largest: float
    stopped_now: int
    stopped_then: int

    def explained(self) -> str:
        """The proposal in two lines, the second as it would stand in bounds.yml."""
        head = f"{self.bound}: {self.now:g} now; {self.figures:,} figures, the largest {self.largest:.3g}"
        if self.proposed is None:
            return f"{head}\n  too little history to propose from (at least {MIN_FIGURES} figures)"
        return (
            f"{head}\n  proposed {self.proposed:g}: the {QUANTILE:.2%} point and a quarter more; it would have stopped "
            f"{self.stopped_then:,} of them, the present bound stops {self.stopped_now:,}"
        )


def propose(nights: int) -> list[Proposal]:
    """Proposals from the last so many judged nights. Raises NotDecidable if none was judged."""
    bounds = read_bounds()
    connection = connect("gate", "lapor/quality bounds")
    try:
        with connection, connection.cursor() as cursor:
            metrics = _metrics(cursor, nights)
            if not metrics:
                raise NotDecidable("No night was judged yet: there is no history to propose from.")
            return [
                _proposal("volume_factor", bounds.volume_factor, _volume_ratios(cursor, nights)),
                _proposal("bad_share", bounds.bad_share, _bad_shares(cursor, nights)),
                _proposal("mix_distance", bounds.mix_distance, _mix_distances(metrics, bounds.mix_min_rows)),
            ]
    finally:
        connection.close()


def _proposal(bound: str, now: float, figures: Sequence[float]) -> Proposal:
    ordered = sorted(figures)
    largest = ordered[-1] if ordered else 0.0
    proposed = None
    if len(ordered) >= MIN_FIGURES:
        point = ordered[min(int(QUANTILE * len(ordered)), len(ordered) - 1)]
        proposed = ceil(point * MARGIN * 100) / 100
    beyond = [sum(figure > bar for figure in ordered) for bar in (now, now if proposed is None else proposed)]
    return Proposal(bound, now, proposed, len(ordered), largest, beyond[0], beyond[1])


_JUDGED = """
select
    metric.night, metric.agency_code, metric.resource, metric.loaded_rows, metric.bad_rows, metric.trailing_median,
    metric.counts
from quality.agency_metric as metric
inner join quality.agency_verdict as verdict using (night, agency_code, resource)
where verdict.verdict <> 'held' and metric.night > (select max(night) from quality.agency_metric) - %s
"""


def _metrics(cursor: Cursor, nights: int) -> list[Metric]:
    cursor.execute(_JUDGED + " order by metric.night", [nights])
    return [Metric(night, agency, resource, rows, counts) for night, agency, resource, rows, _, _, counts in cursor]


def _volume_ratios(cursor: Cursor, nights: int) -> list[float]:
    floor = read_bounds().volume_floor_rows
    cursor.execute(_JUDGED + " and metric.trailing_median is not null", [nights])
    return [rows / max(float(usual), floor) for _, _, _, rows, _, usual, _ in cursor]


def _bad_shares(cursor: Cursor, nights: int) -> list[float]:
    cursor.execute(_JUDGED + " and metric.loaded_rows >= %s", [nights, read_bounds().bad_share_min_rows])
    return [bad / rows for _, _, _, rows, bad, _, _ in cursor]


def _mix_distances(metrics: Iterable[Metric], min_rows: int) -> list[float]:
    """Of every agency, the distance of each night's mix of states from that of the night before."""
    mixes: dict[tuple[str, str], list[tuple[date, dict[str, float]]]] = defaultdict(list)
    for metric in metrics:
        if metric.rows >= min_rows and (mix := shares(metric.counts, "status")):
            mixes[metric.agency_code, metric.resource].append((metric.night, mix))
    return [distance(one, other) for told in mixes.values() for (_, one), (_, other) in pairwise(told)]
