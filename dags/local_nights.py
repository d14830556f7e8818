"""Nights asked of a running Airflow through its REST API, and followed to their end."""

import json
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen
from zoneinfo import ZoneInfo

from local_processes import LocalAirflowError, read_secrets, tail

DAG_ID = "lapor_nightly"
WIB = ZoneInfo("Asia/Jakarta")
POLL_SECONDS = 0.5
ANSWER_SECONDS = 120  # of a machine that a night keeps busy


class ApiError(LocalAirflowError):
    """The API refused a request or did not answer; the message has its words."""


class Api:
    """Airflow's REST API as the user `admin`."""

    def __init__(self, address: str, password: str) -> None:
        self.address = address
        login = {"username": "admin", "password": password}
        self.token = self._send("POST", "/auth/token", login, {})["access_token"]

    @classmethod
    def of(cls, home: Path, port: int) -> "Api":
        """That of the Airflow of this machine."""
        return cls(f"http://127.0.0.1:{port}", read_secrets(home)["password"])

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, **query: Any) -> dict[str, Any]:
        """Send one request to /api/v2. Raises ApiError when it is refused or not answered."""
        path = f"/api/v2/{path}" + (f"?{urlencode(query)}" if query else "")
        return self._send(method, path, body, {"Authorization": f"Bearer {self.token}"})

    def lacks_answers(self) -> str:
        """Empty when the part of the API that tasks talk to answers; it is made ready by the first question."""
        told = self._send("GET", "/execution/health", None, {})
        return "" if told.get("status") == "healthy" else f"the execution API says {told}"

    def pools(self) -> set[str]:
        """Names of the pools there are."""
        return {pool["name"] for pool in self.call("GET", "pools", limit=1000)["pools"]}

    def _send(self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]) -> dict[str, Any]:
        data = json.dumps(body).encode() if body is not None else None
        request = Request(self.address + path, data, {**headers, "Content-Type": "application/json"}, method=method)  # noqa: S310 - Airflow's own address
        try:
            with urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
                return dict(json.load(answer))
        except HTTPError as error:
            raise ApiError(f"{method} {path}: {error.code} {error.read().decode(errors='replace')[:500]}") from None
        except (URLError, OSError) as error:
            raise ApiError(f"{method} {path}: {error}") from None


def run_night(api: Api, home: Path, night: date, conf: dict[str, list[str]]) -> bool:
    """Trigger the DAG for one night, follow it to its end, and say whether it succeeded.

    The interval names the night. The logical date, which Airflow wants unique, is the first free second after its
    start, so a night can be run any number of times and every run stays on record.
    """
    begins = datetime(night.year, night.month, night.day, 1, tzinfo=WIB)
    window: dict[str, Any] = {
        "logical_date_gte": begins.isoformat(),
        "logical_date_lt": (begins + timedelta(hours=1)).isoformat(),
    }
    earlier = api.call("GET", f"dags/{DAG_ID}/dagRuns", order_by="-logical_date", limit=1, **window)["dag_runs"]
    after = datetime.fromisoformat(earlier[0]["logical_date"]) if earlier else begins
    body = {
        "dag_run_id": f"night_{night}__{datetime.now(WIB):%Y%m%dT%H%M%S}",
        "logical_date": (after + timedelta(seconds=1)).isoformat(),
        "data_interval_start": begins.isoformat(),
        "data_interval_end": (begins + timedelta(days=1)).isoformat(),
        "conf": {name: values for name, values in conf.items() if values},
    }
    run = api.call("POST", f"dags/{DAG_ID}/dagRuns", body)
    print(f"night {night}", flush=True)
    return follow(api, home, run["dag_run_id"])


def follow(api: Api, home: Path, run_id: str) -> bool:
    """Print each task of a run as it ends, with its seconds, and the log's end of those that failed."""
    began, told = time.monotonic(), set()
    while True:
        run = api.call("GET", f"dags/{DAG_ID}/dagRuns/{run_id}")
        tasks = api.call("GET", f"dags/{DAG_ID}/dagRuns/{run_id}/taskInstances", limit=1000)["task_instances"]
        for task in sorted(tasks, key=lambda task: task["end_date"] or ""):
            ended = (task["id"], task["try_number"], task["state"])
            if task["state"] in {"success", "failed", "up_for_retry"} and ended not in told:
                told.add(ended)
                label = f"{task['task_id']} {task['rendered_map_index'] or ''}".strip()
                print(f"  {label:<22} {task['state']:<12} {task['duration'] or 0:6.1f} s", flush=True)
                if task["state"] != "success":
                    print(tail(task_log(home, task)), flush=True)
        if run["state"] in {"success", "failed"}:
            print(f"  {'night':<22} {run['state']:<12} {time.monotonic() - began:6.1f} s", flush=True)
            return bool(run["state"] == "success")
        time.sleep(POLL_SECONDS)


def task_log(home: Path, task: dict[str, Any]) -> Path:
    """The log file of a task's last try."""
    folder = home / "logs" / f"dag_id={task['dag_id']}" / f"run_id={task['dag_run_id']}" / f"task_id={task['task_id']}"
    folder = folder / f"map_index={task['map_index']}" if task["map_index"] >= 0 else folder
    return folder / f"attempt={task['try_number']}.log"


def backfill(api: Api, home: Path, first: date, last: date) -> bool:
    """Let Airflow backfill the nights from `first` to `last`, both included, one at a time.

    Nights that a backfill or the schedule has run before are run again. Says whether all succeeded.
    """
    bounds = [datetime(night.year, night.month, night.day, 1, tzinfo=WIB).isoformat() for night in (first, last)]
    order = {"from_date": bounds[0], "to_date": bounds[1], "reprocess_behavior": "completed", "max_active_runs": 1}
    backfill_id = api.call("POST", "backfills", {"dag_id": DAG_ID, **order})["id"]
    print(f"backfill {backfill_id}: {first} to {last}", flush=True)
    succeeded = True
    query: dict[str, Any] = {"order_by": "logical_date", "run_type": "backfill", "limit": 1000}
    query |= {"logical_date_gte": bounds[0], "logical_date_lte": bounds[1]}
    for run in api.call("GET", f"dags/{DAG_ID}/dagRuns", **query)["dag_runs"]:
        night = datetime.fromisoformat(run["data_interval_start"]).astimezone(WIB).date()
        print(f"night {night}", flush=True)
        succeeded &= follow(api, home, run["dag_run_id"])
    # The scheduler looks twice a minute whether a backfill is over, and starts no other one before.
    while api.call("GET", f"backfills/{backfill_id}")["completed_at"] is None:
        time.sleep(POLL_SECONDS)
    return succeeded
