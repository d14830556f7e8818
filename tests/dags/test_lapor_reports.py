"""The DAG of the reports as Airflow reads it, in Airflow's own environment."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent
AIRFLOW_PYTHON = REPOSITORY / ".venv-airflow" / "bin" / "python"

PROBE = """
import json, os, sys, tempfile
from types import SimpleNamespace
os.environ |= {
    "AIRFLOW_HOME": tempfile.mkdtemp(), "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "True", "LAPOR_REPORT_SHARDS": "2",
}
import pendulum
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import TimeRestriction

bag = DagBag(sys.argv[1])
dag = bag.dags["lapor_reports"]
night = dag.user_defined_macros["night"]
timetable = DagSerialization.from_dict(DagSerialization.to_dict(dag)).timetable
run = timetable.next_dagrun_info(
    last_automated_data_interval=None,
    restriction=TimeRestriction(pendulum.parse("2021-06-30T05:30:00+07:00"), None, catchup=True),
)
mapped = lambda task, name: task.partial_kwargs[name] if task.is_mapped else getattr(task, name)
print(json.dumps({
    "import_errors": {str(file): error for file, error in bag.import_errors.items()},
    "downstream": {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks},
    "catchup": dag.catchup, "max_active_runs": dag.max_active_runs, "doc": dag.doc_md,
    "commands": {task.task_id: mapped(task, "bash_command") for task in dag.tasks},
    "timeouts": {task.task_id: mapped(task, "execution_timeout").seconds for task in dag.tasks},
    "retries": {task.task_id: task.partial_kwargs.get("retries", 0) if task.is_mapped else task.retries for task in dag.tasks},
    "rule": mapped(dag.get_task("scorecards"), "trigger_rule").value,
    "shards": [env["SHARD"] for env in dag.get_task("scorecards").expand_input.value["env"]],
    "night": str(night(SimpleNamespace(data_interval_start=run.data_interval.start, run_after=None))),
    "run_after": str(run.run_after.in_timezone("Asia/Jakarta")),
}))
"""


@pytest.fixture(scope="module")
def dag() -> dict[str, Any]:
    """What Airflow saw in dags/."""
    command = [str(AIRFLOW_PYTHON), "-c", PROBE, str(REPOSITORY / "dags")]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 0, answer.stderr[-2000:]
    seen = dict(json.loads(answer.stdout.splitlines()[-1]))
    assert seen["import_errors"] == {}
    return seen


def test_what_is_due_comes_first_and_the_scorecards_last(dag: dict[str, Any]) -> None:
    assert dag["downstream"] == {"due": ["bodies", "scorecards"], "bodies": ["scorecards"], "scorecards": []}


def test_the_run_of_the_first_of_july_is_for_the_night_of_30_june_and_before_seven(dag: dict[str, Any]) -> None:
    assert (dag["night"], dag["run_after"]) == ("2021-06-30", "2021-07-01 05:30:00+07:00")


def test_a_refused_report_stops_no_scorecard_and_an_unpublished_night_stops_all(dag: dict[str, Any]) -> None:
    assert dag["rule"] == "all_done_min_one_success"


def test_runs_never_overlap_and_missed_mornings_are_not_made_up_for(dag: dict[str, Any]) -> None:
    assert (dag["max_active_runs"], dag["catchup"]) == (1, False)


def test_only_the_wait_for_the_night_is_retried_and_nothing_runs_for_ever(dag: dict[str, Any]) -> None:
    assert dag["retries"] == {"due": 6, "bodies": 0, "scorecards": 0}
    assert all(0 < seconds <= 3600 for seconds in dag["timeouts"].values())


def test_scorecards_are_mapped_over_shards_counted_from_nought(dag: dict[str, Any]) -> None:
    assert dag["shards"] == ["0/2", "1/2"]


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
    command = ["bash", "-c", dag["commands"][task]]
    answer = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.stdout.splitlines() == ["-m", "reports", "due", "--night", "2021-06-30", *arguments]
    assert answer.returncode == 2
