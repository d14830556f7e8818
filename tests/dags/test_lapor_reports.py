"""The DAG of the reports as Airflow reads it."""

import subprocess
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def dag(dags: dict[str, Any]) -> dict[str, Any]:
    return dict(dags["lapor_reports"])


def test_what_is_due_comes_first_the_scorecards_last_and_then_the_portal(dag: dict[str, Any]) -> None:
    assert {task: told["after"] for task, told in dag["tasks"].items()} == {
        "due": [],
        "bodies": ["due"],
        "scorecards": ["bodies", "due"],
        "all_issued": ["bodies", "scorecards"],
        "prepare_portal": ["scorecards"],
    }


def test_a_run_succeeds_only_when_bodies_and_scorecards_both_do(dag: dict[str, Any]) -> None:
    followed = {before for told in dag["tasks"].values() if told["counts"] for before in told["after"]}
    last = {task for task, told in dag["tasks"].items() if told["counts"]} - followed
    assert last == {"all_issued"}
    assert dag["tasks"]["all_issued"]["rule"] == "all_success"


def test_it_runs_when_a_night_is_published_and_each_morning_before_seven(dag: dict[str, Any]) -> None:
    assert dag["waits_for"] == ["lapor://nights/published"]
    assert dag["scheduled"] == ["2021-06-30", "2021-07-01 05:30:00+07:00"]


def test_a_run_for_published_nights_is_for_the_newest_of_them(dag: dict[str, Any]) -> None:
    assert dag["for_published"] == "2021-05-04"


def test_a_refused_report_stops_no_scorecard_and_an_unpublished_night_stops_all(dag: dict[str, Any]) -> None:
    assert dag["tasks"]["scorecards"]["rule"] == "all_done_min_one_success"


def test_the_portal_is_prepared_whatever_was_refused_and_decides_nothing(dag: dict[str, Any]) -> None:
    assert "python -m reports.portal prepare" in dag["tasks"]["prepare_portal"]["command"]
    assert (dag["tasks"]["prepare_portal"]["rule"], dag["tasks"]["prepare_portal"]["counts"]) == (
        "all_done_setup_success",
        False,
    )


def test_scorecards_are_mapped_over_shards_counted_from_nought(dag: dict[str, Any]) -> None:
    assert dag["tasks"]["scorecards"]["shards"] == ["0/2", "1/2"]


def test_the_dag_explains_itself(dag: dict[str, Any]) -> None:
    assert "refused" in dag["doc"]


@pytest.mark.parametrize(
    ("task", "arguments"),
    [
        ("due", ["--list"]),
        ("bodies", ["--bodies"]),
        ("scorecards", ["--scorecards", "--shard", "1/2"]),
    ],
)
def test_a_task_runs_what_a_person_can_type(
    dag: dict[str, Any], tmp_path: Path, task: str, arguments: list[str]
) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nexit 2\n')
    python.chmod(0o755)
    environment = {
        "NIGHT": "2021-06-30", "SHARD": "1/2", "LAPOR_PIPELINE_BIN": str(tmp_path), "PATH": "/usr/bin:/bin",
    }  # fmt: skip
    command = ["bash", "-c", dag["tasks"][task]["command"]]
    answer = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.stdout.splitlines() == ["-m", "reports", "due", "--night", "2021-06-30", *arguments]
    assert answer.returncode == 2
