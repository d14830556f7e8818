"""Guesses about a source from a sample of its records: which field is what, how times are written, what words mean.

Every guess rests on names (field_names.yml), on the words of existing profiles and on all values of a field, never on
one. What looks like a person's is told apart first, and no value of it is ever part of a guess.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

from extract.privacy import redact
from extract.profile_tools.vocabulary import field_names, known_words, plain_name
from extract.records import SHAPES
from extract.times import parser
from extract.values import Unreadable, as_text, normal

WATCHED_VALUES = 20_000
TRUE_WORDS = frozenset({"ya", "iya", "yes", "y", "true", "1", "benar"})
FALSE_WORDS = frozenset({"tidak", "tdk", "no", "n", "t", "false", "0", "bukan"})
_FLAGS = frozenset({"is_anonymous", "is_secret", "action_plan_stated"})
_WORD_COLUMNS = frozenset(
    {"status", "report_class", "channel", "input_method", "supervision_level", "event_type", "actor_level"}
)
# Names that say nothing without the object they stand in.
_GENERIC = frozenset(
    {"nama", "name", "kode", "code", "id", "no", "nomor", "number", "jenis", "type", "kind", "n", "ke", "at", "by"}
    | {"date", "tanggal", "waktu"}
)
# Who acted stands in these by role, or by name: words that nobody knows are not shown.
ROLES = frozenset({"actor_level", "input_method"})
_MOST_WORDS = 30
_LONGEST_WORD = 40
_PERSONAL_MARK = re.compile(r"\[(?:NIK|TELEPON|EMAIL|NPWP)\]")
_DIRECTIVE = re.compile("%.|^[a-z_]+$")
_WITH_ZONE = re.compile(r"(?:Z|[+-]\d{2}:?\d{2})$")


@dataclass(frozen=True, slots=True)
class SourceField:
    """One field of a source: its path and its values that are not empty; `seen` counts the records that have it."""

    path: str
    values: list[Any]
    seen: int

    @property
    def texts(self) -> list[str]:
        """The values as text; what has none is left out."""
        found = []
        for value in self.values[:WATCHED_VALUES]:
            try:
                text = as_text(value)
            except Unreadable:
                continue
            if text is not None:
                found.append(text)
        return found

    @property
    def is_list(self) -> bool:
        """Whether lists stand here."""
        return any(isinstance(value, list) for value in self.values)


def fields_of(records: Iterable[Mapping[str, Any]]) -> dict[str, SourceField]:
    """Every field of the records by its path: objects are opened, lists are not."""
    found: dict[str, SourceField] = {}

    def look(data: Mapping[str, Any], prefix: str) -> None:
        for name, value in data.items():
            path = f"{prefix}{name}"
            if isinstance(value, dict) and value:
                look(value, f"{path}.")
                continue
            known = found.get(path) or SourceField(path, [], 0)
            if value not in (None, "", {}):
                known.values.append(value)
            found[path] = SourceField(path, known.values, known.seen + 1)

    for record in records:
        look(record, "")
    # A parent that is null in some records and an object in others is no field of its own.
    parents = {path.rpartition(".")[0] for path in found} - {""}
    return {path: field for path, field in found.items() if field.values or path not in parents}


# -- which field is what -----------------------------------------------------------------------------------------------


def assign(table: str, fields: Mapping[str, SourceField], taken: set[str]) -> dict[str, str]:
    """Column -> path of the field that fits best by name and whose values do not speak against it; adds to `taken`."""
    found: dict[str, str] = {}
    for column, names in field_names()[table].items():
        for path in _by_name(names, fields):
            if path not in taken and _fits(column, fields[path]):
                found[column] = path
                taken.add(path)
                break
    return found


def best(names: Sequence[str], fields: Mapping[str, SourceField], taken: set[str]) -> str | None:
    """The free field that is called by the earliest of the names."""
    return next((path for path in _by_name(names, fields) if path not in taken), None)


def identity_of(fields: Mapping[str, SourceField], taken: set[str]) -> dict[str, str]:
    """Where the reporter's own data stand, by name or by what the values look like; adds to `taken`."""
    vocabulary = field_names()
    found: dict[str, str] = {}
    for part, names in vocabulary["identity"].items():
        for name in names:
            path = next((path for path in fields if path not in taken and _is_reporters(path, name)), None)
            if path is not None and not fields[path].is_list:
                found[part] = path
                taken.add(path)
                break
    for path, field in fields.items():
        part = {"[NIK]": "national_id", "[TELEPON]": "phone", "[EMAIL]": "email"}.get(_mark_of(field) or "")
        if part and part not in found and path not in taken:
            found[part] = path
            taken.add(path)
    return found


def looks_personal(field: SourceField) -> bool:
    """Whether a field may hold somebody's data, by its name or by its values."""
    pieces = plain_name(field.path).split("_")
    return _mark_of(field) is not None or bool(set(pieces) & set(field_names()["personal"]))


def _mark_of(field: SourceField) -> str | None:
    """The mark that redaction puts in place of most values as a whole."""
    texts = field.texts
    marks = [mark for text in texts if _PERSONAL_MARK.fullmatch(mark := redact(text))]
    return max(set(marks), key=marks.count) if marks and len(marks) * 2 >= len(texts) else None


def _is_reporters(path: str, name: str) -> bool:
    *above, leaf = path.split(".")
    if not above or plain_name(path) == name:
        return plain_name(path) == name
    return plain_name(leaf) == name and bool({plain_name(step) for step in above} & set(field_names()["reporters"]))


def _by_name(names: Sequence[str], fields: Mapping[str, SourceField]) -> list[str]:
    ranked = []
    for path in fields:
        plain, leaf = plain_name(path), plain_name(path.rpartition(".")[2])
        if plain in names:
            ranked.append((names.index(plain) * 2, path))
        elif "." in path and leaf in names and leaf not in _GENERIC:
            ranked.append((names.index(leaf) * 2 + 1, path))
    return [path for _, path in sorted(ranked, key=lambda entry: entry[0])]


def _fits(column: str, field: SourceField) -> bool:
    if field.is_list:
        return False
    if not field.values:
        return True
    if column.endswith("_at") or column in ("valid_from", "valid_to", "period_start", "period_end", "as_of_date"):
        return guess_times({field.path: field.values})[field.path].unread * 2 < len(field.values)
    if column in _FLAGS:
        return {normal(text) for text in field.texts} <= TRUE_WORDS | FALSE_WORDS
    if column in _WORD_COLUMNS:
        distinct = len({normal(text.split(" - ")[0]) for text in field.texts})
        if column == "input_method" and distinct > 4:
            return False
        return distinct <= _MOST_WORDS and (len(field.texts) < 2 * _MOST_WORDS or distinct * 2 <= len(field.texts))
    if column == "tracking_id":
        return len(set(field.texts)) * 10 >= len(field.texts) * 9
    if column in SHAPES:
        return all(SHAPES[column].match(text) for text in field.texts)
    return _mark_of(field) is None


# -- words -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WordGuess:
    """A word of a source and the code it seems to stand for; `note` says what to do about it."""

    word: str
    code: str
    note: str = ""


def guess_words(column: str, texts: Iterable[str], own: tuple[str, ...]) -> tuple[list[WordGuess], int]:
    """The distinct words with their codes, and how many others cannot be shown because a person may stand in them."""
    distinct: dict[str, str] = {}
    for text in texts:
        distinct.setdefault(normal(text), text)
    guesses, hidden = [], 0
    known = known_words().get(column, {})
    for word, text in distinct.items():
        code = known.get(word)
        if code is not None:
            guesses.append(WordGuess(text, code, "guess: check it" if word.isdigit() else ""))
        elif len(text) > _LONGEST_WORD or redact(text, own) != text or column in ROLES:
            hidden += 1
        else:
            guesses.append(_by_pieces(column, text))
    return guesses, hidden


def _by_pieces(column: str, text: str) -> WordGuess:
    if column == "status":
        for piece, code in field_names()["status_pieces"]:
            if piece in normal(text):
                return WordGuess(text, code, "guess: check it")
    return WordGuess(text, "TODO", "TODO which code?")


# -- times -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TimeGuess:
    """How a field writes times: the formats that read most of it, how many values they leave, and what is open."""

    formats: list[str]
    unread: int
    day_or_month: bool = False
    with_zone: bool = False


def _time_formats() -> list[str]:
    """Candidates, the likelier first: where two read the same values, the earlier is taken (day before month)."""
    clocks = ["%H:%M:%S", "%H:%M", "%H.%M.%S", "%H.%M", "%I:%M:%S %p", "%I:%M %p"]
    found = ["unix", "unix_ms", "iso", "excel"]
    for first, sign, year in product(("%d{0}%m{0}", "%m{0}%d{0}"), "/-.", ("%Y", "%y")):
        found += _with_clocks(first.format(sign) + year, clocks)
    for day in ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d %B %Y", "%d-%B-%Y", "%d-%B-%y", "%B %d, %Y", "%d %B %y"):
        found += _with_clocks(day, clocks)
    return found


def _with_clocks(day: str, clocks: list[str]) -> list[str]:
    zones = ("", " WIB", " WITA", " WIT")
    timed = [f"{day}{between}{clock}{zone}" for clock, zone in product(clocks, zones) for between in (" ", ", ")]
    return [*timed, f"{day} pukul %H.%M", f"{day} %H:%M:%S.%f", day]


FORMATS = _time_formats()


def guess_times(columns: Mapping[str, Sequence[Any]]) -> dict[str, TimeGuess]:
    """How each field writes its times. A field that cannot tell day from month follows those that can."""
    guesses = {path: _guess_time(values, FORMATS) for path, values in columns.items()}
    sure = [text for guess in guesses.values() if not guess.day_or_month for text in guess.formats]
    month_first = sum(text.startswith("%m") for text in sure)
    day_first = sum(text.startswith("%d") and "%m" in text for text in sure)
    if not month_first and not day_first:
        return guesses
    followed = sorted(FORMATS, key=lambda text: not text.startswith("%m")) if month_first > day_first else FORMATS
    return {
        path: _decided(_guess_time(columns[path], followed)) if guess.day_or_month else guess
        for path, guess in guesses.items()
    }


def _guess_time(values: Sequence[Any], candidates: Sequence[str]) -> TimeGuess:
    texts: list[str] = []
    naive = False
    for value in values[:WATCHED_VALUES]:
        if isinstance(value, date):
            naive = True
            continue
        try:
            texts.append(as_text(value) or "")
        except Unreadable:
            texts.append("")
    distinct = list(dict.fromkeys(texts))
    signs = set("".join(distinct))
    possible = [text for text in candidates if set(_DIRECTIVE.sub("", text)) <= signs]
    readable = {text: read for text in possible if (read := _reads(text, distinct))}
    left = set(range(len(distinct)))
    formats: list[str] = []
    doubtful = False
    while left and len(formats) < 3:
        text = max(readable, key=lambda key: len(readable[key] & left), default=None)
        if text is None or not readable[text] & left:
            break
        doubtful |= readable.get(swapped(text), set()) >= readable[text] & left and swapped(text) != text
        formats.append(text)
        left -= readable[text]
    with_zone = not naive and all(text in ("unix", "unix_ms") for text in formats)
    with_zone |= not naive and bool(texts) and all(_WITH_ZONE.search(text) for text in texts)
    unread = sum(texts.count(distinct[index]) for index in left)
    return TimeGuess(formats, unread, doubtful, with_zone and bool(formats))


def _reads(time_format: str, texts: Sequence[str]) -> set[int]:
    """Which of the texts a format reads as a time that has been."""
    read: Callable[[str], datetime | None] = parser(time_format, "UTC")
    latest = datetime.now(UTC) + timedelta(days=2)
    return {index for index, text in enumerate(texts) if (time := read(text)) is not None and time < latest}


def swapped(time_format: str) -> str:
    """The format with day and month the other way round; itself where months have names."""
    if "%m" not in time_format or time_format.startswith("%Y"):
        return time_format
    return time_format.replace("%d", "%?").replace("%m", "%d").replace("%?", "%m")


def _decided(guess: TimeGuess) -> TimeGuess:
    return TimeGuess(guess.formats, guess.unread, False, guess.with_zone)
