"""Which agency breaks, how and on which nights."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import yaml

from simulator.registry import GEOREPORT_PROFILES, SQL_PROFILES, Agency, Way
from simulator.world import World

SLOW_SECONDS = 3.0
GARBAGE = (
    b"<!DOCTYPE html><html><head><title>503 Layanan sedang dalam perbaikan</title></head>"
    b"<body><h1>Mohon maaf</h1></body></html>"
)

# What can happen to anything behind an HTTP server.
SERVER_KINDS = frozenset(
    {"hang", "slow", "drip", "error_500", "error_429", "unauthorized", "redirect_elsewhere", "garbage_html"}
)
API_KINDS = SERVER_KINDS | {"renamed_field", "empty_page"}
TOTAL_STATED = frozenset({"lapor_v3", "kanal_daerah", "offset_api", "graph_api"})
# Their pages name the next one; the others are asked by number.
CHAINED = frozenset({"kanal_daerah", "link_api", "next_url_api", "graph_api"})
FILE_KINDS = frozenset({"missing_file", "half_file", "renamed_field"})
WAY_KINDS = {
    Way.FOLDER: frozenset[str](),
    Way.HTTP_FILE: SERVER_KINDS,
    Way.SFTP: frozenset({"sftp_refuses", "hang", "slow", "drip"}),
    Way.S3: frozenset({"hang", "slow", "drip", "error_500", "unauthorized"}),
}
SQL_KINDS = frozenset({"missing_table", "renamed_field"})
# An agency that breaks in the demo is small: the national figures stay what they are.
LARGEST_IN_DEMO = 60
SMALLEST_IN_DEMO = 8


class FaultPlanInvalid(ValueError):
    """The plan names an agency or kind that does not exist here; the message says what is possible."""


def possible_faults(agency: Agency) -> frozenset[str]:
    """How the agency's complaints can fail to come, which depends on its dialect and on how they travel."""
    if agency.profile in SQL_PROFILES:
        return SQL_KINDS | ({"hang"} if agency.way is Way.POSTGRES else frozenset())
    if agency.way is Way.API:
        return (
            API_KINDS
            | {"truncated_xml" if agency.profile == GEOREPORT_PROFILES[1] else "truncated_json"}
            | ({"wrong_total"} if agency.profile in TOTAL_STATED else frozenset())
            | ({"circular_paging"} if agency.profile in CHAINED else frozenset())
        )
    html = "garbage_html" if agency.profile == "csv_drop" else "html_named_xlsx"
    return FILE_KINDS | WAY_KINDS[agency.way] | {html}


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """For each agency code and night the kind of fault; nothing named is healthy."""

    faults: Mapping[tuple[str, date], str] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Mapping[str, tuple[str, Iterable[date]]]) -> "FaultPlan":
        """From {agency code: (kind, nights)}."""
        return cls({(code, night): kind for code, (kind, nights) in plan.items() for night in nights})

    @classmethod
    def read(cls, path: Path) -> "FaultPlan":
        """From a YAML or JSON list of {agency, kind, nights}; raises FaultPlanInvalid when it is something else."""
        faults: dict[tuple[str, date], str] = {}
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
        try:
            for entry in entries:
                for night in entry["nights"]:
                    faults[entry["agency"], date.fromisoformat(str(night))] = entry["kind"]
        except (TypeError, KeyError, ValueError) as error:
            raise FaultPlanInvalid(
                f"{path} is not a list of {{agency, kind, nights: [date, ...]}}: {error!r}"
            ) from error
        return cls(faults)

    def on(self, agency_code: str, night: date) -> str | None:
        """The fault of an agency on a night, None when it works."""
        return self.faults.get((agency_code, night))

    def check(self, world: World) -> None:
        """Raises FaultPlanInvalid when an agency is not in the world or cannot break that way."""
        agencies = {agency.code: agency for agency in world.agencies}
        for (code, _), kind in self.faults.items():
            if code not in agencies:
                raise FaultPlanInvalid(f"{code} is not in this world.")
            agency = agencies[code]
            possible = possible_faults(agency)
            if kind not in possible:
                raise FaultPlanInvalid(
                    f"{code} speaks {agency.profile} by {agency.way}: it can only break by "
                    f"{', '.join(sorted(possible))}."
                )


def demo_plan(world: World, nights: Iterable[date]) -> FaultPlan:
    """On the last night one agency answers 500, one sends HTML, one drops no file; another failed the night before.

    Small local governments only, never one that states a recap (as Kota Batam does). Nobody breaks in a single night.
    """
    ordered = sorted(nights)
    if len(ordered) < 2:
        return FaultPlan()
    last, before = ordered[-1], ordered[-2]
    servers = _small_agencies(world, Way.API)
    files = _small_agencies(world, Way.FOLDER)
    plan: dict[tuple[str, date], str] = {}
    for code, night, kind in zip(
        servers, (last, last, before), ("error_500", "garbage_html", "error_500"), strict=False
    ):
        plan[code, night] = kind
    if files:
        plan[files[0], last] = "missing_file"
    return FaultPlan(plan)


def _small_agencies(world: World, way: Way) -> list[str]:
    return [
        agency.code
        for index, (agency, volume) in enumerate(zip(world.agencies, world.expected_per_half_year, strict=True))
        if agency.way is way
        and not agency.is_central
        and not agency.states_recap
        and index != world.bad_agency
        and SMALLEST_IN_DEMO <= volume <= LARGEST_IN_DEMO
    ]
