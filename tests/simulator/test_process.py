"""The simulator as a command: up, answers, down."""

import csv
import http.client
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.registry import BATAM, REPOSITORY


def free_port() -> int:
    """A port that is free together with the two after it, which SFTP and S3 take."""
    while True:
        with socket.socket() as first, socket.socket() as second, socket.socket() as third:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
                third.bind(("127.0.0.1", port + 2))
            except OSError:
                continue
            return port


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simulator", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )


@pytest.fixture(autouse=True)
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAPOR_STATE_DIR", str(tmp_path))
    return tmp_path / "simulator"


def test_up_returns_when_it_answers_and_down_ends_it(state_dir: Path) -> None:
    port = free_port()
    try:
        up = run("up", "--agencies", "12", "--nights", "2021-06-29,2021-06-30", "--port", str(port))
        assert up.returncode == 0, up.stderr
        assert "drew" in up.stdout, "it says how far it is"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/health")
        assert json.loads(connection.getresponse().read())["agencies"] == 12
        connection.close()
    finally:
        down = run("down")
    assert down.stdout == "simulator stopped\n"
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=5):
        pass
    assert run("down").stdout == "no simulator was running\n"

    with (state_dir / "truth" / "complaints.csv").open(encoding="utf-8", newline="") as file:
        batam = [row for row in csv.DictReader(file) if row["agency_code"] == BATAM]
    assert len(batam) == 71
    assert sum(row["status"] == "SELESAI" for row in batam) == 46
    summary = json.loads((state_dir / "truth" / "summary.json").read_text(encoding="utf-8"))
    assert summary["batam"]["routed"] == 61
    assert set(summary["nights"]) == {"2021-06-29", "2021-06-30"}
    with (state_dir / "truth" / "identities.csv").open(encoding="utf-8", newline="") as file:
        assert {row["kind"] for row in csv.DictReader(file)} == {"name", "nik", "phone", "email"}


def test_a_busy_port_is_refused_with_a_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        up = run("up", "--agencies", "2", "--port", str(port))
    assert up.returncode == 1
    assert f"Port {port} is in use" in up.stderr
    assert "--port" in up.stderr


def test_a_night_outside_the_period_is_refused() -> None:
    up = run("up", "--agencies", "2", "--nights", "2021-07-01", "--port", str(free_port()))
    assert up.returncode == 1
    assert "--to" in up.stderr


def test_a_fault_plan_that_is_nonsense_ends_the_start_with_its_reason(tmp_path: Path) -> None:
    plan = tmp_path / "faults.yml"
    plan.write_text("- {agency: KOTA-99.99, kind: hang, nights: [2021-06-30]}\n", encoding="utf-8")
    up = run("up", "--agencies", "2", "--faults", str(plan), "--port", str(free_port()))
    assert up.returncode == 1
    assert "KOTA-99.99 is not in this world" in up.stderr
