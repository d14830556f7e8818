"""The bench of extraction measures what it says: the same work for all, counted, and nobody's CPU forgotten."""

import http.client
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from bench.extract import contenders, race
from bench.extract.contenders import Contender
from bench.extract.cost import CommandFailed, Cost, measure, postgres_cpu_seconds
from bench.extract.work import EVENTS, host, pages, works


def test_the_night_is_skewed_and_two_dozen_agencies_are_silent() -> None:
    night = works(200_000)["night"]
    assert (len(night.rows), night.complaints) == (657, 10_000)
    assert sum(count == 0 for count in night.rows.values()) == 24
    assert max(night.rows.values()) > 1_000
    assert 690 < night.requests < 710


def test_the_pages_hold_what_the_work_says_and_the_same_on_every_run() -> None:
    work = works(1_000)["backfill"]
    delivered = dict(pages(work))
    records = [record for texts in delivered.values() for text in texts for record in msgspec.json.decode(text)["data"]]
    assert len({record["nomor_laporan"] for record in records}) == work.complaints == 1_000
    assert sum(len(record["riwayat"]) for record in records) == work.events
    assert sum(map(len, delivered.values())) == work.requests
    assert 1_250 < sum(len(text) for texts in delivered.values() for text in texts) / 1_000 < 1_450
    assert {len(record["riwayat"]) for record in records} == set(EVENTS)
    assert delivered == dict(pages(work))


def test_the_server_hands_out_pages_by_number_and_errs_where_the_work_is_shaky() -> None:
    work = works(1_000)["far night"]
    with race.serving(work, 1_000) as port:
        connection = http.client.HTTPConnection(host(7), port)

        def ask(path: str) -> tuple[int, bytes]:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()

        answers = [ask("/laporan/BENCH-000?per_halaman=200&halaman=2") for _ in range(20)]
        assert ask("/laporan/NOBODY")[0] == 404
        connection.close()
    assert {status for status, _ in answers} <= {200, 503}
    page = next(msgspec.json.decode(body) for status, body in answers if status == 200)
    assert page["meta"] == {"halaman": 2, "jumlah_halaman": 15, "total": work.rows["BENCH-000"]}


def test_a_command_pays_for_itself_and_its_children(tmp_path: Path) -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}], check=True); {burn}"
    cost = measure([[sys.executable, "-c", nested]], os.environ, tmp_path, tmp_path / "log", os.getpid())
    assert cost.client_cpu_seconds >= 0.6
    assert cost.wall_seconds >= cost.last_wall_seconds > 0.5
    with pytest.raises(CommandFailed, match="ended with 1"):
        measure([["false"]], os.environ, tmp_path, tmp_path / "log", os.getpid())


def test_children_that_have_ended_count_as_the_servers_cpu() -> None:
    before = postgres_cpu_seconds(os.getpid())
    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.3: pass"], check=True)
    assert postgres_cpu_seconds(os.getpid()) - before >= 0.25


def test_ours_and_the_limit_end_with_the_same_rows_and_who_does_not_ends_the_bench(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    idle = Contender("idle", lambda stage: [["true"]], "select 0", "select 0")
    monkeypatch.setitem(contenders.PEERS, "idle", idle)
    with pytest.raises(SystemExit, match="idle ended the backfill with 0 complaints and 0 events"):
        race.race(["backfill"], rows=40, rounds=1, peers=["idle"])
    assert [line.split()[2] for line in capsys.readouterr().out.splitlines()[1:]] == ["ours", "limit"]


def test_the_table_names_the_bars_that_were_missed() -> None:
    def runs(cpu: float, wall: float = 9.0) -> list[Cost]:
        return [Cost(wall, wall, cpu, 0.0, 150.0)]

    text = race.report(
        {
            "backfill": {"ours": runs(30), "limit": runs(10), "dlt": runs(240)},
            "far night": {"ours": runs(3, wall=7.5)},
        }
    )
    assert "MISSED backfill: CPU of ours over the limit's: 3.00 x (at most 2)" in text
    assert "held   backfill: CPU of dlt over ours: 8.00 x (at least 7)" in text
    assert "held   far night: wall of python -m extract --night: 7.50 s (at most 8)" in text


def test_unknown_peers_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"\['airbyte'\] are unknown"):
        race.chosen_peers("dlt,airbyte")
    monkeypatch.setattr(contenders, "PEERS_ENVIRONMENT", tmp_path)
    assert race.chosen_peers("dlt,pandas") == []
