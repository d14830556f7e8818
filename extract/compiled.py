"""A profile made ready to read: once for all agencies of a zone that speak it."""

from functools import lru_cache

from extract.fast import FastProfile, can_go_straight
from extract.profile import FieldSpec, Profile
from extract.records import BESIDE, COLUMNS, EVENTS
from extract.values import Readers


class Compiled:
    """A profile made ready to read, for one zone: shared by the deliveries of all agencies that speak it there."""

    def __init__(self, profile: Profile, agency_zone: str, identity_secret: bytes) -> None:
        self.profile = profile
        readers = Readers(profile, agency_zone, identity_secret)
        self.columns = COLUMNS[profile.table]
        self.index = {name: position for position, name in enumerate(self.columns)}
        own = {name: spec for name, spec in profile.fields.items() if name in self.index}
        self.constants = [(self.index[name], spec.constant) for name, spec in own.items() if spec.source is None]
        self.readers = [
            (self.index[name], name, readers.reader(name, spec))
            for name, spec in own.items()
            if spec.source is not None
        ]
        self.event_index = {name: position for position, name in enumerate(COLUMNS[EVENTS])}
        self.event_constants = [
            (self.event_index[name], spec.constant)
            for name, spec in profile.events.fields.items()
            if spec.source is None
        ]
        self.event_readers = [
            (self.event_index[name], name, readers.reader(name, spec))
            for name, spec in profile.events.fields.items()
            if spec.source is not None
        ]
        self.event_columns = [
            (sequence, column, readers.reader("occurred_at", FieldSpec(source=column.source, type="timestamp")))
            for sequence, column in enumerate(profile.events.columns, start=1)
        ]
        self.reporter, self.identity_paths = _identity_paths(profile)
        self.known = _known_fields(profile)
        self.known_event_fields = {
            spec.source.split(".")[0] for spec in profile.events.fields.values() if spec.source
        } | {*profile.events.ignore, *([profile.events.key_from] if profile.events.key_from else [])}
        self.fast = FastProfile(profile, readers, self.known_event_fields) if can_go_straight(profile) else None
        self.text_columns = [
            self.index[name]
            for name in ("category_main", "category_label", "unit_name", "subject_name")
            if name in self.index
        ]


class _Same:
    """A profile as a key: the same object is the same profile."""

    __slots__ = ("profile",)

    def __init__(self, profile: Profile) -> None:
        self.profile = profile

    def __hash__(self) -> int:
        return id(self.profile)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.profile is self.profile


def compiled(profile: Profile, agency_zone: str, identity_secret: bytes) -> Compiled:
    """The profile made ready; made once."""
    return _compiled(_Same(profile), agency_zone, identity_secret)


@lru_cache(maxsize=256)
def _compiled(same: _Same, agency_zone: str, identity_secret: bytes) -> Compiled:
    return Compiled(same.profile, agency_zone, identity_secret)


def _known_fields(profile: Profile) -> set[str]:
    paths: list[str | None] = [spec.source for spec in profile.fields.values()]
    paths += [profile.identity.name, profile.identity.national_id, profile.identity.phone, profile.identity.email]
    paths += [profile.identity.address, profile.text.title, profile.text.body, profile.events.list]
    paths += [*profile.events.parallel.values(), BESIDE]
    for column in profile.events.columns:
        paths += [column.source, column.kind_from]
    known = {name for path in paths if path for name in (path, path.split(".")[0])}
    return known | set(profile.ignore) | (set(profile.answers.attributes) if profile.answers else set())


def _identity_paths(profile: Profile) -> tuple[str | None, list[str | None]]:
    """The object that holds all of a reporter's identity, if there is one, and the paths of its parts (from there)."""
    spec = profile.identity
    paths = [spec.name, spec.national_id, spec.phone, spec.email, spec.address]
    parents = {path.rpartition(".")[0] for path in paths if path}
    if len(parents) == 1 and (parent := parents.pop()) and "." not in parent:
        return parent, [path.rpartition(".")[2] if path else None for path in paths]
    return None, paths
