"""What state this Airflow is in: the lines that `make status` adds to those of `python -m warehouse status`.

A line is a name, a state (ok, warning, broken), what was seen and what to do about it.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from local_nights import Api, ApiError
from local_processes import WORKER, Components, is_airflows

WIB = ZoneInfo("Asia/Jakarta")
DAGS = ("lapor_nightly", "lapor_reports", "lapor_maintenance")
POOL = "extraction"
# What /monitor/health calls the components that have a heartbeat.
BEATING = {"scheduler": "scheduler", "dag-processor": "dag_processor", "triggerer": "triggerer"}
START = "make down, then make up"


class Line(NamedTuple):
    """One thing that was looked at."""

    name: str
    state: str
    seen: str
    todo: str = ""


def look(home: Path, components: Components) -> list[Line]:
    """All lines, whatever is broken."""
    if not components.names():
        return [Line("airflow", "broken", "is not started: no night runs by itself", "make up")]
    dead = components.dead()
    lines = [Line(_label(name), "broken", f"ended by itself: {components.log(name)}", START) for name in dead]
    try:
        api = Api.of(home, components.recorded_port())
        lines += _heartbeats(api, components, dead)
        lines += _dags(api)
        lines += _pool(api)
    except ApiError as error:
        lines.append(
            Line("airflow API", "broken", f"does not answer: {str(error)[:200]}", f"look in {home / 'logs'}; {START}")
        )
    return lines


def _label(name: str) -> str:
    return f"airflow {name}" if is_airflows(name) else name


def _heartbeats(api: Api, components: Components, dead: list[str]) -> Iterator[Line]:
    health = api.call("GET", "monitor/health")
    for name in components.names():
        if name in dead or not is_airflows(name):  # who looks at what runs beside asks it itself
            continue
        if name.startswith(WORKER):
            yield Line(_label(name), "ok", "runs")
            continue
        if name not in BEATING:
            yield Line(_label(name), "ok", f"answers at {api.address}")
            continue
        told = health.get(BEATING[name]) or {}
        beat = told.get(f"latest_{BEATING[name]}_heartbeat")
        when = f"last heartbeat {_clock(beat)}" if beat else "no heartbeat yet"
        if told.get("status") == "healthy":
            yield Line(_label(name), "ok", when)
        else:
            yield Line(
                _label(name),
                "broken",
                f"{told.get('status') or 'silent'}, {when}",
                f"look in {components.log(name)}; {START}",
            )


def _dags(api: Api) -> Iterator[Line]:
    for error in api.call("GET", "importErrors")["import_errors"]:
        why = str(error["stack_trace"]).strip().splitlines()[-1:]
        yield Line(
            "airflow DAGs", "broken", f"{error['filename']} cannot be imported: {''.join(why)}",
            "mend the file, or go back to the version before; it is read again within a minute",
        )  # fmt: skip
    known = {dag["dag_id"]: dag for dag in api.call("GET", "dags", limit=100)["dags"]}
    for dag_id in DAGS:
        if dag_id not in known:
            yield Line(
                dag_id, "broken", "is not known to Airflow", "look in the DAG processor's log: .state/airflow/logs"
            )
        elif known[dag_id]["is_paused"]:
            yield Line(dag_id, "warning", "is paused: it does not run by itself", "switch it on in Airflow's page")
        else:
            yield _last_run(api, dag_id)


def _last_run(api: Api, dag_id: str) -> Line:
    """How the run ended that was asked for last; a failed night is broken, other failures a warning."""
    runs = api.call("GET", f"dags/{dag_id}/dagRuns", order_by="-run_after", limit=1)["dag_runs"]
    if not runs:
        return Line(dag_id, "ok", "has not run yet")
    run = runs[0]
    words = f"{run['dag_run_id']}: {run['state']}"
    if run["state"] != "failed":
        return Line(dag_id, "ok", f"{words}, begun {_clock(run['start_date'] or run['run_after'])}")
    tasks = api.call("GET", f"dags/{dag_id}/dagRuns/{run['dag_run_id']}/taskInstances", limit=1000)["task_instances"]
    red = sorted({task["task_id"] for task in tasks if task["state"] == "failed"})
    state = "broken" if dag_id == "lapor_nightly" else "warning"
    todo = f"the task's page says what to do ({api.address}/dags/{dag_id}); afterwards clear it"
    return Line(dag_id, state, f"{words} at {', '.join(red) or 'no task'}", todo)


def _pool(api: Api) -> Iterator[Line]:
    if POOL not in api.pools():
        yield Line(
            f"pool {POOL}",
            "broken",
            "is missing: no delivery is fetched",
            f"airflow pools set {POOL} 4 'shards at once'",
        )


def _clock(moment: Any) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(WIB):%Y-%m-%d %H:%M:%S} WIB" if moment else "never"
