"""How figures go on in time: trends, the stock with what flows in and out, and how long complaints stay open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import ceil
from typing import Unpack

from reports.charts import style
from reports.charts.drawing import (
    Chart,
    Framing,
    Plot,
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
from reports.charts.scales import Axis, Kind, linear, milliseconds, ticks
from reports.fonts import shorten, text_width
from reports.language import Language, date_short, month_short, number, percent

WIDEST_BAR = 40.0  # pixels
LABEL_SHARE = 0.34  # of the chart's width that labels beside the plot may take
WORDS = {
    "id": {"open": "Terbuka", "in": "Masuk", "out": "Keluar", "limit": "Batas {} hari kerja", "half": "separuh"},
    "en": {"open": "Open", "in": "In", "out": "Out", "limit": "Limit of {} working days", "half": "half"},
}
TOLD = {
    "id": {
        "line": "{}: {} ({}) menjadi {} ({}).",
        "gap": "{}: tidak ada data.",
        "break": "Deret terputus pada {}: {}.",
        "flow": "{} sampai {}: masuk {}, keluar {}; terbuka {} menjadi {}.",
        "median": "{}: separuh selesai dalam {} hari kerja; {} masih terbuka setelah {} hari kerja.",
        "no_median": "{}: lebih dari separuh masih terbuka; {} setelah {} hari kerja.",
    },
    "en": {
        "line": "{}: {} ({}) to {} ({}).",
        "gap": "{}: no data.",
        "break": "The series breaks at {}: {}.",
        "flow": "{} to {}: in {}, out {}; open {} to {}.",
        "median": "{}: half closed within {} working days; {} still open after {} working days.",
        "no_median": "{}: more than half still open; {} after {} working days.",
    },
}


@dataclass(frozen=True, slots=True)
class Line:
    """A series. points: day (the first of a month or week) and value, None where unknown: the line has a gap there."""

    label: str
    points: Sequence[tuple[date, float | None]]


@dataclass(frozen=True, slots=True)
class Break:
    """From this day on a series is counted differently: no line crosses it."""

    on: date
    label: str


@dataclass(frozen=True, slots=True)
class Curve:
    """steps: working day and the share (0 to 1) still open from that day on, in the order of days."""

    label: str
    steps: Sequence[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class FlowDay:
    """What came in and went out in a day, week or month that begins on `on`, and what was open at its end."""

    on: date
    received: int
    closed: int
    open_count: int


def trend(
    lines: Sequence[Line], *, breaks: Sequence[Break] = (), kind: Kind = "count", **framing: Unpack[Framing]
) -> Chart:
    """Up to five lines over time, each named with its last value at its end.

    kind "rate": values are shares of 1. Counts begin at zero; a rate's axis is cut to where its values are. More than
    five lines raise ValueError: nobody tells them apart.
    """
    _refuse_too_many(lines, framing)
    days = sorted({day for line in lines for day, _ in line.points})
    values = [value for line in lines for _, value in line.points if value is not None]
    if not values:
        return nothing(framing)
    language = language_of(framing)
    axis = _value_axis(values, kind)
    labels = [_end_label(line, kind, language, width_of(framing)) for line in lines]
    plot = plot_of(
        framing,
        height=190,
        left=ticks_room(axis, kind, language),
        right=max(text_width(label, style.SMALL_SIZE, "SemiBold") for label in labels) + 14,
        top=20 if breaks else 8,
    )
    points: list[Row] = []
    for line, look in zip(lines, style.LINES, strict=False):
        for day, value in line.points:
            segment = f"{line.label} {sum(each.on <= day for each in breaks)}"
            points.append(
                {"x": day, "y": value, "colour": look.colour, "dash": look.dash, "shape": look.shape}
                | {"segment": segment, "size": 34 if len(days) <= 27 else 10}
            )
    ends = [
        (label, known[-1], look.colour)
        for label, line, look in zip(labels, lines, style.LINES, strict=False)
        if (known := [value for _, value in line.points if value is not None])
    ]
    drawn = draw(
        "trend",
        plot,
        {
            "points": points,
            "breaks": [{"x": each.on} for each in breaks if days[0] <= each.on <= days[-1]],
            "words": line_ends(ends, days[-1], plot, axis) + _break_words(breaks, days, plot, axis),
        },
        {"x": _day_axis(days, plot), "y": axis},
        language,
    )
    told = [_line_told(line, kind, language) for line in lines]
    told += [TOLD[language]["break"].format(date_short(each.on, language), each.label) for each in breaks]
    return frame(plot, drawn, " ".join(told), framing)


def survival(curves: Sequence[Curve], *, limit_day: int | None, **framing: Unpack[Framing]) -> Chart:
    """Share still open by working days since receipt, with the day of the limit and the line of the half (median).

    More than five curves raise ValueError, as for `trend`.
    """
    _refuse_too_many(curves, framing)
    known = [curve for curve in curves if curve.steps]
    if not known:
        return nothing(framing)
    language = language_of(framing)
    last_day = max(*(curve.steps[-1][0] for curve in known), limit_day or 0, 1)
    labels = [
        shorten(
            f"{curve.label} {percent(curve.steps[-1][1], 0, language)}", _room(framing), style.SMALL_SIZE, "SemiBold"
        )
        for curve in known
    ]
    y = Axis((0, 1), [0, 0.25, 0.5, 0.75, 1], ".0%")
    x = linear(0, last_day, "count", 8)
    x = Axis((0, last_day), [tick for tick in x.ticks if tick <= last_day], x.label_format)
    plot = plot_of(
        framing,
        height=190,
        left=44,
        right=max(text_width(label, style.SMALL_SIZE, "SemiBold") for label in labels) + 14,
        top=20 if limit_day is not None else 8,
    )
    steps: list[Row] = []
    for curve, look in zip(known, style.LINES, strict=False):
        begun = list(curve.steps) if curve.steps[0][0] == 0 else [(0, 1.0), *curve.steps]
        begun.append((last_day, begun[-1][1]))  # the last step goes on to the edge
        steps += [
            {"x": day, "y": share, "colour": look.colour, "dash": look.dash, "segment": curve.label}
            for day, share in begun
        ]
    words = line_ends(
        [
            (label, curve.steps[-1][1], look.colour)
            for label, curve, look in zip(labels, known, style.LINES, strict=False)
        ],
        last_day,
        plot,
        y,
    )
    if limit_day is not None:
        on_left = limit_day > last_day / 2
        words.append(
            word(
                WORDS[language]["limit"].format(limit_day), limit_day, 1, colour=style.INK, weight=600,
                align="right" if on_left else "left", dx=0, dy=-12,
            )
        )  # fmt: skip
    words.append(word(WORDS[language]["half"], last_day, 0.5, align="right", dx=-2, dy=-7))
    drawn = draw(
        "survival",
        plot,
        {
            "levels": [{"y": 0.5}],
            "limits": [] if limit_day is None else [{"x": limit_day}],
            "steps": steps,
            "words": words,
        },
        {"x": x, "y": y},
        language,
    )
    return frame(plot, drawn, " ".join(_curve_told(curve, language) for curve in known), framing)


def stock_flow(days: Sequence[FlowDay], **framing: Unpack[Framing]) -> Chart:
    """What was open (above, from zero) and what came in and went out (below, up and down) over the same days.

    Days, weeks or months, in their order: each lasts to the next.
    """
    if not days:
        return nothing(framing)
    language = language_of(framing)
    words_of = WORDS[language]
    begins = [datetime.combine(day.on, time(), UTC) for day in days]
    ends = [*begins[1:], begins[-1] + (begins[-1] - begins[-2] if len(days) > 1 else timedelta(days=1))]
    open_label = f"{words_of['open']} {number(days[-1].open_count, 0, language)}"
    stock_ticks = ticks(0, max(day.open_count for day in days), 3, 1)
    flow_ticks = ticks(-max(day.closed for day in days), max(day.received for day in days), 4, 1)
    tick_labels = [number(abs(tick), 0, language) for tick in (*stock_ticks, *flow_ticks)]
    end_labels = (open_label, words_of["in"], words_of["out"])
    plot = plot_of(
        framing,
        height=min(130 + 20 * len(days), 250),  # a few bars are no taller than they are worth
        left=max(text_width(label, style.LABEL_SIZE) for label in tick_labels) + 12,
        right=max(text_width(label, style.SMALL_SIZE, "SemiBold") for label in end_labels) + 14,
    )
    # The plot is one from 0 to 1: the stock takes its upper half, the flow the lower, with a gutter between.
    flow_high, stock_low = 0.44, 0.54
    span = flow_ticks[-1] - flow_ticks[0]

    def of_stock(count: float) -> float:
        return stock_low + (1 - stock_low) * count / stock_ticks[-1]

    def of_flow(count: float) -> float:
        return flow_high * (count - flow_ticks[0]) / span

    zero = of_flow(0)
    width = min(0.82, WIDEST_BAR * len(days) / plot.width)  # of a bar, as a share of its time
    flow: list[Row] = []
    stock: list[Row] = []
    for day, begin, end in zip(days, begins, ends, strict=True):
        middle = begin + (end - begin) * 0.41
        left, right = (middle + (end - begin) * width * side / 2 for side in (-1, 1))
        # A line needs two points: what was open at the end of a single day is as wide as its bar.
        for at in (middle,) if len(days) > 1 else (left, right):
            stock.append({"x": at, "y": of_stock(day.open_count), "y2": stock_low})
        for count, colour in ((day.received, style.MIDDLE_BLUE), (-day.closed, style.TEAL)):
            flow.append({"x": left, "x2": right, "y": zero, "y2": of_flow(count), "colour": colour})
    grid = [*(of_stock(tick) for tick in stock_ticks), *(of_flow(tick) for tick in flow_ticks)]
    words = [word(label, begins[0], y, align="right", dx=-8) for label, y in zip(tick_labels, grid, strict=True)]
    for label, y, colour in (
        (open_label, of_stock(days[-1].open_count), style.NAVY),
        (words_of["in"], (zero + flow_high) / 2, style.BLUE),
        (words_of["out"], zero / 2, style.TEAL),
    ):
        words.append(word(label, ends[-1], y, colour=colour, size=style.SMALL_SIZE, weight=600, dx=9))
    drawn = draw(
        "stock_flow",
        plot,
        {"grid": [{"y": y} for y in grid], "stock": stock, "flow": flow, "words": words},
        {"x": _day_axis([day.on for day in days], plot, ends[-1].date()), "y": Axis((0, 1), [])},
        language,
    )
    told = TOLD[language]["flow"].format(
        date_short(days[0].on, language),
        date_short(days[-1].on, language),
        number(sum(day.received for day in days), 0, language),
        number(sum(day.closed for day in days), 0, language),
        number(days[0].open_count, 0, language),
        number(days[-1].open_count, 0, language),
    )
    return frame(plot, drawn, told, framing)


def _refuse_too_many(lines: Sequence[Line | Curve], framing: Framing) -> None:
    if len(lines) > len(style.LINES):
        raise ValueError(f"chart {framing['name']}: {len(lines)} lines, at most {len(style.LINES)} can be told apart")


def _value_axis(values: Sequence[float], kind: Kind) -> Axis:
    low, high = min(values), max(values)
    if kind == "rate":
        # Ten points at least, so that a flat line looks flat.
        middle, half = (low + high) / 2, max((high - low) * 0.6, 0.05)
        return linear(max(middle - half, min(low, 0.0)), min(middle + half, max(high, 1.0)), kind)
    return linear(min(low, 0.0), max(high, 0.0), kind)


def _day_axis(days: Sequence[date], plot: Plot, end: date | None = None) -> Axis:
    """Ticks at the days there are, as many as have room."""
    are_months = all(day.day == 1 for day in days)
    every = ceil(len(days) * 62 / plot.width)
    domain = (milliseconds(days[0]), milliseconds(end or days[-1]))
    if domain[0] == domain[1]:
        domain = (domain[0] - 1, domain[1] + 1)
    return Axis(domain, [milliseconds(day) for day in days[::every]], "%b %Y" if are_months else "%-d %b")


def _end_label(line: Line, kind: Kind, language: Language, width: int) -> str:
    """The line's name, cut to its room, and its last known value, whole."""
    known = [value for _, value in line.points if value is not None]
    value = f" {written(known[-1], kind, language)}" if known else ""
    room = width * LABEL_SHARE - text_width(value, style.SMALL_SIZE, "SemiBold")
    return shorten(" ".join(line.label.split()), room, style.SMALL_SIZE, "SemiBold") + value


def _room(framing: Framing) -> float:
    return width_of(framing) * LABEL_SHARE


def _break_words(breaks: Sequence[Break], days: Sequence[date], plot: Plot, axis: Axis) -> list[Row]:
    """Above the plot, on the side of the break where there is room."""
    words = []
    for each in breaks:
        if days[0] <= each.on <= days[-1]:
            on_left = each.on - days[0] > (days[-1] - days[0]) / 2
            label = shorten(each.label, plot.width / 2, style.LABEL_SIZE)
            words.append(word(label, each.on, axis.domain[1], align="right" if on_left else "left", dy=-11))
    return words


def _line_told(line: Line, kind: Kind, language: Language) -> str:
    known = [(day, value) for day, value in line.points if value is not None]
    if not known:
        return TOLD[language]["gap"].format(line.label)
    are_months = all(day.day == 1 for day, _ in line.points)
    first, last = known[0], known[-1]
    named = [month_short(day, language) if are_months else date_short(day, language) for day, _ in (first, last)]
    return TOLD[language]["line"].format(
        line.label, written(first[1], kind, language), named[0], written(last[1], kind, language), named[1]
    )


def _curve_told(curve: Curve, language: Language) -> str:
    last_day, share = curve.steps[-1]
    median = next((day for day, still_open in curve.steps if still_open <= 0.5), None)
    rest = (percent(share, 0, language), number(last_day, 0, language))
    if median is None:
        return TOLD[language]["no_median"].format(curve.label, *rest)
    return TOLD[language]["median"].format(curve.label, number(median, 0, language), *rest)
