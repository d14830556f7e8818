"""The DAG as Airflow reads it, in Airflow's own environment."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent
AIRFLOW_PYTHON = REPOSITORY / ".venv-airflow" / "bin" / "python"
ORDER = ["open_night", "extract", "gate", "build_marts", "close_night"]


@pytest.fixture(scope="module")
def dag() -> dict[str, Any]:
    """What the probe saw in dags/."""
    command = [str(AIRFLOW_PYTHON), str(Path(__file__).with_name("probe.py")), str(REPOSITORY / "dags")]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 0, answer.stderr[-2000:]
    seen = dict(json.loads(answer.stdout.splitlines()[-1]))
    assert seen["import_errors"] == {}
    return seen


def test_the_folder_holds_two_dags_and_the_local_runner_is_not_read_as_one(dag: dict[str, Any]) -> None:
    assert dag["dags"] == ["lapor_nightly", "lapor_reports"]
    assert dag["files"] == ["lapor_nightly.py", "lapor_reports.py"]


def test_a_night_is_open_extract_gate_build_close(dag: dict[str, Any]) -> None:
    assert dag["order"] == ORDER
    assert dag["downstream"] == {task: ORDER[place + 1 : place + 2] for place, task in enumerate(ORDER)}


def test_nights_never_overlap_and_missed_ones_wait_for_a_backfill(dag: dict[str, Any]) -> None:
    assert (dag["max_active_runs"], dag["catchup"]) == (1, False)


def test_the_run_of_one_oclock_is_the_night_that_ended_an_hour_before(dag: dict[str, Any]) -> None:
    assert dag["scheduled"] == ["2021-06-30", "2021-07-01 01:00:00+07:00"]


def test_a_backfill_has_one_run_for_each_night_of_its_period(dag: dict[str, Any]) -> None:
    assert dag["backfilled"] == ["2021-06-27", "2021-06-28", "2021-06-29"]


def test_a_run_by_hand_is_the_last_night_that_was_over(dag: dict[str, Any]) -> None:
    assert dag["by_hand"] == {"2021-07-01T00:59:00+07:00": "2021-06-29", "2021-07-01T10:00:00+07:00": "2021-06-30"}


def test_a_run_without_a_logical_date_is_the_last_night_over_in_jakarta(dag: dict[str, Any]) -> None:
    assert dag["without_interval"] == "2021-06-30"  # asked for on 1 July, 01:30 WIB


def test_only_fetching_is_retried_and_nothing_runs_for_ever(dag: dict[str, Any]) -> None:
    assert dag["retries"] == {task: 2 if task == "extract" else 0 for task in ORDER}
    assert set(dag["timeouts"]) == set(ORDER)
    assert all(0 < seconds <= 3600 for seconds in dag["timeouts"].values())


def test_shards_are_counted_from_nought_as_the_command_wants_them(dag: dict[str, Any]) -> None:
    assert dag["shards"] == ["0/3", "1/3", "2/3"]


def test_what_a_user_asks_for_reaches_the_shell_as_variables_only(dag: dict[str, Any]) -> None:
    assert dag["params"] == {"agencies": [], "resources": []}
    assert dag["commands"].keys() == set(ORDER)
    assert [text for text in dag["commands"].values() if "{{" in text or "{%" in text] == []


def test_the_dag_explains_itself(dag: dict[str, Any]) -> None:
    assert "24:00 WIB" in dag["doc"]
    assert "agencies" in dag["doc"]


@pytest.mark.parametrize(
    ("chosen", "arguments"),
    [
        ({}, []),
        ({"AGENCIES": "KOTA-21.71 KEM-2060", "REDO": "--redo"}, ["--redo", "--agency=KOTA-21.71", "--agency=KEM-2060"]),
        ({"RESOURCES": "surveys", "REDO": "--redo"}, ["--redo", "--resource=surveys"]),
        ({"AGENCIES": "$(touch x) * `id`"}, ["--agency=$(touch", "--agency=x)", "--agency=*", "--agency=`id`"]),
    ],
    ids=["everything", "two agencies", "one resource", "shell words stay words"],
)
def test_the_extract_command_gets_one_argument_per_choice(
    dag: dict[str, Any], tmp_path: Path, chosen: dict[str, str], arguments: list[str]
) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    environment = {"NIGHT": "2021-06-30", "SHARD": "0/3", "AGENCIES": "", "RESOURCES": "", "REDO": "", **chosen}
    environment |= {"LAPOR_PIPELINE_BIN": str(tmp_path), "PATH": "/usr/bin:/bin"}
    command = ["bash", "-c", dag["commands"]["extract"]]
    answer = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == ["-m", "extract", "--night", "2021-06-30", "--shard", "0/3", *arguments]
    assert [file.name for file in tmp_path.iterdir()] == ["python"]


@pytest.mark.parametrize("code", [1, 2, 3, 99])
def test_a_command_that_fails_fails_its_task(dag: dict[str, Any], tmp_path: Path, code: int) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nexit {code}\n")
    python.chmod(0o755)
    environment = {"NIGHT": "2021-06-30", "LAPOR_PIPELINE_BIN": str(tmp_path), "PATH": "/usr/bin:/bin"}
    for task in ("gate", "build_marts"):
        answer = subprocess.run(["bash", "-c", dag["commands"][task]], env=environment, check=False)
        assert answer.returncode == code
