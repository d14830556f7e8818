"""Totals that agencies state about themselves, computed from the truth, a few wrong on purpose."""

import csv
import io
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from simulator.lifecycle import ABSENT, STATUSES, Slot, statuses_at
from simulator.registry import BATAM, Agency
from simulator.workdays import DAY_SECONDS, WIB_OFFSET, cut_off, day_number
from simulator.world import World

COLUMNS = (
    *("instansi", "periode_awal", "periode_akhir", "laporan_diterima", "terdisposisi", "belum_terverifikasi"),
    *("belum_ditindaklanjuti", "dalam_proses", "selesai", "tunda", "arsip"),
)
AGREES = "agrees"
PARTS = "parts_do_not_add_up"
DIFFERS = "differs"
OFF_BY_ONE = "off_by_one"
WRONG_ON_PURPOSE = (PARTS, PARTS, PARTS, DIFFERS, DIFFERS, OFF_BY_ONE, OFF_BY_ONE)
# Large enough that a wrong figure is not lost in an almost empty recap.
SMALLEST_WRONG = 10


@dataclass(frozen=True, slots=True)
class Recap:
    """One agency's stated totals; None = not stated. `routed` is a milestone, the figures after it are states."""

    agency_code: str
    period_start: date
    period_end: date
    received: int | None
    routed: int | None
    unverified: int | None
    unanswered: int | None
    in_progress: int | None
    completed: int | None
    on_hold: int | None
    archived: int | None
    truth: str = AGREES

    def file(self) -> bytes:
        """The file `rekap.csv` (semicolon, UTF-8)."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, delimiter=";", lineterminator="\n")
        writer.writerow(COLUMNS)
        figures = (
            *(self.received, self.routed, self.unverified, self.unanswered, self.in_progress),
            *(self.completed, self.on_hold, self.archived),
        )
        writer.writerow(
            [
                self.agency_code,
                self.period_start.isoformat(),
                self.period_end.isoformat(),
                *("" if figure is None else figure for figure in figures),
            ]
        )
        return buffer.getvalue().encode()


def state_recaps(world: World, night: date) -> list[Recap]:
    """The recaps delivered on `night`: complaints received from 1 January of its year, as they stand at its cut-off."""
    rng = np.random.default_rng([world.seed, 41])
    recaps = [
        _published(night) if agency.code == BATAM else _count(world, index, agency, night)
        for index, agency in enumerate(world.agencies)
        if agency.states_recap
    ]
    sizeable = [
        at for at, recap in enumerate(recaps) if recap.agency_code != BATAM and (recap.received or 0) >= SMALLEST_WRONG
    ]
    for at, kind in zip(rng.permutation(sizeable).tolist(), WRONG_ON_PURPOSE, strict=False):
        recaps[at] = _make_wrong(recaps[at], kind)
    return recaps


def _published(night: date) -> Recap:
    """What Kota Batam published: 71 received, 61 routed, 46 completed, 10 in process, 1 on hold; nothing more."""
    return Recap(
        agency_code=BATAM,
        period_start=date(night.year, 1, 1),
        period_end=night,
        received=71,
        routed=61,
        unverified=None,
        unanswered=None,
        in_progress=10,
        completed=46,
        on_hold=1,
        archived=None,
    )


def _count(world: World, index: int, agency: Agency, night: date) -> Recap:
    rows = world.rows_of(index)
    times = world.complaints.times[rows]
    start = date(night.year, 1, 1)
    # The period is of business dates in WIB, whatever the agency's zone.
    since = day_number(start) * DAY_SECONDS - WIB_OFFSET
    until = cut_off(night)
    inside = (times[:, Slot.RECEIVED] >= since) & (world.complaints.visible_from[rows] < until)
    states = np.bincount(statuses_at(times[inside], until), minlength=len(STATUSES)).tolist()
    routed = times[inside, Slot.ROUTED]
    return Recap(
        agency_code=agency.code,
        period_start=start,
        period_end=night,
        received=int(inside.sum()),
        routed=int(((routed != ABSENT) & (routed < until)).sum()),
        unverified=states[0],
        unanswered=states[1],
        in_progress=states[2],
        completed=states[4],
        on_hold=states[3],
        archived=states[5],
    )


def _make_wrong(recap: Recap, kind: str) -> Recap:
    received, completed, in_progress = (figure or 0 for figure in (recap.received, recap.completed, recap.in_progress))
    if kind == PARTS:
        return replace(recap, in_progress=in_progress + 4, truth=kind)
    more = 1 if kind == OFF_BY_ONE else 9
    return replace(recap, received=received + more, completed=completed + more, truth=kind)
