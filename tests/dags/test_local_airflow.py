"""A real Airflow runs nights whose commands only write down how they were called."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent
# Stands in for the pipeline's Python: knows where the database is, and for the rest writes down its arguments.
PYTHON = """#!/bin/sh
here=$(dirname "$0")
case "$2 $3" in
    "warehouse dsn") exec {python} "$@" ;;
    "warehouse env") exit 0 ;;
esac
echo "$@" >> "$here/calls"
echo "this is $2"
[ ! -e "$here/$2_exits_2" ] || exit 2
"""


@dataclass(frozen=True, slots=True)
class LocalAirflow:
    """The command line of dags/local_airflow.py over a stand-in for the pipeline."""

    bin: Path
    state: Path

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        (self.bin / "calls").write_text("")
        command = [
            str(REPOSITORY / ".venv-airflow" / "bin" / "python"),
            str(REPOSITORY / "dags" / "local_airflow.py"),
            *arguments,
        ]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=300, check=False)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "LAPOR_PIPELINE_BIN": str(self.bin),
            "LAPOR_STATE_DIR": str(self.state),
            "LAPOR_EXTRACT_SHARDS": "2",
        }

    def calls(self) -> list[str]:
        """What was called since the last command, the shards in order."""
        lines = (self.bin / "calls").read_text().splitlines()
        return [*lines[:1], *sorted(lines[1:3]), *lines[3:]]

    def processes(self) -> list[int]:
        kept = json.loads((self.state / "airflow" / "processes.json").read_text())
        return [pid for pid, _ in kept["processes"].values()]


@pytest.fixture(scope="module")
def airflow(server: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAirflow]:
    """An Airflow that is up, stopped in the end."""
    folder = tmp_path_factory.mktemp("pipeline")
    for name, text in (
        ("python", PYTHON.format(python=sys.executable)),
        ("dbt", '#!/bin/sh\necho dbt "$1" >> "$(dirname "$0")/calls"\n'),
    ):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    airflow = LocalAirflow(folder, server)
    started = airflow("start")
    assert started.returncode == 0, started.stdout + started.stderr
    yield airflow
    airflow("stop")


def test_a_night_runs_its_commands_in_order(airflow: LocalAirflow) -> None:
    ran = airflow("night", "2021-06-30")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert airflow.calls() == [
        "-m extract open --night 2021-06-30",
        "-m extract --night 2021-06-30 --shard 0/2",
        "-m extract --night 2021-06-30 --shard 1/2",
        "-m quality --night 2021-06-30",
        "dbt build",
        "-m extract close --night 2021-06-30",
    ]
    assert [line.split()[0] for line in ran.stdout.splitlines()] == [
        *("night", "open_night", "extract", "extract", "gate", "build_marts", "close_night", "night")
    ]


def test_a_night_can_be_run_again_for_some_agencies(airflow: LocalAirflow) -> None:
    ran = airflow("night", "2021-06-30", "--agencies", "KOTA-21.71", "KEM-2060", "--resources", "complaints")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    part = "--redo --agency=KOTA-21.71 --agency=KEM-2060 --resource=complaints"
    assert airflow.calls()[1:3] == [f"-m extract --night 2021-06-30 --shard {shard}/2 {part}" for shard in (0, 1)]


def test_what_is_no_code_is_refused_before_anything_runs(airflow: LocalAirflow) -> None:
    refused = airflow("night", "2021-06-30", "--agencies", "$(reboot)")
    assert refused.returncode == 2
    assert "Invalid input for param agencies" in refused.stderr
    assert airflow.calls() == []


def test_a_held_night_stops_at_the_gate_and_later_nights_do_not_start(airflow: LocalAirflow) -> None:
    (airflow.bin / "quality_exits_2").touch()
    held = airflow("night", "2021-06-28", "2021-06-29")
    (airflow.bin / "quality_exits_2").unlink()
    assert held.returncode == 1
    assert airflow.calls()[-1] == "-m quality --night 2021-06-28"
    assert "this is quality" in held.stdout
    assert "return code 2" in held.stdout


def test_the_secrets_are_for_their_owner_only(airflow: LocalAirflow) -> None:
    kept = [airflow.state / "airflow" / name for name in ("secrets.json", "passwords.json", "processes.json")]
    assert [oct(file.stat().st_mode & 0o777) for file in kept] == ["0o600"] * 3


def test_stopping_leaves_no_process_and_a_night_then_says_how_to_start(airflow: LocalAirflow) -> None:
    processes = airflow.processes()
    assert len(processes) == 3
    assert all(Path(f"/proc/{pid}").exists() for pid in processes)
    assert airflow("stop").returncode == 0
    assert [pid for pid in processes if Path(f"/proc/{pid}").exists()] == []
    missed = airflow("night", "2021-06-30")
    assert missed.returncode == 2
    assert "Start it with: make up" in missed.stderr
