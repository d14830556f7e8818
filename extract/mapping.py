"""From a source's record to canonical rows: the profile applied.

What cannot be read becomes null and a problem naming the column, so that the gate can say why a row is kept out; a
field that must be there and is not fails the delivery, because then the source has changed. No message carries a
person's data: unreadable values are described by their shape, unknown words are quoted redacted.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from extract.compiled import compiled
from extract.drift import Drift
from extract.errors import SourceChanged
from extract.fast import FastLines
from extract.privacy import NOBODY, Identity, redact, reporter_key
from extract.profile import EventColumn, Profile
from extract.records import BESIDE, COLUMNS, COMPLAINTS, EVENTS, RATINGS, SURVEYS, Line, Record, Row
from extract.values import MISSING, Absent, Unreadable, as_text, clean, normal, value_at

COMPLETION_EVENTS = frozenset({"SELESAI_MANUAL", "SELESAI_OTOMATIS"})
REOPENING_EVENT = "BUKA_KEMBALI"


class Mapper:
    """A profile applied for one agency. `rows` is its use; one mapper serves one delivery."""

    def __init__(
        self,
        profile: Profile,
        agency_code: str,
        agency_zone: str,
        identity_secret: bytes,
        known_types: Mapping[str, str] | None = None,
    ) -> None:
        """`known_types` are the kinds of value that the delivery before had in each field."""
        self.profile = profile
        self._drift = Drift(known_types or {})
        self._secret = identity_secret
        self.unknown_fields: set[str] = set()
        self._record_count = 0
        self._absent: Counter[str] = Counter()
        ready = compiled(profile, agency_zone, identity_secret)
        self._index, self._event_index = ready.index, ready.event_index
        self._readers, self._event_readers = ready.readers, ready.event_readers
        self._event_columns, self._text_columns = ready.event_columns, ready.text_columns
        self._known, self._known_event_fields = ready.known, ready.known_event_fields
        self._reporter, self._identity_paths = ready.reporter, ready.identity_paths
        self._event_unit_at = self._event_index["unit_name"]
        # What every row begins with: nothing but the constants.
        self._blank = _filled(len(ready.columns), ready.constants, agency_code)
        self._blank_event = _filled(len(COLUMNS[EVENTS]), ready.event_constants, agency_code)
        self._fast = (
            FastLines(ready.fast, profile, self._blank, self._blank_event, identity_secret) if ready.fast else None
        )

    def rows(self, record: Record) -> tuple[Row, list[Row]]:
        """The row of the record's table and the rows of its event log (complaints only)."""
        if record.problem:
            return self._no_record(record)
        identity = self._notice(record)
        return self._rows(record, identity, identity.words())

    def take(self, records: Sequence[Record]) -> tuple[list[Row | Line], list[Row | Line]]:
        """The same of several records for the loader, with their events: lines of those that can go the straight way.

        See fast.py; the others come as rows, all in their order.
        """
        taken: list[Row | Line] = []
        events: list[Row | Line] = []
        sound = [record for record in records if not record.problem]
        reporters = [(identity, identity.words()) for identity in map(self._notice, sound)]
        straight = self._fast.lines(sound, reporters) if self._fast else [None] * len(sound)
        found = iter(zip(reporters, straight, strict=True))
        for record in records:
            if record.problem:
                taken.append(self._no_record(record)[0])
                continue
            reporter, lines = next(found)
            row, log = self._rows(record, *reporter) if lines is None else lines
            taken.append(row)
            events += log
        return taken, events

    def _no_record(self, record: Record) -> tuple[Row, list[Row]]:
        return Row(record.position, self._blank.copy(), [f"row: {record.problem}"]), []

    def _notice(self, record: Record) -> Identity:
        """What is noticed of every record, whichever way it goes; its reporter."""
        if not record.data.keys() <= self._known:
            self._notice_unknown(record.data, self._known)
        self._drift.notice(record.data, self._known)
        self._record_count += 1
        return self._identity(record.data)

    def _rows(self, record: Record, identity: Identity, own: tuple[str, ...]) -> tuple[Row, list[Row]]:
        values = self._blank.copy()
        problems: list[str] = []
        for index, name, read in self._readers:
            try:
                values[index] = read(record.data, own)
            except Unreadable as error:
                if isinstance(error, Absent):
                    self._absent[str(error)] += 1
                problems.append(f"{name}: {error}")
        for index in self._text_columns:
            if values[index]:
                values[index] = redact(values[index], own)
        self._check_id(values, problems)
        events: list[Row] = []
        title = body = None
        if self.profile.table == COMPLAINTS:
            try:
                events = self._events(record, values, own)
            except Unreadable as error:
                problems.append(f"events: {error}")
            self._complete(values, events)
            if values[self._index["is_anonymous"]] is False:
                values[self._index["reporter_key"]] = reporter_key(identity, self._secret)
            title = self._free_text(record.data, self.profile.text.title, own)
            body = self._free_text(record.data, self.profile.text.body, own)
        elif self.profile.table == RATINGS:
            values[self._index["reporter_key"]] = reporter_key(identity, self._secret)
        elif self.profile.table == SURVEYS:
            values[self._index["answers"]] = self._answers(record.data, problems)
        return Row(record.position, values, problems, title, body), events

    # -- the rest of a record ---------------------------------------------------------------------------------------

    def _identity(self, data: dict[str, Any]) -> Identity:
        if self._reporter is not None:  # all of it stands in one object, which is null for most anonymous reports
            data = data.get(self._reporter) or {}
            if type(data) is not dict or not data:
                return NOBODY
        return Identity(*[_plain(value_at(data, path)) if path else None for path in self._identity_paths])

    def _free_text(self, data: dict[str, Any], path: str | None, own: tuple[str, ...]) -> str | None:
        if path is None:
            return None
        text = _plain(value_at(data, path))
        return redact(text, own, again=False) if text else None

    def _events(self, record: Record, complaint: list[Any], own: tuple[str, ...]) -> list[Row]:
        key = (complaint[self._index["source_system"]], complaint[self._index["tracking_id"]])
        spec = self.profile.events
        if spec.list or spec.parallel or spec.body_list:
            entries = self._entries(record)
            return [
                self._listed_event(f"{record.position}, event {number}", entry, key, own)
                for number, entry in enumerate(entries, start=1)
            ]
        return list(self._column_events(record, key, complaint, own))

    def _entries(self, record: Record) -> list[Any]:
        """The events of a record as a list of objects, from whichever of the shapes the profile names."""
        spec = self.profile.events
        if spec.body_list:
            return list(record.data.get(BESIDE) or ())
        if spec.parallel:
            columns = {name: _listed(value_at(record.data, path), path) for name, path in spec.parallel.items()}
            # Lists of different lengths are one list with holes: the shorter ones lack their last entries.
            length = max(map(len, columns.values()))
            return [
                {name: values[index] if index < len(values) else None for name, values in columns.items()}
                for index in range(length)
            ]
        return _listed(value_at(record.data, spec.list or ""), spec.list or "")

    def _listed_event(self, position: str, entry: Any, key: tuple[Any, Any], own: tuple[str, ...]) -> Row:
        values = self._blank_event.copy()
        problems: list[str] = []
        if type(entry) is not dict:
            return Row(position, values, ["row: the event is no object"])
        if not entry.keys() <= self._known_event_fields:
            self._notice_unknown(entry, self._known_event_fields)
        values[0], values[1] = key
        for index, name, read in self._event_readers:
            try:
                values[index] = read(entry, own)
            except Unreadable as error:
                problems.append(f"{name}: {error}")
        if name_of_unit := values[self._event_unit_at]:
            values[self._event_unit_at] = redact(name_of_unit, own)
        if key[1] is None:
            problems.append("tracking_id: missing")
        return Row(position, values, problems)

    def _column_events(
        self, record: Record, key: tuple[Any, Any], complaint: list[Any], own: tuple[str, ...]
    ) -> Iterable[Row]:
        for sequence, column, read in self._event_columns:
            problems: list[str] = []
            try:
                time = read(record.data, own)
            except Unreadable as error:
                time = None
                problems.append(f"occurred_at: column {column.source}: {error}")
            if time is None and not problems:
                continue
            kind = None
            try:
                kind = self._kind(column, record.data, own)
                if kind is None:
                    continue
            except Unreadable as error:
                problems.append(f"event_type: {error}")
            values = self._blank_event.copy()
            values[0], values[1] = key
            values[self._event_index["event_seq"]] = sequence
            values[self._event_index["event_type"]] = kind
            values[self._event_index["occurred_at"]] = time
            values[self._event_index["unit_name"]] = complaint[self._index["unit_name"]]
            if key[1] is None:
                problems.append("tracking_id: missing")
            yield Row(f"{record.position}, {column.source}", values, problems)

    def _kind(self, column: EventColumn, data: dict[str, Any], own: tuple[str, ...]) -> str | None:
        """The event that a time is; None when it is none."""
        if column.event_type:
            return column.event_type
        assert column.kind_from is not None
        word = as_text(data.get(column.kind_from)) or ""
        kinds = {normal(source): kind for source, kind in column.kinds.items()}
        if normal(word) not in kinds:
            raise Unreadable(
                f"'{redact(word[:40], own)}' in {column.kind_from} is not a word of profile {self.profile.name}"
            )
        return kinds[normal(word)]

    def _complete(self, values: list[Any], events: list[Row]) -> None:
        """Take received_at and completed_at from the event log where the record itself does not state them."""
        kind_at, time_at = self._event_index["event_type"], self._event_index["occurred_at"]
        timed = sorted(
            (row.values[time_at], number, row.values[kind_at])
            for number, row in enumerate(events)
            if row.values[time_at]
        )
        completed = None
        for time, _, kind in timed:
            if kind in COMPLETION_EVENTS:
                completed = time
            elif kind == REOPENING_EVENT:
                completed = None
        if values[self._index["completed_at"]] is None:
            values[self._index["completed_at"]] = completed
        if values[self._index["received_at"]] is None and "received_at" not in self.profile.fields:
            values[self._index["received_at"]] = next((time for time, _, kind in timed if kind == "MASUK"), None)

    def _answers(self, data: dict[str, Any], problems: list[str]) -> dict[str, int]:
        spec = self.profile.answers
        assert spec is not None
        scores = {normal(word): score for word, score in spec.scores.items()}
        answers: dict[str, int] = {}
        for column, attribute in spec.attributes.items():
            word = _plain(data.get(column))
            if word is None:
                continue
            if normal(word) in scores:
                answers[attribute] = scores[normal(word)]
            else:
                problems.append(
                    f"answers: {attribute}: '{redact(word[:40])}' is not a word of profile {self.profile.name}"
                )
        return answers

    def _check_id(self, values: list[Any], problems: list[str]) -> None:
        if "tracking_id" not in self._index or values[self._index["tracking_id"]] is not None:
            return
        if not any(problem.startswith("tracking_id:") for problem in problems):
            problems.append("tracking_id: missing")

    # -- drift ------------------------------------------------------------------------------------------------------

    def require_fields(self, place: str) -> None:
        """Raises SourceChanged when a field that the profile requires has stood in no record so far."""
        for what, count in self._absent.items():
            if count == self._record_count:
                raise SourceChanged(f"{place}: {what} in every record, and profile {self.profile.name} requires it")

    def missing_fields(self) -> set[str]:
        """Mapped fields that the delivery before had and no record of this one carried."""
        return self._drift.missing()

    def retyped_fields(self) -> set[str]:
        """Mapped fields whose values are of another kind than those of the delivery before."""
        return self._drift.retyped()

    def field_types(self) -> dict[str, str]:
        """The kind of value of each mapped field, for the next delivery to compare with."""
        return self._drift.types()

    def _notice_unknown(self, data: dict[str, Any], known: set[str]) -> None:
        # A field's name is the source's own word; cut and redacted in case a value stands in its place.
        names = (as_text(name[:40]) for name in data.keys() - known)
        self.unknown_fields |= {redact(name) for name in names if name}


def _filled(count: int, constants: Iterable[tuple[int, Any]], agency_code: str) -> list[Any]:
    values: list[Any] = [None] * count
    for index, constant in constants:
        values[index] = constant.format(agency_code=agency_code) if isinstance(constant, str) else constant
    return values


def _plain(value: Any) -> str | None:
    """Text of a value whatever it is; a structure is none."""
    if type(value) is str:
        return clean(value)  # a person's: nothing that comes again and again
    if value is None or value is MISSING or isinstance(value, (dict, list)):
        return None
    if isinstance(value, float):
        value = str(int(value)) if value.is_integer() else repr(value)
    return as_text(value)


def _listed(value: Any, path: str) -> list[Any]:
    """A list, or JSON text of one; nothing is an empty list. Raises Unreadable."""
    if value is None or value is MISSING or value == "":
        return []
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            value = None
    if not isinstance(value, list):
        raise Unreadable(f"field {path!r} is no list of events")
    return value
