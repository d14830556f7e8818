"""How one value of a source reads as one canonical column: text, words, times, numbers, flags.

What does not read raises Unreadable with a description that carries no value, because a value in the wrong column may
be a person's.
"""

import math
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from extract.privacy import Identity, redact, reporter_key, shape
from extract.profile import FieldSpec, Profile
from extract.times import in_utc, parser

MAX_TEXT = 20_000
MISSING = object()
_SPACES = re.compile(r"\s+")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_UNCLEAN = re.compile("[\x00\ud800-\udfff]|[^\\S ]|  |^ | $")
_SHORT = 40
_SAFE_INTEGER = 2**53
# A spreadsheet keeps 15 digits: of a longer number the last are already lost (a NIK has 16).
_EXACT_IN_A_SPREADSHEET = 10**15
_WITH_POINT_ZERO = re.compile(r"\d+\.0+")
_GROUPED = re.compile(r"-?\d{1,3}(\.\d{3})+")
_WHOLE = re.compile(r"-?\d{1,18}")
_ID_COLUMNS = frozenset({"tracking_id", "unit_code", "parent_unit_code", "respondent_key", "subject_code"})
_REMEMBERED_WORDS = 10_000

Read = Callable[[dict[str, Any], tuple[str, ...]], Any]
_Convert = Callable[[Any, tuple[str, ...]], Any]


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
        return _clean(value) if len(value) > _SHORT else _clean_word(value)
    if isinstance(value, float):
        if abs(value) >= _EXACT_IN_A_SPREADSHEET:
            raise Unreadable("is a number too long for a spreadsheet, which has rounded it: the column must be text")
        value = int(value) if math.isfinite(value) and value.is_integer() else value
    if isinstance(value, (dict, list)):
        raise Unreadable("is a structure where a value was expected")
    return _clean(str(value))


def _clean(text: str) -> str | None:
    if _UNCLEAN.search(text):
        text = _SPACES.sub(" ", _UNSTORABLE.sub("", text)).strip()
    return text[:MAX_TEXT] or None


# Codes, words and names of offices come again and again.
_clean_word = lru_cache(maxsize=65_536)(_clean)


class Readers:
    """Makes the readers of a profile's columns for one agency."""

    def __init__(self, profile: Profile, agency_code: str, agency_zone: str, identity_secret: bytes) -> None:
        self._profile = profile
        self._agency_code = agency_code
        self._zone_name = profile.zone_for(agency_zone)
        self._secret = identity_secret

    def reader(self, name: str, spec: FieldSpec) -> Read:
        """A function from a record to the column's value.

        It raises Unreadable for a value that does not read, Absent when a required field is not there.
        """
        if spec.constant is not None:
            constant = (
                spec.constant.format(agency_code=self._agency_code) if isinstance(spec.constant, str) else spec.constant
            )
            return lambda data, own: constant
        assert spec.source is not None
        path, nested = spec.source, "." in spec.source
        convert = self._converter(spec)
        if name in _ID_COLUMNS and spec.words is None and spec.type == "text":
            convert = _identifier(convert)

        def read(data: dict[str, Any], own: tuple[str, ...]) -> Any:
            value = value_at(data, path) if nested else data.get(path, MISSING)
            if value is MISSING:
                if spec.required:
                    raise Absent(f"field {path!r} is missing")
                value = None
            if value is None or value == "":
                return spec.default
            converted = convert(value, own)
            return spec.default if converted is None else converted

        return read

    def _converter(self, spec: FieldSpec) -> _Convert:
        if spec.words is not None:
            return self._word_reader(spec)
        match spec.type:
            case "timestamp":
                return lambda value, own: self._time(value, spec)
            case "date":
                return lambda value, own: self._date(value, spec)
            case "period_start" | "period_end":
                return lambda value, own: self._period(value, spec)
            case "integer":
                return lambda value, own: integer(value)
            case "decimal":
                return lambda value, own: decimal(value, comma=self._profile.decimal_comma)
            case "boolean":
                return lambda value, own: self._boolean(value)
            case "key":
                return lambda value, own: reporter_key(Identity(name=as_text(value)), self._secret)
        return lambda value, own: cut(value, spec)

    def _word_reader(self, spec: FieldSpec) -> _Convert:
        words = {normal(word): code for word, code in (spec.words or {}).items()}
        seen: dict[str, Any] = {}

        def read(value: Any, own: tuple[str, ...]) -> Any:
            if isinstance(value, str) and value in seen:
                return seen[value]
            text = cut(value, spec)
            if text is None:
                return None
            code = words.get(normal(text), MISSING)
            if code is MISSING:
                raise Unreadable(f"'{redact(text[:40], own)}' is not a word of profile {self._profile.name}")
            if isinstance(value, str) and len(seen) < _REMEMBERED_WORDS:
                seen[value] = code
            return code

        return read

    def _time(self, value: Any, spec: FieldSpec) -> datetime:
        if isinstance(value, datetime):
            time = in_utc(value, ZoneInfo(self._zone_name))
            if time is None:
                raise Unreadable("lies before the year 2000")
            return time
        text = value if isinstance(value, str) else as_text(value) or ""
        for candidate in (text, as_text(text) or ""):  # as written first: most sources write clean times
            for time_format in spec.formats or self._profile.formats:
                time = parser(time_format, self._zone_name)(candidate)
                if time is not None:
                    return time
        raise Unreadable(
            f"a value of shape '{shape(text)}' is no time of the formats {spec.formats or self._profile.formats}"
        )

    def _date(self, value: Any, spec: FieldSpec) -> date:
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        return self._time(value, spec).astimezone(ZoneInfo(self._zone_name)).date()

    def _period(self, value: Any, spec: FieldSpec) -> date:
        start = self._date(value, spec).replace(day=1)
        if spec.type == "period_start":
            return start
        return (start + timedelta(days=32)).replace(day=1) - timedelta(days=1)

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


def _identifier(convert: _Convert) -> _Convert:
    """Ids come as whole numbers, as text, and as `12.0` of something that took them for decimals."""

    def read(value: Any, own: tuple[str, ...]) -> Any:
        if isinstance(value, bool):
            raise Unreadable("is a flag where an id was expected")
        text = convert(value, own)
        return text.partition(".")[0] if isinstance(text, str) and _WITH_POINT_ZERO.fullmatch(text) else text

    return read


def integer(value: Any) -> int:
    """A whole number, with or without the Indonesian thousands point; `12.0` is 12. Raises Unreadable."""
    if isinstance(value, bool):
        raise Unreadable("is no whole number")
    if isinstance(value, float):
        if not value.is_integer() or abs(value) > _SAFE_INTEGER:
            raise Unreadable("is no exact whole number")
        return int(value)
    if isinstance(value, int):
        return value
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
