"""What a sample tells of a source, column by column: the draft of a profile before it is written down."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from extract.connectors import Page
from extract.profile_tools.guessing import (
    ROLES,
    SourceField,
    TimeGuess,
    assign,
    best,
    fields_of,
    guess_times,
    guess_words,
    identity_of,
)  # fmt: skip
from extract.profile_tools.structure import Found, find_records
from extract.profile_tools.vocabulary import field_names
from extract.records import COMPLAINTS, EVENTS, RATINGS, TABLE_OF_RESOURCE


@dataclass(slots=True)
class EventDraft:
    """The event log as found: its shape and place, and the columns of its entries."""

    shape: str = ""
    place: str = ""
    key_from: str = ""
    parallel: dict[str, str] = field(default_factory=dict)
    fields: dict[str, SourceField] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    milestones: list[tuple[str, str]] = field(default_factory=list)
    kind_from: str | None = None

    @property
    def ignored(self) -> list[str]:
        """Fields of an entry that nothing takes, by their top names."""
        used = {path.split(".")[0] for path in self.columns.values()}
        if self.shape == "parallel":
            return []
        return [name for name in dict.fromkeys(path.split(".")[0] for path in self.fields) if name not in used]


@dataclass(slots=True)
class Draft:
    """Everything a draft says, before it is written down."""

    resource: str
    found: Found
    fields: dict[str, SourceField]
    columns: dict[str, str] = field(default_factory=dict)
    identity: dict[str, str] = field(default_factory=dict)
    text: dict[str, str] = field(default_factory=dict)
    events: EventDraft = field(default_factory=EventDraft)
    times: dict[str, TimeGuess] = field(default_factory=dict)
    own_words: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        """The raw table of the resource."""
        return TABLE_OF_RESOURCE[self.resource]

    @property
    def ignored(self) -> list[str]:
        """Fields that nothing takes: top names, or headings."""
        paths = [*self.columns.values(), *self.identity.values(), *self.text.values(), *self.events.parallel.values()]
        paths += [self.events.place, self.events.kind_from or "", *(path for path, _ in self.events.milestones)]
        used = {name for path in paths for name in (path, path.split(".")[0])}
        names = dict.fromkeys(path if self.found.is_table else path.split(".")[0] for path in self.fields)
        return [name for name in names if name and name not in used]


def draft_of(page: Page, resource: str, kind: str | None = None) -> Draft:
    """What a sample tells. Raises SampleUnusable when there are no records in it."""
    found = find_records(page, TABLE_OF_RESOURCE[resource], kind)
    fields = fields_of(found.records)
    draft = Draft(resource, found, fields)
    taken: set[str] = set()
    if draft.table in (COMPLAINTS, RATINGS):
        draft.identity = identity_of(fields, taken)
        draft.own_words = tuple(
            text.lower() for path in draft.identity.values() for text in fields[path].texts if len(text) > 2
        )
    if draft.table == COMPLAINTS:
        draft.events = _event_list(found, fields, taken)
    draft.columns = assign(draft.table, fields, taken)
    _drop_unknown_roles(draft.columns, fields, draft.own_words)
    if draft.table == COMPLAINTS:
        for part, names in field_names()["text"].items():
            if path := best(names, fields, taken):
                draft.text[part] = path
                taken.add(path)
        if not draft.events.shape:
            _add_milestones(draft, taken)
    draft.times = guess_times({path: draft.fields[path].values for path in _time_paths(draft)})
    entry_times = draft.events.columns.get("occurred_at")
    if entry_times:
        # Under a name of its own: an event's field may be called like one of the record.
        draft.times |= guess_times({f"event {entry_times}": draft.events.fields[entry_times].values})
    return draft


def _time_paths(draft: Draft) -> list[str]:
    annotated = ("_at", "_on", "_date", "valid_from", "valid_to", "period_start", "period_end")
    paths = [path for column, path in draft.columns.items() if column.endswith(annotated)]
    return list(dict.fromkeys([*paths, *(path for path, _ in draft.events.milestones)]))


def _event_list(found: Found, fields: Mapping[str, SourceField], taken: set[str]) -> EventDraft:
    """The event log, where it is a list: inside the record, as parallel lists, or beside the records."""
    shapes: list[tuple[str, str, list[Any]]] = []
    for path, source in fields.items():
        entries = [entry for value in source.values for entry in _entries(value)]
        if entries:
            shapes.append(("list", path, entries))
    known = field_names()["event_lists"]
    shapes.sort(key=lambda shape: shape[1].rpartition(".")[2] not in known)
    for name in dict.fromkeys(path.rpartition(".")[0] for path in fields if "." in path):
        below = {path: source for path, source in fields.items() if path.startswith(f"{name}.")}
        if len(below) > 1 and all(source.is_list for source in below.values()):
            shapes.append(("parallel", name, _zipped(name, below)))
    if found.beside:
        shapes.append(("body_list", found.beside.path, found.beside.entries))
    for shape, place, entries in shapes:
        entry_fields = fields_of(entries)
        columns = assign(EVENTS, entry_fields, set())
        _drop_unknown_roles(columns, entry_fields, ())
        if "occurred_at" not in columns:
            continue
        log = EventDraft(shape, place, fields=entry_fields, columns=columns)
        if shape == "parallel":
            log.parallel = {path[len(place) + 1 :]: path for path in fields if path.startswith(f"{place}.")}
            taken |= set(log.parallel.values())
        elif shape == "body_list" and found.beside:
            log.place, log.key_from = place, found.beside.key
        taken.add(place)
        return log
    return EventDraft()


def _entries(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, or of JSON text of one."""
    if isinstance(value, str) and value.startswith("["):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            return []
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _zipped(name: str, below: Mapping[str, SourceField]) -> list[dict[str, Any]]:
    columns = {path[len(name) + 1 :]: [v for value in source.values for v in value] for path, source in below.items()}
    return [
        {column: values[index] if index < len(values) else None for column, values in columns.items()}
        for index in range(max(map(len, columns.values())))
    ]


def _add_milestones(draft: Draft, taken: set[str]) -> None:
    """Time columns of a flat export as events; the receipt is the first of them."""
    if received := draft.columns.get("received_at"):
        draft.events.milestones.append((received, "MASUK"))
    for event_type, names in field_names()["milestones"].items():
        path = best(names, draft.fields, taken)
        if path is None:
            continue
        source = draft.fields[path]
        if source.values and guess_times({path: source.values})[path].unread * 2 > len(source.values):
            continue
        draft.events.milestones.append((path, event_type))
        taken.add(path)
    draft.events.kind_from = best(field_names()["completion_kinds"], draft.fields, taken)
    if draft.events.kind_from:
        taken.add(draft.events.kind_from)


def _drop_unknown_roles(columns: dict[str, str], fields: Mapping[str, SourceField], own: tuple[str, ...]) -> None:
    """A field of roles without one word that is known may hold names: it is not mapped."""
    for column in ROLES:
        if column in columns and fields[columns[column]].values:
            guesses, _ = guess_words(column, fields[columns[column]].texts, own)
            if not guesses:
                del columns[column]
