"""dbt's builds tell an OpenLineage receiver what they read and wrote, and no receiver can make one fail."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from tests.dbt_project.raw_world import BATAM, RawWorld
from tests.lineage import Event, must_be_valid, names, receiver
from warehouse.connection import dbt_environment, warehouse_dsn
from warehouse.settings import REPOSITORY

Dbt = Callable[..., "subprocess.CompletedProcess[str]"]
SEAM = "staging_holds_what_the_gate_accepted"
NIGHT = date(2021, 6, 30)
ABOVE = ("airflow", "lapor_nightly.build_marts", "0190b7d2-0000-7000-8000-000000000001")
TOP = ("airflow", "lapor_nightly", "0190b7d2-0000-7000-8000-000000000002")
PLACES = ("--project-dir", "dbt_project", "--profiles-dir", "dbt_project")


def lineage(*words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """`python -m warehouse lineage WORDS`, as a task of the night runs it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENLINEAGE")}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, "-m", "warehouse", "lineage", *words],
        cwd=REPOSITORY, env={**kept, "PATH": path, **variables}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def dbt(world: RawWorld, tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    """Runs dbt so, over a night whose ledger says of the units one more than there is."""
    world.open(NIGHT)
    world.delivery(NIGHT, BATAM, "units")
    world.unit(NIGHT, BATAM, "DINKES")
    world.misstate(NIGHT, BATAM, "units", records=1)
    target = str(tmp_path_factory.mktemp("dbt"))

    def run(command: str, selected: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        words = (*PLACES, "--target-path", target, "--log-path", target, "--select", selected)
        return lineage("dbt", command, *words, **dbt_environment(warehouse_dsn()), **variables)

    return run


@pytest.fixture(scope="module")
def red(dbt: Dbt) -> tuple["subprocess.CompletedProcess[str]", list[Event]]:
    """What a receiver gets of a build in which a test fails, started by a task of Airflow."""
    with receiver() as there:
        done = dbt(
            "build", f"+{SEAM}", OPENLINEAGE_URL=there.url,
            OPENLINEAGE_PARENT_ID="/".join(ABOVE), OPENLINEAGE_ROOT_PARENT_ID="/".join(TOP),
        )  # fmt: skip
    assert f"lineage: {len(there.events)} events sent" in done.stdout, done.stdout[-3000:] + done.stderr
    return done, there.events


def of(events: list[Event], job: str) -> dict[str, Event]:
    """Events of one job by their type."""
    return {event["eventType"]: event for event in events if event["job"]["name"] == job}


def test_every_event_of_a_build_is_valid_and_each_run_has_a_start_and_one_end(
    red: tuple["subprocess.CompletedProcess[str]", list[Event]],
) -> None:
    _, events = red
    assert len(events) > 20
    for event in events:
        must_be_valid(event)
    types: dict[str, list[str]] = {}
    for event in events:
        types.setdefault(event["run"]["runId"], []).append(event["eventType"])
    assert {tuple(found) for found in types.values()} == {("START", "COMPLETE"), ("START", "FAIL")}
    assert {event["job"]["namespace"] for event in events} == {"lapor"}


def test_tables_of_raw_lead_to_marts(red: tuple["subprocess.CompletedProcess[str]", list[Event]]) -> None:
    _, events = red
    done = [event for event in events if event["eventType"] == "COMPLETE" and event["outputs"]]
    made_of = {name: names(event["inputs"]) for event in done for name in names(event["outputs"])}
    assert made_of["staging.stg_units"] == {"raw.units", "staging.stg_deliveries", "staging.stg_quarantined_rows"}
    assert made_of["staging.stg_deliveries"] == {"ops.deliveries", "quality.agency_verdict"}
    assert {"staging.stg_deliveries", "staging.stg_quarantined_rows"} <= made_of["marts.fct_deliveries"]
    databases = {place["name"].split(".")[0] for event in done for place in event["inputs"] + event["outputs"]}
    assert databases == {"lapor"}


def test_a_test_that_fails_is_told_with_its_build_and_the_build_with_the_task_above(
    red: tuple["subprocess.CompletedProcess[str]", list[Event]],
) -> None:
    done, events = red
    assert done.returncode == 1
    failed, whole = of(events, f"test.lapor.{SEAM}")["FAIL"], of(events, "dbt build")
    assert set(whole) == {"START", "FAIL"}
    assert (events[0], events[-1]) == (whole["START"], whole["FAIL"])
    above, inside = whole["FAIL"]["run"]["facets"]["parent"], failed["run"]["facets"]["parent"]
    assert (above["job"]["namespace"], above["job"]["name"], above["run"]["runId"]) == ABOVE
    assert (inside["job"]["name"], inside["run"]["runId"]) == ("dbt build", whole["START"]["run"]["runId"])
    for parent in (above, inside):
        root = parent["root"]
        assert (root["job"]["namespace"], root["job"]["name"], root["run"]["runId"]) == TOP


def test_events_can_go_to_a_file_and_a_build_by_hand_is_its_own_root(
    red: tuple["subprocess.CompletedProcess[str]", list[Event]], dbt: Dbt, tmp_path: Path
) -> None:
    file = tmp_path / "lineage.jsonl"
    done = dbt(
        "run", "stg_deliveries", OPENLINEAGE__TRANSPORT__TYPE="file",
        OPENLINEAGE__TRANSPORT__LOG_FILE_PATH=str(file), OPENLINEAGE__TRANSPORT__APPEND="true",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    events = [json.loads(line) for line in file.read_text().splitlines()]
    assert [event["eventType"] for event in events] == ["START", "START", "COMPLETE", "COMPLETE"]
    for event in events:
        must_be_valid(event)
    assert "parent" not in events[0]["run"]["facets"]
    assert events[1]["run"]["facets"]["parent"]["root"]["run"]["runId"] == events[0]["run"]["runId"]


@contextmanager
def deaf() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


# What dbt does is not the question here: any command will do.
@pytest.mark.parametrize(("code", "words"), [(0, "true"), (7, "exit 7")])
def test_a_receiver_that_refuses_costs_a_line_and_the_command_ends_as_it_would(code: int, words: str) -> None:
    with receiver(lambda _: 400) as there:
        done = lineage("sh", "-c", words, *PLACES, OPENLINEAGE_URL=there.url)
    assert done.returncode == code
    assert len(there.events) == 1
    assert done.stderr.startswith("lineage: 0 events sent, then: HTTPError")


def test_a_receiver_that_never_answers_is_waited_for_once() -> None:
    with deaf() as url:
        began = time.monotonic()
        done = lineage(
            "sh", "-c", "true", *PLACES, OPENLINEAGE__TRANSPORT__TYPE="http", OPENLINEAGE__TRANSPORT__URL=url,
            OPENLINEAGE__TRANSPORT__TIMEOUT="1", OPENLINEAGE__TRANSPORT__RETRY='{"total": 0}',
        )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr.startswith("lineage: 0 events sent, then: ConnectionError")
    assert "read timeout=1" in done.stderr
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"OPENLINEAGE_URL": "no address"}, "ValueError"),
        ({"OPENLINEAGE__TRANSPORT__TYPE": "pigeon"}, "pigeon"),
        ({"OPENLINEAGE__TRANSPORT__TYPE": "file", "OPENLINEAGE__TRANSPORT__LOG_FILE_PATH": "/nowhere/at/all"}, "RuntimeError"),
    ],
    ids=["address", "kind", "folder"],
)  # fmt: skip
def test_a_receiver_that_is_wrongly_named_fails_nothing(variables: dict[str, str], words: str) -> None:
    done = lineage("sh", "-c", "exit 7", *PLACES, **variables)
    assert done.returncode == 7
    assert "lineage: 0 events sent, then:" in done.stderr
    assert words in done.stderr


def test_without_a_receiver_the_command_takes_the_place_of_ours() -> None:
    done = lineage("sh", "-c", "echo $PPID; exit 5", *PLACES)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (5, str(os.getpid()), "")
