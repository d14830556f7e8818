"""A real Airflow runs nights whose commands only write down how they were called."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psycopg2
import pytest

from tests.dags.conftest import AIRFLOW_PYTHON, REPOSITORY
from warehouse.server import AIRFLOW_DATABASE, socket_dsn

PATIENCE_SECONDS = 900  # of a machine that is busy; usual are seconds
# Stands in for the pipeline's Python: knows where the database is, and for the rest writes down its arguments.
PYTHON = """#!/bin/sh
here=$(dirname "$0")
case "$2 $3" in
    "warehouse dsn") exec {python} "$@" ;;
    "warehouse env") exit 0 ;;
    "warehouse lineage") shift 3; exec "$@" ;;
esac
echo "$@" >> "$here/calls"
echo "this is $2: 3 received, 1 late; 12 rows"
[ ! -e "$here/$2_exits_2" ] || exit 2
"""


@dataclass(frozen=True, slots=True)
class LocalAirflow:
    """The command line of dags/local_airflow.py over a stand-in for the pipeline."""

    bin: Path
    state: Path

    def command(self, *arguments: str) -> list[str]:
        return [str(AIRFLOW_PYTHON), str(REPOSITORY / "dags" / "local_airflow.py"), *arguments]

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        (self.bin / "calls").write_text("")
        return subprocess.run(
            self.command(*arguments), env=self.environment, capture_output=True, text=True, timeout=900, check=False
        )

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "LAPOR_PIPELINE_BIN": str(self.bin),
            "LAPOR_STATE_DIR": str(self.state),
            "LAPOR_EXTRACT_SHARDS": "2",
            "LAPOR_NIGHT_MINUTES": "0.01",  # every night is late
        }

    @property
    def home(self) -> Path:
        return self.state / "airflow"

    def all_calls(self) -> list[str]:
        """What was called since the last command."""
        return (self.bin / "calls").read_text().splitlines()

    def calls(self) -> list[str]:
        """The same without the alerts of late nights, the shards in order, and what runs at once in the end too."""
        lines = [line for line in self.all_calls() if not line.endswith(" --late")]
        return [*lines[:1], *sorted(lines[1:3]), *lines[3:-2], *sorted(lines[-2:])]

    def processes(self) -> dict[str, int]:
        kept = json.loads((self.home / "processes.json").read_text())
        return {name: pid for name, (pid, _) in kept["processes"].items()}

    def descendants(self, components: Iterable[int] = ()) -> list[str]:
        """Command lines of all processes in the components' sessions, or that their environment says to be of this."""
        mark, sessions = f"LAPOR_LOCAL_AIRFLOW={self.home}".encode(), set(components)
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if os.getsid(int(entry.name)) in sessions or mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
        return [command for command in found if command]  # what has ended and is not buried yet has none

    def query(self, text: str) -> list[tuple[Any, ...]]:
        """Rows of Airflow's own database."""
        place = socket_dsn(self.state, AIRFLOW_DATABASE)
        with closing(psycopg2.connect(place)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchall() if cursor.description else []

    def api(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        """One request as a user of Airflow's pages would make it."""
        port = json.loads((self.home / "processes.json").read_text())["port"]
        login = {"username": "admin", "password": json.loads((self.home / "secrets.json").read_text())["password"]}
        token = None
        for verb, place, content in (("POST", "auth/token", login), (method, f"api/v2/{path}", body)):
            headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
            data = json.dumps(content).encode() if content is not None else None
            with urlopen(Request(f"http://127.0.0.1:{port}/{place}", data, headers, method=verb)) as answer:
                token = (json.loads(answer.read() or b"{}") or {}).get("access_token")

    def status(self) -> dict[str, tuple[str, str]]:
        """State and words of everything that the command looks at."""
        told = self("status")
        assert told.returncode == 0, told.stderr
        lines = [json.loads(line) for line in told.stdout.splitlines()]
        assert all(line["todo"] for line in lines if line["state"] != "ok")
        return {line["name"]: (line["state"], line["seen"]) for line in lines}


def awaited(what: Callable[[], Any]) -> Any:
    """What comes out once it is something."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := what()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)
    return found


@pytest.fixture(scope="module")
def airflow(server: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAirflow]:
    """An Airflow that is up, stopped in the end."""
    folder = tmp_path_factory.mktemp("pipeline")
    for name, text in (
        ("python", PYTHON.format(python=sys.executable)),
        ("dbt", '#!/bin/sh\necho dbt "$1" >> "$(dirname "$0")/calls"\n'),
    ):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    airflow = LocalAirflow(folder, server)
    started = airflow("start")
    assert started.returncode == 0, started.stdout + started.stderr
    yield airflow
    airflow("stop")


def test_a_night_runs_its_commands_in_order(airflow: LocalAirflow) -> None:
    ran = airflow("night", "2021-06-30")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert airflow.calls() == [
        "-m extract open --night 2021-06-30",
        "-m extract --night 2021-06-30 --shard 0/2",
        "-m extract --night 2021-06-30 --shard 1/2",
        "-m quality --night 2021-06-30",
        "dbt build",
        "-m extract close --night 2021-06-30",
        "-m quality.sending --night 2021-06-30",
        "-m warehouse status --night 2021-06-30",
    ]
    ended_well = [line.split()[0] for line in ran.stdout.splitlines() if " success " in line]
    assert ended_well[:6] == ["open_night", "extract", "extract", "gate", "build_marts", "close_night"]
    assert ended_well[-1] == "night"


def test_its_run_has_the_figures_as_a_note_and_its_shards_are_named_by_what_they_did(airflow: LocalAirflow) -> None:
    [(note,)] = airflow.query(
        "select content from dag_run_note inner join dag_run on dag_run.id = dag_run_id"
        " where data_interval_start = '2021-06-29 18:00+00'"
    )
    assert note == "this is warehouse: 3 received, 1 late; 12 rows"
    assert airflow.query("select distinct rendered_map_index from task_instance where map_index >= 0 order by 1") == [
        ("shard 0/2: 3 received, 1 late",),
        ("shard 1/2: 3 received, 1 late",),
    ]


def test_its_end_is_told_as_an_asset_with_the_night(airflow: LocalAirflow) -> None:
    told = airflow.query(
        "select asset_event.extra::jsonb ->> 'night' from asset_event inner join asset on asset.id = asset_id"
        " where uri = 'lapor://nights/published'"
    )
    assert told == [("2021-06-30",)]


def test_a_night_that_is_late_is_told_while_airflow_goes_on(airflow: LocalAirflow) -> None:
    assert airflow("night", "2021-05-05").returncode == 0
    awaited(lambda: "-m quality.sending --night 2021-05-05 --late" in airflow.all_calls())


def test_an_alert_that_cannot_be_sent_fails_no_night(airflow: LocalAirflow) -> None:
    (airflow.bin / "quality.sending_exits_2").touch()
    ran = airflow("night", "2021-06-30")
    (airflow.bin / "quality.sending_exits_2").unlink()
    assert ran.returncode == 0
    assert "send_alert             failed" in ran.stdout


def test_a_night_can_be_run_again_for_some_agencies(airflow: LocalAirflow) -> None:
    ran = airflow("night", "2021-06-30", "--agencies", "KOTA-21.71", "KEM-2060", "--resources", "complaints")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    part = "--redo --agency=KOTA-21.71 --agency=KEM-2060 --resource=complaints"
    assert airflow.calls()[1:3] == [f"-m extract --night 2021-06-30 --shard {shard}/2 {part}" for shard in (0, 1)]


def test_what_is_no_code_is_refused_before_anything_runs(airflow: LocalAirflow) -> None:
    refused = airflow("night", "2021-06-30", "--agencies", "$(reboot)")
    assert refused.returncode == 2
    assert "Invalid input for param agencies" in refused.stderr
    assert airflow.calls() == []


def test_airflows_own_backfill_runs_every_night_of_a_period(airflow: LocalAirflow) -> None:
    ran = airflow("backfill", "--from", "2021-06-01", "--to", "2021-06-02")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    opened = [line for line in airflow.all_calls() if line.startswith("-m extract open")]
    assert opened == ["-m extract open --night 2021-06-01", "-m extract open --night 2021-06-02"]


def test_a_held_night_is_judged_once_told_of_and_later_nights_do_not_start(airflow: LocalAirflow) -> None:
    (airflow.bin / "quality_exits_2").touch()
    held = airflow("night", "2021-06-28", "2021-06-29")
    (airflow.bin / "quality_exits_2").unlink()
    assert held.returncode == 1
    assert airflow.calls()[3:] == [
        "-m quality --night 2021-06-28",
        "-m quality.sending --night 2021-06-28",
        "-m warehouse status --night 2021-06-28",
    ]
    assert "this is quality" in held.stdout
    assert "return code 2" in held.stdout


def test_a_red_task_that_is_cleared_goes_on_from_there(airflow: LocalAirflow) -> None:
    [(run_id,)] = airflow.query("select run_id from dag_run where state = 'failed'")
    state, seen = airflow.status()["lapor_nightly"]
    assert (state, seen) == ("broken", f"{run_id}: failed at gate")
    (airflow.bin / "calls").write_text("")
    airflow.api(
        "POST", "dags/lapor_nightly/clearTaskInstances",
        {"dag_run_id": run_id, "task_ids": ["gate"], "include_downstream": True, "dry_run": False, "only_failed": False},
    )  # fmt: skip
    awaited(lambda: airflow.query(f"select 1 from dag_run where run_id = '{run_id}' and state = 'success'"))
    assert [line for line in airflow.all_calls() if not line.endswith("--late")][:3] == [
        "-m quality --night 2021-06-28",
        "dbt build",
        "-m extract close --night 2021-06-28",
    ]


def test_status_says_that_all_is_well(airflow: LocalAirflow) -> None:
    told = airflow.status()
    assert {name for name, (state, _) in told.items() if state != "ok"} == set()
    assert told.keys() == {
        *("airflow api-server", "airflow dag-processor", "airflow scheduler"),
        *("lapor_nightly", "lapor_reports", "lapor_maintenance"),
    }
    assert "2021-06-28" in told["lapor_nightly"][1]  # the run that was asked for last, and is mended


def test_status_says_which_file_cannot_be_imported(airflow: LocalAirflow) -> None:
    airflow.query(
        "insert into import_error (timestamp, filename, bundle_name, stacktrace)"
        " values (now(), 'lapor_monthly.py', 'dags-folder', 'Traceback\nNameError: no month')"
    )
    assert airflow.status()["airflow DAGs"] == (
        "broken",
        "lapor_monthly.py cannot be imported: NameError: no month",
    )
    airflow.query("delete from import_error")


def test_status_says_that_a_dag_is_paused_and_a_pool_missing(airflow: LocalAirflow) -> None:
    airflow.api("PATCH", "dags/lapor_reports", {"is_paused": True})
    airflow.api("DELETE", "pools/extraction")
    told = airflow.status()
    assert told["lapor_reports"] == ("warning", "is paused: it does not run by itself")
    assert told["pool extraction"][0] == "broken"
    airflow.api("PATCH", "dags/lapor_reports", {"is_paused": False})


def test_the_secrets_are_for_their_owner_only(airflow: LocalAirflow) -> None:
    kept = [airflow.home / name for name in ("secrets.json", "passwords.json", "processes.json")]
    assert [oct(file.stat().st_mode & 0o777) for file in kept] == ["0o600"] * 3


def test_status_says_that_the_scheduler_is_dead(airflow: LocalAirflow) -> None:
    os.kill(airflow.processes()["scheduler"], signal.SIGKILL)
    state, seen = airflow.status()["airflow scheduler"]
    assert (state, seen) == ("broken", f"ended by itself: {airflow.home / 'logs' / 'scheduler.log'}")


def test_stopping_leaves_no_process_and_a_night_then_says_how_to_start(airflow: LocalAirflow) -> None:
    components = list(airflow.processes().values())
    running = airflow.descendants(components)
    assert sum("airflow worker" in command for command in running) == 2  # of the scheduler that is dead
    assert airflow("stop").returncode == 0
    assert airflow.descendants(components) == []
    missed = airflow("night", "2021-06-30")
    assert missed.returncode == 2
    assert "Start it with: make up" in missed.stderr
    assert airflow.status() == {"airflow": ("broken", "is not started: no night runs by itself")}


def test_in_the_foreground_all_have_one_log_nights_run_by_themselves_and_a_polite_kill_ends_everything(
    airflow: LocalAirflow, tmp_path: Path
) -> None:
    (airflow.bin / "calls").write_text("")
    [(last_event,)] = airflow.query("select max(id) from asset_event")
    log = tmp_path / "log"
    beside = "beside=sh -c 'echo hello; setsid sleep 9876 & exec sleep 9999'"
    with log.open("w") as stream:
        command = airflow.command("up", "--with-schedule", "--beside", beside)
        up = subprocess.Popen(command, env=airflow.environment, stdout=stream, stderr=stream)
    try:
        # The night of the last interval, and then the reports, because that night is published.
        consumed = (
            "select 1 from dag_run inner join dagrun_asset_event on dag_run.id = dag_run_id"
            f" where dag_id = 'lapor_reports' and run_type = 'asset_triggered' and event_id > {last_event}"
        )
        awaited(lambda: up.poll() is not None or airflow.query(consumed))
        assert up.poll() is None, log.read_text()[-3000:]
        assert airflow.processes().keys() == {"beside", "api-server", "dag-processor", "scheduler", "triggerer"}
        components = list(airflow.processes().values())
        assert any("sleep 9876" in line for line in airflow.descendants(components))
    finally:
        up.send_signal(signal.SIGTERM)
        code = up.wait(PATIENCE_SECONDS)
    assert code == 130
    assert airflow.descendants(components) == []
    words = [line.split(" | ", 1) for line in log.read_text().splitlines() if " | " in line]
    assert {part.strip() for part, _ in words} >= {"beside", "api-server", "dag-processor", "scheduler", "triggerer"}
    assert ["beside       ", "hello"] in words
    [(night,)] = airflow.query(f"select extra::jsonb ->> 'night' from asset_event where id > {last_event}")
    assert f"-m extract close --night {night}" in airflow.all_calls()


def test_a_part_that_ends_by_itself_ends_the_others_and_is_named(airflow: LocalAirflow) -> None:
    ended = airflow("up", "--beside", "portal=sh -c 'echo the port is in use; exit 1'")
    assert ended.returncode == 2
    assert "portal ended while starting" in ended.stderr
    assert "the port is in use" in ended.stderr
    assert airflow.descendants() == []


def test_workers_without_a_redis_are_refused_in_words_that_say_what_is_missing(airflow: LocalAirflow) -> None:
    refused = airflow("start", "--workers", "2")
    assert refused.returncode == 2
    assert "AIRFLOW__CELERY__BROKER_URL=redis://" in refused.stderr
    assert airflow.descendants() == []
