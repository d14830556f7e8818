"""Which agency breaks, how and on which nights."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import yaml

from simulator.registry import DROP_PROFILES, REST_PROFILES
from simulator.world import World

SERVER_KINDS = frozenset({"hang", "error_500", "garbage_html", "slow", "truncated_json"})
FILE_KINDS = frozenset({"missing_file"})
# An agency that breaks in the demo is small: the national figures stay what they are.
LARGEST_IN_DEMO = 60
SMALLEST_IN_DEMO = 8


class FaultPlanInvalid(ValueError):
    """The plan names an agency or kind that does not exist here; the message says what is possible."""


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
        profiles = {agency.code: agency.profile for agency in world.agencies}
        for (code, _), kind in self.faults.items():
            if code not in profiles:
                raise FaultPlanInvalid(f"{code} is not in this world.")
            possible = SERVER_KINDS if profiles[code] in REST_PROFILES else FILE_KINDS
            if kind not in possible:
                raise FaultPlanInvalid(
                    f"{code} speaks {profiles[code]}: it can only break by {', '.join(sorted(possible))}."
                )


def demo_plan(world: World, nights: Iterable[date]) -> FaultPlan:
    """On the last night one agency answers 500, one sends HTML, one drops no file; another failed the night before.

    Small local governments only, never one that states a recap (as Kota Batam does). Nobody breaks in a single night.
    """
    ordered = sorted(nights)
    if len(ordered) < 2:
        return FaultPlan()
    last, before = ordered[-1], ordered[-2]
    servers = _small_agencies(world, REST_PROFILES)
    files = _small_agencies(world, ("csv_drop",)) or _small_agencies(world, DROP_PROFILES)
    plan: dict[tuple[str, date], str] = {}
    for code, night, kind in zip(
        servers, (last, last, before), ("error_500", "garbage_html", "error_500"), strict=False
    ):
        plan[code, night] = kind
    if files:
        plan[files[0], last] = "missing_file"
    return FaultPlan(plan)


def _small_agencies(world: World, profiles: tuple[str, ...]) -> list[str]:
    return [
        agency.code
        for index, (agency, volume) in enumerate(zip(world.agencies, world.expected_per_half_year, strict=True))
        if agency.profile in profiles
        and not agency.is_central
        and not agency.states_recap
        and index != world.bad_agency
        and SMALLEST_IN_DEMO <= volume <= LARGEST_IN_DEMO
    ]
