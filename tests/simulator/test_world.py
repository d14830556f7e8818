"""What is true of every world, and of Kota Batam exactly."""

from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from simulator.complaints import Complaints
from simulator.lifecycle import ABSENT, EVENT_OF_SLOT, STATUSES, TRANSITIONS, Slot, statuses_at
from simulator.registry import BATAM
from simulator.reports import read_reports
from simulator.workdays import cut_off, working_days
from simulator.world import World

LAST = date(2021, 6, 30)


def batam_counts(world: World, night: date = LAST) -> dict[str, int]:
    rows = world.rows_of(world.position(BATAM))
    times = world.complaints.times[rows]
    times = times[(times[:, Slot.RECEIVED] >= cut_off(date(2020, 12, 31))) & (times[:, Slot.RECEIVED] < cut_off(night))]
    status = statuses_at(times, cut_off(night))
    counts = {name: int((status == code).sum()) for code, name in enumerate(STATUSES)}
    return counts | {"received": len(times), "routed": int((times[:, Slot.ROUTED] < cut_off(night)).sum())}


PUBLISHED = {
    "received": 71,
    "routed": 61,
    "BELUM_TERVERIFIKASI": 10,
    "TERDISPOSISI": 14,
    "DIPROSES": 0,
    "TERTUNDA": 1,
    "SELESAI": 46,
    "DIARSIPKAN": 0,
}


@pytest.mark.parametrize("seed", [2021, 1, 7])
def test_batam_is_as_published_whatever_the_seed(seed: int) -> None:
    assert batam_counts(World.build(seed=seed, agencies=8)) == PUBLISHED


def test_batam_is_as_published_in_a_world_that_starts_two_years_earlier() -> None:
    world = World.build(start=date(2019, 1, 1), agencies=8)
    assert len(world.complaints) > 71
    assert batam_counts(world) == PUBLISHED
    rows = world.rows_of(world.position(BATAM))
    assert rows.stop - rows.start > 71, "it had complaints before 2021 too"


def test_batam_changes_in_each_of_the_last_three_nights(nation: World) -> None:
    states = [batam_counts(nation, LAST - timedelta(days=days)) for days in (3, 2, 1, 0)]
    assert all(before != after for before, after in pairwise(states))
    completed = [state["SELESAI"] for state in states]
    assert completed == [43, 44, 45, 46]


def test_batam_has_no_defects_and_moves_nothing(nation: World) -> None:
    rows = nation.rows_of(nation.position(BATAM))
    assert not nation.complaints.defect[rows].any()
    assert not nation.complaints.moved[rows].any()


def test_the_same_seed_gives_the_same_world() -> None:
    first, second, other = (World.build(seed=seed, agencies=30) for seed in (5, 5, 6))
    assert len(first.complaints) > 100
    for field in fields(Complaints):
        np.testing.assert_array_equal(getattr(first.complaints, field.name), getattr(second.complaints, field.name))
    assert first.identities == second.identities
    assert not np.array_equal(first.complaints.number, other.complaints.number)


def test_events_rise_strictly_and_follow_the_allowed_transitions(nation: World) -> None:
    complaints = nation.complaints
    steps: set[tuple[str, str]] = set()
    previous_at = np.full(len(complaints), -1)
    previous_slot = np.full(len(complaints), -1)
    second = complaints.visible_from != complaints.times[:, Slot.RECEIVED]
    for slot in Slot:
        at = complaints.times[:, slot]
        here = at != ABSENT
        assert (at[here] > previous_at[here]).all(), slot
        for before in np.unique(previous_slot[here & ~second]).tolist():
            steps.add(("" if before < 0 else EVENT_OF_SLOT[before], EVENT_OF_SLOT[slot]))
        previous_at = np.where(here, at, previous_at)
        previous_slot = np.where(here, slot, previous_slot)
    assert len(steps) > 20
    assert [(before, after) for before, after in steps if after not in TRANSITIONS[before]] == []


def test_nothing_happens_after_the_last_cut_off(nation: World) -> None:
    times = nation.complaints.times
    assert times[times != ABSENT].max() < cut_off(nation.end)


def test_a_moved_complaint_is_two_records_with_one_number(nation: World) -> None:
    complaints = nation.complaints
    moved = np.flatnonzero(complaints.moved)
    numbers, counts = np.unique(complaints.number[moved], return_counts=True)
    assert 500 < len(numbers) < 3_000
    assert set(counts.tolist()) <= {1, 2}, "1: the second agency gets it after the end"
    assert (counts == 2).mean() > 0.9
    second = complaints.visible_from != complaints.times[:, Slot.RECEIVED]
    first = complaints.moved & ~second
    # The first agency's log ends with its return; the second's has no verification.
    assert (complaints.times[first][:, Slot.REROUTED :] == ABSENT).all()
    assert (complaints.times[second, Slot.VERIFIED] == ABSENT).all()
    assert (complaints.times[second, Slot.ROUTED] == complaints.visible_from[second]).all()
    unmoved = complaints.number[~complaints.moved]
    assert len(np.unique(unmoved)) == len(unmoved)


def test_a_second_agency_has_the_record_only_once_it_was_routed_there(nation: World) -> None:
    complaints = nation.complaints
    row = int(np.flatnonzero(complaints.visible_from != complaints.times[:, Slot.RECEIVED])[0])
    agency = int(complaints.agency[row])
    routed_on = datetime.fromtimestamp(int(complaints.visible_from[row]) + 7 * 3600, UTC).date()
    assert row not in nation.listing(agency, routed_on - timedelta(days=1)).rows
    assert row in nation.listing(agency, routed_on).rows


def test_a_night_sees_only_what_happened_before_its_cut_off(region: World) -> None:
    night = date(2021, 4, 15)
    agency = int(np.bincount(region.complaints.agency).argmax())
    listing = region.listing(agency, night)
    assert len(listing) > 50
    assert listing.updated.max() < cut_off(night)
    assert (np.diff(listing.updated) >= 0).all()
    later = region.listing(agency, night + timedelta(days=14))
    assert len(later) > len(listing)
    reports = {report.row: report for report in read_reports(region, agency)}
    for row, seen in zip(listing.rows.tolist(), listing.seen.tolist(), strict=True):
        events = reports[row].events
        assert events[seen - 1].at < cut_off(night)
        assert seen == len(events) or events[seen].at >= cut_off(night)


def test_what_changed_in_a_window_is_bounded_below_and_not_above(region: World) -> None:
    agency = int(np.bincount(region.complaints.agency).argmax())
    listing = region.listing(agency, LAST)
    moment = int(listing.updated[len(listing) // 2])
    assert moment not in listing.between(None, moment).updated
    assert moment in listing.between(moment, None).updated
    assert len(listing.between(None, moment)) + len(listing.between(moment, None)) == len(listing)


def test_automatic_completion_comes_ten_working_days_after_the_last_answer(nation: World) -> None:
    complaints = nation.complaints
    offsets = np.array([agency.utc_offset for agency in nation.agencies])[complaints.agency]
    rows = complaints.automatic & (complaints.times[:, Slot.COMPLETED] != ABSENT) & (complaints.quirks & 32 == 0)
    assert rows.sum() > 5_000
    again = complaints.times[rows, Slot.ANSWERED_AGAIN]
    answered = np.where(again != ABSENT, again, complaints.times[rows, Slot.ANSWERED]) + offsets[rows]
    expected = working_days().same_time_after(answered, 10)
    np.testing.assert_array_equal(complaints.times[rows, Slot.COMPLETED] + offsets[rows], expected)


def test_working_days_skip_lebaran() -> None:
    # Answered on Tuesday 11 May 2021 at 09:00; 12 May joint leave, 13-14 May Idul Fitri, 26 May Waisak.
    answered = np.array([(date(2021, 5, 11) - date(1970, 1, 1)).days * 86_400 + 9 * 3600])
    closed = working_days().same_time_after(answered, 10)
    assert np.datetime64(int(closed[0]), "s") == np.datetime64("2021-05-31T09:00:00")


def test_an_unknown_agency_is_named() -> None:
    with pytest.raises(ValueError, match=r"KOTA-99\.99"):
        World.build(agencies=["KOTA-99.99"])
