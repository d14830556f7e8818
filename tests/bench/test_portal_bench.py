"""The bench of the portal: what it asks for, how it counts, and what it calls held."""

import random
from dataclasses import replace

import pytest

from bench import portal
from bench.portal import Answer, Load, Page, percentile


def load(milliseconds: float = 100.0, megabytes: float = 200.0, is_well: bool = True) -> Load:
    answers = [Answer("/", milliseconds, 2000, is_well)] * 20
    return Load(20, 10.0, answers[:1], answers, 100.0, megabytes, 5.0)


def test_the_95th_percentile_of_twenty_is_the_second_slowest() -> None:
    assert percentile([float(number) for number in range(1, 21)], 0.95) == 19.0
    assert percentile([7.0], 0.95) == 7.0


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        (load(149.9, 299.9), "held"),
        (load(150.0), "MISSED: p95 of /"),
        (load(megabytes=300.0), "MISSED: memory 300 MB"),
        (load(is_well=False), "MISSED: not answered with 200: /"),
    ],
    ids=["held", "slow", "large", "refused"],
)
def test_the_last_line_says_which_bar_was_missed(measured: Load, verdict: str) -> None:
    assert portal.report(measured).splitlines()[-1].endswith(verdict)


def test_a_page_that_was_never_asked_for_is_no_result() -> None:
    alone = replace(load(), first=[Answer("/isu", 1.0, 1, True)])
    with pytest.raises(RuntimeError, match="/isu was never asked for"):
        portal.report(alone)


def test_the_comparison_is_asked_for_in_many_ways() -> None:
    draw = portal._comparison(["21"], ["kota II"])
    addresses = {draw(random.Random(seed)) for seed in range(200)}
    assert len(addresses) > 20
    assert all(address.startswith("/instansi?ukuran=") and " " not in address for address in addresses)


def test_a_page_draws_its_address_by_chance_and_always_alike() -> None:
    page = Page("/instansi/{code}", "panrb_analyst", portal._each("/instansi/{}", ["A-1", "B-2", "C-3"]))
    drawn = [page.address(random.Random(seed)) for seed in range(50)]
    assert set(drawn) == {"/instansi/A-1", "/instansi/B-2", "/instansi/C-3"}
    assert drawn == [page.address(random.Random(seed)) for seed in range(50)]
