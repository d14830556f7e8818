"""The DAG of the night as Airflow reads it."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

ORDER = ["open_night", "extract", "gate", "build_marts", "close_night"]
AFTERWARDS = ["send_alert", "note_figures"]


@pytest.fixture(scope="module")
def dag(dags: dict[str, Any]) -> dict[str, Any]:
    return dict(dags["lapor_nightly"])


def test_a_night_is_open_extract_gate_build_close(dag: dict[str, Any]) -> None:
    assert dag["order"][:5] == ORDER
    assert {task: dag["tasks"][task]["after"] for task in ORDER} == {
        task: ORDER[max(place - 1, 0) : place] for place, task in enumerate(ORDER)
    }


def test_telling_of_a_night_comes_last_whatever_became_of_it_and_decides_nothing(dag: dict[str, Any]) -> None:
    assert sorted(dag["order"][5:]) == sorted(AFTERWARDS)
    for task in AFTERWARDS:
        told = dag["tasks"][task]
        assert (told["after"], told["rule"], told["counts"]) == (["close_night"], "all_done_setup_success", False)
    assert all(dag["tasks"][task]["counts"] for task in ORDER)


def test_only_a_closed_night_is_told_to_those_who_wait_for_it(dag: dict[str, Any]) -> None:
    outlets = {task: told["outlets"] for task, told in dag["tasks"].items() if told["outlets"]}
    assert outlets == {"close_night": ["lapor://nights/published"]}


def test_the_run_of_one_oclock_is_the_night_that_ended_an_hour_before(dag: dict[str, Any]) -> None:
    assert dag["scheduled"] == ["2021-06-30", "2021-07-01 01:00:00+07:00"]


def test_a_night_that_takes_until_five_is_told_while_it_runs(dag: dict[str, Any]) -> None:
    assert dag["deadline_minutes"] == [240]  # from 01:00 WIB


def test_a_backfill_has_one_run_for_each_night_of_its_period(dag: dict[str, Any]) -> None:
    assert dag["backfilled"] == ["2021-06-27", "2021-06-28", "2021-06-29"]


def test_a_run_by_hand_is_the_last_night_that_was_over(dag: dict[str, Any]) -> None:
    assert dag["by_hand"] == {"00:59": "2021-06-29", "10:00": "2021-06-30"}


def test_a_run_without_a_logical_date_is_the_last_night_over_in_jakarta(dag: dict[str, Any]) -> None:
    assert dag["without_interval"] == "2021-06-30"  # asked for on 1 July, 01:30 WIB


def test_shards_are_counted_from_nought_as_the_command_wants_them_and_share_a_pool(dag: dict[str, Any]) -> None:
    assert dag["tasks"]["extract"]["shards"] == ["0/3", "1/3", "2/3"]
    assert {task: told["pool"] for task, told in dag["tasks"].items() if told["pool"] != "default_pool"} == {
        "extract": "extraction"
    }


def test_what_a_user_may_ask_for_are_agencies_and_resources(dag: dict[str, Any]) -> None:
    assert dag["params"] == {"agencies": [], "resources": []}


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
    command = ["bash", "-c", dag["tasks"]["extract"]["command"]]
    answer = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == ["-m", "extract", "--night", "2021-06-30", "--shard", "0/3", *arguments]
    assert [file.name for file in tmp_path.iterdir()] == ["python"]


@pytest.mark.parametrize("code", [1, 2, 3, 99])
def test_a_command_that_fails_fails_its_task(dag: dict[str, Any], tmp_path: Path, code: int) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nexit {code}\n")
    python.chmod(0o755)
    environment = {"NIGHT": "2021-06-30", "LAPOR_PIPELINE_BIN": str(tmp_path), "PATH": "/usr/bin:/bin"}
    for task in ("gate", "build_marts", "note_figures"):
        answer = subprocess.run(["bash", "-c", dag["tasks"][task]["command"]], env=environment, check=False)
        assert answer.returncode == code


@pytest.mark.parametrize(("dbt_says", "code"), [(0, 0), (1, 1), (2, 1)])
def test_a_build_whose_server_went_away_has_not_refused(
    dag: dict[str, Any], tmp_path: Path, dbt_says: int, code: int
) -> None:
    """Of dbt 2 is an error that nobody foresaw, such as no server; of our commands it is a decision, tried only once."""
    lineage = 'case "$2 $3" in "warehouse lineage") shift 3; exec "$@" ;; esac'
    for name, does in (("python", lineage), ("dbt", f"exit {dbt_says}")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    environment = {"LAPOR_PIPELINE_BIN": str(tmp_path), "PATH": "/usr/bin:/bin"}
    answer = subprocess.run(
        ["bash", "-c", dag["tasks"]["build_marts"]["command"]], env=environment, check=False, capture_output=True
    )
    assert answer.returncode == code
