"""The life of a complaint as a log of events, drawn for all complaints at once.

Times are kept in a matrix: one row per complaint, one column per slot, a slot being one place an event can take in a
life. The slots stand in the order in which they can happen, so a row read from left to right, absent slots skipped, is
a valid log: its times rise strictly and each step is one of TRANSITIONS (the allowed transitions of SP4N-LAPOR!).
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from simulator.habits import Habits
from simulator.workdays import DAY_SECONDS, Seconds, working_days

Flags = npt.NDArray[np.bool_]
ABSENT = np.iinfo(np.int64).max
AUTO_CLOSE_WORKING_DAYS = 10

TRANSITIONS: dict[str, frozenset[str]] = {
    "": frozenset({"MASUK"}),
    "MASUK": frozenset({"VERIFIKASI", "TUNDA", "ARSIP"}),
    "VERIFIKASI": frozenset({"DISPOSISI"}),
    "DISPOSISI": frozenset({"TINDAK_LANJUT", "BUKAN_WEWENANG", "TUNDA", "ARSIP"}),
    "BUKAN_WEWENANG": frozenset({"REDISPOSISI"}),
    "REDISPOSISI": frozenset({"TINDAK_LANJUT", "BUKAN_WEWENANG", "TUNDA", "ARSIP"}),
    "TUNDA": frozenset({"LENGKAPI", "ARSIP"}),
    # A completed report goes on from where it was put on hold: before verification or after routing.
    "LENGKAPI": frozenset({"VERIFIKASI", "TINDAK_LANJUT"}),
    "TINDAK_LANJUT": frozenset({"TANGGAPAN_PELAPOR", "SELESAI_MANUAL", "SELESAI_OTOMATIS"}),
    "TANGGAPAN_PELAPOR": frozenset({"TINDAK_LANJUT"}),
    "SELESAI_MANUAL": frozenset({"BUKA_KEMBALI", "RATING"}),
    "SELESAI_OTOMATIS": frozenset({"BUKA_KEMBALI", "RATING"}),
    "BUKA_KEMBALI": frozenset({"TINDAK_LANJUT"}),
    "RATING": frozenset(),
    "ARSIP": frozenset(),
}


class Slot(IntEnum):
    """A place in a life; several slots can hold the same kind of event."""

    RECEIVED = 0
    HELD_UNVERIFIED = 1
    RESUMED_UNVERIFIED = 2
    VERIFIED = 3
    ROUTED = 4
    RETURNED = 5
    REROUTED = 6
    HELD_ROUTED = 7
    RESUMED_ROUTED = 8
    ARCHIVED = 9
    ANSWERED = 10
    REPLIED = 11
    ANSWERED_AGAIN = 12
    COMPLETED = 13
    RATED = 14
    REOPENED = 15
    ANSWERED_REOPENED = 16
    COMPLETED_AGAIN = 17


EVENT_OF_SLOT = (
    *("MASUK", "TUNDA", "LENGKAPI", "VERIFIKASI", "DISPOSISI", "BUKAN_WEWENANG", "REDISPOSISI"),
    *("TUNDA", "LENGKAPI", "ARSIP", "TINDAK_LANJUT", "TANGGAPAN_PELAPOR", "TINDAK_LANJUT"),
    *("SELESAI_MANUAL", "RATING", "BUKA_KEMBALI", "TINDAK_LANJUT", "SELESAI_MANUAL"),
)
STATUSES = ("BELUM_TERVERIFIKASI", "TERDISPOSISI", "DIPROSES", "TERTUNDA", "SELESAI", "DIARSIPKAN")
# The status a complaint has when this slot holds its last event (index into STATUSES).
STATUS_OF_SLOT = np.array([0, 3, 0, 0, 1, 1, 1, 3, 1, 5, 2, 2, 2, 4, 4, 2, 2, 4])


@dataclass(frozen=True, slots=True)
class Lives:
    """Times of events in seconds, ABSENT where nothing happens; whether the system closed the complaint by itself."""

    times: Seconds
    automatic: Flags
    automatic_again: Flags


@dataclass(frozen=True, slots=True)
class Handlers:
    """Who handles each complaint: the agency (index into `habits`), and whether its system keeps milestones only.

    Such a system is a spreadsheet with one column per milestone: returns, replies, ratings and second completions have
    no column and never happen there.
    """

    agency: Seconds
    habits: Habits
    milestones_only: Flags


def draw_lives(received: Seconds, by: Handlers, rng: np.random.Generator) -> Lives:
    """Draw the whole life of each complaint from its local second of receipt; times are local, without a horizon."""
    times = np.full((len(received), len(Slot)), ABSENT, dtype=np.int64)
    times[:, Slot.RECEIVED] = received
    routed = _draw_routing(times, by, rng)
    return _draw_handling(times, routed, by, rng)


def draw_handling_after_move(received: Seconds, routed: Seconds, by: Handlers, rng: np.random.Generator) -> Lives:
    """Draw what a second agency does with complaints routed to it at these local seconds, without verifying them."""
    times = np.full((len(received), len(Slot)), ABSENT, dtype=np.int64)
    times[:, Slot.RECEIVED] = received
    times[:, Slot.ROUTED] = routed
    everything = np.ones(len(received), dtype=bool)
    # A complaint is moved once: the second agency keeps it.
    return _draw_handling(times, everything, by, rng, may_return=False)


def _draw_routing(times: Seconds, by: Handlers, rng: np.random.Generator) -> Flags:
    """Fill the slots up to ROUTED (and early archiving); True where the complaint has been routed."""
    count, calendar, agency, habits = len(times), working_days(), by.agency, by.habits
    received = times[:, Slot.RECEIVED]
    never = rng.random(count) < habits.never_verified[agency]
    early_archive = rng.random(count) < habits.archived[agency] * 0.7
    held = ~never & ~early_archive & (rng.random(count) < habits.on_hold[agency] * 0.4)
    outcome = rng.random(count)

    looked_at = calendar.add(received, rng.lognormal(np.log(0.45), 0.9, count))
    times[held, Slot.HELD_UNVERIFIED] = looked_at[held]
    answered = looked_at + (rng.uniform(0.2, 12, count) * DAY_SECONDS).astype(np.int64)
    resumed = held & (outcome < 0.6)
    times[resumed, Slot.RESUMED_UNVERIFIED] = answered[resumed]
    given_up = held & (outcome > 0.8)
    archived = ~never & (early_archive | given_up)
    times[archived, Slot.ARCHIVED] = np.where(
        given_up,
        calendar.add(looked_at, rng.uniform(10, 20, count)),
        calendar.add(looked_at, rng.uniform(0.05, 2, count)),
    )[archived]

    routed = ~never & ~early_archive & (~held | resumed)
    verified = np.where(
        held, calendar.add(np.where(held, answered, received), rng.uniform(0.05, 1.0, count)), looked_at
    )
    times[routed, Slot.VERIFIED] = verified[routed]
    forwarded = verified + rng.lognormal(np.log(1500), 1.0, count).astype(np.int64) + 5
    times[routed, Slot.ROUTED] = forwarded[routed]
    return routed


def _draw_handling(
    times: Seconds, routed: Flags, by: Handlers, rng: np.random.Generator, *, may_return: bool = True
) -> Lives:
    """Fill the slots after ROUTED for the routed complaints."""
    count, calendar, agency, habits = len(times), working_days(), by.agency, by.habits
    base = np.where(routed, times[:, Slot.ROUTED], times[:, Slot.RECEIVED])

    returned = routed & ~by.milestones_only & (rng.random(count) < habits.reassigned[agency]) & may_return
    returned_at = calendar.add(base, rng.lognormal(np.log(1.5), 0.8, count))
    rerouted_at = calendar.add(returned_at, rng.lognormal(np.log(0.8), 0.8, count))
    times[returned, Slot.RETURNED] = returned_at[returned]
    times[returned, Slot.REROUTED] = rerouted_at[returned]
    base = np.where(returned, rerouted_at, base)

    no_hold_yet = times[:, Slot.HELD_UNVERIFIED] == ABSENT
    held = routed & no_hold_yet & (rng.random(count) < habits.on_hold[agency] * 0.6)
    held_at = calendar.add(base, rng.lognormal(np.log(1.0), 0.7, count))
    outcome = rng.random(count)
    resumed = held & (outcome < 0.55)
    given_up = held & (outcome > 0.75)
    resumed_at = held_at + (rng.uniform(0.3, 14, count) * DAY_SECONDS).astype(np.int64)
    times[held, Slot.HELD_ROUTED] = held_at[held]
    times[resumed, Slot.RESUMED_ROUTED] = resumed_at[resumed]
    base = np.where(resumed, resumed_at, base)

    archived = given_up | (routed & ~held & (rng.random(count) < habits.archived[agency] * 0.3))
    archived_at = np.where(
        given_up, calendar.add(held_at, rng.uniform(10, 25, count)), calendar.add(base, rng.uniform(0.2, 8, count))
    )
    times[archived, Slot.ARCHIVED] = archived_at[archived]

    reachable = (1 - habits.never_verified) * (1 - habits.archived)
    wanted = np.minimum(habits.follow_up / reachable, 0.99)
    answered = routed & ~archived & (~held | resumed) & (rng.random(count) < wanted[agency])
    return _draw_answers(times, answered, base, by, rng)


def _draw_answers(times: Seconds, answered: Flags, base: Seconds, by: Handlers, rng: np.random.Generator) -> Lives:
    """Fill the slots from the first answer on."""
    count, calendar, agency, habits = len(times), working_days(), by.agency, by.habits
    same_day = rng.random(count) < habits.same_day[agency]
    quick = base + np.maximum(rng.lognormal(np.log(5400), 0.9, count).astype(np.int64), 120)
    slow = calendar.add(base, rng.lognormal(np.log(habits.response_days[agency]), 1.0))
    answered_at = np.where(same_day, quick, slow)
    times[answered, Slot.ANSWERED] = answered_at[answered]

    replied = answered & ~by.milestones_only & (rng.random(count) < 0.14)
    replied_at = answered_at + (rng.uniform(0.05, 6, count) * DAY_SECONDS).astype(np.int64)
    times[replied, Slot.REPLIED] = replied_at[replied]
    again = replied & (rng.random(count) < 0.8)
    again_at = calendar.add(replied_at, rng.lognormal(np.log(1.5), 0.9, count))
    times[again, Slot.ANSWERED_AGAIN] = again_at[again]

    last = np.where(again, again_at, answered_at)
    closable = answered & (~replied | again) & (rng.random(count) < 0.93)
    completed_at, automatic = _close(last, closable, rng.random(count) < habits.manual_completion[agency], rng)
    times[closable, Slot.COMPLETED] = completed_at[closable]

    reopened = closable & (rng.random(count) < 0.022)
    reopened_at = completed_at + (rng.uniform(0.1, 9, count) * DAY_SECONDS).astype(np.int64)
    times[reopened, Slot.REOPENED] = reopened_at[reopened]
    rated = closable & ~reopened & ~by.milestones_only & (rng.random(count) < 0.15)
    rated_at = completed_at + (rng.uniform(0.01, 4, count) * DAY_SECONDS).astype(np.int64) + 1
    times[rated, Slot.RATED] = rated_at[rated]

    third = reopened & ~by.milestones_only & (rng.random(count) < 0.8)
    third_at = calendar.add(reopened_at, rng.lognormal(np.log(3.0), 0.8, count))
    times[third, Slot.ANSWERED_REOPENED] = third_at[third]
    closed_again_at, automatic_again = _close(third_at, third, rng.random(count) < 0.6, rng)
    times[third, Slot.COMPLETED_AGAIN] = closed_again_at[third]
    return Lives(times=times, automatic=automatic & closable, automatic_again=automatic_again & third)


def _close(last: Seconds, closable: Flags, by_hand: Flags, rng: np.random.Generator) -> tuple[Seconds, Flags]:
    """When complaints last answered at `last` are completed: by hand, or by the system after ten silent working days.

    Returns the local seconds and where it is the system.
    """
    calendar = working_days()
    automatic_at = calendar.same_time_after(last, AUTO_CLOSE_WORKING_DAYS)
    manual_at = calendar.add(last, rng.lognormal(np.log(2.0), 1.0, len(last)))
    automatic = closable & (~by_hand | (manual_at >= automatic_at))
    return np.where(automatic, automatic_at, manual_at), automatic


def close_all_within_minutes(lives: Lives, rows: Flags, moment: int) -> Flags:
    """An officer closes all in one sitting: complaints of `rows` in progress at `moment` end there, seconds apart.

    Changes `lives` in place and returns the complaints it closed.
    """
    times = lives.times
    answered = times[:, Slot.ANSWERED] < moment
    waiting_for_agency = (times[:, Slot.REPLIED] < moment) & (times[:, Slot.ANSWERED_AGAIN] >= moment)
    closed = rows & answered & ~waiting_for_agency & (times[:, Slot.COMPLETED] > moment)
    for slot in (Slot.REPLIED, Slot.ANSWERED_AGAIN):
        times[closed & (times[:, slot] >= moment), slot] = ABSENT
    times[closed, Slot.COMPLETED] = moment + 2 * np.arange(int(closed.sum()))
    for slot in (Slot.RATED, Slot.REOPENED, Slot.ANSWERED_REOPENED, Slot.COMPLETED_AGAIN):
        times[closed, slot] = ABSENT
    lives.automatic[closed] = False
    return closed


def statuses_at(times: Seconds, cut_off: int) -> Seconds:
    """Index into STATUSES of each complaint as it stands at the cut-off; -1 where it has not come in yet."""
    seen = times < cut_off
    last_slot = len(Slot) - 1 - np.argmax(seen[:, ::-1], axis=1)
    return np.where(seen[:, 0], STATUS_OF_SLOT[last_slot], -1)
