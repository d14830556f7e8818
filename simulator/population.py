"""Draw every complaint of a period: who receives it, what becomes of it, which move on to another agency."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from simulator import attributes, batam
from simulator.complaints import Complaints
from simulator.dirt import DirtRates, Rows, choose_mass_closers, draw_dirt, draw_more_dirt
from simulator.habits import Habits
from simulator.lifecycle import (
    ABSENT,
    Flags,
    Handlers,
    Lives,
    Slot,
    close_all_within_minutes,
    draw_handling_after_move,
    draw_lives,
)
from simulator.registry import BATAM, Agency
from simulator.volumes import draw_arrivals
from simulator.workdays import DAY_SECONDS, Floats, Seconds, cut_off, day_number, working_days

FIRST_NUMBER = 5_200_000
MOVED_SHARE = 0.02
REPEAT_REPORTER_SHARE = 0.15
# How far into the period the sitting is in which an officer closes everything.
MASS_CLOSING_AT = 0.6
# Of the stream for kinds of dirt that came later (recaps have 41).
MORE_DIRT = 42


class Streams:
    """Independent generators, one for each purpose, in the order they are asked for."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._spawn = self._endless(np.random.SeedSequence(seed))

    def next(self) -> np.random.Generator:
        """A fresh generator."""
        return np.random.default_rng(next(self._spawn))

    def apart(self, number: int) -> np.random.Generator:
        """The generator of a purpose that came later: asking for it moves none of the others."""
        return np.random.default_rng([self._seed, number])

    @staticmethod
    def _endless(root: np.random.SeedSequence) -> Iterator[np.random.SeedSequence]:
        while True:
            yield root.spawn(1)[0]


@dataclass(frozen=True, slots=True)
class Nation:
    """The agencies, one value each in `volumes` (expected complaints per half-year) and `habits`; the regency codes."""

    agencies: tuple[Agency, ...]
    volumes: Floats
    habits: Habits
    regions: tuple[str, ...]

    @property
    def offsets(self) -> Seconds:
        """Seconds each agency's clock is ahead of UTC."""
        return np.array([one.utc_offset for one in self.agencies])

    def handlers(self, agency: Seconds) -> Handlers:
        """Who handles complaints at these agencies."""
        milestones_only = np.array([one.keeps_milestones_only for one in self.agencies])
        return Handlers(agency=agency, habits=self.habits, milestones_only=milestones_only[agency])


Period = tuple[date, date]


def draw_complaints(
    nation: Nation, period: Period, rates: DirtRates, streams: Streams
) -> tuple[Complaints, int | None]:
    """All records up to the end of the last day, sorted, and the index of the agency that delivers mostly rubbish."""
    agency, lives = _draw_lives(nation, period, streams)
    first, agency, lives = _move_some(agency, lives, nation, streams.next())
    second = np.arange(len(first)) != first
    closed = _close_in_sittings(agency, lives, nation, rates, period)

    horizon = cut_off(period[1])
    lives.times[lives.times >= horizon] = ABSENT
    visible_from = np.where(second, lives.times[:, Slot.ROUTED], lives.times[:, Slot.RECEIVED])
    drawn = attributes.draw_attributes(agency, nation.agencies, nation.regions, streams.next())
    number = _draw_numbers(lives.times[:, Slot.RECEIVED], second, first, streams.next())
    rng = streams.next()
    text_seed, quoted = rng.integers(0, 2**62, len(agency)), rng.permutation(number)
    moved = (np.bincount(first, minlength=len(first)) > 1)[first]

    kept = np.flatnonzero(visible_from < horizon)
    order = kept[np.lexsort((number[kept], lives.times[kept, Slot.RECEIVED], agency[kept]))]
    twin = first[order]
    rows = Rows(
        times=lives.times[order],
        agency=agency[order],
        is_categorised=drawn.category[twin] >= 0,
        channel_is_app=drawn.channel[twin] == attributes.CHANNELS.index("ANDROID"),
        is_mass_closed=closed[order],
    )
    dirt = draw_dirt(rows, nation.agencies, rates, streams.next())
    dirt = draw_more_dirt(rows, dirt, nation.agencies, rates, streams.apart(MORE_DIRT))
    reporter = _draw_reporters(agency, streams.next())
    return (
        Complaints(
            agency=agency[order],
            number=number[order],
            serial=_serials(agency[order], lives.times[order, Slot.RECEIVED] + nation.offsets[agency[order]]),
            times=lives.times[order],
            automatic=lives.automatic[order],
            automatic_again=lives.automatic_again[order],
            visible_from=visible_from[order],
            report_class=drawn.report_class[twin],
            category=drawn.category[twin],
            channel=drawn.channel[twin],
            by_staff=drawn.by_staff[twin],
            is_anonymous=drawn.is_anonymous[twin],
            is_secret=drawn.is_secret[twin],
            region=drawn.region[twin],
            first_unit=drawn.first_unit[order],
            second_unit=drawn.second_unit[order],
            supervision=drawn.supervision[twin],
            reporter=_compact(reporter[twin]),
            text_seed=text_seed[twin],
            quoted_number=quoted[twin],
            moved=moved[order],
            defect=dirt.defect,
            quirks=dirt.quirks,
        ),
        dirt.bad_agency,
    )


def _draw_lives(nation: Nation, period: Period, streams: Streams) -> tuple[Seconds, Lives]:
    """Agency and life of each complaint, times in UTC; Kota Batam's of January-June 2021 are the exact ones."""
    arrivals = draw_arrivals(nation.volumes, *period, streams.next())
    here = next(index for index, one in enumerate(nation.agencies) if one.code == BATAM)
    day = arrivals.local // DAY_SECONDS
    exact_period = (day >= day_number(batam.FIRST_DAY)) & (day <= day_number(batam.LAST_DAY))
    others = ~((arrivals.agency == here) & exact_period)
    agency, local = arrivals.agency[others], arrivals.local[others]
    drawn = draw_lives(local, nation.handlers(agency), streams.next())
    exact = batam.exact_lives(streams.next())
    exact_day = exact.times[:, Slot.RECEIVED] // DAY_SECONDS
    inside = (exact_day >= day_number(period[0])) & (exact_day <= day_number(period[1]))
    agency = np.concatenate((agency, np.full(int(inside.sum()), here)))
    lives = Lives(
        times=np.concatenate((drawn.times, exact.times[inside])),
        automatic=np.concatenate((drawn.automatic, exact.automatic[inside])),
        automatic_again=np.concatenate((drawn.automatic_again, exact.automatic_again[inside])),
    )
    _shift(lives.times, -nation.offsets[agency])
    return agency, lives


def _move_some(
    agency: Seconds, lives: Lives, nation: Nation, rng: np.random.Generator
) -> tuple[Seconds, Seconds, Lives]:
    """Let some complaints of the national system go from one agency to another; both keep a record.

    The first agency's record ends with BUKAN_WEWENANG; the second has MASUK, DISPOSISI and what it does itself. Returns
    for each record the row of the complaint's first record (itself unless it is a second one), and the longer arrays.
    """
    own = np.arange(len(agency))
    able = np.array([one.profile == "lapor_v3" and not one.states_recap for one in nation.agencies])
    targets = np.flatnonzero(able)
    moved = np.flatnonzero(
        able[agency] & (lives.times[:, Slot.ROUTED] != ABSENT) & (rng.random(len(agency)) < MOVED_SHARE)
    )
    if len(targets) < 2 or not len(moved):
        return own, agency, lives
    target = rng.choice(targets, size=len(moved), p=nation.volumes[targets] / nation.volumes[targets].sum())
    alternative = targets[(np.searchsorted(targets, target) + 1) % len(targets)]
    target = np.where(target == agency[moved], alternative, target)

    calendar = working_days()
    here, there = nation.offsets[agency[moved]], nation.offsets[target]
    routed = lives.times[moved, Slot.ROUTED] + here
    returned = calendar.add(routed, rng.lognormal(np.log(1.5), 0.8, len(moved))) - here
    lives.times[moved, Slot.RETURNED] = returned
    lives.times[moved, Slot.REROUTED :] = ABSENT
    lives.automatic[moved] = False
    lives.automatic_again[moved] = False
    routed_again = calendar.add(returned + there, rng.lognormal(np.log(0.8), 0.8, len(moved)))
    received = lives.times[moved, Slot.RECEIVED] + there
    after = draw_handling_after_move(received, routed_again, nation.handlers(target), rng)
    _shift(after.times, -there)
    return (
        np.concatenate((own, moved)),
        np.concatenate((agency, target)),
        Lives(
            times=np.concatenate((lives.times, after.times)),
            automatic=np.concatenate((lives.automatic, after.automatic)),
            automatic_again=np.concatenate((lives.automatic_again, after.automatic_again)),
        ),
    )


def _close_in_sittings(agency: Seconds, lives: Lives, nation: Nation, rates: DirtRates, period: Period) -> Flags:
    """Let a few agencies close all they have in progress within minutes, at 15:00 WIB of a day well before the end."""
    closed = np.zeros(len(agency), dtype=bool)
    start, end = period
    moment = cut_off(start) + int((end - start).days * MASS_CLOSING_AT) * DAY_SECONDS - 9 * 3600
    for number, index in enumerate(choose_mass_closers(nation.volumes, nation.agencies, rates)):
        closed |= close_all_within_minutes(lives, agency == index, moment + number * 7 * DAY_SECONDS)
    return closed


def _shift(times: Seconds, seconds: Seconds) -> None:
    present = times != ABSENT
    times[present] += np.broadcast_to(seconds[:, None], times.shape)[present]


def _draw_numbers(received: Seconds, second: Flags, first: Seconds, rng: np.random.Generator) -> Seconds:
    """Tracking numbers in order of receipt, with gaps for what never reached an agency."""
    originals = np.flatnonzero(~second)
    number = np.empty(len(received), dtype=np.int64)
    order = originals[np.argsort(received[originals], kind="stable")]
    number[order] = FIRST_NUMBER + np.cumsum(rng.integers(1, 4, len(order)))
    return number[first]


def _serials(agency: Seconds, received_local: Seconds) -> Seconds:
    """Number within the agency's month of receipt, from 1; rows are ordered by agency and receipt."""
    month = received_local.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
    group = agency * 10_000 + month
    new = np.concatenate(([True], group[1:] != group[:-1])) if len(group) else np.array([], dtype=bool)
    starts = np.flatnonzero(new)
    return np.arange(len(group)) - np.repeat(starts, np.diff(np.append(starts, len(group)))) + 1


def _draw_reporters(agency: Seconds, rng: np.random.Generator) -> Seconds:
    """A reporter for each record; some have written to the same agency before."""
    own = np.arange(len(agency))
    earlier = np.maximum(own - rng.integers(1, 30, len(agency)), 0)
    repeats = (agency[earlier] == agency) & (rng.random(len(agency)) < REPEAT_REPORTER_SHARE)
    return np.where(repeats, earlier, own)


def _compact(reporter: Seconds) -> Seconds:
    """The same reporters, numbered without gaps."""
    return np.unique(reporter, return_inverse=True)[1].astype(np.int64)
