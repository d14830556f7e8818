"""Runs in the Airflow environment: loads the DAGs as its DAG processor does and prints what came out, as JSON."""

import json
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

os.environ |= {
    "AIRFLOW_HOME": tempfile.mkdtemp(),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
    "LAPOR_EXTRACT_SHARDS": "3",
}

import pendulum
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import TimeRestriction


def described(folder: str) -> dict[str, object]:
    """What the folder defines, in plain values."""
    bag = DagBag(folder)
    if bag.import_errors:
        return {"import_errors": bag.import_errors}
    dag = bag.dags["lapor_nightly"]
    night = dag.user_defined_macros["night"]
    serialized = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    timetable = serialized.timetable

    def night_of(start: pendulum.DateTime | None, run_after: datetime | None = None) -> str:
        return str(night(SimpleNamespace(data_interval_start=start, run_after=run_after)))

    def by_hand(moment: str) -> str:
        return night_of(timetable.infer_manual_data_interval(run_after=pendulum.parse(moment)).start)

    scheduled = timetable.next_dagrun_info(
        last_automated_data_interval=None,
        restriction=TimeRestriction(pendulum.parse("2021-06-30T01:00:00+07:00"), None, catchup=True),
    )
    period = (pendulum.parse("2021-06-27T01:00:00+07:00"), pendulum.parse("2021-06-29T01:00:00+07:00"))
    backfilled = serialized.iter_dagrun_infos_between(*period)
    return {
        "import_errors": {},
        "dags": sorted(bag.dags),
        "files": sorted(Path(dag.fileloc).name for dag in bag.dags.values()),
        "order": [task.task_id for task in dag.topological_sort()],
        "downstream": {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks},
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "doc": dag.doc_md,
        "params": {name: dag.params[name] for name in dag.params},
        "retries": {
            task.task_id: task.partial_kwargs["retries"] if task.is_mapped else task.retries for task in dag.tasks
        },
        "timeouts": {
            task.task_id: (
                task.partial_kwargs["execution_timeout"] if task.is_mapped else task.execution_timeout
            ).seconds
            for task in dag.tasks
        },
        "commands": {
            task.task_id: task.partial_kwargs["bash_command"] if task.is_mapped else task.bash_command
            for task in dag.tasks
        },
        "shards": [env["SHARD"] for env in dag.get_task("extract").expand_input.value["env"]],
        "scheduled": [night_of(scheduled.data_interval.start), str(scheduled.run_after.in_timezone("Asia/Jakarta"))],
        "backfilled": [night_of(info.data_interval.start) for info in backfilled],
        "by_hand": {moment: by_hand(moment) for moment in ("2021-07-01T00:59:00+07:00", "2021-07-01T10:00:00+07:00")},
        "without_interval": night_of(None, datetime(2021, 6, 30, 18, 30, tzinfo=UTC)),
    }


print(json.dumps(described(sys.argv[1]), default=str))
