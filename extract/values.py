"""How one value of a source reads as one canonical column: text, words, times, numbers, flags.

What does not read raises Unreadable with a description that carries no value, because a value in the wrong column may
be a person's.
"""

import math
import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from extract.privacy import Identity, redact, reporter_key, shape
from extract.profile import FieldSpec, Profile
from extract.records import SHAPES
from extract.times import in_utc, parser

MAX_TEXT = 20_000
MISSING = object()
_SPACES = re.compile(r"\s+")
# Control characters are no text, and PostgreSQL and JSON have no place for some of them.
_UNSTORABLE = re.compile("[\x00-\x08\x0e-\x1b\x7f\ud800-\udfff]")
_SHORT = 40
_SAFE_INTEGER = 2**53
_LARGEST_INTEGER = 2**63
# A spreadsheet keeps 15 digits: of a longer number the last are already lost (a NIK has 16).
_EXACT_IN_A_SPREADSHEET = 10**15
_WITH_POINT_ZERO = re.compile(r"\d+\.0+")
_GROUPED = re.compile(r"-?\d{1,3}(\.\d{3})+")
_WHOLE = re.compile(r"-?\d{1,18}")
_ID_COLUMNS = frozenset(SHAPES) | {"respondent_key", "subject_code"}
_REMEMBERED = 4096
_UNKNOWN = object()
# Remembering what never comes again only costs.
_UNIQUE_COLUMNS = frozenset({"tracking_id", "respondent_key"})

Read = Callable[[dict[str, Any], tuple[str, ...]], Any]
_Convert = Callable[[Any], Any]


class Unreadable(ValueError):
    """A value does not read as its column; the text says how, without the value."""


class Absent(Unreadable):
    """A field that the profile requires is not in the record at all."""


def value_at(data: Any, path: str) -> Any:
    """The value at a dotted path, or a marker when a step is absent (null on the way counts as null).

    A key that is written just like the path wins: headings of files have points in them.
    """
    if isinstance(data, dict) and path in data:
        return data[path]
    value: Any = data
    for step in path.split("."):
        if value is None:
            return None
        if not isinstance(value, dict):
            return MISSING
        value = value.get(step, MISSING)
        if value is MISSING:
            return MISSING
    return value


def as_text(value: Any) -> str | None:
    """A scalar as trimmed, single-spaced, storable text; None when empty. Integral floats lose their .0."""
    if value is None:
        return None
    if isinstance(value, str):
        return clean(value) if len(value) > _SHORT else _clean_word(value)
    if isinstance(value, float):
        if abs(value) >= _EXACT_IN_A_SPREADSHEET:
            raise Unreadable("is a number too long for a spreadsheet, which has rounded it: the column must be text")
        value = int(value) if math.isfinite(value) and value.is_integer() else value
    if isinstance(value, (dict, list)):
        raise Unreadable("is a structure where a value was expected")
    return clean(str(value))


def clean(text: str) -> str | None:
    """A text trimmed, single-spaced and storable; None when empty."""
    # Most texts are clean, and to see that is ten times faster than a pattern that looks for what is not.
    if not text.isprintable() or "  " in text or text[:1] == " " or text[-1:] == " ":
        text = " ".join(_UNSTORABLE.sub("", text).split())
    return text[:MAX_TEXT] or None


# Codes, words and names of offices come again and again.
_clean_word = lru_cache(maxsize=65_536)(clean)


class Readers:
    """Makes the readers of a profile's columns, for agencies of one zone.

    Codes, words, names of offices and times come again and again: what a text reads as is remembered, which is most of
    the speed of extraction.
    """

    def __init__(self, profile: Profile, agency_zone: str, identity_secret: bytes) -> None:
        self._profile = profile
        self._zone_name = profile.zone_for(agency_zone)
        self._secret = identity_secret

    def reader(self, name: str, spec: FieldSpec) -> Read:
        """A function from a record to the column's value; the spec must name a source.

        It raises Unreadable for a value that does not read, Absent when a required field is not there.
        """
        assert spec.source is not None
        path = spec.source
        parent, _, child = path.partition(".")
        read_value = self.value_reader(name, spec)

        def read(data: dict[str, Any], own: tuple[str, ...]) -> Any:
            value = data.get(path, MISSING)
            if value is MISSING and child:
                above = data.get(parent)
                value = above.get(child, MISSING) if type(above) is dict else MISSING
                if value is MISSING:  # further down, or a null on the way
                    value = value_at(data, path)
            return read_value(value, own)

        return read

    def value_reader(self, name: str, spec: FieldSpec) -> Callable[..., Any]:
        """The same from what stands in the field, MISSING where it does not, and the words of the reporter if any."""
        default = spec.default
        convert = self._converter(name, spec)
        remembered = convert if name in _UNIQUE_COLUMNS else lru_cache(maxsize=_REMEMBERED)(convert)

        def read(value: Any, own: tuple[str, ...] = ()) -> Any:
            if type(value) is str:
                converted = remembered(value) if value else None
            elif value is None:
                return default
            elif value is MISSING:
                if spec.required:
                    raise Absent(f"field {spec.source!r} is missing")
                return default
            elif isinstance(value, (dict, list)):
                raise Unreadable("is a structure where a value was expected")
            else:
                converted = convert(value)
            if converted is None:
                return default
            if converted is _UNKNOWN:
                word = redact((as_text(value) or "")[:40], own)
                raise Unreadable(f"'{word}' is not a word of profile {self._profile.name}")
            return converted

        return read

    def _converter(self, name: str, spec: FieldSpec) -> _Convert:
        if spec.words is not None:
            return _word_reader(spec)
        read_time = self.time_reader(tuple(spec.formats))
        match spec.type:
            case "timestamp":
                return read_time
            case "date":
                return lambda value: self._date(value, read_time)
            case "period_start" | "period_end":
                return lambda value: self._period(value, spec, read_time)
            case "integer":
                return integer
            case "decimal":
                return lambda value: decimal(value, comma=self._profile.decimal_comma)
            case "boolean":
                return self._boolean
            case "key":
                return lambda value: reporter_key(Identity(name=as_text(value)), self._secret)
        if name in _ID_COLUMNS:
            return lambda value: _identifier(name, value, spec)
        return lambda value: cut(value, spec)

    def time_reader(self, formats: tuple[str, ...]) -> _Convert:
        """A function from what a source writes to a time; `formats` empty = those of the profile. Raises Unreadable."""
        formats = formats or tuple(self._profile.formats)
        parsers = [parser(written, self._zone_name) for written in formats]
        parse_usual, *parse_others = parsers
        zone = ZoneInfo(self._zone_name)

        def read(value: Any) -> datetime:
            if type(value) is str:
                if (time := parse_usual(value)) is not None:
                    return time
                for parse in parse_others:
                    if (time := parse(value)) is not None:
                        return time
            elif isinstance(value, datetime):
                if (time := in_utc(value, zone)) is not None:
                    return time
                raise Unreadable("lies before the year 2000")
            text = as_text(value) or ""
            for parse in parsers:  # once more without stray spaces: most sources write clean times
                if (time := parse(text)) is not None:
                    return time
            raise Unreadable(f"a value of shape '{shape(text)}' is no time of the formats {list(formats)}")

        return read

    def _date(self, value: Any, read_time: _Convert) -> date:
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        time: datetime = read_time(value)
        return time.astimezone(ZoneInfo(self._zone_name)).date()

    def _period(self, value: Any, spec: FieldSpec, read_time: _Convert) -> date:
        start = self._date(value, read_time).replace(day=1)
        if spec.type == "period_start":
            return start
        return start.replace(day=monthrange(start.year, start.month)[1])

    def _boolean(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        text = (as_text(value) or "").casefold()
        if text in self._profile.true_words:
            return True
        if text in self._profile.false_words:
            return False
        raise Unreadable(f"a value of shape '{shape(text)}' is neither yes nor no")


def normal(word: str) -> str:
    """A word without what does not count: case and spacing."""
    return _SPACES.sub(" ", word).strip().casefold()


def cut(value: Any, spec: FieldSpec) -> str | None:
    """The part of a text that the spec asks for; None when nothing is left."""
    text = as_text(value)
    if text is None:
        return None
    if spec.split is not None:
        pieces = [piece.strip() for piece in text.split(spec.split)]
        text = pieces[spec.part] if spec.part < len(pieces) else ""
    if spec.strip:
        text = text.strip(spec.strip).strip()
    return (text.upper() if spec.upper else text) or None


def _word_reader(spec: FieldSpec) -> _Convert:
    words = {normal(word): code for word, code in (spec.words or {}).items()}

    def read(value: Any) -> Any:
        text = cut(value, spec)
        return None if text is None else words.get(normal(text), _UNKNOWN)

    return read


def _identifier(name: str, value: Any, spec: FieldSpec) -> str | None:
    """Ids come as whole numbers, as text, and as `12.0` of something that took them for decimals.

    What is not shaped like the id it should be is another column's value, perhaps a person's: Unreadable.
    """
    if isinstance(value, bool):
        raise Unreadable("is a flag where an id was expected")
    text = cut(value, spec)
    if text is None:
        return None
    if "." in text and _WITH_POINT_ZERO.fullmatch(text):
        text = text.partition(".")[0]
    pattern = SHAPES.get(name)
    if pattern is not None and not pattern.match(text):
        raise Unreadable(f"a value of shape '{shape(text)}' is no {name}")
    return text


def integer(value: Any) -> int:
    """A whole number, with or without the Indonesian thousands point; `12.0` is 12, true is 1. Raises Unreadable."""
    if isinstance(value, float):
        if not value.is_integer() or abs(value) > _SAFE_INTEGER:
            raise Unreadable("is no exact whole number")
        return int(value)
    if isinstance(value, int):
        if abs(value) >= _LARGEST_INTEGER:
            raise Unreadable("is a whole number that no column holds")
        return int(value)
    text = as_text(value) or ""
    if _GROUPED.fullmatch(text):
        plain = text.replace(".", "")
    else:
        plain = text.partition(".")[0] if _WITH_POINT_ZERO.fullmatch(text) else text
    if not _WHOLE.fullmatch(plain):
        raise Unreadable(f"a value of shape '{shape(text)}' is no whole number")
    return int(plain)


def decimal(value: Any, *, comma: bool = False) -> Decimal:
    """A finite number;

    `Rp 1.250.000,50` is one where the profile says that decimals have a comma. Raises Unreadable.
    """
    text = str(value).strip().removeprefix("Rp").removeprefix("IDR").replace("\u00a0", "").replace(" ", "")
    if comma:
        text = text.replace(".", "").replace(",", ".") if isinstance(value, str) else text
    elif "." not in text:
        text = text.replace(",", ".")
    else:
        text = text.replace(",", "")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise Unreadable(f"a value of shape '{shape(str(value))}' is no number") from None
    if not number.is_finite():
        raise Unreadable("is no finite number")
    return number
