"""The agencies the simulator plays: read from the registry the extractor reads, so that both mean the same 657."""

import csv
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

BATAM = "KOTA-21.71"
REPOSITORY = Path(__file__).resolve().parent.parent
DEFAULT_REGISTRY = REPOSITORY / "extract" / "registry"

REST_PROFILES = ("lapor_v3", "kanal_daerah", "offset_api", "link_api", "next_url_api", "graph_api")
GEOREPORT_PROFILES = ("georeport_json", "georeport_xml")
SQL_PROFILES = ("sql_sqlite", "sql_postgres")
DROP_PROFILES = ("csv_drop", "xlsx_drop", "ods_drop")
COMPLAINT_PROFILES = frozenset(REST_PROFILES + GEOREPORT_PROFILES + SQL_PROFILES + DROP_PROFILES)


class Way(StrEnum):
    """How what an agency says reaches its reader."""

    API = "api"
    FOLDER = "folder"
    HTTP_FILE = "http_file"
    SFTP = "sftp"
    S3 = "s3"
    SQLITE = "sqlite"
    POSTGRES = "postgres"


WAY_OF_CONNECTION = {
    "simulator_http": Way.API,
    "simulator_offset": Way.API,
    "simulator_link": Way.API,
    "simulator_oauth": Way.API,
    "simulator_graph": Way.API,
    "simulator_drops": Way.FOLDER,
    "simulator_sftp": Way.SFTP,
    "simulator_s3": Way.S3,
    "simulator_sqlite": Way.SQLITE,
    "simulator_postgres": Way.POSTGRES,
}


@dataclass(frozen=True, slots=True)
class Source:
    """One row of sources.csv that the simulator plays."""

    resource: str
    profile: str
    way: Way
    location: str

    def place(self, agency_code: str, night: date) -> str:
        """The location of a night, as the reader asks for it."""
        return self.location.format(night=night.isoformat(), night_compact=f"{night:%Y%m%d}", agency_code=agency_code)


@dataclass(frozen=True, slots=True)
class Agency:
    """One agency and what it delivers; `utc_offset` is in seconds (Indonesia has no daylight saving time)."""

    code: str
    name: str
    kind: str
    province_code: str
    regency_code: str
    utc_offset: int
    sources: tuple[Source, ...]

    def source(self, resource: str) -> Source | None:
        """How it delivers a resource; None when it does not."""
        return next((source for source in self.sources if source.resource == resource), None)

    @property
    def complaints(self) -> Source:
        """How it delivers its complaints."""
        source = self.source("complaints")
        assert source is not None, "an agency without complaints is not read"
        return source

    @property
    def profile(self) -> str:
        """The dialect of its complaints."""
        return self.complaints.profile

    @property
    def way(self) -> Way:
        """How its complaints travel."""
        return self.complaints.way

    @property
    def states_recap(self) -> bool:
        """Whether it states totals of its own."""
        return self.source("recaps") is not None

    @property
    def is_central(self) -> bool:
        """A ministry or national body, as opposed to a local government."""
        return self.kind in {"kementerian", "lembaga"}

    @property
    def keeps_milestones_only(self) -> bool:
        """Its system is a spreadsheet: one date per milestone instead of a log of events."""
        return self.profile in DROP_PROFILES

    @property
    def numbers_tickets(self) -> bool:
        """It has a system of its own with numbers of its own; the others use the national number."""
        return self.profile != "lapor_v3" and not self.keeps_milestones_only


def read_agencies(folder: Path = DEFAULT_REGISTRY) -> tuple[Agency, ...]:
    """The agencies of `agencies.csv` whose complaints come in a dialect of the simulator, in the file's order.

    Raises FileNotFoundError when the folder is no registry.
    """
    sources: dict[str, tuple[Source, ...]] = {}
    with (folder / "sources.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["connection"] in WAY_OF_CONNECTION:
                code = row["agency_code"]
                sources[code] = (*sources.get(code, ()), _read_source(row))
    with (folder / "agencies.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Agency(
                code=row["agency_code"],
                name=row["name"],
                kind=row["kind"],
                province_code=row["province_code"],
                regency_code=row["regency_code"],
                utc_offset=_utc_offset(row["time_zone"]),
                sources=sources[row["agency_code"]],
            )
            for row in csv.DictReader(file)
            if any(
                source.resource == "complaints" and source.profile in COMPLAINT_PROFILES
                for source in sources.get(row["agency_code"], ())
            )
        )


def _read_source(row: dict[str, str]) -> Source:
    way = WAY_OF_CONNECTION[row["connection"]]
    if way is Way.API and row["connector"] == "tabular":
        way = Way.HTTP_FILE
    return Source(resource=row["resource"], profile=row["profile"], way=way, location=row["location"])


def _utc_offset(time_zone: str) -> int:
    offset = datetime(2021, 1, 1, tzinfo=UTC).astimezone(ZoneInfo(time_zone)).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0
