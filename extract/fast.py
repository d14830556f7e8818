"""The straight way: records without anything odd, from their source's words to the lines that COPY takes.

Of most records nothing needs to be said: every word is known, every time reads, no office is called like the reporter.
For these a column is a dictionary from what the source writes to what COPY takes, and a page is read column by column,
in loops that Python runs in C: cheaper than `Mapper.rows`. Whatever is odd in any way (None is returned for
it) goes that other way, which decides what a record means; `tests/extract/test_fast.py` holds both to the same bytes.
"""

from binascii import hexlify
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Any

import msgspec

from extract.privacy import Identity, is_harmless, names, redact, reporter_key
from extract.profile import FieldSpec, Profile
from extract.records import COLUMNS, COMPLAINTS, EVENTS, KEYS, Line, Record, digest
from extract.values import Readers, Unreadable, as_text

_encode = msgspec.json.Encoder().encode
_NULL, _FALSE = b"null", b"false"
_UNREADABLE = b""
_REMEMBERED = 4096
_COMMON_NUMBERS = 64
_COMPLETIONS = frozenset({b'"SELESAI_MANUAL"', b'"SELESAI_OTOMATIS"'})
_REOPENING = b'"BUKA_KEMBALI"'
_ENDINGS = _COMPLETIONS | {_REOPENING}
_TEXTS = frozenset({"category_main", "category_label", "unit_name"})
_AT = {name: index for index, name in enumerate(COLUMNS[COMPLAINTS])}
_EVENT_AT = {name: index for index, name in enumerate(COLUMNS[EVENTS])}
_SYSTEM, _TRACKING, _NUMBER, _KIND, _TIME = (
    _EVENT_AT[name] for name in ("source_system", "tracking_id", "event_seq", "event_type", "occurred_at")
)
_ANONYMOUS, _REPORTER, _COMPLETED = (_AT[name] for name in ("is_anonymous", "reporter_key", "completed_at"))
_UPDATED = _AT["updated_at"]  # the one column that is no content
_KEY, _EVENT_KEY = [_AT[name] for name in KEYS[COMPLAINTS]], [_EVENT_AT[name] for name in KEYS[EVENTS]]
_COMPLAINT, _EVENT = b'%b,%b,%b,%b","\\\\x%b","{}"', b'%b,%b, event %d","\\\\x%b","{}"'
_ENTRY, _OBJECTS, _TEXT = frozenset({dict}), frozenset({dict, type(None)}), frozenset({str, type(None)})
_join = b",".join

_Entries = Sequence[dict[str, Any]]
_Written = list[list[bytes]]  # column by column


class _Column(dict[Any, bytes]):
    """What a source writes -> what COPY takes."""

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

    def write(self, values: Sequence[Any], odd: set[int]) -> list[bytes]:
        """All of the values; the places of those that it cannot say are added to `odd`."""
        try:
            return list(map(self.__getitem__, values))
        except (Unreadable, TypeError):
            return [self._write_one(place, value, odd) for place, value in enumerate(values)]

    def _write_one(self, place: int, value: Any, odd: set[int]) -> bytes:
        try:
            return self[value]
        except (Unreadable, TypeError):
            odd.add(place)
            return _UNREADABLE


class _Nothing(dict[str, Any]):
    """An object without any field, for what is null."""

    def __missing__(self, _: str) -> None:
        return None


_NOTHING = _Nothing()


class _Fields:
    """Some fields of an object, each with the columns that it fills and whether it names an office or a category."""

    def __init__(self, fields: list[tuple[str, int, _Column, bool]]) -> None:
        self._fields = fields
        self._take = itemgetter(*(name for name, *_ in fields))

    def write(self, entries: _Entries, columns: _Written, named: list[Sequence[str]], odd: set[int]) -> None:
        """Fill the columns from these entries, and `named` with what they name; places of odd ones go to `odd`."""
        for (_, index, column, names_office), values in zip(self._fields, self._values(entries), strict=True):
            columns[index] = column.write(values, odd)
            if names_office:
                kinds = set(map(type, values))
                if not _TEXT.issuperset(kinds):
                    odd.update(place for place, value in enumerate(values) if type(value) not in _TEXT)
                named.append(values if kinds == {str} else [value if type(value) is str else "" for value in values])

    def _values(self, entries: _Entries) -> list[Sequence[Any]]:
        if len(self._fields) > 1 and entries:
            with suppress(KeyError):  # most have all fields, and to take them at once costs half
                return list(zip(*map(self._take, entries), strict=True))
        return [[entry.get(name) for entry in entries] for name, *_ in self._fields]


class _Shape:
    """The fields of one kind of record: those of the record itself, and those of the objects in it."""

    def __init__(self, fields: Iterable[tuple[str, int, FieldSpec, _Column]], known: set[str] | None = None) -> None:
        """`known` are all fields it may have, when another one makes it odd."""
        found: dict[str, list[tuple[str, int, _Column, bool]]] = {}
        self._required: set[str] = set()
        self._known = known
        for target, index, spec, column in fields:
            assert spec.source is not None
            above, _, name = spec.source.rpartition(".")
            found.setdefault(above, []).append((name, index, column, target in _TEXTS))
            if spec.required:
                self._required.add(above or name)
        self._flat = _Fields(found.pop("")) if "" in found else None
        self._nested = [(above, _Fields(fields)) for above, fields in found.items()]

    def write(self, entries: _Entries, blank: Sequence[bytes], odd: set[int]) -> tuple[_Written, list[Sequence[str]]]:
        """The columns of these entries, which begin as `blank`, and columns of the offices and categories they name.

        The places of what is not shaped so go to `odd`.
        """
        columns, named = [[value] * len(entries) for value in blank], list[Sequence[str]]()
        # Records of one source mostly have the same fields in the same order.
        if misshapen := {fields for fields in set(map(tuple, entries)) if not self._fits(fields)}:
            odd.update(place for place, entry in enumerate(entries) if tuple(entry) in misshapen)
        if self._flat is not None:
            self._flat.write(entries, columns, named, odd)
        for above, fields in self._nested:
            objects = [entry.get(above) for entry in entries]
            if not _OBJECTS.issuperset(map(type, objects)):
                odd.update(place for place, value in enumerate(objects) if type(value) not in _OBJECTS)
            fields.write([value if type(value) is dict else _NOTHING for value in objects], columns, named, odd)
        return columns, named

    def _fits(self, fields: tuple[str, ...]) -> bool:
        return self._required.issubset(fields) and (self._known is None or self._known.issuperset(fields))


class _Lowered(dict[str, str]):
    """What offices and categories are called -> the same in small letters."""

    def __missing__(self, text: str) -> str:
        if len(self) >= _REMEMBERED:
            self.clear()
        lowered = self[text] = (as_text(text) or "").lower()
        return lowered


class FastProfile:
    """A profile made ready for the straight way, for agencies of one zone."""

    def __init__(self, profile: Profile, readers: Readers, known_event_fields: set[str]) -> None:
        times: dict[tuple[str, ...], _Column] = {}

        def shape(fields: dict[str, FieldSpec], at: dict[str, int], known: set[str] | None = None) -> _Shape:
            own = {name: spec for name, spec in fields.items() if name in at and spec.source is not None}
            return _Shape(
                ((name, at[name], spec, _column(name, spec, readers, times)) for name, spec in own.items()), known
            )

        self.record = shape(profile.fields, _AT)
        self.event = shape(profile.events.fields, _EVENT_AT, known_event_fields)
        self.lowered = _Lowered()


def _column(name: str, spec: FieldSpec, readers: Readers, times: dict[tuple[str, ...], _Column]) -> _Column:
    if spec.type == "timestamp" and spec.default is None:  # events repeat the times of their record
        key = tuple(spec.formats)
        if key not in times:
            times[key] = _Column(readers.time_reader(key), remembers=True)
            times[key][None] = times[key][""] = _NULL
        return times[key]
    read = readers.value_reader(name, spec)
    if name in _TEXTS:
        return _Column(lambda value: _cleaned(read(value)), remembers=True)
    column = _Column(read, remembers=name != "tracking_id")
    if spec.words is None and spec.type in ("boolean", "integer"):
        # What is read the same as a number and as a flag may be remembered.
        for number in range(2 if spec.type == "boolean" else _COMMON_NUMBERS):
            with suppress(Unreadable):
                column[number] = _encode(read(number))
    return column


def _cleaned(text: str | None) -> str | None:
    return redact(text) if text else text


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

    def lines(
        self, records: Sequence[Record], reporters: Sequence[tuple[Identity, tuple[str, ...]]]
    ) -> list[tuple[Line, list[Line]] | None]:
        """The lines of each record and of its events; None for one that has to go the other way.

        `reporters` are the identity in each record and its words.
        """
        data, odd = [record.data for record in records], set[int]()
        columns, named = self._fast.record.write(data, self._blank, odd)
        for index in _KEY:
            odd.update(place for place, value in enumerate(columns[index]) if value == _NULL)
        places = [_encode(record.position)[:-1] for record in records]
        offices = list(map(set, zip(*named, strict=True))) if named else [set[str]() for _ in data]
        events = self._events(data, columns, places, offices, odd)
        texts = self._texts(data, reporters, offices, odd)
        for place, is_anonymous in enumerate(columns[_ANONYMOUS]):
            if is_anonymous == _FALSE and place not in odd:
                columns[_REPORTER][place] = _encode(reporter_key(reporters[place][0], self._secret))
        keys = map(_join, zip(*(columns[index] for index in _KEY), strict=True))
        before, after = columns[:_UPDATED], columns[_UPDATED + 1 :]
        rows = zip(
            keys, map(_join, zip(*before, strict=True)), columns[_UPDATED], map(_join, zip(*after, strict=True)),
            places, texts, strict=True,
        )  # fmt: skip
        complaints = [
            Line(key, _COMPLAINT % (left, updated, right, place, _hash(b"%b,%b" % (left, right), text)), text)
            for key, left, updated, right, place, text in rows
        ]
        return [None if place in odd else found for place, found in enumerate(zip(complaints, events, strict=True))]

    def _events(
        self, data: _Entries, columns: _Written, places: list[bytes], offices: list[set[str]], odd: set[int]
    ) -> list[list[Line]]:
        """The events of each record; adds to `offices` those they name, and to `columns` when a complaint ended."""
        entries: list[dict[str, Any]] = []
        owners: list[int] = []
        numbers: list[int] = []
        for owner, record in enumerate(data):
            log = record.get(self._list) if self._list else None
            if type(log) is list and _ENTRY.issuperset(map(type, log)):
                entries += log
                owners += [owner] * len(log)
                numbers += range(1, len(log) + 1)
            elif log is not None:
                odd.add(owner)
        strange = set[int]()
        written, named = self._fast.event.write(entries, self._blank_event, strange)
        for office_of_each in named:
            for owner, office in zip(owners, office_of_each, strict=True):
                offices[owner].add(office)
        odd.update(owners[number] for number in strange)
        for index in (_SYSTEM, _TRACKING):
            written[index] = [columns[index][owner] for owner in owners]
        odd.update(owner for owner, number in zip(owners, written[_NUMBER], strict=True) if number == _NULL)
        self._complete(columns[_COMPLETED], owners, written, odd)
        keys = map(_join, zip(*(written[index] for index in _EVENT_KEY), strict=True))
        events: list[list[Line]] = [[] for _ in data]
        contents = list(map(_join, zip(*written, strict=True)))
        rows = zip(owners, numbers, keys, contents, map(_hash, contents), strict=True)
        for owner, number, key, content, hashed in rows:
            events[owner].append(Line(key, _EVENT % (content, places[owner], number, hashed)))
        return events

    @staticmethod
    def _complete(completed: list[bytes], owners: list[int], events: _Written, odd: set[int]) -> None:
        """Take completed_at from the event that ends a complaint, where the record itself does not state it.

        Which of several was the last is decided where times are compared.
        """
        ended: dict[int, bytes] = {}
        for number, kind in enumerate(events[_KIND]):
            if kind in _ENDINGS:
                owner = owners[number]
                if owner in ended or kind == _REOPENING:
                    odd.add(owner)
                ended[owner] = events[_TIME][number]
        for owner, time in ended.items():
            if completed[owner] == _NULL:
                completed[owner] = time

    def _texts(
        self,
        data: _Entries,
        reporters: Sequence[tuple[Identity, tuple[str, ...]]],
        offices: list[set[str]],
        odd: set[int],
    ) -> list[bytes]:
        """Title and body of each record, redacted.

        A reporter called like an office has to be masked in its name: that is odd.
        """
        titles, bodies = (self._text(data, path, odd) for path in (self._title, self._body))
        written: list[bytes] = []
        for place, (title, body) in enumerate(zip(titles, bodies, strict=True)):
            own, texts, both = reporters[place][1], [title, body], f"{title}\n{body}"
            lowered = both.lower()
            beside = map(self._fast.lowered.__getitem__, offices[place])
            is_named = bool(own) and names(own, "\n".join((lowered, *beside)))
            if is_named and names(own, "\n".join(map(self._fast.lowered.__getitem__, offices[place]))):
                odd.add(place)
            if is_named or not is_harmless(both, lowered):
                texts = [redact(text, own, again=False) if text else text for text in texts]
            written.append(_encode(texts)[1:-1])
        return written

    @staticmethod
    def _text(data: _Entries, path: str | None, odd: set[int]) -> list[str | None]:
        if path is None:
            return [None] * len(data)
        texts = [record.get(path) for record in data]
        odd.update(place for place, text in enumerate(texts) if type(text) not in _TEXT)
        return [as_text(text) if type(text) is str else None for text in texts]


def _hash(content: bytes, texts: bytes = b"") -> bytes:
    return hexlify(digest(content, texts))
