"""What the DAGs of this folder are made of: tasks that run a command a person can type in the repository root.

Imported by the DAG files and by nothing else. A task's command gets the night as `$NIGHT`, acts with the pipeline's
Python, and is killed with everything it started when its minutes are over.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import Asset, RetryDecision, RetryPolicy, TriggerRule
from airflow.sdk.types import DagRunProtocol

WIB = ZoneInfo("Asia/Jakarta")
FIRST_NIGHT = datetime(2019, 1, 1, tzinfo=WIB)  # no connected system delivers changes from before

REPOSITORY = Path(__file__).resolve().parent.parent
PIPELINE_BIN = os.environ.get("LAPOR_PIPELINE_BIN", str(REPOSITORY / ".venv" / "bin"))
SEND_SECONDS = 60

# What a command's own OpenLineage events name as the run above theirs; empty where Airflow sends none (OPENLINEAGE_*).
_TELLS = "macros.OpenLineageProviderPlugin is defined"
LINEAGE = {
    variable: f"{{{{ macros.OpenLineageProviderPlugin.{macro}(task_instance) if {_TELLS} else '' }}}}"
    for variable, macro in (
        ("OPENLINEAGE_PARENT_ID", "lineage_parent_id"),
        ("OPENLINEAGE_ROOT_PARENT_ID", "lineage_root_parent_id"),
    )
}

# What every DAG has: who answers for it, one run at a time, no run for a time that has passed.
DAG: dict[str, Any] = {
    "start_date": FIRST_NIGHT,
    "catchup": False,
    "max_active_runs": 1,
    "default_args": {"owner": "data-engineer"},
    "tags": ["lapor"],
}

# A night that is in the marts. lapor_nightly's last step says so, lapor_reports goes on from there.
PUBLISHED_NIGHT = Asset(name="published_night", uri="lapor://nights/published", group="lapor")

# Whatever stands before has ended, and something of it well.
AFTER_A_REFUSAL = TriggerRule.ALL_DONE_MIN_ONE_SUCCESS


def night_of(dag_run: DagRunProtocol) -> date:
    """Business date of a run: the date in Asia/Jakarta on which its data interval starts.

    Without an interval: the newest of the published nights that started it, or else (triggered with no logical date)
    the last night that was over when it was asked for.
    """
    if dag_run.data_interval_start is not None:
        return dag_run.data_interval_start.astimezone(WIB).date()
    published = [str(event.extra["night"]) for event in dag_run.consumed_asset_events if "night" in event.extra]
    if published:
        return date.fromisoformat(max(published))
    return dag_run.run_after.astimezone(WIB).date() - timedelta(days=1)


class UnlessDecided(RetryPolicy):
    """Try again, unless the command said by exit code 2 that it decided against it: the answer would be the same."""

    def evaluate(self, exception: BaseException, *_: Any, **__: Any) -> RetryDecision:
        """Fail at once on exit code 2; on anything else, what the task's number of retries says."""
        if str(exception).endswith("exit code 2."):
            return RetryDecision.fail("the command refused (exit code 2); its words are in the log")
        return RetryDecision.default()


def command(
    task_id: str, text: str, *, minutes: int, doc: str, retries: int = 0, wait_seconds: int = 60, **arguments: Any
) -> BashOperator:
    """A task that runs one command; `doc` says what it does and what to do when it fails."""
    return BashOperator(
        task_id=task_id,
        env=_environment(),
        **_task(text, minutes, doc, retries, wait_seconds),
        **arguments,
    )


def sharded(
    task_id: str, text: str, shards: int, *, minutes: int, doc: str, retries: int = 0, wait_seconds: int = 60,
    variables: dict[str, str] | None = None, **arguments: Any,
) -> Any:  # fmt: skip
    """A task per shard of the agencies, named by what its command said it did.

    The command gets `$SHARD` (0/4 is the first of four) and `variables`.
    """
    return BashOperator.partial(
        task_id=task_id,
        map_index_template="shard {{ task.env['SHARD'] }}{{ did | default('') }}",
        post_execute=_name_by_deed,
        **_task(text, minutes, doc, retries, wait_seconds),
        **arguments,
    ).expand(env=[_environment(SHARD=f"{shard}/{shards}", **(variables or {})) for shard in range(shards)])


def afterwards(tasks: Iterable[BashOperator]) -> list[BashOperator]:
    """Make tasks run whatever became of those before them, and count for nothing in the run's own success."""
    return [task.as_teardown(on_failure_fail_dagrun=False) for task in tasks]


def tell_published(context: Any, result: str) -> None:
    """Name the night in the event of PUBLISHED_NIGHT that a task leaves."""
    night = str(night_of(context["dag_run"]))
    context["outlet_events"][PUBLISHED_NIGHT].extra = {"night": night, "said": _words(result)}


def send_late(context: Any) -> None:
    """Send the alert of a night that is not published in time, however far it is."""
    run = context["dag_run"]
    began, asked = run["data_interval_start"], run["run_after"]
    night = datetime.fromisoformat(began or asked).astimezone(WIB).date() - timedelta(days=0 if began else 1)
    python = Path(PIPELINE_BIN) / "python"
    sent = subprocess.run(
        [python, "-m", "quality.sending", "--night", str(night), "--late"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=SEND_SECONDS,
    )  # fmt: skip
    print(sent.stdout, sent.stderr, sep="\n", file=sys.stderr)
    sent.check_returncode()


def _name_by_deed(context: Any, result: str) -> None:
    """Of "night 2021-06-30, shard 1/4: 310 received, 5 late; 12,000 rows ..." the deliveries."""
    _, found, did = _words(result).partition(": ")
    context["did"] = f": {did.partition(';')[0]}" if found else ""


def _words(result: Any) -> str:
    """The last line of a command as a person reads it, also where commands log JSON (LAPOR_LOG_FORMAT)."""
    try:
        return str(json.loads(result)["message"])
    except (ValueError, TypeError, KeyError):
        return str(result)


def _environment(**extra: str) -> dict[str, str]:
    return {
        "LAPOR_PIPELINE_BIN": PIPELINE_BIN,
        "LAPOR_AIRFLOW_PYTHON": sys.executable,
        "NIGHT": "{{ night(dag_run) }}",
        **LINEAGE,
        **extra,
    }


def _task(text: str, minutes: int, doc: str, retries: int, wait_seconds: int) -> dict[str, Any]:
    return {
        "bash_command": f'set -euo pipefail; export PATH="$LAPOR_PIPELINE_BIN:$PATH"; {text}',
        "cwd": str(REPOSITORY),
        "append_env": True,
        "skip_on_exit_code": None,  # a command that fails has failed, whatever number it says so with
        "do_xcom_push": False,  # tasks meet in tables
        "execution_timeout": timedelta(minutes=minutes),
        "doc_md": doc,
        "retries": retries,
        "retry_delay": timedelta(seconds=wait_seconds),
        "retry_policy": UnlessDecided(),
    }
