"""Has a source changed? What the fields of a delivery look like beside those of the delivery before."""

from collections.abc import Mapping
from typing import Any

_WATCHED_RECORDS = 200
_PROVING_RECORDS = 20
_KINDS = {bool: "flag", int: "number", float: "number", list: "list", dict: "object"}


class Drift:
    """Watches the kinds of values of a delivery's first records, enough to see that a source has changed."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known
        self._kinds: dict[str, str] = {}
        self._names: set[str] = set()
        self._count = 0

    def notice(self, data: Mapping[str, Any], mapped: set[str]) -> None:
        """Look at one record; only fields that the profile names count."""
        self._count += 1
        if self._count > _WATCHED_RECORDS:
            return
        self._names |= data.keys() & mapped
        for name, value in data.items():
            if value is None or value == "" or name not in mapped:
                continue
            kind = _KINDS.get(type(value), "text")
            if self._kinds.setdefault(name, kind) != kind:
                self._kinds[name] = "mixed"

    def missing(self) -> set[str]:
        """Fields of the delivery before that no record carried; a few records prove nothing."""
        return set() if self._count < _PROVING_RECORDS else self._known.keys() - self._names

    def retyped(self) -> set[str]:
        """Fields with another kind of value than before."""
        return {
            name
            for name, kind in self._kinds.items()
            if self._known.get(name, kind) != kind and "mixed" not in (kind, self._known[name])
        }

    def types(self) -> dict[str, str]:
        """What is known now, for the next delivery: nothing is forgotten because a few records lacked it."""
        forgotten = {} if self._count >= _PROVING_RECORDS else dict(self._known)
        return {**forgotten, **self._kinds}
