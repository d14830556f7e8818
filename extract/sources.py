"""The registry, read and checked: which agencies there are, and what each delivers through which source."""

import csv
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from extract.connectors import KINDS, Address
from extract.errors import RegistryInvalid
from extract.profile import read_profile
from warehouse.settings import connection_base, connection_credential, connection_host_key, connection_variable

_CODE = re.compile(r"^[A-Z0-9][A-Z0-9.\-]{0,29}$")
_FREQUENCIES = {"nightly", "irregular"}


@dataclass(frozen=True, slots=True)
class Agency:
    """One connected institution."""

    agency_code: str
    name: str
    kind: str
    province_code: str | None
    regency_code: str | None
    time_zone: str
    connected_on: date | None
    certainty: str | None


@dataclass(frozen=True, slots=True)
class Source:
    """What one agency delivers of one resource, and through what."""

    agency_code: str
    resource: str
    connector: str
    profile: str
    connection: str
    location: str
    frequency: str

    def address(self, night: date) -> Address:
        """Base of the connection (environment LAPOR_CONNECTION_<ID>) and the location of that night, with its secrets.

        Raises RegistryInvalid when the environment does not know the connection.
        """
        base = connection_base(self.connection)
        if base is None:
            raise RegistryInvalid(
                f"sources.csv sends {self.agency_code} {self.resource} to connection {self.connection!r}, "
                f"but the environment has no {connection_variable(self.connection)}. Set its base URL (http://… or file:///…)."
            )
        return Address(
            connection=self.connection,
            base=base,
            location=self.location.format(
                night=night.isoformat(), night_compact=f"{night:%Y%m%d}", agency_code=self.agency_code
            ),
            credential=connection_credential(self.connection),
            host_key=connection_host_key(self.connection),
        )

    @property
    def is_dated(self) -> bool:
        """Whether each night has a place of its own, so that what came late still lies there."""
        return self.connector == "tabular" and "{night" in self.location


@dataclass(frozen=True, slots=True)
class Registry:
    """All agencies and sources, and whether what they deliver is simulated."""

    name: str
    is_simulated: bool
    agencies: dict[str, Agency]
    sources: dict[tuple[str, str], Source]


def read_registry(directory: Path) -> Registry:
    """Read registry.yml, agencies.csv and sources.csv. Raises RegistryInvalid or ProfileInvalid with file and row."""
    head = yaml.safe_load((directory / "registry.yml").read_text(encoding="utf-8"))
    agencies: dict[str, Agency] = {}
    for place, row in _rows(directory / "agencies.csv"):
        code = row["agency_code"]
        if not _CODE.match(code) or code in agencies:
            raise RegistryInvalid(f"{place}: agency_code {code!r} is malformed or stands twice")
        agencies[code] = Agency(
            agency_code=code,
            name=row["name"],
            kind=row["kind"],
            province_code=row["province_code"] or None,
            regency_code=row["regency_code"] or None,
            time_zone=row["time_zone"],
            connected_on=date.fromisoformat(row["connected_on"]) if row.get("connected_on") else None,
            certainty=row.get("certainty") or None,
        )
    sources: dict[tuple[str, str], Source] = {}
    for place, row in _rows(directory / "sources.csv"):
        source = Source(**{name: row[name] for name in Source.__dataclass_fields__})
        key = (source.agency_code, source.resource)
        if source.agency_code not in agencies or key in sources:
            raise RegistryInvalid(f"{place}: {key} is no agency of agencies.csv or stands twice")
        if source.connector not in KINDS or source.frequency not in _FREQUENCIES:
            raise RegistryInvalid(f"{place}: connector must be one of {KINDS}, frequency one of {_FREQUENCIES}")
        if read_profile(source.profile).resource != source.resource:
            raise RegistryInvalid(f"{place}: profile {source.profile} does not read {source.resource}")
        sources[key] = source
    return Registry(name=head["name"], is_simulated=bool(head["simulated"]), agencies=agencies, sources=sources)


def _rows(path: Path) -> list[tuple[str, dict[str, str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [(f"{path.name} line {number}", row) for number, row in enumerate(csv.DictReader(file), start=2)]
