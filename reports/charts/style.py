"""How every chart looks: colours, sizes and the marks that tell lines apart without colour.

Text and lines have a contrast of 4.5 : 1 and more with white; classes of the map step evenly in lightness, so that a
grey print reads as the screen does.
"""

from dataclasses import dataclass

INK = "#15202b"
NAVY = "#0b3c66"
MUTED = "#566575"
GRID = "#e2e8ee"
AXIS = "#aab5c0"
BLUE = "#0b4f9e"
TEAL = "#137a66"
ALERT = "#b0480c"
STAMP = "#9a3412"
PALE_BLUE = "#cfdfef"
MIDDLE_BLUE = "#9fbfdd"
CROWD = "#7f93a8"  # the many points that are not spoken of: 3 : 1

TITLE_SIZE = 14.0
TITLE_LINE = 19.0
SMALL_SIZE = 11.0
SMALL_LINE = 15.0
LABEL_SIZE = 10.5
PADDING = 4.0


@dataclass(frozen=True, slots=True)
class LineStyle:
    """Colour, dashes and point of one line; with the label at its end any one of them tells it from its neighbours."""

    colour: str
    dash: tuple[int, ...]
    shape: str


LINES = (
    LineStyle(BLUE, (), "circle"),
    LineStyle(TEAL, (), "square"),
    LineStyle(ALERT, (6, 3), "triangle-up"),
    LineStyle("#6d3a96", (2, 3), "diamond"),
    LineStyle(MUTED, (9, 3, 2, 3), "triangle-down"),
)


@dataclass(frozen=True, slots=True)
class TileStyle:
    """Fill of a class of the map and the ink that reads on it."""

    fill: str
    ink: str


CLASSES = (
    TileStyle("#e4efeb", INK),
    TileStyle("#b9d8cd", INK),
    TileStyle("#82b9a9", INK),
    TileStyle("#2b7f6e", "#ffffff"),
    TileStyle("#0f4f44", "#ffffff"),
)
WORSE_CLASSES = (  # of the map where more is worse
    TileStyle("#f8ebe0", INK),
    TileStyle("#f2cfae", INK),
    TileStyle("#e2a26c", INK),
    TileStyle("#ad5615", "#ffffff"),
    TileStyle("#6b2f08", "#ffffff"),
)
UNKNOWN_TILE = TileStyle("#f3f5f7", MUTED)
