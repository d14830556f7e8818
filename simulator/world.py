"""The world: every complaint of every agency from the first to the last day, and how it looks as of any night.

Deterministic: the same seed, registry, period, choice of agencies and rates give the same world, byte for byte. Every
purpose draws from its own stream of random numbers, so that changing one leaves the others as they were.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator.complaints import Complaints
from simulator.dirt import DirtRates, Quirk
from simulator.habits import Habits, draw_habits
from simulator.identities import Identities, draw_identities
from simulator.population import Nation, Streams, draw_complaints
from simulator.registry import BATAM, DEFAULT_REGISTRY, Agency, read_agencies
from simulator.texts import TextRates
from simulator.volumes import expected_per_half_year
from simulator.workdays import Seconds, cut_off


@dataclass(frozen=True, slots=True)
class Listing:
    """What one agency has as of a night, in the order its system lists it: by time of last change, then number.

    `rows` are rows of Complaints (a duplicated record twice), `seen` how many of its events have happened.
    """

    rows: Seconds
    seen: Seconds
    updated: Seconds

    def between(self, since: int | None, until: int | None) -> "Listing":
        """Only what was last changed in [since, until)."""
        low = 0 if since is None else int(np.searchsorted(self.updated, since, side="left"))
        high = len(self.rows) if until is None else int(np.searchsorted(self.updated, until, side="left"))
        return Listing(rows=self.rows[low:high], seen=self.seen[low:high], updated=self.updated[low:high])

    def slice(self, start: int, stop: int) -> "Listing":
        """The records from `start` up to but without `stop`."""
        return Listing(rows=self.rows[start:stop], seen=self.seen[start:stop], updated=self.updated[start:stop])

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class World:
    """Everything the simulator knows."""

    seed: int
    start: date
    end: date
    agencies: tuple[Agency, ...]
    regions: tuple[str, ...]
    expected_per_half_year: npt.NDArray[np.float64]
    habits: Habits
    complaints: Complaints
    first_rows: Seconds
    identities: Identities
    text_rates: TextRates
    bad_agency: int | None

    @classmethod
    def build(
        cls,
        *,
        seed: int = 2021,
        start: date = date(2021, 1, 1),
        end: date = date(2021, 6, 30),
        agencies: int | Sequence[str] | None = None,
        scale: float = 1.0,
        registry: Path = DEFAULT_REGISTRY,
        dirt: DirtRates | None = None,
        text: TextRates | None = None,
    ) -> "World":
        """Draw the world. `agencies`: how many or which (default all; always with Kota Batam); `scale` is of volumes.

        Raises ValueError when an agency is not in the registry or the period is empty.
        """
        if end < start:
            raise ValueError(f"The period ends ({end}) before it starts ({start}): swap --from and --to.")
        streams = Streams(seed)
        everyone = read_agencies(registry)
        volumes = expected_per_half_year(everyone, streams.next())
        habits = draw_habits(volumes, streams.next())
        chosen = _choose(everyone, agencies, streams.next())
        kept = tuple(everyone[index] for index in chosen)
        volumes = volumes[chosen] * scale
        habits = Habits(**{one.name: getattr(habits, one.name)[chosen] for one in fields(Habits)})
        regions = tuple(one.regency_code for one in everyone if one.regency_code)
        rates = dirt or DirtRates()
        nation = Nation(agencies=kept, volumes=volumes, habits=habits, regions=regions)
        complaints, bad_agency = draw_complaints(nation, (start, end), rates, streams)
        return cls(
            seed=seed,
            start=start,
            end=end,
            agencies=kept,
            regions=regions,
            expected_per_half_year=volumes,
            habits=habits,
            complaints=complaints,
            first_rows=np.searchsorted(complaints.agency, np.arange(len(kept) + 1)),
            identities=_draw_identities(complaints, regions, streams.next()),
            text_rates=text or TextRates(),
            bad_agency=bad_agency,
        )

    def position(self, agency_code: str) -> int:
        """Index of an agency in `agencies`; KeyError when it is not in this world."""
        for index, agency in enumerate(self.agencies):
            if agency.code == agency_code:
                return index
        raise KeyError(agency_code)

    def rows_of(self, agency: int) -> slice:
        """The rows of an agency in `complaints`."""
        return slice(int(self.first_rows[agency]), int(self.first_rows[agency + 1]))

    def listing(self, agency: int, night: date) -> Listing:
        """What the agency (index) has as of the cut-off of the night."""
        until, rows = cut_off(night), self.rows_of(agency)
        seen = self.complaints.times[rows] < until
        updated = np.where(seen, self.complaints.times[rows], -1).max(axis=1, initial=-1)
        visible = np.flatnonzero(self.complaints.visible_from[rows] < until)
        order = visible[np.lexsort((self.complaints.number[rows][visible], updated[visible]))]
        copies = 1 + (self.complaints.quirks[rows][order] & Quirk.DUPLICATE > 0)
        order = np.repeat(order, copies)
        return Listing(rows=order + rows.start, seen=seen[order].sum(axis=1), updated=updated[order])


def _choose(everyone: tuple[Agency, ...], wanted: int | Sequence[str] | None, rng: np.random.Generator) -> list[int]:
    """Indices of the agencies of this world, in the registry's order."""
    positions = {agency.code: index for index, agency in enumerate(everyone)}
    if wanted is None:
        return list(range(len(everyone)))
    if isinstance(wanted, int):
        shuffled = [index for index in rng.permutation(len(everyone)).tolist() if everyone[index].code != BATAM]
        return sorted([positions[BATAM], *shuffled[: max(wanted, 1) - 1]])
    unknown = [code for code in wanted if code not in positions]
    if unknown:
        raise ValueError(f"Not in the registry, or not spoken by the simulator: {', '.join(unknown)}.")
    return sorted({positions[code] for code in (BATAM, *wanted)})


def _draw_identities(complaints: Complaints, regions: tuple[str, ...], rng: np.random.Generator) -> Identities:
    """One identity per reporter, living where the first complaint is."""
    _, first = np.unique(complaints.reporter, return_index=True)
    return draw_identities([regions[number] for number in complaints.region[first].tolist()], rng)
