"""Dates and times as sources write them, by the profile's explicit formats and never by guessing.

A format is a word (`iso`, `unix` seconds or `unix_ms`, `excel` day numbers) or a pattern of %d %m %Y %y %H %I %M %S %f
%p %z %B %b; %B and %b take Indonesian or English month names and their short forms. Python's own strptime is four times
slower and knows only the machine's language.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

MONTHS = {
    name: index
    for names in (
        "januari februari maret april mei juni juli agustus september oktober november desember",
        "january february march april may june july august september october november december",
    )
    for index, name in enumerate(names.split(), start=1)
}

for _name, _index in list(MONTHS.items()):
    MONTHS.setdefault(_name[:3], _index)
MONTHS |= {"agt": 8, "ags": 8, "sept": 9, "nop": 11, "nopember": 11, "pebruari": 2}

_PARTS = {
    "d": r"(?P<day>\d{1,2})",
    "m": r"(?P<month>\d{1,2})",
    "Y": r"(?P<year>\d{4})",
    "H": r"(?P<hour>\d{1,2})",
    "I": r"(?P<hour12>\d{1,2})",
    "M": r"(?P<minute>\d{2})",
    "S": r"(?P<second>\d{2})",
    "y": r"(?P<short_year>\d{2})",
    "f": r"(?P<fraction>\d{1,9})",
    "z": r"(?P<offset>Z|[+-]\d{2}:?\d{2})",
    "b": r"(?P<name>[A-Za-z]+)\.?",
    "p": r"(?P<half>[AaPp][Mm])",
    "B": r"(?P<name>[A-Za-z]+)",
}
EARLIEST_YEAR = 2000
_LATEST_YEAR = 9999  # the last year there is: its end has no time in other zones, and no end of a month
_NUMBER = re.compile(r"\d{1,15}(\.\d{1,12})?")
_EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's days have no zone of their own


@lru_cache(maxsize=256)
def parser(time_format: str, zone_name: str) -> Callable[[str], datetime | None]:
    """A function from text to an aware UTC time, or None when the text is not of the format or no real time.

    `zone_name` (IANA) is the zone of times that carry none. Raises ValueError for an unknown directive or
    one that stands twice.
    """
    zone = ZoneInfo(zone_name)
    match time_format:
        case "iso":
            return _iso_parser(zone)
        case "unix":
            return lambda text: _parse_number(text, lambda number: datetime.fromtimestamp(number, UTC))
        case "unix_ms":
            return lambda text: _parse_number(text, lambda number: datetime.fromtimestamp(number / 1000, UTC))
        case "excel":
            return lambda text: _parse_number(
                text, lambda number: in_utc(_EXCEL_EPOCH + timedelta(seconds=round(number * 86_400)), zone)
            )
    pattern = re.sub(r"\\?%(.)", _directive, re.escape(time_format).replace(r"\ ", " "))
    try:
        match = re.compile(pattern).fullmatch
    except re.error:
        raise ValueError(f"time format {time_format!r} names a part twice") from None

    def parse(text: str) -> datetime | None:
        found = match(text)
        return _assemble(found.groupdict(), zone) if found else None

    return parse


def _directive(match: re.Match[str]) -> str:
    try:
        return _PARTS[match[1]]
    except KeyError:
        raise ValueError(
            f"unknown time directive %{match[1]}; known: {' '.join('%' + key for key in _PARTS)}"
        ) from None


def _iso_parser(zone: tzinfo) -> Callable[[str], datetime | None]:
    """A closure, for most times are of this format: a partial function costs a tenth more."""
    read = datetime.fromisoformat

    def parse(text: str) -> datetime | None:
        try:
            time = read(text)
            if time.year < EARLIEST_YEAR:
                return None
            return (time if time.tzinfo else time.replace(tzinfo=zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            return None

    return parse


def _parse_number(text: str, convert: Callable[[float], datetime | None]) -> datetime | None:
    if not _NUMBER.fullmatch(text):
        return None
    try:
        time = convert(float(text))
    except (ValueError, OverflowError, OSError):
        return None
    return time if time is not None and time.year >= EARLIEST_YEAR else None


def in_utc(time: datetime, zone: tzinfo) -> datetime | None:
    """The time in UTC, read in `zone` if it carries no zone; None before the year 2000, where no complaint can be."""
    if not EARLIEST_YEAR <= time.year < _LATEST_YEAR:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=zone)).astimezone(UTC)


def _assemble(parts: dict[str, str | None], zone: tzinfo) -> datetime | None:
    month = MONTHS.get((parts.get("name") or "").lower()) if "name" in parts else int(parts.get("month") or 1)
    hour = int(parts.get("hour") or 0)
    if half := parts.get("half"):
        hour12 = int(parts.get("hour12") or 0)
        if not 1 <= hour12 <= 12:
            return None
        hour = hour12 % 12 + (12 if half.lower() == "pm" else 0)
    year = int(parts["short_year"] or 0) + 2000 if "short_year" in parts else int(parts.get("year") or 0)
    try:
        return in_utc(
            datetime(
                year, month or 0, int(parts.get("day") or 1), hour, int(parts.get("minute") or 0),
                int(parts.get("second") or 0), int((parts.get("fraction") or "0")[:6].ljust(6, "0")),
                tzinfo=_offset(parts.get("offset")) or zone,
            ),
            zone,
        )  # fmt: skip
    except (ValueError, OverflowError):
        return None


def _offset(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if text == "Z":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
