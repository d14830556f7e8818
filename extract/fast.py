"""The straight way: a record without anything odd, from its source's words to the line that COPY takes.

Of most records nothing needs to be said: every word is known, every time reads, no office is called like the reporter.
For these a column is a dictionary from what the source writes to what COPY takes, and a record is a walk over
dictionaries: half the cost of `Mapper.rows`. Whatever is odd in any way (None is returned) goes that other way, which
decides what a record means; `tests/extract/test_fast.py` holds both to the same bytes.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import msgspec

from extract.privacy import Identity, redact, reporter_key
from extract.profile import FieldSpec, Profile
from extract.records import COLUMNS, COMPLAINTS, EVENTS, Line, Record, digest
from extract.values import Readers, Unreadable, as_text

_encode = msgspec.json.Encoder().encode
_NULL, _FALSE = b"null", b"false"
_REMEMBERED = 4096
_COMMON_NUMBERS = 64
_COMPLETIONS = frozenset({b'"SELESAI_MANUAL"', b'"SELESAI_OTOMATIS"'})
_REOPENING = b'"BUKA_KEMBALI"'
_TEXTS = frozenset({"category_main", "category_label", "unit_name"})
_COLUMNS, _EVENT_COLUMNS = COLUMNS[COMPLAINTS], COLUMNS[EVENTS]
_AT = {name: index for index, name in enumerate(_COLUMNS)}
_EVENT_AT = {name: index for index, name in enumerate(_EVENT_COLUMNS)}
_UPDATED, _ANONYMOUS, _KEY, _COMPLETED = (
    _AT[name] for name in ("updated_at", "is_anonymous", "reporter_key", "completed_at")
)
_SYSTEM, _TRACKING = _AT["source_system"], _AT["tracking_id"]
_ODD = "odd"  # an object, so that no text of a citizen is it


class _Column(dict[Any, bytes]):
    """What a source writes -> what COPY takes. What it cannot say raises Unreadable or TypeError."""

    __slots__ = ("_read", "_remembers")

    def __init__(self, read: Callable[[Any], Any], *, remembers: bool) -> None:
        super().__init__()
        self._read, self._remembers = read, remembers

    def __missing__(self, value: Any) -> bytes:
        written = _encode(self._read(value))
        # Numbers are not remembered: for a dictionary 1, 1.0 and True are the same word.
        if self._remembers and (value is None or type(value) is str):
            if len(self) >= _REMEMBERED:
                self.clear()
            self[value] = written
        return written


# Index of the column, name of the field (below its object, if it has one), the dictionary.
_Place = tuple[int, str, _Column]


class _Shape:
    """The fields of one kind of record: those of the record itself, and those of the objects in it."""

    def __init__(self, fields: Iterable[tuple[int, FieldSpec, _Column]]) -> None:
        self.flat: list[_Place] = []
        nested: dict[str, list[_Place]] = {}
        self.required: set[str] = set()
        for index, spec, column in fields:
            assert spec.source is not None
            above, _, name = spec.source.rpartition(".")
            (nested.setdefault(above, []) if above else self.flat).append((index, name, column))
            if spec.required:
                self.required.add(above or name)
        self.nested = list(nested.items())

    def fill(self, parts: list[bytes], data: dict[str, Any]) -> bool:
        """Write the columns into `parts`; False when the record is not shaped so."""
        get = data.get
        for index, name, column in self.flat:
            parts[index] = column[get(name)]
        for above, places in self.nested:
            inner = get(above)
            if inner is None:
                for index, _, column in places:
                    parts[index] = column[None]
            elif type(inner) is dict:
                for index, name, column in places:
                    parts[index] = column[inner.get(name)]
            else:
                return False
        return True


class FastProfile:
    """A profile made ready for the straight way, for agencies of one zone."""

    def __init__(self, profile: Profile, readers: Readers, known_event_fields: set[str]) -> None:
        self.known_event_fields = known_event_fields
        self.texts: dict[str, str] = {}  # what offices and categories are called -> the same in small letters
        times: dict[tuple[str, ...], _Column] = {}

        def shape(fields: dict[str, FieldSpec], at: dict[str, int]) -> _Shape:
            return _Shape(
                (at[name], spec, self._column(name, spec, readers, times))
                for name, spec in fields.items()
                if name in at and spec.source is not None
            )

        self.record = shape(profile.fields, _AT)
        self.event = shape(profile.events.fields, _EVENT_AT)
        self.text_fields = _paths(profile.fields)
        self.event_text_fields = _paths(profile.events.fields)
        self.states_completion = "completed_at" in profile.fields

    def _column(self, name: str, spec: FieldSpec, readers: Readers, times: dict[tuple[str, ...], _Column]) -> _Column:
        if spec.type == "timestamp" and spec.default is None:  # events repeat the times of their record
            key = tuple(spec.formats)
            if key not in times:
                times[key] = _Column(readers.time_reader(key), remembers=True)
                times[key][None] = times[key][""] = _NULL
            return times[key]
        read = readers.reader(name, spec.model_copy(update={"source": "value", "required": False}))
        if name in _TEXTS:
            return _Column(lambda value: _cleaned(read({"value": value}, ())), remembers=True)
        column = _Column(lambda value: read({"value": value}, ()), remembers=name != "tracking_id")
        if spec.words is None and spec.type in ("boolean", "integer"):
            # What is read the same as a number and as a flag may be remembered.
            for number in range(2 if spec.type == "boolean" else _COMMON_NUMBERS):
                with suppress(Unreadable):
                    column[number] = _encode(read({"value": number}, ()))
        return column

    def gives_away(
        self, data: dict[str, Any], paths: list[tuple[str, str]], own: tuple[str, ...], checked: set[str]
    ) -> bool:
        """Whether an office or a category is called like the reporter, who then has to be masked in it.

        `checked` are the names of this record that were looked at: its events name the same office again and again.
        """
        for above, name in paths:
            inner = data.get(above) if above else data
            text = inner.get(name) if inner else None
            if text is None or (type(text) is str and text in checked):
                continue
            if type(text) is not str:
                return True
            checked.add(text)
            lowered = self.texts.get(text)
            if lowered is None:
                if len(self.texts) >= _REMEMBERED:
                    self.texts.clear()
                lowered = self.texts[text] = (as_text(text) or "").lower()
            for word in own:
                if word in lowered:
                    return True
        return False


def _cleaned(text: str | None) -> str | None:
    return redact(text) if text else text


def _paths(fields: dict[str, FieldSpec]) -> list[tuple[str, str]]:
    """Where the texts stand that are redacted and yet no citizen's: (object, field)."""
    sources = [spec.source.rpartition(".") for name, spec in fields.items() if name in _TEXTS and spec.source]
    return sorted({(above, name) for above, _, name in sources})


def can_go_straight(profile: Profile) -> bool:
    """Whether the records of a profile have the shape this module knows:

    complaints with their events inside, or none.
    """
    events, fields = profile.events, {**profile.fields, **{f"event {k}": v for k, v in profile.events.fields.items()}}
    return (
        profile.table == COMPLAINTS
        and "received_at" in profile.fields
        and not (events.parallel or events.body_list or events.columns)
        and all((spec.source or "").count(".") <= 1 and spec.type != "key" for spec in fields.values())
        and not any("." in (path or "") for path in (events.list, profile.text.title, profile.text.body))
    )


class FastLines:
    """The straight way for one delivery."""

    def __init__(self, fast: FastProfile, profile: Profile, blank: list[Any], blank_event: list[Any], secret: bytes):
        self._fast, self._secret = fast, secret
        self._title, self._body = profile.text.title, profile.text.body
        self._list = profile.events.list
        self._blank = [_encode(value) for value in blank]
        self._blank_event = [_encode(value) for value in blank_event]

    def lines(self, record: Record, identity: Identity, own: tuple[str, ...]) -> tuple[Line, list[Line]] | None:
        """The lines of a record and of its events; None when it has to go the other way."""
        data, fast = record.data, self._fast
        if not fast.record.required <= data.keys():
            return None
        parts = self._blank.copy()
        try:
            if not fast.record.fill(parts, data):
                return None
            checked: set[str] = set()
            if own and fast.gives_away(data, fast.text_fields, own, checked):
                return None
            events = self._events(record, parts, own, checked)
        except (Unreadable, TypeError):
            return None
        if events is None or parts[_TRACKING] == _NULL:
            return None
        if parts[_ANONYMOUS] == _FALSE:
            parts[_KEY] = _encode(reporter_key(identity, self._secret))
        title, body = self._text(data, self._title, own), self._text(data, self._body, own)
        if title is _ODD or body is _ODD:
            return None
        content = b",".join(parts[:_UPDATED] + parts[_UPDATED + 1 :])
        texts = _encode(title) + b"," + _encode(body)
        line = b'%b,%b,"\\\\x%b","{}",%b' % (
            b",".join(parts), _encode(record.position), digest(content, texts).hex().encode(), texts,
        )  # fmt: skip
        return Line(record.position, line), events

    def _events(self, record: Record, parts: list[bytes], own: tuple[str, ...], checked: set[str]) -> list[Line] | None:
        entries = record.data.get(self._list) if self._list else None
        if entries is None:
            return []
        if type(entries) is not list:
            return None
        fast, lines = self._fast, []
        shape, required = fast.event, fast.event.required
        kind_at, time_at = _EVENT_AT["event_type"], _EVENT_AT["occurred_at"]
        completed, ends = _NULL, 0
        for number, entry in enumerate(entries, start=1):
            if type(entry) is not dict or not required <= entry.keys() <= fast.known_event_fields:
                return None
            event = self._blank_event.copy()
            if not shape.fill(event, entry) or (own and fast.gives_away(entry, fast.event_text_fields, own, checked)):
                return None
            event[0], event[1] = parts[_SYSTEM], parts[_TRACKING]
            if event[kind_at] in _COMPLETIONS:
                completed, ends = event[time_at], ends + 1
            elif event[kind_at] == _REOPENING:
                return None  # which of them was the last is decided where times are compared
            position = f"{record.position}, event {number}"
            content = b",".join(event)
            lines.append(
                Line(position, b'%b,%b,"\\\\x%b","{}"' % (content, _encode(position), digest(content).hex().encode()))
            )
        if ends > 1:
            return None
        if parts[_COMPLETED] == _NULL:
            parts[_COMPLETED] = completed
        return lines

    @staticmethod
    def _text(data: dict[str, Any], path: str | None, own: tuple[str, ...]) -> str | None:
        if path is None:
            return None
        text = data.get(path)
        if text is None:
            return None
        if type(text) is not str:
            return _ODD
        cleaned = as_text(text)
        return redact(cleaned, own, again=False) if cleaned else None
