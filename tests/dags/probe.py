"""Runs in the Airflow environment: loads the DAGs as its DAG processor does and prints what came out, as JSON."""

import json
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ |= {
    "AIRFLOW_HOME": tempfile.mkdtemp(),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
    "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "300",  # of a machine that is busy
    "LAPOR_EXTRACT_SHARDS": "3",
    "LAPOR_REPORT_SHARDS": "2",
}

import pendulum
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.exceptions import AirflowException
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import TimeRestriction

JULY_FIRST = "2021-07-01T00:00:00+07:00"


def described(folder: str) -> dict[str, Any]:
    """What the folder defines, in plain values."""
    bag = BundleDagBag(folder, bundle_path=Path(folder))
    if bag.import_errors:
        return {"import_errors": {str(file): error for file, error in bag.import_errors.items()}}
    return {
        "import_errors": {},
        "files": sorted(Path(dag.fileloc).name for dag in bag.dags.values()),
        "dags": {dag.dag_id: described_dag(dag) for dag in bag.dags.values()},
    }


def described_dag(dag: Any) -> dict[str, Any]:
    """A DAG's settings, its tasks, and for which night its runs are."""
    serialized = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    night = dag.user_defined_macros["night"]

    def night_of(start: Any, run_after: datetime | None = None, published: tuple[str, ...] = ()) -> str:
        events = [SimpleNamespace(extra={"night": each}) for each in published]
        run = SimpleNamespace(data_interval_start=start, run_after=run_after, consumed_asset_events=events)
        return str(night(run))

    def by_hand(moment: str) -> str:
        return night_of(serialized.timetable.infer_manual_data_interval(run_after=pendulum.parse(moment)).start)

    scheduled = serialized.timetable.next_dagrun_info(
        last_automated_data_interval=None,
        restriction=TimeRestriction(pendulum.parse("2021-06-30T00:00:00+07:00"), None, catchup=True),
    )
    period = (pendulum.parse("2021-06-27T00:00:00+07:00"), pendulum.parse("2021-06-29T12:00:00+07:00"))
    one_oclock = datetime(2021, 6, 30, 18, 30, tzinfo=UTC)  # 1 July, 01:30 WIB
    return {
        "owner": dag.owner,
        "tags": sorted(dag.tags),
        "doc": dag.doc_md,
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "params": {name: dag.params[name] for name in dag.params},
        "order": [task.task_id for task in dag.topological_sort()],
        "tasks": {task.task_id: described_task(task) for task in dag.tasks},
        "waits_for": [asset.uri for _, asset in serialized.timetable.asset_condition.iter_assets()],
        "deadline_minutes": [alert.interval.total_seconds() / 60 for alert in dag.deadline or []],
        "scheduled": [night_of(scheduled.data_interval.start), str(scheduled.run_after.in_timezone("Asia/Jakarta"))],
        "backfilled": [night_of(info.data_interval.start) for info in serialized.iter_dagrun_infos_between(*period)],
        "by_hand": {
            moment: by_hand(f"2021-07-01T{moment}:00+07:00") for moment in ("00:59", "10:00")
        },
        "without_interval": night_of(None, one_oclock),
        "for_published": night_of(None, one_oclock, ("2021-05-03", "2021-05-04")),
    }  # fmt: skip


def described_task(task: Any) -> dict[str, Any]:
    """What a task runs and how it is treated."""

    def given(name: str) -> Any:
        return task.partial_kwargs.get(name) if task.is_mapped else getattr(task, name, None)

    policy = given("retry_policy")
    return {
        "after": sorted(task.upstream_task_ids),
        "command": given("bash_command"),
        "doc": given("doc_md"),
        "retries": given("retries") or 0,
        "timeout_seconds": given("execution_timeout").total_seconds(),
        "rule": given("trigger_rule").value if given("trigger_rule") else "all_success",
        "counts": not task.is_teardown,
        "pool": given("pool") or "default_pool",
        "outlets": [asset.uri for asset in given("outlets") or []],
        "shards": [env["SHARD"] for env in task.expand_input.value["env"]] if task.is_mapped else [],
        "after_exit": {
            code: policy.evaluate(
                AirflowException(f"Bash command failed. The command returned a non-zero exit code {code}."), 1, 2
            ).action.value
            for code in (1, 2, 3)
        }
        if policy
        else {},
    }


print(json.dumps(described(sys.argv[1]), default=str))
