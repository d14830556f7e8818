"""What reading a sample through a profile shows: counts, codes, positions and shapes, and nothing of a person."""

import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from extract.connectors import Connector
from extract.errors import DeliveryFailed
from extract.mapping import Mapper
from extract.profile import Profile
from extract.profile_tools.sampling import Sample
from extract.profile_tools.vocabulary import codes, is_code_column
from extract.records import BESIDE, COLUMNS, COMPLAINTS, EVENTS, KEYS, Record, Row
from extract.values import MISSING, value_at

_CLOCK_SKEW = timedelta(hours=24)


@dataclass(slots=True)
class Problem:
    """One kind of problem: how often, and where first."""

    count: int
    first: str


@dataclass(slots=True)
class Findings:
    """What reading a sample through a profile showed."""

    records: int = 0
    whole: int = 0
    events_a_record: list[int] = field(default_factory=list)
    filled: Counter[str] = field(default_factory=Counter)
    event_filled: Counter[str] = field(default_factory=Counter)
    codes: dict[str, Counter[str]] = field(default_factory=dict)
    problems: dict[tuple[str, str], Problem] = field(default_factory=dict)
    times: list[datetime] = field(default_factory=list)
    keys: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    ahead: int = 0
    turned_round: int = 0
    stated_total: int | None = None
    unknown_fields: list[str] = field(default_factory=list)
    absent_fields: list[str] = field(default_factory=list)
    failure: str | None = None

    @property
    def events(self) -> int:
        """Events of all records."""
        return sum(self.events_a_record)

    def note(self, column: str, message: str, position: str) -> None:
        """Count one problem of a column."""
        known = self.problems.setdefault((column, message), Problem(0, position))
        known.count += 1


def examine(profile: Profile, connector: Connector, sample: Sample, agency_zone: str) -> Findings:
    """Read and map every record of a sample, as a night would. What fails the delivery ends in `failure`."""
    findings = Findings()
    mapper = Mapper(profile, "CONTOH-1", agency_zone, secrets.token_bytes(32))
    expected = list(dict.fromkeys(_mapped_paths(profile)))
    seen: set[str] = set()
    stated_rows: int | None = None
    readable = False
    try:
        for page in sample.pages:
            content = connector.read(page)
            if content.stated_total is not None:
                findings.stated_total = content.stated_total
            if content.stated_rows is not None:
                stated_rows = (stated_rows or 0) + content.stated_rows
            for record in content.records:
                row, events = mapper.rows(record)
                if record.problem is None:
                    readable = True
                    seen |= set(_paths_seen(profile, record))
                _count(findings, profile, row, events)
            mapper.require_fields(page.name)
    except DeliveryFailed as error:
        # The remedy of a changed source is this very command.
        findings.failure = error.reason.partition(". The source has changed: ")[0]
    if findings.stated_total is None:
        findings.stated_total = stated_rows
    findings.unknown_fields = sorted(mapper.unknown_fields)
    if findings.events and not profile.events.parallel:
        expected += [f"event {path}" for path in dict.fromkeys(_event_paths(profile))]
    findings.absent_fields = [path for path in expected if readable and path not in seen]
    return findings


def _count(findings: Findings, profile: Profile, row: Row, events: list[Row]) -> None:
    names = COLUMNS[profile.table]
    findings.records += 1
    findings.whole += not row.problems and not any(event.problems for event in events)
    if profile.table == COMPLAINTS:
        findings.events_a_record.append(len(events))
    values = dict(zip(names, row.values, strict=True))
    for name, value in values.items():
        if value is not None:
            findings.filled[name] += 1
            if name in profile.fields and is_code_column(name, profile.fields[name]):
                findings.codes.setdefault(name, Counter())[_shown(value)] += 1
    for problem in row.problems:
        column, _, message = problem.partition(": ")
        findings.note(column, message, row.position)
    for event in events:
        for name, value in zip(COLUMNS[EVENTS], event.values, strict=True):
            if value is not None:
                findings.event_filled[name] += 1
                if name in codes():
                    findings.codes.setdefault(f"event {name}", Counter())[_shown(value)] += 1
        for problem in event.problems:
            column, _, message = problem.partition(": ")
            findings.note(f"event {column}", message, event.position)
    key = tuple(values[name] for name in KEYS[profile.table])
    if None not in key:
        findings.keys[key] += 1
    received, completed = values.get("received_at"), values.get("completed_at")
    if received:
        findings.times.append(received)
        findings.ahead += received > datetime.now(UTC) + _CLOCK_SKEW
        findings.turned_round += completed is not None and completed < received


def _shown(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _mapped_paths(profile: Profile) -> Iterator[str]:
    """Every place in a record that the profile names."""
    yield from (spec.source for spec in profile.fields.values() if spec.source)
    for spec in (profile.identity, profile.text):
        yield from (path for path in spec.model_dump().values() if path)
    yield from profile.events.parallel.values()
    yield from (path for column in profile.events.columns for path in (column.source, column.kind_from) if path)
    yield from profile.answers.attributes if profile.answers else ()
    if profile.events.list:
        yield profile.events.list


def _event_paths(profile: Profile) -> Iterator[str]:
    yield from (spec.source for spec in profile.events.fields.values() if spec.source)


def _paths_seen(profile: Profile, record: Record) -> Iterator[str]:
    """The mapped places that this record has; a parent that is null says nothing, so its children count as seen."""
    yield from (path for path in _mapped_paths(profile) if value_at(record.data, path) is not MISSING)
    for entry in _entries(profile, record):
        yield from (f"event {path}" for path in _event_paths(profile) if value_at(entry, path) is not MISSING)


def _entries(profile: Profile, record: Record) -> Iterator[dict[str, Any]]:
    events = profile.events
    listed = value_at(record.data, BESIDE if events.body_list else events.list or "")
    if isinstance(listed, str):
        try:
            listed = msgspec.json.decode(listed)
        except (msgspec.DecodeError, RecursionError):
            return
    yield from (entry for entry in (listed if isinstance(listed, list) else ()) if isinstance(entry, dict))
