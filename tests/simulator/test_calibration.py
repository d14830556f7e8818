"""The nation looks like the published one, within tolerances."""

from datetime import date, timedelta

import numpy as np
import pytest

from simulator.attributes import CLASSES, categories
from simulator.dirt import DirtRates
from simulator.lifecycle import ABSENT, STATUSES, Slot, statuses_at
from simulator.volumes import day_weights
from simulator.workdays import DAY_SECONDS, cut_off, day_number
from simulator.world import World


def per_agency(world: World, values: np.ndarray | None = None) -> np.ndarray:
    return np.bincount(world.complaints.agency, weights=values, minlength=len(world.agencies))


def followed_up(world: World) -> np.ndarray:
    status = statuses_at(world.complaints.times, cut_off(world.end))
    return np.isin(status, [STATUSES.index("DIPROSES"), STATUSES.index("SELESAI")])


def test_the_nation_receives_about_558_complaints_a_day(nation: World) -> None:
    assert len(nation.agencies) == 657
    complaints = len(np.unique(nation.complaints.number))
    assert complaints / 181 == pytest.approx(558, rel=0.03)


def test_a_longer_period_has_the_same_intensity() -> None:
    short, long = (World.build(start=start, agencies=120) for start in (date(2021, 1, 1), date(2019, 1, 1)))
    daily = [len(world.complaints) / ((world.end - world.start).days + 1) for world in (short, long)]
    assert daily[1] == pytest.approx(daily[0], rel=0.1)


def test_most_local_governments_are_tiny_and_a_few_are_not(nation: World) -> None:
    local = per_agency(nation)[[not agency.is_central for agency in nation.agencies]]
    assert 11 <= np.median(local) <= 19
    assert 500 <= local.max() <= 1_500
    assert (local == 0).sum() > 5, "zero rows and a failed delivery must be told apart"


def test_ministries_make_up_most_of_the_volume(nation: World) -> None:
    counts = per_agency(nation)
    central = counts[[agency.is_central for agency in nation.agencies]].sum()
    assert 0.6 < central / counts.sum() < 0.9


def test_a_fifth_of_agencies_follow_up_half_but_most_complaints_are_followed_up(nation: World) -> None:
    counts = per_agency(nation)
    rates = (per_agency(nation, followed_up(nation)) / np.maximum(counts, 1))[counts > 0]
    assert (rates >= 0.5).mean() == pytest.approx(0.19, abs=0.05)
    assert followed_up(nation).mean() == pytest.approx(0.70, abs=0.05)
    assert rates.std() > 0.2


def test_classes_are_92_5_3(nation: World) -> None:
    shares = np.bincount(nation.complaints.report_class, minlength=len(CLASSES)) / len(nation.complaints)
    np.testing.assert_allclose(shares, (0.92, 0.05, 0.03), atol=0.005)


def test_a_third_is_not_categorised_and_public_works_lead(nation: World) -> None:
    category = nation.complaints.category
    assert (category < 0).mean() == pytest.approx(0.37, abs=0.01)
    mains = [main for main, _ in categories()]
    counted = np.bincount(category[category >= 0], minlength=len(mains))
    by_main: dict[str, int] = {}
    for main, count in zip(mains, counted.tolist(), strict=True):
        by_main[main] = by_main.get(main, 0) + count
    ranking = sorted(by_main, key=lambda main: -by_main[main])
    assert ranking[:3] == ["TOPIK LAINNYA", "PEKERJAAN UMUM DAN PENATAAN RUANG", "KETENAGAKERJAAN"]


def test_a_quarter_is_anonymous_and_a_seventh_secret(nation: World) -> None:
    assert nation.complaints.is_anonymous.mean() == pytest.approx(0.25, abs=0.01)
    assert nation.complaints.is_secret.mean() == pytest.approx(0.15, abs=0.01)


def test_lebaran_is_a_dip_and_weekends_are_quieter() -> None:
    start = date(2021, 1, 1)
    weights = day_weights(start, date(2021, 6, 30), np.random.default_rng(1))
    by_day = {start + timedelta(days=number): weight for number, weight in enumerate(weights.tolist())}
    assert by_day[date(2021, 5, 13)] < 0.6 * by_day[date(2021, 4, 15)]
    weekday = np.mean([weight for day, weight in by_day.items() if day.weekday() < 5])
    weekend = np.mean([weight for day, weight in by_day.items() if day.weekday() >= 5])
    assert weekend < 0.85 * weekday
    assert weights.mean() == pytest.approx(1, abs=0.02)


def test_first_answers_have_a_same_day_spike_and_a_long_tail(nation: World) -> None:
    times = nation.complaints.times
    answered = times[:, Slot.ANSWERED] != ABSENT
    days = (times[answered, Slot.ANSWERED] - times[answered, Slot.ROUTED]) / DAY_SECONDS
    assert 0.1 < (days < 0.5).mean() < 0.5
    assert np.quantile(days, 0.95) > 7


def test_some_completions_are_automatic_some_complaints_are_archived_held_returned_reopened(nation: World) -> None:
    complaints, count = nation.complaints, len(nation.complaints)
    completed = complaints.times[:, Slot.COMPLETED] != ABSENT
    assert 0.25 < complaints.automatic[completed].mean() < 0.75
    reached = {slot: (complaints.times[:, slot] != ABSENT).sum() / count for slot in Slot}
    assert 0.02 < reached[Slot.ARCHIVED] < 0.15
    assert 0.01 < reached[Slot.HELD_UNVERIFIED] + reached[Slot.HELD_ROUTED] < 0.05
    assert 0.05 < reached[Slot.RETURNED] < 0.15
    assert 0.01 < reached[Slot.REOPENED] / reached[Slot.COMPLETED] < 0.03


def test_a_working_night_changes_about_three_thousand_records(nation: World) -> None:
    since, until = cut_off(date(2021, 6, 27)), cut_off(date(2021, 6, 28))
    times = nation.complaints.times
    changed = ((times >= since) & (times < until)).any(axis=1).sum()
    assert 2_000 < changed < 4_000


def test_about_half_a_percent_of_rows_is_unusable_and_one_agency_is_mostly_rubbish(nation: World) -> None:
    defect = nation.complaints.defect
    assert 0.003 < (defect > 0).mean() < 0.007
    assert nation.bad_agency is not None
    rows = nation.rows_of(nation.bad_agency)
    early = nation.complaints.visible_from[rows] < cut_off(date(2021, 6, 27))
    assert early.sum() >= 30
    assert (defect[rows][early] > 0).mean() > 0.2


def test_a_clean_world_has_no_dirt() -> None:
    world = World.build(agencies=40, dirt=DirtRates.clean())
    assert len(world.complaints) > 500
    assert not world.complaints.defect.any()
    assert not world.complaints.quirks.any()


def test_mass_closing_ends_many_complaints_within_minutes(nation: World) -> None:
    complaints = nation.complaints
    closed = complaints.quirks & 32 > 0
    assert len(np.unique(complaints.agency[closed])) == 3
    for agency in np.unique(complaints.agency[closed]).tolist():
        moments = complaints.times[closed & (complaints.agency == agency), Slot.COMPLETED]
        assert len(moments) > 10
        assert moments.max() - moments.min() < 30 * 60


def test_receipts_stay_inside_the_period(nation: World) -> None:
    offsets = np.array([agency.utc_offset for agency in nation.agencies])[nation.complaints.agency]
    day = (nation.complaints.times[:, Slot.RECEIVED] + offsets) // DAY_SECONDS
    second = nation.complaints.visible_from != nation.complaints.times[:, Slot.RECEIVED]
    assert day[~second].min() == day_number(nation.start)
    assert day[~second].max() == day_number(nation.end)
