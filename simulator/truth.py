"""What really happened, kept aside for tests: nothing the pipeline may read."""

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from simulator.attributes import CLASSES
from simulator.dialects.georeport import ACTS
from simulator.dialects.words import ticket_number
from simulator.dirt import Defect, Quirk
from simulator.lifecycle import ABSENT, STATUSES, Slot, statuses_at
from simulator.recaps import state_recaps
from simulator.registry import BATAM, GEOREPORT_PROFILES
from simulator.workdays import Seconds, cut_off
from simulator.world import World

MILESTONE_SLOTS = {
    "received_at": Slot.RECEIVED,
    "verified_at": Slot.VERIFIED,
    "routed_at": Slot.ROUTED,
    "first_follow_up_at": Slot.ANSWERED,
    "completed_at": Slot.COMPLETED,
    "reopened_at": Slot.REOPENED,
    "completed_again_at": Slot.COMPLETED_AGAIN,
    "archived_at": Slot.ARCHIVED,
}
# The step that brings a kind of dirt to light, by name, for a defect and a quirk can have one number; the others show
# from the start.
SHOWN_WITH = {
    Defect.CLOSED_BEFORE_CREATED.name: Slot.COMPLETED,
    Defect.CLOCK_SKEW.name: Slot.ANSWERED,
    Quirk.MESSY_UNIT.name: Slot.ROUTED,
    Quirk.MASS_CLOSING.name: Slot.COMPLETED,
    Quirk.IMPOSSIBLE_STEP.name: Slot.REPLIED,
}


@dataclass(frozen=True, slots=True)
class Expected:
    """What one agency has to hand over on a night: records and their events.

    `records` counts what is in the listing (a duplicate twice); `events` are those of the distinct records in it;
    `new_events` are those that happened since the night before.
    """

    records: int
    distinct_records: int
    events: int
    new_events: int


def expected_deliveries(
    world: World, nights: Sequence[date], overlap_seconds: int = 0
) -> dict[date, dict[str, Expected]]:
    """For each night and agency code what a complete reading gives: the first night everything, then what changed.

    `overlap_seconds`: how far before the last night's cut-off a reader looks back (spreadsheets never do; who reads a
    GeoReport server looks back further and sees more). Faults are not considered: an agency that failed owes the
    difference.
    """
    expected: dict[date, dict[str, Expected]] = {}
    since: int | None = None
    for night in sorted(nights):
        expected[night] = {
            agency.code: _expect(world, index, night, since, 0 if agency.keeps_milestones_only else overlap_seconds)
            for index, agency in enumerate(world.agencies)
        }
        since = cut_off(night)
    return expected


def write_truth(world: World, nights: Sequence[date], folder: Path) -> None:
    """Write complaints.csv, dirt.csv, identities.csv, recaps.csv and summary.json into `folder`.

    dirt.csv has what can be seen in what is delivered, with the first of the nights that shows it; summary.json counts
    what was drawn.
    """
    folder.mkdir(parents=True, exist_ok=True)
    last = max(nights)
    identifiers = _identifiers(world)
    _write_complaints(world, last, identifiers, folder / "complaints.csv")
    _write(
        folder / "dirt.csv", ("agency_code", "tracking_id", "kind", "night"), _dirty_rows(world, nights, identifiers)
    )
    _write(folder / "identities.csv", ("kind", "value"), _identities(world))
    recaps = [asdict(recap) for recap in state_recaps(world, last)]
    _write(folder / "recaps.csv", tuple(recaps[0]) if recaps else (), (tuple(recap.values()) for recap in recaps))
    summary = json.dumps(summarise(world, nights), indent=1, default=str)
    (folder / "summary.json").write_text(summary, encoding="utf-8")


def summarise(world: World, nights: Sequence[date]) -> dict[str, Any]:
    """The national funnel as of the last night (each complaint once), Batam's, the dirt, and what each night holds."""
    last = max(nights)
    here = np.zeros(len(world.complaints), dtype=bool)
    here[world.rows_of(world.position(BATAM))] = True
    expected = expected_deliveries(world, nights)
    bad = world.bad_agency
    return {
        "seed": world.seed,
        "start": world.start,
        "end": world.end,
        "agencies": len(world.agencies),
        "national": _funnel(world, np.ones(len(world.complaints), dtype=bool), last),
        "batam": _funnel(world, here, last),
        "bad_agency": None if bad is None else world.agencies[bad].code,
        "defects": {kind.name.lower(): int((world.complaints.defect == kind).sum()) for kind in Defect if kind},
        "quirks": {quirk.name.lower(): int((world.complaints.quirks & quirk > 0).sum()) for quirk in Quirk},
        "nights": {
            night.isoformat(): {
                "records": sum(one.records for one in agencies.values()),
                "distinct_records": sum(one.distinct_records for one in agencies.values()),
                "events": sum(one.events for one in agencies.values()),
                "new_events": sum(one.new_events for one in agencies.values()),
                "agencies": {code: one.records for code, one in agencies.items()},
            }
            for night, agencies in expected.items()
        },
    }


def _expect(world: World, agency: int, night: date, since: int | None, overlap_seconds: int) -> Expected:
    listing = world.listing(agency, night).between(None if since is None else since - overlap_seconds, None)
    rows = np.unique(listing.rows)
    until = cut_off(night)
    times = world.complaints.times[rows]
    if world.agencies[agency].profile in GEOREPORT_PROFILES:
        times = _two_times(times, until)
    seen = new = times < until
    if since is not None:
        # A record that comes late to its second agency brings events from before it came.
        new = seen & ((times >= since) | (world.complaints.visible_from[rows] >= since)[:, None])
    return Expected(
        records=len(listing),
        distinct_records=len(rows),
        events=int(seen.sum()),
        new_events=int(new.sum()),
    )


def _two_times(times: Seconds, until: int) -> Seconds:
    """All that a GeoReport server tells of a log: the receipt and the last act of the agency."""
    acts = times[:, sorted({*ACTS, Slot.ARCHIVED})]
    last = np.where(acts < until, acts, -1).max(axis=1)
    return np.column_stack((times[:, Slot.RECEIVED], np.where(last < 0, ABSENT, last)))


def _funnel(world: World, rows: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], night: date) -> dict[str, int]:
    """Counts of distinct complaints; a moved complaint has the status it has at the agency that got it last."""
    until = cut_off(night)
    table = world.complaints
    visible = np.flatnonzero(rows & (table.visible_from < until))
    # The last record of each number in order of arrival at an agency.
    order = visible[np.lexsort((table.visible_from[visible], table.number[visible]))]
    number = table.number[order]
    is_last = np.append(number[1:] != number[:-1], True) if len(number) else np.array([], dtype=bool)
    status = statuses_at(table.times[order[is_last]], until)

    def reached(slot: Slot) -> int:
        return len(np.unique(number[table.times[order, slot] < until]))

    return {
        "received": len(np.unique(number)),
        "routed": reached(Slot.ROUTED),
        "followed_up": int(np.isin(status, (STATUSES.index("DIPROSES"), STATUSES.index("SELESAI"))).sum()),
        "ever_followed_up": reached(Slot.ANSWERED),
        "ever_completed": reached(Slot.COMPLETED),
        **{name.lower(): int((status == code).sum()) for code, name in enumerate(STATUSES)},
    }


def _identifiers(world: World) -> list[str]:
    """The id each row is known by in the warehouse: the number alone, or the ticket of a local system."""
    identifiers = [str(number) for number in world.complaints.number.tolist()]
    for index, agency in enumerate(world.agencies):
        if agency.numbers_tickets:
            rows = world.rows_of(index)
            received = world.complaints.times[rows, Slot.RECEIVED].tolist()
            serials = world.complaints.serial[rows].tolist()
            identifiers[rows] = [ticket_number(agency, *one) for one in zip(received, serials, strict=True)]
    return identifiers


def _write_complaints(world: World, night: date, identifiers: list[str], path: Path) -> None:
    table = world.complaints
    status = statuses_at(table.times, cut_off(night)).tolist()
    columns = [
        [world.agencies[index].code for index in table.agency.tolist()],
        identifiers,
        [CLASSES[number] for number in table.report_class.tolist()],
        table.moved.tolist(),
        *(_written(table.times[:, slot]) for slot in MILESTONE_SLOTS.values()),
        ["" if code < 0 else STATUSES[code] for code in status],
    ]
    header = ("agency_code", "tracking_id", "report_class", "moved", *MILESTONE_SLOTS, "status")
    _write(path, header, zip(*columns, strict=True))


def _written(times: Seconds) -> list[str]:
    """ISO times in UTC, "" where absent."""
    present = times != ABSENT
    text = np.datetime_as_string(np.where(present, times, 0).astype("datetime64[s]"), unit="s")
    written: list[str] = np.where(present, np.char.add(text, "Z"), "").tolist()
    return written


def _dirty_rows(world: World, nights: Sequence[date], identifiers: list[str]) -> Iterable[tuple[str, str, str, date]]:
    table, ordered = world.complaints, sorted(nights)
    kinds: list[Defect | Quirk] = [*(kind for kind in Defect if kind), *Quirk]
    for kind in kinds:
        rows = np.flatnonzero(table.defect == kind if isinstance(kind, Defect) else table.quirks & kind > 0)
        for row, place in zip(rows.tolist(), _first_shown(world, kind, rows, ordered).tolist(), strict=True):
            if place < len(ordered):
                yield world.agencies[int(table.agency[row])].code, identifiers[row], kind.name.lower(), ordered[place]


def _first_shown(world: World, kind: Defect | Quirk, rows: Seconds, nights: list[date]) -> Seconds:
    """Place in `nights` of the first night that shows this dirt of these rows; their number where none does."""
    table = world.complaints
    since = table.visible_from[rows]
    if (slot := SHOWN_WITH.get(kind.name)) is not None:
        since = np.maximum(since, table.times[rows, slot])
    until = np.full(len(rows), ABSENT)
    if kind is Defect.CLOCK_SKEW:
        # A GeoReport server shows the agency's last act only: the next one hides the answer.
        hides = np.array([agency.profile in GEOREPORT_PROFILES for agency in world.agencies])[table.agency[rows]]
        until[hides] = table.times[rows][:, sorted(ACTS - {Slot.ANSWERED})].min(axis=1)[hides]
    if kind is Quirk.MASS_CLOSING:
        until[table.defect[rows] == Defect.CLOSED_BEFORE_CREATED] = 0
    ends = np.array([cut_off(night) for night in nights])
    place = np.searchsorted(ends, since, side="right")
    return np.where(until < np.append(ends, ABSENT)[place], len(nights), place)


def _identities(world: World) -> Iterable[tuple[str, str]]:
    people = world.identities
    for kind, values in (
        ("name", people.names),
        ("nik", people.niks),
        ("phone", people.phones),
        ("email", people.emails),
    ):
        for value in values:
            yield kind, value


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
