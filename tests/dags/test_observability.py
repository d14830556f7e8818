"""A real Airflow tells what it does, when it is asked to: OpenLineage events, and metrics by OpenTelemetry's protocol."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from tests.dags.test_local_airflow import PYTHON, LocalAirflow
from tests.lineage import Event, Receiver, must_be_valid, receiver

NIGHT, LATER_NIGHT = "2021-07-11", "2021-07-12"
DBT = '#!/bin/sh\necho "$OPENLINEAGE_PARENT_ID $OPENLINEAGE_ROOT_PARENT_ID" >> "$(dirname "$0")/above"\n'
SAID = 'echo "this is $2: 3 received, 1 late; 12 rows"'
# As commands write with LAPOR_LOG_FORMAT=json.
SAID_AS_JSON = """echo '{{"level": "info", "message": "night 2021-07-11, shard 1/2: 3 received, 1 late; 12 rows"}}'"""


@dataclass(frozen=True, slots=True)
class Told:
    """What two nights told: the receiver took all of the first and refused everything of the second."""

    events: list[Event]
    refused: list[Event]
    metrics: bytes
    output: str
    above: list[list[str]]


def refuses_when_a_night_is_over(kept: Receiver) -> int:
    return 400 if any(is_end_of_a_night(event) for event in kept.events) else 201


def is_end_of_a_night(event: Event) -> bool:
    return event["eventType"] == "COMPLETE" and event["job"]["name"] == "lapor_nightly"


@pytest.fixture(scope="module")
def told(server: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """Two nights of an Airflow that is started for them."""
    folder = tmp_path_factory.mktemp("pipeline")
    for name, text in (("python", PYTHON.replace(SAID, SAID_AS_JSON).format(python=sys.executable)), ("dbt", DBT)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    with receiver(refuses_when_a_night_is_over) as there, pytest.MonkeyPatch.context() as patched:
        for variable, value in {
            "OPENLINEAGE_URL": there.url,
            "AIRFLOW__METRICS__OTEL_ON": "True",
            "OTEL_EXPORTER_OTLP_ENDPOINT": there.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_METRIC_EXPORT_INTERVAL": "1000",
        }.items():
            patched.setenv(variable, value)
        ran = LocalAirflow(folder, server)("run", "--nights", f"{NIGHT},{LATER_NIGHT}")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        over = next(number for number, event in enumerate(there.events) if is_end_of_a_night(event))
        above = [line.split() for line in (folder / "above").read_text().splitlines()]
        yield Told(there.events[: over + 1], there.events[over + 1 :], b"".join(there.metrics), ran.stdout, above)


def of(events: list[Event], job: str) -> dict[str, Event]:
    """Events of one job by their type."""
    return {event["eventType"]: event for event in events if event["job"]["name"] == job}


def test_a_night_and_each_of_its_tasks_start_and_end_in_valid_events(told: Told) -> None:
    for event in told.events:
        must_be_valid(event)
    assert {event["job"]["namespace"] for event in told.events} == {"lapor"}
    tasks = ("open_night", "extract", "gate", "build_marts", "close_night")
    for job in ("lapor_nightly", *(f"lapor_nightly.{task}" for task in tasks)):
        assert {"START", "COMPLETE"} <= of(told.events, job).keys(), job


def test_a_task_names_its_night_as_the_run_above_it(told: Told) -> None:
    night, build = of(told.events, "lapor_nightly")["START"], of(told.events, "lapor_nightly.build_marts")["START"]
    parent = build["run"]["facets"]["parent"]
    assert (parent["job"]["name"], parent["run"]["runId"]) == ("lapor_nightly", night["run"]["runId"])


def test_what_dbt_is_told_to_name_above_it_is_the_task_that_runs_it(told: Told) -> None:
    night, build = of(told.events, "lapor_nightly")["START"], of(told.events, "lapor_nightly.build_marts")["START"]
    assert told.above[0] == [
        f"lapor/lapor_nightly.build_marts/{build['run']['runId']}",
        f"lapor/lapor_nightly/{night['run']['runId']}",
    ]
    assert UUID(build["run"]["runId"]) != UUID(night["run"]["runId"])


def test_a_receiver_that_refuses_fails_no_night(told: Told) -> None:
    assert any(event["job"]["name"] == "lapor_nightly.build_marts" for event in told.refused)
    ended = re.findall(r"^  night +(\w+)", told.output.partition(f"night {LATER_NIGHT}")[2], re.MULTILINE)
    assert ended == ["success"]


def test_a_shard_is_named_by_what_it_did_also_where_commands_log_json(told: Told) -> None:
    assert SAID in PYTHON
    first = told.output.partition(f"night {LATER_NIGHT}")[0]
    assert sorted(re.findall(r"extract (shard ./2: [^{}]*?) success", first)) == [
        "shard 0/2: 3 received, 1 late",
        "shard 1/2: 3 received, 1 late",
    ]


def test_no_secret_goes_with_an_event(told: Told, server: Path) -> None:
    secrets = re.findall(r'": "([^"]{20,})"', (server / "airflow" / "secrets.json").read_text())
    assert len(secrets) == 4
    text = repr(told.events + told.refused)
    assert [secret for secret in secrets if secret in text] == []


@pytest.mark.parametrize("metric", ["airflow.ti.finish", "airflow.dagrun.duration", "airflow.scheduler_heartbeat", "airflow.pool.open_slots"])  # fmt: skip
def test_its_metrics_reach_a_collector_once_each(told: Told, metric: str) -> None:
    assert metric.encode() in told.metrics
    assert b"airflow.pool.open_slots.extraction" not in told.metrics  # by tags, not by name
