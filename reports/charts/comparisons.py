"""How an agency stands among its peers: funnel, caterpillar, and the place in a distribution."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log10
from typing import Unpack

from reports.charts import style
from reports.charts.drawing import (
    Chart,
    Framing,
    Row,
    draw,
    frame,
    language_of,
    line_ends,
    nothing,
    plot_of,
    ticks_room,
    width_of,
    word,
    written,
)
from reports.charts.scales import Axis, Box, Kind, linear, place, ticks
from reports.fonts import shorten, text_width
from reports.language import number

LEAST_TICKS = 3  # of an axis of n, so that its scale can be read
FUNNEL_HEIGHT = 260.0  # of a whole chart; a narrow one keeps its shape
HEADROOM = 0.06  # of a funnel's values
LABELLED = 5  # flagged points of a funnel: more would cover each other
ROW_HEIGHT = 20.0
NAME_SHARE = 0.4  # of a caterpillar's width, at most, for the names
WORDS = {
    "id": {
        "n": "n, skala logaritma",
        "here": "Instansi ini",
        "target": "Acuan",
        "median": "median {}",
        "bands": "Pita terang: 80% instansi di tengah; pita gelap: 50% di tengah",
    },
    "en": {
        "n": "n, logarithmic scale",
        "here": "This agency",
        "target": "Reference",
        "median": "median {}",
        "bands": "Light band: the middle 80% of agencies; dark band: the middle 50%",
    },
}
TOLD = {
    "id": {
        "funnel": "Corong: {} instansi, acuan {}; {} ditandai di luar batas.",
        "point": "{}: {} (n = {}).",
        "interval": "{}: {} (selang {} sampai {}).",
        "peers": "Kelompok sebanding: persentil ke-10 {}, ke-25 {}, median {}, ke-75 {}, ke-90 {}.",
        "here": "Instansi ini: {}.",
    },
    "en": {
        "funnel": "Funnel: {} agencies, reference {}; {} flagged beyond the limits.",
        "point": "{}: {} (n = {}).",
        "interval": "{}: {} (interval {} to {}).",
        "peers": "Peer group: 10th percentile {}, 25th {}, median {}, 75th {}, 90th {}.",
        "here": "This agency: {}.",
    },
}


@dataclass(frozen=True, slots=True)
class FunnelPoint:
    """An agency: how many its value rests on, and whether the warehouse says it lies beyond the limits."""

    label: str
    n: float
    value: float
    is_flagged: bool = False


@dataclass(frozen=True, slots=True)
class FunnelLimit:
    """Where 95 % and 99.8 % of agencies that differ by chance alone would lie at this n."""

    n: float
    low_95: float
    high_95: float
    low_998: float
    high_998: float


@dataclass(frozen=True, slots=True)
class Interval:
    """A value between its bounds; None where it is not measurable. is_here: the one the chart is about."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    is_here: bool = False


def funnel(
    points: Sequence[FunnelPoint],
    *,
    target: float,
    limits: Sequence[FunnelLimit],
    here: FunnelPoint | str | None = None,
    target_label: str | None = None,
    kind: Kind = "rate",
    **framing: Unpack[Framing],
) -> Chart:
    """Values against how many they rest on, with the limits of chance about the target.

    At most five flagged points are named, the furthest from the target for their n. here: one more point, or the
    label of one of the points; it is always named. A point with an empty label is drawn and never named.
    """
    mine = next((point for point in points if point.label == here), None) if isinstance(here, str) else here
    points = [point for point in points if point is not mine and point.n > 0]
    everyone = [*points, *([mine] if mine and mine.n > 0 else [])]
    if not everyone:
        return nothing(framing)
    language = language_of(framing)
    flagged = sorted(
        (point for point in points if point.is_flagged), key=lambda point: -abs(point.value - target) * point.n**0.5
    )
    named = [*([mine] if mine else []), *[point for point in flagged if point.label][:LABELLED]]
    # With nobody beside it, the shape of the limits says what chance does.
    x = _n_axis([point.n for point in everyone] + ([] if points else [limit.n for limit in limits]))
    lowest, highest = x.domain
    limits = [limit for limit in limits if lowest <= limit.n <= highest]
    values = [point.value for point in everyone] + [target]
    values += [bound for limit in limits for bound in (limit.low_95, limit.high_95, limit.low_998, limit.high_998)]
    # Room above the highest point, where its name may have to stand.
    y = linear(
        min(values), min(max(values) + HEADROOM * (max(values) - min(values)), 1.0 if kind == "rate" else inf), kind
    )
    reference = f"{target_label or WORDS[language]['target']} {written(target, kind, language)}"
    plot = plot_of(
        framing,
        height=min(FUNNEL_HEIGHT, width_of(framing) * 0.55),
        left=ticks_room(y, kind, language),
        right=max(text_width(reference, style.SMALL_SIZE, "SemiBold") + 14, 60),
        bottom=38,
    )
    low, high = y.domain
    bands: list[Row] = []
    bounds: list[Row] = []
    for band, dash, pairs in (
        ("99,8%", (5, 3), [(limit.n, limit.low_998, limit.high_998) for limit in limits]),
        ("95%", (), [(limit.n, limit.low_95, limit.high_95) for limit in limits]),
    ):
        for n, below, above in pairs:
            clipped = (min(max(below, low), high), min(max(above, low), high))
            bands.append({"x": n, "y": clipped[0], "y2": clipped[1], "band": band})
            for side, bound in (("low", below), ("high", above)):
                if low <= bound <= high:
                    bounds.append(
                        {"x": n, "y": bound, "colour": style.MIDDLE_BLUE, "dash": dash, "segment": f"{band} {side}"}
                    )
    ends = [(reference, target, style.NAVY)]
    if limits:
        last = limits[-1]
        for label, bound in (
            ("95%", last.low_95), ("95%", last.high_95), ("99,8%", last.low_998), ("99,8%", last.high_998),
        ):  # fmt: skip
            if low <= bound <= high:
                ends.append((label if language == "id" else label.replace(",", "."), bound, style.MUTED))
    words = line_ends(ends, highest, plot, y)
    words.append(word(WORDS[language]["n"], lowest, low, dy=32))

    def pixels(point: FunnelPoint) -> tuple[float, float]:
        across = (log10(point.n) - log10(lowest)) / (log10(highest) - log10(lowest))
        return across * plot.width, (high - point.value) / (high - low) * plot.height

    names: list[Row] = []
    taken = [Box(left - 3, top - 3, 6, 6) for left, top in map(pixels, everyone)]
    # Wider about points with a name: a label beside another's point would be read as its name.
    taken += [Box(left - 12, top - 7, 24, 14) for left, top in map(pixels, named)]
    for point in named:  # the agency the chart is about chooses first
        at = pixels(point)
        label = shorten(" ".join(point.label.split()), plot.width * 0.4, style.LABEL_SIZE, "SemiBold")
        width = text_width(label, style.LABEL_SIZE, "SemiBold")
        near = [box for box in taken if abs(box.left - at[0]) < 2 * width + 60 and abs(box.top - at[1]) < 60]
        box = place(at, width, 13, near, (plot.width, plot.height))
        taken.append(Box(box.left - 6, box.top, width + 12, box.height))
        dx, dy = box.left - at[0], box.top + box.height / 2 - at[1]
        ink = style.NAVY if point is mine else style.ALERT
        names.append(word(label, point.n, point.value, colour=ink, weight=600, dx=dx, dy=dy))
    crowd = [_point(point, style.CROWD, "circle", 50) for point in points if not point.is_flagged]
    crowd += [_point(point, style.ALERT, "diamond", 90) for point in flagged]
    crowd += [_point(mine, style.NAVY, "triangle-up", 110)] if mine else []
    drawn = draw(
        "funnel",
        plot,
        {"limits": bands, "bounds": bounds, "target": [{"y": target}], "points": crowd, "names": names, "words": words},
        {"x": x, "y": y},
        language,
    )
    told = [TOLD[language]["funnel"].format(len(everyone), written(target, kind, language), len(flagged))]
    told += [
        TOLD[language]["point"].format(point.label, written(point.value, kind, language), number(point.n, 0, language))
        for point in named
    ]
    return frame(plot, drawn, " ".join(told), framing)


def caterpillar(
    rows: Sequence[Interval],
    *,
    reference: float | None = None,
    reference_label: str | None = None,
    kind: Kind = "rate",
    **framing: Unpack[Framing],
) -> Chart:
    """A row for each value with its interval, in the order given; the one the chart is about stands out.

    reference: a value of all, such as the group's mean, as a dashed line.
    """
    bounds = [bound for row in rows for bound in (row.value, row.low, row.high) if bound is not None]
    if not bounds:
        return nothing(framing)
    language = language_of(framing)
    bounds += [] if reference is None else [reference]
    x = linear(min(bounds), max(bounds), kind)
    names = [
        shorten(" ".join(row.label.split()), width_of(framing) * NAME_SHARE, style.SMALL_SIZE, "SemiBold")
        for row in rows
    ]
    values = [written(row.value, kind, language) for row in rows]
    plot = plot_of(
        framing,
        height=ROW_HEIGHT * len(rows),
        left=max(text_width(name, style.SMALL_SIZE, "SemiBold") for name in names) + 14,
        right=max(text_width(value, style.SMALL_SIZE, "SemiBold") for value in values) + 16,
        top=8 if reference is None else 22,
    )
    spans: list[Row] = []
    points: list[Row] = []
    words: list[Row] = []
    for position, (row, name, value) in enumerate(zip(rows, names, values, strict=True)):
        colour, ink, weight = (style.ALERT, style.ALERT, 600) if row.is_here else (style.BLUE, style.INK, 400)
        if row.low is not None and row.high is not None:
            spans.append(
                {"x": row.low, "x2": row.high, "y": position, "colour": colour, "stroke": 3.0 if row.is_here else 1.6}
            )
        if row.value is not None:
            look: Row = {"shape": "diamond", "size": 90} if row.is_here else {"shape": "circle", "size": 42}
            points.append({"x": row.value, "y": position, "colour": colour, **look})
        size = style.SMALL_SIZE
        words += [
            word(name, x.domain[0], position, align="right", dx=-12, colour=ink, weight=weight, size=size),
            word(value, x.domain[1], position, dx=12, colour=ink, weight=weight, size=size),
        ]
    if reference is not None:
        label = f"{reference_label or ''} {written(reference, kind, language)}".strip()
        is_right = reference > (x.domain[0] + x.domain[1]) / 2
        words.append(
            word(label, reference, -0.5, colour=style.NAVY, weight=600, align="right" if is_right else "left", dy=-10)
        )
    drawn = draw(
        "intervals",
        plot,
        {
            "reference": [] if reference is None else [{"x": reference}],
            "spans": spans,
            "points": points,
            "words": words,
        },
        {"x": x, "y": Axis((len(rows) - 0.5, -0.5), [])},
        language,
    )
    told = [
        TOLD[language]["interval"].format(row.label, *(written(each, kind, language) for each in _bounds(row)))
        for row in rows
    ]
    return frame(plot, drawn, " ".join(told), framing)


def peers(
    quantiles: Sequence[float],
    here: float | None,
    *,
    kind: Kind = "rate",
    **framing: Unpack[Framing],
) -> Chart:
    """Where a value lies among its peers: quantiles are the 10th, 25th, 50th, 75th and 90th percentile of the group.

    Raises ValueError when they are not five in ascending order.
    """
    if len(quantiles) != 5 or list(quantiles) != sorted(quantiles):
        raise ValueError(f"chart {framing['name']}: {list(quantiles)} are not five quantiles in ascending order")
    language = language_of(framing)
    p10, p25, p50, p75, p90 = quantiles
    everything = [*quantiles, *([] if here is None else [here])]
    x = linear(min(everything), max(everything), kind, 6)
    plot = plot_of(framing, height=72, left=24, right=24, top=4, bottom=38)
    middle, width = 0.5, x.domain[1] - x.domain[0]
    spans: list[Row] = [
        {"x": p10, "x2": p90, "y": middle, "colour": style.PALE_BLUE, "stroke": 20.0},
        {"x": p25, "x2": p75, "y": middle, "colour": style.MIDDLE_BLUE, "stroke": 20.0},
        {"x": p50 - width * 0.0022, "x2": p50 + width * 0.0022, "y": middle, "colour": style.NAVY, "stroke": 28.0},
    ]
    median = WORDS[language]["median"].format(written(p50, kind, language))
    words = [_inside(median, p50, middle, x.domain, plot.width, style.NAVY, 23)]
    words.append(word(WORDS[language]["bands"], x.domain[0], 1, dx=-20, dy=32))
    points: list[Row] = []
    if here is not None:
        label = f"{WORDS[language]['here']} {written(here, kind, language)}"
        points.append({"x": here, "y": middle, "colour": style.ALERT, "shape": "diamond", "size": 170})
        words.append(_inside(label, here, middle, x.domain, plot.width, style.ALERT, -23))
    drawn = draw(
        "intervals",
        plot,
        {"reference": [], "spans": spans, "points": points, "words": words},
        {"x": x, "y": Axis((1, 0), [])},
        language,
    )
    told = TOLD[language]["peers"].format(*(written(each, kind, language) for each in quantiles))
    if here is not None:
        told += " " + TOLD[language]["here"].format(written(here, kind, language))
    return frame(plot, drawn, told, framing)


def _inside(label: str, x: float, y: float, domain: tuple[float, float], width: float, colour: str, dy: float) -> Row:
    """A word centred on x, moved inwards where it would leave the plot."""
    at = (x - domain[0]) / (domain[1] - domain[0]) * width
    half = text_width(label, style.SMALL_SIZE, "SemiBold") / 2
    dx = min(max(at, half - 20), width - half + 20) - at
    return word(label, x, y, colour=colour, weight=600, size=style.SMALL_SIZE, align="center", dx=dx, dy=dy)


def _point(point: FunnelPoint, colour: str, shape: str, size: float) -> Row:
    return {"x": point.n, "y": point.value, "colour": colour, "shape": shape, "size": size}


def _n_axis(counts: Sequence[float]) -> Axis:
    lowest, highest = min(counts) * 0.9, max(counts) * 1.15
    return Axis((lowest, highest), _log_ticks(lowest, highest), ",.0f")


def _log_ticks(low: float, high: float) -> list[float]:
    """Round numbers within the bounds, the roundest that give enough of them: n is whole, so none below 1."""
    found: list[float] = []
    for steps in ((1,), (1, 3), (1, 2, 5), (1, 2, 3, 5, 7), (1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)):
        found = [step * 10**power for power in range(9) for step in steps if low <= step * 10**power <= high]
        found = [tick for tick in found if tick == int(tick)]
        if len(found) >= LEAST_TICKS:
            return found
    return [tick for tick in ticks(low, high, LEAST_TICKS, 1) if low <= tick <= high]


def _bounds(row: Interval) -> tuple[float | None, float | None, float | None]:
    return row.value, row.low, row.high
