"""Indonesia as 38 tiles, one a province, each with its value: small provinces can be read as well as large ones."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import log10
from pathlib import Path
from typing import Unpack

from reports.charts import style
from reports.charts.drawing import Chart, Framing, Plot, Row, draw, frame, language_of, width_of, word, written
from reports.charts.scales import Axis, Kind, round_step
from reports.fonts import text_width
from reports.language import UNKNOWN, Language, number, percent, round_half_up

TILES_FILE = Path(__file__).resolve().parent.parent / "data" / "province_tiles.csv"
GAP = 0.05  # of a tile, on each side
NAME_SIZE, VALUE_SIZE = 10.5, 13.0
LEGEND_LEFT, LEGEND_BOX = 3.8, 0.92  # in tiles: the row of Aceh is free east of Sumatra
NO_DATA = {"id": "tidak ada data atau disamarkan", "en": "no data, or too few to show"}
TOLD = {
    "id": "Peta petak {} provinsi. Tertinggi: {}. Terendah: {}. Tanpa data: {} provinsi.",
    "en": "Tile map of {} provinces. Highest: {}. Lowest: {}. Without data: {} provinces.",
}


@dataclass(frozen=True, slots=True)
class Tile:
    """Where a province stands, counted from the upper left corner. The layout is our own."""

    code: str
    short_name: str
    row: int
    column: int


@cache
def tiles() -> tuple[Tile, ...]:
    """The 38 provinces of Indonesia since December 2022, by code of Kemendagri."""
    with TILES_FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            Tile(row["kemendagri_code"], row["short_name"], int(row["row"]), int(row["column"]))
            for row in csv.DictReader(file)
        )


def province_map(
    values: Mapping[str, float | None],
    *,
    kind: Kind = "number",
    is_more_worse: bool = False,
    **framing: Unpack[Framing],
) -> Chart:
    """A value for each province by code of Kemendagri, coloured in five classes; one without a value is hatched.

    kind "rate": a share of 1, printed in whole percents; "count" and "number": printed whole. Classes are of even width
    when the values spread evenly, else of even size (a fifth of the provinces each). is_more_worse: dark is bad,
    and looks so. A code that is no province of the 38 raises ValueError.
    """
    strangers = sorted(set(values) - {tile.code for tile in tiles()})
    if strangers:
        raise ValueError(
            f"chart {framing['name']}: {', '.join(strangers)} not in {TILES_FILE.name}: codes are 11 to 96"
        )
    language = language_of(framing)
    columns, rows = 1 + max(tile.column for tile in tiles()), 1 + max(tile.row for tile in tiles())
    side = (width_of(framing) - 2 * style.PADDING) / columns
    plot = Plot(side * columns, side * rows * 0.94, top=2, bottom=2)
    scale = 100.0 if kind == "rate" else 1.0
    shown = {code: None if value is None else value * scale for code, value in values.items()}
    known = sorted(value for value in shown.values() if value is not None)
    limits = class_limits(known)
    classes = style.WORSE_CLASSES if is_more_worse else style.CLASSES
    drawn_tiles: list[Row] = []
    hatching: list[Row] = []
    words: list[Row] = []
    name_size = min(NAME_SIZE, _fitting(side, [tile.short_name for tile in tiles()]))
    for tile in tiles():
        value = shown.get(tile.code)
        look = style.UNKNOWN_TILE if value is None else classes[sum(value >= limit for limit in limits)]
        drawn_tiles.append(_box(tile.column, tile.row, look.fill))
        if value is None:
            hatching += _hatching(tile.column, tile.row)
        middle = tile.column + 0.5
        printed = UNKNOWN if value is None else number(value, 0, language)
        value_size = min(VALUE_SIZE, name_size * 1.25, _fitting(side, [printed], VALUE_SIZE, "SemiBold"))
        words.append(word(tile.short_name, middle, tile.row + 0.32, colour=look.ink, size=name_size, align="center"))
        words.append(
            word(printed, middle, tile.row + 0.68, colour=look.ink, size=value_size, weight=600, align="center")
        )
    boxes, strokes, legend_words = _legend(limits, classes, side, language)
    drawn = draw(
        "tiles",
        plot,
        {"tiles": drawn_tiles + boxes, "hatching": hatching + strokes, "words": words + legend_words},
        {"x": Axis((0, columns), []), "y": Axis((rows, 0), [])},
        language,
    )
    return frame(plot, drawn, _told(values, kind, language), framing)


def class_limits(known: Sequence[float]) -> list[float]:
    """The four limits between five classes, at round numbers, of values in ascending order; fewer when they repeat.

    A value at a limit belongs to the class above it. Even steps unless they would put most values into one class.
    """
    if not known or known[0] == known[-1]:
        return []
    step = round_step((known[-1] - known[0]) / 5)
    first = -(-known[0] // step) * step
    first = first if first > known[0] else first + step
    even = [round(first + position * step, 10) for position in range(4)]
    members = [sum(value >= limit for limit in even) for value in known]
    if max(members.count(each) for each in range(5)) * 2 <= len(known) or len(known) < 5:
        return [limit for limit in even if limit <= known[-1]]
    fifths = [known[len(known) * part // 5] for part in range(1, 5)]
    return sorted({float(round_half_up(limit, 1 - int(log10(limit)))) for limit in fifths if limit >= 1})


def _box(column: float, row: float, colour: str, width: float = 1.0, height: float = 1.0, gap: float = GAP) -> Row:
    right, bottom = column + width, row + height
    return {"x": column + gap, "x2": right - gap, "y": row + gap, "y2": bottom - gap, "colour": colour}


def _hatching(column: float, row: float, width: float = 1.0, height: float = 1.0) -> list[Row]:
    """Three strokes across a box, upwards to the right, in its corners so that what is written stays readable."""
    left, right, top, bottom = column + GAP, column + width - GAP, row + GAP, row + height - GAP
    reach = 0.28 * min(width, height)
    return [
        {"x": left, "x2": left + reach, "y": top + reach, "y2": top},
        {"x": left, "x2": left + reach / 2, "y": top + reach / 2, "y2": top},
        {"x": right - reach, "x2": right, "y": bottom, "y2": bottom - reach},
        {"x": right - reach / 2, "x2": right, "y": bottom, "y2": bottom - reach / 2},
    ]


def _legend(
    limits: Sequence[float], classes: Sequence[style.TileStyle], side: float, language: Language
) -> tuple[list[Row], list[Row], list[Row]]:
    """Boxes, hatching and words of the legend, in the free row above Kalimantan."""
    top, height, size = 0.12, 0.4, min(style.LABEL_SIZE, side / 4)
    boxes = [
        _box(LEGEND_LEFT + position * LEGEND_BOX, top, classes[position].fill, LEGEND_BOX, height, gap=0)
        for position in range(len(limits) + 1)
    ]
    decimals = 0 if all(limit == round(limit) for limit in limits) else 1
    words = [
        word(
            number(limit, decimals, language), LEGEND_LEFT + position * LEGEND_BOX, top + height,
            align="center", dy=0.85 * size, colour=style.INK, size=size,
        )
        for position, limit in enumerate(limits, 1)
    ]  # fmt: skip
    left = LEGEND_LEFT + (len(limits) + 1) * LEGEND_BOX + 0.4
    boxes.append(_box(left, top, style.UNKNOWN_TILE.fill, LEGEND_BOX, height, gap=0))
    told = f"{UNKNOWN} {NO_DATA[language]}"
    words.append(word(told, left + LEGEND_BOX, top + height / 2, dx=6, colour=style.INK, size=size))
    return boxes, _hatching(left - GAP, top - GAP, LEGEND_BOX + 2 * GAP, height + 2 * GAP), words


def _fitting(side: float, texts: Sequence[str], size: float = NAME_SIZE, weight: str = "Regular") -> float:
    """The size at which the longest of the texts fits a tile."""
    room = side * (1 - 2 * GAP) - 3
    return min(size, *(room / text_width(text, 1, weight) for text in texts))


def _told(values: Mapping[str, float | None], kind: Kind, language: Language) -> str:
    names = {tile.code: tile.short_name for tile in tiles()}
    known = sorted(((value, names[code]) for code, value in values.items() if value is not None), reverse=True)
    listed = [
        f"{name} {percent(value, 0, language) if kind == 'rate' else written(value, 'count', language)}"
        for value, name in known
    ]
    return TOLD[language].format(
        len(names), ", ".join(listed[:3]) or UNKNOWN, ", ".join(listed[::-1][:3]) or UNKNOWN, len(names) - len(known)
    )
