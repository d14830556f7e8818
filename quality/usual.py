"""What is usual: an agency's and the nation's figures of tonight beside those of the trailing nights.

Pure: frames in, frames with more columns out. Every figure is null, and so not judged, until there is enough to compare
with.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import fmean, median

import pandas as pd

from quality.bounds import Bounds
from quality.decisions import Delivery

NATIONAL_MIXES = ("class", "channel", "status")
SAID_OR_NOT = ("category", "region", "channel")


@dataclass(frozen=True, slots=True)
class Metric:
    """What one let-in delivery of an earlier night brought: rows, and rows by what they say ("status:SELESAI")."""

    night: date
    agency_code: str
    resource: str
    rows: int
    counts: Mapping[str, int]


def read_metrics(frame: pd.DataFrame) -> list[Metric]:
    """The metrics of the frame of quality/sql/metrics.sql."""
    columns = (frame[name] for name in ("night", "agency_code", "resource", "loaded_rows", "counts"))
    return [
        Metric(night, agency, resource, int(rows), json.loads(counts))
        for night, agency, resource, rows, counts in zip(*columns, strict=True)
    ]


def add_status_mix(deliveries: pd.DataFrame, metrics: Iterable[Metric], bounds: Bounds) -> pd.DataFrame:
    """The delivery frame with mix_distance: how far the states of tonight's complaints lie from the agency's usual.

    Half the sum of the differences of shares, 0 (the same) to 1 (nothing in common). Judged from mix_min_rows rows
    tonight and mix_min_nights nights before with a fifth of that, each night counting alike.
    """
    nights: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    for metric in metrics:
        if metric.rows >= bounds.mix_min_rows / 5 and (mix := shares(metric.counts, "status")):
            nights[metric.agency_code, metric.resource].append(mix)
    distances: list[float | None] = []
    for agency, resource, counts in zip(
        deliveries["agency_code"], deliveries["resource"], deliveries["counts"], strict=True
    ):
        told = json.loads(counts)
        usual = nights[agency, resource]
        enough = sum(_of(told, "status").values()) >= bounds.mix_min_rows and len(usual) >= bounds.mix_min_nights
        distances.append(distance(shares(told, "status"), _mean(usual)) if enough else None)
    return deliveries.assign(mix_distance=pd.array(distances, dtype="float64[pyarrow]"))


def add_national_figures(
    nights: pd.DataFrame, deliveries: Sequence[Delivery], metrics: Iterable[Metric], night: date, bounds: Bounds
) -> pd.DataFrame:
    """The night frame with national_volume_ratio, national_mix_distance and national_nulls_rise, by resource.

    The ratio is tonight's rows to the usual, or the inverse where there are fewer, per night since the last one; the
    rise is the largest increase of a share of rows that do not say their category, region or channel. Held deliveries
    count on neither side. Judged from national_min_nights nights and national_min_rows usual rows.
    """
    history: dict[str, dict[date, tuple[int, Counter[str]]]] = defaultdict(dict)
    for metric in metrics:
        rows, counts = history[metric.resource].get(metric.night, (0, Counter[str]()))
        counts.update(metric.counts)
        history[metric.resource][metric.night] = rows + metric.rows, counts
    figures = [
        _national([one for one in deliveries if one.resource == resource], history[resource], night, bounds)
        for resource in nights["resource"]
    ]
    names = ("national_volume_ratio", "national_mix_distance", "national_nulls_rise")
    columns = zip(*figures, strict=True) if figures else ((), (), ())
    return nights.assign(
        **{name: pd.array(list(column), dtype="float64[pyarrow]") for name, column in zip(names, columns, strict=True)}
    )


def _national(
    deliveries: Iterable[Delivery], history: Mapping[date, tuple[int, Counter[str]]], night: date, bounds: Bounds
) -> tuple[float | None, float | None, float | None]:
    accepted = [delivery for delivery in deliveries if delivery.verdict != "held"]
    rows = sum(delivery.loaded_rows for delivery in accepted)
    told: Counter[str] = sum((Counter(delivery.counts) for delivery in accepted), Counter())
    usual = _usual_rows(history, night, bounds)
    if len(history) < bounds.national_min_nights or usual[0] < bounds.national_min_rows:
        return None, None, None
    nights = (night - max(history)).days
    ratios = [max(rows, 1) / max(nights * one, 1) for one in usual]
    mixes = [
        distance(shares(told, kind), _mean([shares(counts, kind) for _, counts in history.values()]))
        for kind in NATIONAL_MIXES
        if _of(told, kind)
    ]
    rises = [
        told[f"without:{what}"] / rows - median(counts[f"without:{what}"] / count for count, counts in history.values())
        for what in SAID_OR_NOT
        if rows and told
    ]
    return min(max(ratio, 1 / ratio) for ratio in ratios), max(mixes, default=None), max(rises, default=None)


def _usual_rows(history: Mapping[date, tuple[int, Counter[str]]], night: date, bounds: Bounds) -> list[float]:
    """What is usual on this weekday; where it was seen too seldom, on any day, and on days of its half of the week.

    Agencies rest on Saturdays and Sundays, so that a first weekend has far fewer rows than the days before it; a night
    that is like either usual is no surprise.
    """
    same_weekday = [rows for day, (rows, _) in history.items() if day.weekday() == night.weekday()]
    if len(same_weekday) >= bounds.volume_min_nights:
        return [float(median(same_weekday))]
    every_day = [rows for rows, _ in history.values()]
    alike = [rows for day, (rows, _) in history.items() if _at_weekend(day) == _at_weekend(night)]
    return [float(median(rows)) for rows in (every_day, alike) if rows] or [0.0]


def _at_weekend(day: date) -> bool:
    return day.isoweekday() > 5


def shares(counts: Mapping[str, int], kind: str) -> dict[str, float]:
    """The share of each value of one kind among the rows that say it; empty if none does."""
    told = _of(counts, kind)
    whole = sum(told.values())
    return {value: count / whole for value, count in told.items()} if whole else {}


def distance(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Total variation distance of two mixes: 0 the same, 1 nothing in common."""
    return sum(abs(one.get(value, 0) - other.get(value, 0)) for value in {*one, *other}) / 2


def _of(counts: Mapping[str, int], kind: str) -> dict[str, int]:
    return {value: count for value, count in counts.items() if value.startswith(f"{kind}:")}


def _mean(mixes: Sequence[Mapping[str, float]]) -> dict[str, float]:
    told = [mix for mix in mixes if mix]
    return {value: fmean(mix.get(value, 0) for mix in told) for value in {key for mix in told for key in mix}}
