"""The specification of each kind of chart in Altair, compiled to Vega once per process.

A template names its tables and holds no data; `drawing.draw` puts data, domains and ticks in. Colours, dashes and
shapes are columns of the data (`scale=None`), so that the chart that knows what a row means decides how it looks.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import altair as alt
import vl_convert

from reports.charts import style

COLOUR = alt.Color("colour:N", scale=None)
SHAPE = alt.Shape("shape:N", scale=None)
SIZE = alt.Size("size:Q", scale=None)
DASH = alt.StrokeDash("dash:N", scale=None)
PLAIN = alt.Scale(domain=[0, 1], nice=False, zero=False)  # the domain is put in when a chart is drawn


@cache
def compiled(kind: str) -> dict[str, Any]:
    """The Vega of a kind of chart; not to be changed in place.

    It names no typeface: the chart's root does. To measure ours takes the renderer half of its time, for nothing, as no
    position in our charts depends on it.
    """
    chart = BUILDERS[kind]().configure(
        aria=False,  # the whole is one image with one description
        background="transparent",
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            domain=False,
            ticks=False,
            title=None,
            grid=False,
            gridColor=style.GRID,
            labelColor=style.MUTED,
            labelFontSize=style.LABEL_SIZE,
            labelPadding=6,
            labelFlush=False,
            labelOverlap=False,
        ),
        text=alt.MarkConfig(fontSize=style.LABEL_SIZE, fill=style.MUTED),
    )
    vega: dict[str, Any] = vl_convert.vegalite_to_vega(chart.to_dict())
    return vega


def _rows(name: str) -> Any:
    return alt.Chart(alt.NamedData(name))


def _x() -> alt.X:
    return alt.X("x:Q", scale=PLAIN, axis=alt.Axis(values=[0]))


def _y() -> alt.Y:
    return alt.Y("y:Q", scale=PLAIN, axis=alt.Axis(values=[0], grid=True))


def _unlabelled(axis: type[alt.X] | type[alt.Y], field: str) -> Any:
    return axis(field, scale=PLAIN, axis=None)


def _day() -> alt.X:
    # UTC on both sides: a day is a day wherever the report is made.
    return alt.X("x:T", scale=alt.Scale(type="utc", nice=False), axis=alt.Axis(values=[0], format="%b", labelPadding=9))


def _words(rows: str, x: str, **mark: Any) -> Any:
    """Text at its place; colour, weight, size and align are columns."""
    return (
        _rows(rows)
        .mark_text(
            align=alt.expr("datum.align"),
            fontSize=alt.expr("datum.size"),
            fontWeight=alt.expr("datum.weight"),
            dx=alt.expr("datum.dx"),
            dy=alt.expr("datum.dy"),
            **mark,
        )
        .encode(x=x, y="y:Q", text="label:N", color=COLOUR)
    )


def _symbols(rows: str, x: str) -> Any:
    return (
        _rows(rows)
        .mark_point(filled=True, opacity=1, stroke="#ffffff", strokeWidth=0.7)
        .encode(x=x, y="y:Q", fill=alt.Fill("colour:N", scale=None), shape=SHAPE, size=SIZE)
    )


def trend() -> Any:
    """Tables: points, breaks, words."""
    return alt.layer(
        _rows("breaks").mark_rule(strokeDash=[3, 3], stroke=style.MUTED).encode(x="x:T"),
        _rows("points")
        .mark_line(strokeWidth=2, strokeJoin="round", invalid="break-paths-show-domains")
        .encode(x=_day(), y=_y(), color=COLOUR, strokeDash=DASH, detail="segment:N"),
        _symbols("points", "x:T"),
        _words("words", "x:T"),
    )


def stock_flow() -> Any:
    """Tables: grid, stock, flow, words. The stock above, what came in and went out below, over one axis of days."""
    return alt.layer(
        _rows("grid").mark_rule(stroke=style.GRID).encode(y=_unlabelled(alt.Y, "y:Q")),
        _rows("stock").mark_area(color=style.PALE_BLUE, opacity=0.6).encode(x=_day(), y="y:Q", y2="y2:Q"),
        _rows("stock").mark_line(color=style.NAVY, strokeWidth=2).encode(x="x:T", y="y:Q"),
        _rows("flow").mark_rect().encode(x="x:T", x2="x2:T", y="y:Q", y2="y2:Q", color=COLOUR),
        _words("words", "x:T"),
    )


def survival() -> Any:
    """Tables: levels, limits, steps, words."""
    return alt.layer(
        _rows("levels").mark_rule(strokeDash=[1, 3], strokeWidth=1.2, stroke=style.MUTED).encode(y="y:Q"),
        _rows("limits").mark_rule(strokeDash=[5, 3], stroke=style.INK).encode(x="x:Q"),
        _rows("steps")
        .mark_line(strokeWidth=2, interpolate="step-after")
        .encode(x=_x(), y=_y(), color=COLOUR, strokeDash=DASH, detail="segment:N"),
        _words("words", "x:Q"),
    )


def funnel() -> Any:
    """Tables: limits, bounds, target, points, names (which stand on points and lines, so with a halo), words."""
    n = alt.X("x:Q", scale=alt.Scale(type="log", domain=[1, 10], nice=False), axis=alt.Axis(values=[1]))
    return alt.layer(
        _rows("limits").mark_area(color=style.PALE_BLUE, opacity=0.35).encode(x=n, y=_y(), y2="y2:Q", detail="band:N"),
        _rows("bounds")
        .mark_line(strokeWidth=1.2)
        .encode(x="x:Q", y="y:Q", color=COLOUR, strokeDash=DASH, detail="segment:N"),
        _rows("target").mark_rule(stroke=style.NAVY, strokeWidth=1.2).encode(y="y:Q"),
        _symbols("points", "x:Q"),
        _words("names", "x:Q", stroke="#ffffff", strokeWidth=3, strokeJoin="round"),
        _words("names", "x:Q"),
        _words("words", "x:Q"),
    )


def intervals() -> Any:
    """Tables: reference, spans, points, words. Rows are numbered from above, no axis names them: words do."""
    row = alt.Y("y:Q", scale=PLAIN, axis=None)
    return alt.layer(
        _rows("reference").mark_rule(strokeDash=[4, 3], stroke=style.NAVY).encode(x="x:Q"),
        _rows("spans")
        .mark_rule(strokeWidth=alt.expr("datum.stroke"), strokeCap="butt")
        .encode(x=alt.X("x:Q", scale=PLAIN, axis=alt.Axis(values=[0], grid=True)), x2="x2:Q", y=row, color=COLOUR),
        _symbols("points", "x:Q"),
        _words("words", "x:Q"),
    )


def tiles() -> Any:
    """Tables: tiles, hatching, words; x and y in tiles from the upper left corner."""
    x, y = _unlabelled(alt.X, "x:Q"), _unlabelled(alt.Y, "y:Q")
    return alt.layer(
        _rows("tiles")
        .mark_rect(stroke="#ffffff", strokeWidth=0.5, cornerRadius=3)
        .encode(x=x, x2="x2:Q", y=y, y2="y2:Q", fill=alt.Fill("colour:N", scale=None)),
        _rows("hatching").mark_rule(stroke=style.AXIS, strokeWidth=0.7).encode(x="x:Q", x2="x2:Q", y="y:Q", y2="y2:Q"),
        _words("words", "x:Q", baseline="middle"),
    )


BUILDERS: dict[str, Callable[[], Any]] = {
    "trend": trend,
    "stock_flow": stock_flow,
    "survival": survival,
    "funnel": funnel,
    "intervals": intervals,
    "tiles": tiles,
}
