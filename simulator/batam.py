"""Kota Batam, exactly as published: of 71 complaints received in January-June 2021, 61 were routed and 46 completed.

Source: the published account of 2021 (71 received, 61 verified and routed, 46 completed, 10 in process, 1 on hold), in
the reading where "10 in process" are the ten not yet routed; 14 are routed and wait for their unit. A few of its events
fall in the last three nights of June, so that only a pipeline that reads changes gets the figures right.
"""

from datetime import date

import numpy as np

from simulator.lifecycle import ABSENT, Flags, Lives, Slot
from simulator.workdays import DAY_SECONDS, Seconds, cut_off, day_number, working_days

FIRST_DAY = date(2021, 1, 1)
LAST_DAY = date(2021, 6, 30)
RECEIVED = 71
ROUTED = 61
COMPLETED = 46
UNANSWERED = 14
ON_HOLD = 1
LATE_COMPLETED = 3
LATE_ROUTED = 2
LATE_RECEIVED = 2
# Kota Batam keeps the zone of Jakarta.
UTC_OFFSET = 7 * 3600


def exact_lives(rng: np.random.Generator) -> Lives:
    """The 71 complaints, local times; as of 30 June 2021 every count of this module holds, whatever the seed."""
    times = np.full((RECEIVED, len(Slot)), ABSENT, dtype=np.int64)
    automatic = np.zeros(RECEIVED, dtype=bool)
    last = cut_off(LAST_DAY) + UTC_OFFSET
    first = day_number(FIRST_DAY) * DAY_SECONDS
    completed = slice(0, COMPLETED)
    held, unanswered = COMPLETED, slice(COMPLETED + 1, ROUTED)
    waiting = slice(ROUTED, RECEIVED)

    # Received early enough for everything that has to happen by the end of June.
    times[completed, Slot.RECEIVED] = _moments(rng, first, 136, COMPLETED)
    times[held, Slot.RECEIVED] = last - 13 * DAY_SECONDS + 10 * 3600
    times[unanswered, Slot.RECEIVED] = _moments(rng, first + 40 * DAY_SECONDS, 130, UNANSWERED)
    times[waiting, Slot.RECEIVED] = _moments(rng, first + 100 * DAY_SECONDS, 70, RECEIVED - ROUTED)

    calendar = working_days()
    routed = slice(0, ROUTED)
    times[routed, Slot.VERIFIED] = calendar.add(times[routed, Slot.RECEIVED], rng.uniform(0.1, 2.5, ROUTED))
    times[routed, Slot.ROUTED] = times[routed, Slot.VERIFIED] + rng.integers(120, 5400, ROUTED)
    times[completed, Slot.ANSWERED] = calendar.add(times[completed, Slot.ROUTED], rng.uniform(0.2, 8, COMPLETED))
    answered = times[completed, Slot.ANSWERED]
    automatic[completed] = rng.random(COMPLETED) < 0.4
    times[completed, Slot.COMPLETED] = np.where(
        automatic[completed],
        calendar.same_time_after(answered, 10),
        calendar.add(answered, rng.uniform(0.2, 9, COMPLETED)),
    )
    _put_events_in_last_nights(times, automatic, last)
    return Lives(times=times, automatic=automatic, automatic_again=np.zeros(RECEIVED, dtype=bool))


def _put_events_in_last_nights(times: Seconds, automatic: Flags, last: int) -> None:
    """Move the last steps of a few complaints to 28, 29 and 30 June, during office hours."""
    for number in range(LATE_COMPLETED):
        office = last - (3 - number) * DAY_SECONDS + 10 * 3600 + 600 * number
        times[number, [Slot.RECEIVED, Slot.VERIFIED, Slot.ROUTED]] = (
            office - np.array([21, 20, 20]) * DAY_SECONDS + np.array([0, 0, 1800])
        )
        times[number, Slot.ANSWERED] = office - 5 * DAY_SECONDS
        times[number, Slot.COMPLETED] = office
        automatic[number] = False
    held = COMPLETED
    times[held, Slot.HELD_ROUTED] = last - 2 * DAY_SECONDS + 14 * 3600
    for number in range(LATE_ROUTED):
        row = ROUTED - 1 - number
        office = last - (2 - number) * DAY_SECONDS + 9 * 3600
        times[row, [Slot.RECEIVED, Slot.VERIFIED, Slot.ROUTED]] = office + np.array([-2 * DAY_SECONDS, 0, 900])
    for number in range(LATE_RECEIVED):
        times[RECEIVED - 1 - number, Slot.RECEIVED] = last - (2 - number) * DAY_SECONDS + 11 * 3600


def _moments(rng: np.random.Generator, first: int, days: int, count: int) -> Seconds:
    """Seconds spread evenly over `days` days with jitter, at daytime hours, in order."""
    day = np.floor((np.arange(count) + rng.random(count)) * days / count).astype(np.int64)
    return first + day * DAY_SECONDS + rng.integers(7 * 3600, 20 * 3600, count)
