"""The bench of the portal: what it asks for, how it counts, and what it calls held."""

import os
import random
import subprocess
from dataclasses import replace

import pytest

from bench import portal
from bench.portal import Answer, Cost, Load, Page, percentile


def load(milliseconds: float = 100.0, megabytes: float = 200.0, is_well: bool = True) -> Load:
    answers = [Answer("/", milliseconds, 2000, is_well)] * 20
    return Load(
        complaints=1_000_000,
        prepare_seconds=30.0,
        users=20,
        seconds=10.0,
        costs={"/": Cost(1.26, 0.5), "/isu": Cost(2.0, None)},
        first=answers[:1],
        answers=answers,
        start_megabytes=100.0,
        peak_megabytes=megabytes,
        portal_cpu_seconds=5.0,
    )


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


def test_the_table_says_what_a_request_costs_and_leaves_out_a_server_elsewhere() -> None:
    lines = portal.report(load()).splitlines()
    assert lines[0] == "1,000,000 complaints; prepared in 30 s"
    assert "| / | 20 | 2 | 1.3 | 0.5 | 100 | 100 | 100 |" in lines
    isu = Answer("/isu", 10.0, 1000, True)
    assert "| /isu | 1 | 1 | 2.0 | – | 10 | 10 | 10 |" in portal.report(replace(load(), first=[isu], answers=[isu]))


def test_processor_time_is_of_the_process_and_none_of_one_that_ended() -> None:
    before = portal._cpu_seconds(os.getpid())
    sum(range(2_000_000))
    assert 0 < before < portal._cpu_seconds(os.getpid())
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert portal._cpu_seconds(ended.pid) == 0.0


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
