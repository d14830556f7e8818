"""Shapes for inline SVG: one narrow column a night, as path data in a box whose unit is a night.

The box is stretched to the width of the page, so shapes carry no text: labels are HTML beside them. Heights tell what
colours tell, for whoever sees none.
"""

from collections.abc import Sequence

HEIGHT = 40
_GAP = 0.14


def bars(values: Sequence[float | None], most: float) -> str:
    """A column for each value, `most` being the full height; what is above zero is never too low to be seen."""
    return "".join(
        _column(place, max(HEIGHT * value / most, HEIGHT / 16)) for place, value in enumerate(values) if value and most
    )


def marks(places: Sequence[int], share: float) -> str:
    """Columns of one height (a share of 1) at these places."""
    return "".join(_column(place, HEIGHT * share) for place in places)


def crosses(places: Sequence[int]) -> str:
    """Two strokes through the whole column at each place: not a height that could be read as an amount."""
    left, right = _GAP, 1 - _GAP
    return "".join(f"M{x + left:g} 0L{x + right:g} {HEIGHT}M{x + right:g} 0L{x + left:g} {HEIGHT}" for x in places)


def _column(place: int, height: float) -> str:
    return f"M{place + _GAP:g} {HEIGHT}v{-round(height, 1):g}h{1 - 2 * _GAP:g}V{HEIGHT}z"
