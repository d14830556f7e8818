"""The night: every agency's deliveries fetched, checked, built and published before 05:00 WIB.

A run is for one **night**, a business date in Asia/Jakarta with its cut-off at 24:00 WIB: the date on which the run's
data interval starts. The run of 1 July 01:00 WIB is therefore the night of 30 June; a backfill from 1 to 30 June is
thirty nights. A run triggered by hand without an interval is for the last night that was over at its logical date, or
at its start if it has no logical date.

Every task runs a command that a person can type in the repository root. A night may be run again at any time: it ends
in the same rows. When the gate holds the night (exit 2) or could not judge it (exit 3), the run fails there and nothing
is published.

To redo a part of a night, trigger it with the params `agencies` (codes) and `resources` (complaints, surveys, recaps):
only those are fetched again; the gate, the build and the publication always see the whole night.
"""

import os
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import CronDataIntervalTimetable, Param, dag
from airflow.sdk.types import DagRunProtocol

WIB = ZoneInfo("Asia/Jakarta")
FIRST_NIGHT = datetime(2019, 1, 1, tzinfo=WIB)  # no connected system delivers changes from before
NIGHTLY = CronDataIntervalTimetable("0 1 * * *", timezone="Asia/Jakarta")  # sources settle for an hour

REPOSITORY = Path(__file__).resolve().parent.parent
PIPELINE_BIN = os.environ.get("LAPOR_PIPELINE_BIN", str(REPOSITORY / ".venv" / "bin"))
SHARDS = int(os.environ.get("LAPOR_EXTRACT_SHARDS", "4"))
# dbt connects through variables: assigned first, so that a warehouse that is down fails the task in its words.
# Unit tests ask whether a formula is right, not whether the night is: `make test` runs them.
DBT = "dbt build --exclude-resource-type unit_test --project-dir dbt_project --profiles-dir dbt_project"
DBT_BUILD = f'connection="$(python -m warehouse env)"; eval "$connection"; {DBT}'

# Codes reach the shell as values of variables; the patterns keep a slip of the hand from becoming an option.
PARAMS = {
    "agencies": Param(
        [],
        type="array",
        items={"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]*$"},
        description="Codes of the agencies to fetch again; empty = all.",
    ),
    "resources": Param(
        [],
        type="array",
        items={"type": "string", "pattern": r"^[a-z][a-z_]*$"},
        description="Resources to fetch again; empty = all.",
    ),
}


def night_of(dag_run: DagRunProtocol) -> date:
    """Business date of a run: the date in Asia/Jakarta on which its data interval starts.

    A run without an interval (triggered with no logical date) is for the last night over when it was asked for.
    """
    if dag_run.data_interval_start is not None:
        return dag_run.data_interval_start.astimezone(WIB).date()
    return dag_run.run_after.astimezone(WIB).date() - timedelta(days=1)


def in_repository(command: str) -> dict[str, Any]:
    """Arguments of a BashOperator that runs `command` as typed in the repository root, with the pipeline's Python."""
    return {
        "bash_command": f'set -euo pipefail; export PATH="$LAPOR_PIPELINE_BIN:$PATH"; {command}',
        "cwd": str(REPOSITORY),
        "append_env": True,
        "skip_on_exit_code": None,  # a command that fails has failed, whatever number it says so with
        "do_xcom_push": False,  # tasks meet in tables
    }


def environment(**extra: str) -> dict[str, str]:
    """Variables of a command: the night, and what else it reads."""
    return {"LAPOR_PIPELINE_BIN": PIPELINE_BIN, "NIGHT": "{{ night(dag_run) }}", **extra}


def command(task_id: str, text: str, minutes: int) -> BashOperator:
    """A task that runs one command, killed with everything it started after `minutes`."""
    return BashOperator(
        task_id=task_id, env=environment(), execution_timeout=timedelta(minutes=minutes), **in_repository(text)
    )


def sharded(task_id: str, text: str, minutes: int) -> Any:
    """A task per shard of the agencies, tried three times: the ledger knows what a try before has finished.

    What a run's params name is fetched even when it is finished.
    """
    chosen = {
        "AGENCIES": "{{ params.agencies | join(' ') }}",
        "RESOURCES": "{{ params.resources | join(' ') }}",
        "REDO": "{{ '--redo' if params.agencies or params.resources else '' }}",
    }
    arguments = (
        'read -ra agencies <<<"$AGENCIES"; read -ra resources <<<"$RESOURCES"; '
        f'{text} --shard "$SHARD" $REDO "${{agencies[@]/#/--agency=}}" "${{resources[@]/#/--resource=}}"'
    )
    return BashOperator.partial(
        task_id=task_id,
        map_index_template="shard {{ task.env['SHARD'] }}",
        retries=2,
        retry_delay=timedelta(seconds=15),
        execution_timeout=timedelta(minutes=minutes),
        **in_repository(arguments),
    ).expand(env=[environment(SHARD=f"{shard}/{SHARDS}", **chosen) for shard in range(SHARDS)])


@dag(
    schedule=NIGHTLY,
    start_date=FIRST_NIGHT,
    catchup=False,
    max_active_runs=1,
    params=PARAMS,
    user_defined_macros={"night": night_of},
    doc_md=__doc__,
    tags=["lapor"],
)
def lapor_nightly() -> None:
    """The whole way of a night, in order."""
    (
        command("open_night", 'python -m extract open --night "$NIGHT"', minutes=5)
        >> sharded("extract", 'python -m extract --night "$NIGHT"', minutes=60)
        >> command("gate", 'python -m quality --night "$NIGHT"', minutes=30)
        >> command("build_marts", DBT_BUILD, minutes=60)
        >> command("close_night", 'python -m extract close --night "$NIGHT"', minutes=5)
    )


lapor_nightly()
