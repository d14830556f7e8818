"""A plot of Vega in the frame that every chart has: finding, unit and n above it, stamp and source below it.

A kind of chart is one Altair specification, compiled once per process; a chart is that with its data, domains and ticks
put in, which costs a tenth of compiling it anew. Positions that must not collide are decided before, in pixels, because
the margins are measured in the typeface's own outlines.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from math import ceil
from typing import Any, Literal, NotRequired, Required, TypedDict
from xml.sax.saxutils import escape, quoteattr

import vl_convert

from reports.charts import style
from reports.charts.scales import Axis, Kind, spread
from reports.fonts import FAMILY, text_width, wrap
from reports.language import Language, months_short, number, number_locale, percent

Row = Mapping[str, str | float | date | Sequence[float] | None]


SIMULATION = {"id": "DATA SIMULASI, bukan kinerja sebenarnya", "en": "SIMULATED DATA, not actual performance"}
NOTHING = {"id": "Tidak ada data", "en": "No data"}
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# The root names role and typeface; a class would let a page's style sheet in. The look-ahead keeps to tags.
NOT_OURS = re.compile(r' (?:role|aria-[a-z]+|class|font-family|pointer-events)="[^"]*"(?=[^<>]*>)')
ROOT = re.compile(r'<svg [^>]*?width="([\d.]+)" height="([\d.]+)"[^>]*>(.*)</svg>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart. title: the finding; description: what a reader who does not see it is told; both stand in the SVG.

    The text of the SVG is text in Plus Jakarta Sans; it has no script, no style sheet and no address outside itself.
    """

    name: str
    svg: str
    title: str
    description: str


class Framing(TypedDict, total=False):
    """What every chart is told besides its data.

    name: unique on its page, [a-z0-9_-]+. title: the finding. unit: what a value counts. n: how many the chart rests
    on, None where that has no meaning. description: instead of the one made of the data. width: in pixels. source: a
    short line below, such as the cut-off.
    """

    name: Required[str]
    title: Required[str]
    unit: Required[str]
    n: Required[int | None]
    language: NotRequired[Language]
    is_simulated: Required[bool]
    description: NotRequired[str | None]
    width: NotRequired[int]
    source: NotRequired[str | None]


@dataclass(frozen=True, slots=True)
class Plot:
    """The rectangle inside the margins, all in pixels."""

    width: float
    height: float
    left: float = 0.0
    right: float = 0.0
    top: float = 6.0
    bottom: float = 20.0


def plot_of(framing: Framing, *, height: float, left: float, right: float, top: float = 6, bottom: float = 22) -> Plot:
    """The plot that with these margins fills the chart's width."""
    left, right = ceil(left), ceil(right)
    inner = width_of(framing) - 2 * style.PADDING - left - right
    return Plot(max(inner, 40.0), height, left, right, top, bottom)


def width_of(framing: Framing) -> int:
    """Width of the chart in pixels, 640 unless told."""
    return framing.get("width", 640)


def language_of(framing: Framing) -> Language:
    """Language of the chart's words and numbers, Indonesian unless told."""
    return framing.get("language", "id")


def written(value: float | None, kind: Kind, language: Language, decimals: int = 1) -> str:
    """A value as readers see it: a count whole, a rate (share of 1) in percent, another number with its decimals."""
    if kind == "rate":
        return percent(value, decimals, language)
    return number(value, 0 if kind == "count" else decimals, language)


def ticks_room(axis: Axis, kind: Kind, language: Language) -> float:
    """Pixels that the labels of a vertical axis take to the left of the plot."""
    return 12 + max(text_width(written(tick, kind, language, axis.decimals), style.LABEL_SIZE) for tick in axis.ticks)


def clean(text: str) -> str:
    """One line of text that XML can hold; what it cannot is shown as a replacement character."""
    return NOT_XML.sub("\ufffd", " ".join(text.split()))


def draw(
    kind: str,
    plot: Plot,
    data: Mapping[str, Sequence[Row]],
    axes: Mapping[str, Axis],
    language: Language,
) -> str:
    """The plot as the inner part of an SVG, its margins' corner at 0, 0.

    kind: of a template. data: rows by the name the template gives them, every one of its names; axes: domain and ticks
    by name of scale.
    """
    from reports.charts.templates import compiled  # Altair costs a second, which a command without charts need not wait

    vega = {
        **compiled(kind),
        "autosize": "none",
        "width": plot.width,
        "height": plot.height,
        "padding": {"left": plot.left, "right": plot.right, "top": plot.top, "bottom": plot.bottom},
    }
    vega["data"] = [
        table if "source" in table else {**table, "values": [_plain(row) for row in data[table["name"]]]}
        for table in vega["data"]
    ]
    vega["scales"] = [
        {**scale, "domain": axes[scale["name"]].domain} if scale["name"] in axes else scale for scale in vega["scales"]
    ]
    vega["axes"] = [{**axis, **_ticks(axis, axes)} for axis in vega.get("axes", [])]
    svg = vl_convert.vega_to_svg(vega, allowed_base_urls=[], **_locales(language))
    found = ROOT.fullmatch(svg)
    assert found is not None, "the renderer of charts no longer writes one svg element: see ROOT"
    return NOT_OURS.sub("", found[3])


def frame(plot: Plot, drawn: str, description: str, framing: Framing) -> Chart:
    """The chart: the drawn plot with title, unit and n above, stamp and source below, and its text alternative."""
    name, width, language = framing["name"], width_of(framing), language_of(framing)
    title, told = clean(framing["title"]), clean(framing.get("description") or description)
    if framing["is_simulated"]:
        told = f"{told} {SIMULATION[language]}."
    lines: list[str] = []
    at = style.PADDING
    for line in wrap(title, width - 2 * style.PADDING, style.TITLE_SIZE, "SemiBold"):
        at += style.TITLE_LINE
        lines.append(_text(line, style.PADDING, at - 5, style.TITLE_SIZE, style.NAVY, weight=600))
    sample = "" if framing["n"] is None else f" · n = {number(framing['n'], 0, language)}"
    for line in wrap(clean(framing["unit"]) + sample, width - 2 * style.PADDING, style.SMALL_SIZE):
        at += style.SMALL_LINE
        lines.append(_text(line, style.PADDING, at - 3, style.SMALL_SIZE, style.MUTED))
    at += 6
    lines.append(f'<g transform="translate({style.PADDING:g},{at:g})">{drawn}</g>')
    at += plot.top + plot.height + plot.bottom
    below, at = _footer(framing, at)
    lines += below
    height = at + style.PADDING
    return Chart(
        name,
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height:g}" viewBox="0 0 {width} {height:g}"'
        f' role="img" aria-labelledby={quoteattr(f"{name}-title {name}-desc")} font-family="{FAMILY}">'
        f"<title id={quoteattr(f'{name}-title')}>{escape(title)}</title>"
        f"<desc id={quoteattr(f'{name}-desc')}>{escape(told)}</desc>{''.join(lines)}</svg>",
        title,
        told,
    )


def word(
    label: str,
    x: float | date,
    y: float,
    *,
    colour: str = style.MUTED,
    size: float = style.LABEL_SIZE,
    weight: int = 400,
    align: Literal["left", "center", "right"] = "left",
    dx: float = 0.0,
    dy: float = 0.0,
) -> Row:
    """A row of a template's table `words`: text at x, y of the scales, moved by dx, dy pixels."""
    looks: Row = {"colour": colour, "size": size, "weight": weight, "align": align, "dx": dx, "dy": dy}
    return {"label": label, "x": x, "y": y, **looks}


def line_ends(
    ends: Sequence[tuple[str, float, str]], x: float | date, plot: Plot, axis: Axis, gap: float = 14
) -> list[Row]:
    """Labels to the right of lines that end at x, each (label, y, colour) at its line's height and none on another."""
    low, high = axis.domain
    pixel = (high - low) / plot.height
    places = spread([y for _, y, _ in ends], gap * pixel, low, high)
    return [
        word(label, x, place, colour=colour, size=style.SMALL_SIZE, weight=600, dx=9)
        for (label, _, colour), place in zip(ends, places, strict=True)
    ]


def nothing(framing: Framing) -> Chart:
    """The chart of no data: it says so."""
    language = language_of(framing)
    plot = Plot(width_of(framing) - 2 * style.PADDING, 40, top=0, bottom=0)
    return frame(plot, _text(NOTHING[language], 0, 24, style.SMALL_SIZE, style.MUTED), NOTHING[language] + ".", framing)


def _footer(framing: Framing, at: float) -> tuple[list[str], float]:
    """Stamp to the left, source to the right of it or below; and where they end."""
    width, lines = width_of(framing), []
    taken = 0.0
    source = clean(framing.get("source") or "")
    if framing["is_simulated"]:
        stamp = SIMULATION[language_of(framing)]
        taken = text_width(stamp, style.LABEL_SIZE, "SemiBold") + 16
        at += 24
        lines.append(
            f'<rect x="{style.PADDING + 0.5:g}" y="{at - 17.5:g}" width="{taken:g}" height="18" rx="3"'
            f' fill="#fff7ed" stroke="{style.STAMP}" stroke-width="1"/>'
        )
        lines.append(_text(stamp, style.PADDING + 8.5, at - 4.5, style.LABEL_SIZE, style.STAMP, weight=600))
    if source:
        if not taken or taken + 12 + text_width(source, style.LABEL_SIZE) > width - 2 * style.PADDING:
            for line in wrap(source, width - 2 * style.PADDING, style.LABEL_SIZE):
                at += style.SMALL_LINE
                lines.append(_text(line, style.PADDING, at - 3, style.LABEL_SIZE, style.MUTED))
        else:
            lines.append(_text(source, width - style.PADDING, at - 4.5, style.LABEL_SIZE, style.MUTED, anchor="end"))
    return lines, at


def _text(text: str, x: float, y: float, size: float, fill: str, *, weight: int = 400, anchor: str = "start") -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" font-weight="{weight}" fill="{fill}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )


def _plain(row: Row) -> dict[str, Any]:
    """The row as JSON can say it."""
    return {
        key: clean(value) if isinstance(value, str) else value.isoformat() if isinstance(value, date) else value
        for key, value in row.items()
    }


def _ticks(axis: Mapping[str, Any], axes: Mapping[str, Axis]) -> dict[str, Any]:
    """Values and format of an axis of the template."""
    told = axes.get(axis["scale"])
    if told is None:
        return {}
    return {"values": told.ticks} if told.label_format is None else {"values": told.ticks, "format": told.label_format}


@cache
def _locales(language: Language) -> dict[str, Any]:
    """The signs and months of a language as vl_convert takes them: d3 knows no Indonesian."""
    months = list(months_short(language))
    days = [""] * 7
    return {
        "format_locale": number_locale(language),
        "time_format_locale": {
            "dateTime": "%-d %b %Y",
            "date": "%-d %b %Y",
            "time": "%H.%M",
            "periods": ["", ""],
            "days": days,
            "shortDays": days,
            "months": months,
            "shortMonths": months,
        },
    }
