"""Plus Jakarta Sans as fixed weights, for charts, documents and pages alike.

The typeface (SIL Open Font License) comes as a dependency and as one variable file; Typst and the renderer of charts
take fixed weights. They are cut once per version of the typeface into the state directory, byte for byte the same
everywhere: a document does not depend on the machine it is made on. `text_width` measures in the same outlines.
"""

import os
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path

import fontpkg_plus_jakarta_sans as typeface
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

from warehouse.settings import settings

FAMILY = typeface.FAMILY
WEIGHTS = {"Regular": 400, "Medium": 500, "SemiBold": 600, "Bold": 700}
ITALIC_WEIGHTS = {"Italic": 400}
UPRIGHT_FILE = "PlusJakartaSans[wght].ttf"
ITALIC_FILE = "PlusJakartaSans-Italic[wght].ttf"

# What pages show: Latin with its accents, punctuation, arrows, shapes of legends. Halves what a browser fetches.
WEB_CHARACTERS = [*range(0x20, 0x180), *range(0x2000, 0x2070), 0x20AC, *range(0x2190, 0x21FF), *range(0x2200, 0x2300)]
WEB_CHARACTERS += range(0x25A0, 0x2600)
SHAPING = [
    "kern",
    "liga",
    "calt",
    "ccmp",
    "locl",
    "mark",
    "mkmk",
    "tnum",
    "case",
]  # tnum: figures of equal width in tables


def font_directory() -> Path:
    """Folder of PlusJakartaSans-<style>.ttf: Regular, Medium, SemiBold, Bold, Italic; made when it is not there.

    Several processes may ask at once: each file appears whole or not at all.
    """
    folder = _folder("ttf")
    for style in (*WEIGHTS, *ITALIC_WEIGHTS):
        target = folder / f"PlusJakartaSans-{style}.ttf"
        if not target.exists():
            _write(_cut(style), target)
    return folder


def web_font_directory() -> Path:
    """Folder of PlusJakartaSans-<style>.woff for pages: Regular, SemiBold and Bold, Latin only, about 30 kB each."""
    folder = _folder("woff")
    for style in ("Regular", "SemiBold", "Bold"):
        target = folder / f"PlusJakartaSans-{style}.woff"
        if not target.exists():
            font = _cut(style)
            options = Options(layout_features=SHAPING, name_IDs=["*"])
            subsetter = Subsetter(options)
            subsetter.populate(unicodes=WEB_CHARACTERS)
            subsetter.subset(font)
            font.flavor = "woff"
            _write(font, target)
    return folder


def text_width(text: str, size: float, style: str = "Regular") -> float:
    """Width of one line of text in the units of `size`, without kerning: never short by more than a hair."""
    widths, fallback = _advances(style)
    return sum(widths.get(ord(character), fallback) for character in text) * size


def wrap(text: str, width: float, size: float, style: str = "Regular") -> list[str]:
    """The text in lines no wider than `width`, broken at blanks; a longer word stands alone, cut with an ellipsis."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size, style) <= width:
            lines[-1] = longer
        else:
            lines.append(shorten(word, width, size, style))
    return lines


def shorten(text: str, width: float, size: float, style: str = "Regular") -> str:
    """The text, or as much of its beginning as fits the width with an ellipsis."""
    if text_width(text, size, style) <= width:
        return text
    while text and text_width(text + "…", size, style) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def _folder(kind: str) -> Path:
    folder = settings().state_dir / "fonts" / version("fontpkg-plus-jakarta-sans") / kind
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _cut(style: str) -> TTFont:
    is_italic = style in ITALIC_WEIGHTS
    weight = (ITALIC_WEIGHTS if is_italic else WEIGHTS)[style]
    variable = TTFont(typeface.ROOT / "files" / (ITALIC_FILE if is_italic else UPRIGHT_FILE), recalcTimestamp=False)
    return instantiateVariableFont(variable, {"wght": weight}, updateFontNames=True)


def _write(font: TTFont, target: Path) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, suffix=".part")
    with os.fdopen(handle, "wb") as file:
        font.save(file)
    Path(name).chmod(0o644)
    Path(name).replace(target)


@cache
def _advances(style: str) -> tuple[dict[int, float], float]:
    """Advance of each character in em, and that of a character the typeface does not have."""
    with TTFont(font_directory() / f"PlusJakartaSans-{style}.ttf", lazy=True) as font:
        em, metrics = font["head"].unitsPerEm, font["hmtx"].metrics
        widths = {code: metrics[glyph][0] / em for code, glyph in font.getBestCmap().items()}
    return widths, max(widths.values())
