"""The agencies the simulator plays: read from the registry the extractor reads, so that both mean the same 657."""

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

BATAM = "KOTA-21.71"
REPOSITORY = Path(__file__).resolve().parent.parent
DEFAULT_REGISTRY = REPOSITORY / "extract" / "registry"

REST_PROFILES = ("lapor_v3", "kanal_daerah")
DROP_PROFILES = ("csv_drop", "xlsx_drop")


@dataclass(frozen=True, slots=True)
class Agency:
    """One agency and the dialect it speaks; `utc_offset` is in seconds (Indonesia has no daylight saving time)."""

    code: str
    name: str
    kind: str
    province_code: str
    regency_code: str
    utc_offset: int
    profile: str
    states_recap: bool

    @property
    def is_central(self) -> bool:
        """A ministry or national body, as opposed to a local government."""
        return self.kind in {"kementerian", "lembaga"}

    @property
    def keeps_milestones_only(self) -> bool:
        """Its system is a spreadsheet: one date per milestone instead of a log of events."""
        return self.profile in DROP_PROFILES


def read_agencies(folder: Path = DEFAULT_REGISTRY) -> tuple[Agency, ...]:
    """The agencies of `agencies.csv` whose complaints come in a dialect of the simulator, in the file's order.

    Raises FileNotFoundError when the folder is no registry.
    """
    profiles: dict[str, str] = {}
    recaps: set[str] = set()
    with (folder / "sources.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["resource"] == "complaints" and row["profile"] in REST_PROFILES + DROP_PROFILES:
                profiles[row["agency_code"]] = row["profile"]
            elif row["resource"] == "recaps" and row["profile"] == "recap_statement":
                recaps.add(row["agency_code"])
    with (folder / "agencies.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Agency(
                code=row["agency_code"],
                name=row["name"],
                kind=row["kind"],
                province_code=row["province_code"],
                regency_code=row["regency_code"],
                utc_offset=_utc_offset(row["time_zone"]),
                profile=profiles[row["agency_code"]],
                states_recap=row["agency_code"] in recaps,
            )
            for row in csv.DictReader(file)
            if row["agency_code"] in profiles
        )


def _utc_offset(time_zone: str) -> int:
    offset = datetime(2021, 1, 1, tzinfo=UTC).astimezone(ZoneInfo(time_zone)).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0
