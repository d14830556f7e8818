"""The bench of fairness: the nations it draws, what it calls covered, and what it calls held."""

from dataclasses import fields, replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from bench.fairness import nation, verdict
from bench.fairness.verdict import Verdict
from bench.fairness.warehouse import OWN_RATE, SAME_RATE


def flat(value: float) -> Verdict:
    return Verdict(**{field.name: value for field in fields(Verdict)})


def test_a_nation_is_of_its_seed_and_as_unlike_as_agencies_are() -> None:
    one, again, other = nation.draw(1), nation.draw(1), nation.draw(2)
    assert (one.rates == again.rates).all()
    assert (one.is_met == again.is_met).all()
    assert one.owners.size != other.owners.size
    assert len(nation.AGENCIES) == 657
    assert 25 <= np.median(one.volumes) <= 36
    assert one.is_routed_once.mean() == pytest.approx(nation.SAME_RATE, abs=0.01)
    largest = one.volumes.argmax()
    assert one.is_met[one.owners == largest].mean() == pytest.approx(one.rates[largest], abs=0.05)
    assert np.median(one.response_days[one.owners == largest]) == pytest.approx(one.median_days[largest], abs=3)


def test_what_lies_after_the_cut_off_has_not_happened() -> None:
    drawn = nation.draw(1)
    start_index = {day: number for number, day in enumerate(nation.DAYS)}
    date_of_index = {number: nation.FIRST_DAY + timedelta(days=number) for number in range(3_000)}
    rows = [line.rstrip("\n").split("\t") for line in nation.rows(drawn, start_index, date_of_index, 364)]
    assert len(rows) == drawn.owners.size
    assert {len(row) for row in rows} == {len(nation.COLUMNS)}
    place = nation.COLUMNS.index("first_response_working_days")
    for row, day, length in zip(rows[:2_000], drawn.days, drawn.response_days, strict=False):
        assert row[place] == (str(length) if day + length <= 364 else r"\N")


def test_an_interval_covers_when_the_truth_is_in_it() -> None:
    """Ten agencies of one group whose intervals hold the truth but for one, and flags on two of them."""
    drawn = nation.draw(1)
    codes = [code for code, _ in nation.AGENCIES[:10]]
    truth = drawn.rates[:10]
    order = np.argsort(np.argsort(-truth)) + 1.0
    own = pd.DataFrame(
        {
            "agency_code": codes, "metric": OWN_RATE, "denominator_count": [20.0] + [100.0] * 9, "peer_group": "kabupaten II",
            "value": truth, "value_low": truth - 0.1, "value_high": truth + 0.1, "shrunk_value": truth,
            "shrunk_low": [truth[0] + 0.1, *(truth[1:] - 0.1)], "shrunk_high": truth + 0.2,
            "posterior_a": truth * 1e6, "posterior_b": (1 - truth) * 1e6, "is_comparable": True,
            "rank_low": order, "rank_high": order, "ranked_count": 10.0, "funnel_z_adjusted": 0.0, "funnel_position": "within",
        }
    )  # fmt: skip
    same = own.assign(metric=SAME_RATE, funnel_z_adjusted=[2.0, -2.5] + [1.9] * 8)
    timeliness = pd.DataFrame(
        {
            "agency_code": codes[:2], "routed_count": [100.0, 99.0], "working_days_median": drawn.median_days[:2] * 1.1,
            "limit_working_days": 5.0, "ended_by_limit_rate_low": 0.0, "ended_by_limit_rate_high": 1.0,
            "ended_only_working_days_mean": drawn.mean_whole_days[:2] * 0.5,
        }
    )  # fmt: skip
    judged = verdict.judge(drawn, pd.concat([own, same], ignore_index=True), timeliness, with_draws=True)
    assert (judged.wilson_coverage, judged.shrunk_coverage, judged.shrunk_coverage_30) == (1.0, 0.9, 1.0)
    assert (judged.raw_error, judged.shrunk_correlation) == (0.0, pytest.approx(1.0))
    assert (judged.flagged, judged.flagged_30) == (0.2, pytest.approx(1 / 9))
    assert (judged.rank_coverage, judged.draws_coverage, judged.draws_distance) == (1.0, 1.0, 0.0)
    assert judged.median_error == pytest.approx(0.1)
    assert judged.closed_only_error == pytest.approx(-0.5)


def test_what_was_not_drawn_does_not_count_in_the_mean() -> None:
    mean = verdict.mean([replace(flat(0.2), draws_width=3.0), replace(flat(0.4), draws_width=float("nan"))])
    assert mean.draws_width == 3.0
    assert mean.flagged == pytest.approx(0.3)


def test_a_bar_that_is_not_reached_is_named() -> None:
    good = replace(
        flat(0.95), shrunk_error=0.067, flagged=0.047, flagged_30=0.05, flagged_published=0.05, draws_distance=0.4,
        median_error=0.01,
    )  # fmt: skip
    assert verdict.missed(good) == []
    bad = replace(good, flagged=0.12)
    assert verdict.missed(bad) == ["flagged at 1.96 when none differs"]
    (line,) = [line for line in verdict.report(bad, 3).splitlines() if "MISSED" in line]
    assert " ".join(line.split()) == "flagged at 1.96 when none differs 12.0 % 3.5 to 6.5 % MISSED"
