"""Domains and ticks at round numbers, and places for labels that do not cover each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import ceil, floor, log10
from typing import Literal

Kind = Literal["count", "rate", "number"]

ROUND_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
STEP_COST = 60.0  # square pixels
SMALLEST_STEP: dict[Kind, float] = {"count": 1.0, "rate": 0.01, "number": 1e-6}


@dataclass(frozen=True, slots=True)
class Axis:
    """domain: first and last value of a scale; ticks: where it is labelled; label_format: a format of d3.

    Times are in milliseconds since 1970 in UTC. decimals: of the labels, as readers see them.
    """

    domain: tuple[float, float]
    ticks: list[float]
    label_format: str | None = None
    decimals: int = 0


def round_step(at_least: float, smallest: float = 1e-6) -> float:
    """The least of 1, 2, 2.5 and 5 times a power of ten that is not below `at_least` and a multiple of `smallest`."""
    wanted = max(at_least, smallest)
    power = 10.0 ** floor(log10(wanted))
    steps = (step * power for step in ROUND_STEPS if step * power >= wanted * (1 - 1e-9))
    return next(step for step in steps if abs(step / smallest - round(step / smallest)) < 1e-6)


def ticks(low: float, high: float, count: int = 5, smallest: float = 1e-6) -> list[float]:
    """At most count + 1 round numbers that enclose low to high, at even steps that are multiples of `smallest`.

    smallest: 1 for counts, which have no halves. Equal bounds get room above them.
    """
    if high <= low:
        high = low + max(smallest, abs(low) / 10 or 1)
    step = round_step((high - low) / count, smallest)
    while ceil(high / step - 1e-9) - floor(low / step + 1e-9) > count:
        step = round_step(step * 1.01, smallest)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [round(position * step, 10) for position in range(first, last + 1)]


def linear(low: float, high: float, kind: Kind, count: int = 5) -> Axis:
    """An axis between round numbers, labelled with as many decimals as its ticks need; those of counts are whole."""
    values = ticks(low, high, count, SMALLEST_STEP[kind])
    shown = [value * 100 if kind == "rate" else value for value in values]
    decimals = next(
        places
        for places in range(10)
        if all(abs(value - round(value, places)) < 10.0 ** -(places + 4) for value in shown)
    )
    return Axis((values[0], values[-1]), values, f".{decimals}%" if kind == "rate" else f",.{decimals}f", decimals)


def milliseconds(day: date) -> float:
    """Midnight UTC of a day, as JavaScript counts time."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places as near the wanted ones as may be, in their order, at least `gap` apart and within low to high.

    When they do not fit, the gap is what is left to each. Labels at the ends of lines are set so.
    """
    if not wanted:
        return []
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    order = sorted(range(len(wanted)), key=lambda position: wanted[position])
    blocks: list[tuple[float, list[int]]] = []  # centre of a run of labels that touch, and its labels
    for position in order:
        block = [position]
        centre = _held(wanted[position], gap, 1, low, high)
        while blocks and centre - gap * (len(block) - 1) / 2 < blocks[-1][0] + gap * (len(blocks[-1][1]) + 1) / 2:
            block = blocks.pop()[1] + block
            centre = _held(sum(wanted[each] for each in block) / len(block), gap, len(block), low, high)
        blocks.append((centre, block))
    places = [0.0] * len(wanted)
    for centre, block in blocks:
        for rank, position in enumerate(block):
            places[position] = centre + gap * (rank - (len(block) - 1) / 2)
    return places


def _held(centre: float, gap: float, count: int, low: float, high: float) -> float:
    """The centre of a run of labels, moved as far as its ends need to lie within the bounds."""
    half = gap * (count - 1) / 2
    return min(max(centre, low + half), high - half)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels from the plot's upper left corner."""

    left: float
    top: float
    width: float
    height: float

    def overlap(self, other: "Box") -> float:
        """The area that both cover."""
        across = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        down = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        return max(across, 0.0) * max(down, 0.0)


def place(
    point: tuple[float, float], width: float, height: float, taken: Sequence[Box], plot: tuple[float, float]
) -> Box:
    """Where a label of this size goes beside its point: inside the plot, covering as little as may be of what is taken.

    Right of the point is best, then left, above and below, then further away: each step costs as much as STEP_COST of
    what it covers, so that a label leaves its point for another label and not for a dot.
    """
    x, y = point
    sides = (x + 7, x - 7 - width, x - width / 2)
    rows = (y - height / 2, y - height - 4, y + 4, y - 2 * height - 2, y + height + 2, y - 3 * height, y + 2 * height)
    inside = [
        Box(left, top, width, height)
        for top in rows
        for left in sides
        if left >= 0 and left + width <= plot[0] and top >= 0 and top + height <= plot[1]
    ]
    if not inside:
        left = min(max(x - width / 2, 0.0), max(plot[0] - width, 0.0))
        inside = [Box(left, min(max(y + 4, 0.0), plot[1] - height), width, height)]
    costs = [STEP_COST * step + sum(box.overlap(other) for other in taken) for step, box in enumerate(inside)]
    return inside[costs.index(min(costs))]
