"""One agency's record of one complaint, as the dialects read it."""

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from simulator.attributes import CHANNELS, CLASSES, SUPERVISION_LEVELS, categories, units_of
from simulator.complaints import Complaints
from simulator.dirt import FAR_PAST_SECONDS, SKEW_SECONDS, WRONG_REGIONS, Defect, Quirk
from simulator.identities import Identity
from simulator.lifecycle import ABSENT, EVENT_OF_SLOT, STATUS_OF_SLOT, STATUSES, Slot
from simulator.registry import Agency
from simulator.texts import write_foreign_text, write_short_text, write_text
from simulator.workdays import DAY_SECONDS
from simulator.world import World

STATUS_NAMES = tuple(STATUSES[number] for number in STATUS_OF_SLOT.tolist())
DEFECTS = tuple(Defect)
# What a reporter's reply to an open complaint is logged as by mistake: only what is completed can be rated. It moves no
# status and no milestone, so every figure stays what the truth says.
IMPOSSIBLE_STEP = "RATING"
COMPLETION_SLOTS = frozenset({Slot.COMPLETED, Slot.COMPLETED_AGAIN})


class Event(NamedTuple):
    """One step: `at` in seconds since 1970 UTC, `unit` a position in the agency's list of units.

    A tuple, for there are half a million of them.
    """

    slot: int
    kind: str
    at: int
    unit: int | None
    actor: str


@dataclass(frozen=True, slots=True)
class Report:
    """All there is to say about a complaint at one agency, up to the end of the world; `events` are in order."""

    row: int
    agency: Agency
    number: int
    serial: int
    report_class: str
    category: tuple[str, str] | None
    channel: str
    by_staff: bool
    is_anonymous: bool
    is_secret: bool
    region: str
    supervision: str | None
    events: tuple[Event, ...]
    reporter: Identity
    title: str
    body: str
    defect: Defect
    quirks: int

    def status(self, seen: int) -> str:
        """Canonical status when the first `seen` events have happened."""
        return STATUS_NAMES[self.events[seen - 1].slot]

    def unit(self, seen: int) -> int | None:
        """The unit it lies with when the first `seen` events have happened; None before routing."""
        for event in reversed(self.events[:seen]):
            if event.unit is not None:
                return event.unit
        return None

    def unit_name(self, unit: int) -> str:
        """Name of a unit, in the sloppy case some officers use where the row has that quirk."""
        name = units_of(self.agency)[unit]
        return name.upper().replace(" ", "  ", 1) if self.quirks & Quirk.MESSY_UNIT else name

    def shown_at(self, event: Event) -> int:
        """The time the record shows for an event: not always when it happened."""
        if self.defect is Defect.CLOCK_SKEW and event.slot == Slot.ANSWERED:
            return event.at + SKEW_SECONDS
        if self.defect is Defect.CLOSED_BEFORE_CREATED and event.slot in COMPLETION_SLOTS:
            return self.events[0].at - 2 * DAY_SECONDS
        if self.defect is Defect.FAR_PAST and event.slot == Slot.RECEIVED:
            return event.at - FAR_PAST_SECONDS
        return event.at

    @property
    def shown_receipt(self) -> int:
        """The time of receipt the record shows."""
        return self.shown_at(self.events[0])

    def has(self, quirk: Quirk) -> bool:
        """Whether the row has that quirk."""
        return bool(self.quirks & quirk)


# Who does what, except that staff type in what comes by letter or at the desk.
ACTORS = {
    "MASUK": "PELAPOR",
    "VERIFIKASI": "ADMIN_NASIONAL",
    "DISPOSISI": "ADMIN_INSTANSI",
    "BUKAN_WEWENANG": "PEJABAT_PENGHUBUNG",
    "REDISPOSISI": "ADMIN_INSTANSI",
    "TUNDA": "ADMIN_INSTANSI",
    "LENGKAPI": "PELAPOR",
    "TINDAK_LANJUT": "PEJABAT_PENGHUBUNG",
    "TANGGAPAN_PELAPOR": "PELAPOR",
    "SELESAI_MANUAL": "PEJABAT_PENGHUBUNG",
    "SELESAI_OTOMATIS": "SISTEM",
    "BUKA_KEMBALI": "PELAPOR",
    "ARSIP": "ADMIN_INSTANSI",
    "RATING": "PELAPOR",
}


def read_reports(world: World, agency: int) -> list[Report]:
    """The records of an agency (index) in the order of their rows: row r is at r - world.rows_of(agency).start."""
    rows = world.rows_of(agency)
    names = [one.name for one in fields(Complaints)]
    # Python's own numbers: reading a numpy array element by element costs ten times as much.
    columns = [getattr(world.complaints, name)[rows].tolist() for name in names]
    return [
        _read_report(world, row, dict(zip(names, values, strict=True)))
        for row, values in enumerate(zip(*columns, strict=True), start=rows.start)
    ]


def _read_report(world: World, row: int, values: dict[str, Any]) -> Report:
    reporter = world.identities[values["reporter"]]
    title, body = _write_text(world, reporter, values)
    category = values["category"]
    return Report(
        row=row,
        agency=world.agencies[values["agency"]],
        number=values["number"],
        serial=values["serial"],
        report_class=CLASSES[values["report_class"]],
        category=None if category < 0 else categories()[category],
        channel=CHANNELS[values["channel"]],
        by_staff=values["by_staff"],
        is_anonymous=values["is_anonymous"],
        is_secret=values["is_secret"],
        region=_region(world, values),
        supervision=SUPERVISION_LEVELS[values["supervision"]],
        events=_read_events(values),
        reporter=reporter,
        title=title,
        body=body,
        defect=DEFECTS[values["defect"]],
        quirks=values["quirks"],
    )


def _write_text(world: World, reporter: Identity, values: dict[str, Any]) -> tuple[str, str]:
    if values["quirks"] & Quirk.SHORT_TEXT:
        return write_short_text(values["text_seed"])
    if values["quirks"] & Quirk.FOREIGN_TEXT:
        return write_foreign_text(values["text_seed"])
    return write_text(values["text_seed"], reporter, values["quoted_number"], world.text_rates)


def _region(world: World, values: dict[str, Any]) -> str:
    number: int = values["number"]
    wrong = values["quirks"] & Quirk.WRONG_REGION
    return WRONG_REGIONS[number % len(WRONG_REGIONS)] if wrong else world.regions[values["region"]]


def _read_events(values: dict[str, Any]) -> tuple[Event, ...]:
    automatic: dict[int, bool] = {
        Slot.COMPLETED: values["automatic"],
        Slot.COMPLETED_AGAIN: values["automatic_again"],
    }
    events = []
    unit = None
    for slot, at in enumerate(values["times"]):
        if at == ABSENT:
            continue
        kind = "SELESAI_OTOMATIS" if automatic.get(slot) else EVENT_OF_SLOT[slot]
        if slot == Slot.REPLIED and values["quirks"] & Quirk.IMPOSSIBLE_STEP:
            kind = IMPOSSIBLE_STEP
        if slot == Slot.ROUTED:
            unit = values["first_unit"]
        elif slot == Slot.REROUTED:
            unit = values["second_unit"]
        actor = "ADMIN_INSTANSI" if slot == Slot.RECEIVED and values["by_staff"] else ACTORS[kind]
        events.append(Event(slot=slot, kind=kind, at=at, unit=unit, actor=actor))
    return tuple(events)
