"""Text for a terminal of 100 columns: numbers, shares and aligned tables."""

from collections.abc import Sequence
from textwrap import wrap

WIDTH = 100


def number(value: int | None) -> str:
    """1,294; a dash for what is not stated."""
    return "-" if value is None else f"{value:,}"


def percent(share: float | None) -> str:
    """A share of 1 with one decimal, as 75.7 %; a dash at denominator 0."""
    return "-" if share is None else f"{100 * share:.1f} %"


def heading(text: str) -> list[str]:
    """An empty line and a ruled title."""
    return ["", f"{text} ".ljust(WIDTH, "-")]


def paragraph(text: str, indent: str = "  ") -> list[str]:
    """Text broken at the width."""
    return wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1, indent: str = "  ") -> list[str]:
    """Rows under a header: the first `left` columns to the left, the others to the right, no line over WIDTH.

    The widest of the left columns is cut with an ellipsis when the line would be too long.
    """
    columns = list(zip(header, *rows, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]
    too_much = len(indent) + sum(widths) + 2 * (len(widths) - 1) - WIDTH
    if too_much > 0:
        widest = max(range(left), key=lambda column: widths[column])
        widths[widest] -= too_much
    lines = []
    for row in (header, *rows):
        cells = [
            cut(cell, width).ljust(width) if position < left else cell.rjust(width)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append((indent + "  ".join(cells)).rstrip())
    return lines


def cut(text: str, width: int) -> str:
    """Text of at most `width` characters."""
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"
