"""The morning after a night: the reports that are due, issued before 07:00 WIB.

A run is for one **night**, as in lapor_nightly: the date in Asia/Jakarta on which its data interval starts. It begins
at 05:30 WIB, half an hour after the night is to be published; as long as it is not, the first task fails and is tried
again. What is due: a week's report on Monday, a month's, quarter's and semester's on the first, and whatever of the
last seven days was refused on its day. A report in the library is left as it is.

Every task runs a command that a person can type in the repository root. A report that is refused (a delivery held by
the gate, too few agencies) fails its task with the reason; the agencies' scorecards are made all the same.
"""

import os
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import CronDataIntervalTimetable, TriggerRule, dag
from airflow.sdk.types import DagRunProtocol

WIB = ZoneInfo("Asia/Jakarta")
FIRST_MORNING = datetime(2019, 1, 1, tzinfo=WIB)
EVERY_MORNING = CronDataIntervalTimetable("30 5 * * *", timezone="Asia/Jakarta")

REPOSITORY = Path(__file__).resolve().parent.parent
PIPELINE_BIN = os.environ.get("LAPOR_PIPELINE_BIN", str(REPOSITORY / ".venv" / "bin"))
SHARDS = int(os.environ.get("LAPOR_REPORT_SHARDS", "1"))  # a shard uses every core of its machine: one per worker


def night_of(dag_run: DagRunProtocol) -> date:
    """The night of a run: the date in Asia/Jakarta on which its data interval starts, or yesterday without one."""
    if dag_run.data_interval_start is not None:
        return dag_run.data_interval_start.astimezone(WIB).date()
    return dag_run.run_after.astimezone(WIB).date() - timedelta(days=1)


def in_repository(command: str) -> dict[str, Any]:
    """Arguments of a BashOperator that runs `command` as typed in the repository root, with the pipeline's Python."""
    return {
        "bash_command": f'set -euo pipefail; export PATH="$LAPOR_PIPELINE_BIN:$PATH"; {command}',
        "cwd": str(REPOSITORY),
        "append_env": True,
        "skip_on_exit_code": None,  # a report that is refused has failed, and says why
        "do_xcom_push": False,
    }


def environment(**extra: str) -> dict[str, str]:
    """Variables of a command: the night, and what else it reads."""
    return {"LAPOR_PIPELINE_BIN": PIPELINE_BIN, "NIGHT": "{{ night(dag_run) }}", **extra}


def command(task_id: str, text: str, minutes: int, **arguments: Any) -> BashOperator:
    """A task that runs one command, killed with everything it started after `minutes`."""
    limit = timedelta(minutes=minutes)
    return BashOperator(task_id=task_id, env=environment(), execution_timeout=limit, **arguments, **in_repository(text))


def sharded(task_id: str, text: str, minutes: int) -> Any:
    """A task per shard of the agencies, once something before it has succeeded: a refused report stops no scorecard."""
    return BashOperator.partial(
        task_id=task_id,
        map_index_template="shard {{ task.env['SHARD'] }}",
        execution_timeout=timedelta(minutes=minutes),
        trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS,
        **in_repository(f'{text} --shard "$SHARD"'),
    ).expand(env=[environment(SHARD=f"{shard}/{SHARDS}") for shard in range(SHARDS)])


@dag(
    schedule=EVERY_MORNING,
    start_date=FIRST_MORNING,
    catchup=False,
    max_active_runs=1,
    user_defined_macros={"night": night_of},
    doc_md=__doc__,
    tags=["lapor"],
)
def lapor_reports() -> None:
    """What is due, the reports of the three bodies, the scorecards of the agencies."""
    due = command(
        "due", 'python -m reports due --night "$NIGHT" --list', minutes=5, retries=6, retry_delay=timedelta(minutes=10)
    )
    bodies = command("bodies", 'python -m reports due --night "$NIGHT" --bodies', minutes=30)
    scorecards = sharded("scorecards", 'python -m reports due --night "$NIGHT" --scorecards', minutes=60)
    due >> [bodies, scorecards]
    bodies >> scorecards  # what the bodies' reports have shown and hidden decides what a scorecard may show


lapor_reports()
