"""Commands say what they do in lines for people, or in JSON lines with the night and whose they are, and nothing personal."""

import json
import os
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from psycopg2.extensions import connection as Connection

from warehouse.log import begin, complain, say
from warehouse.settings import REPOSITORY

NIGHT = "2021-06-30"


def run(*words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """A command in a process of its own, as Airflow runs it, logging JSON."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=REPOSITORY, env={**os.environ, "LAPOR_LOG_FORMAT": "json", **variables}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def lines(text: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in text.splitlines()]
    assert all(datetime.fromisoformat(line.pop("at")).tzinfo for line in found)
    return found


def test_people_read_the_words_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    begin("extract run", night=date(2021, 6, 30))
    say("3 received", agency="KOTA-21.71")
    complain("1 failed")
    assert capsys.readouterr() == ("3 received\n", "1 failed\n")


def test_every_line_of_a_nights_commands_is_an_object_that_names_command_and_night(
    warehouse: Connection, server: Path
) -> None:
    run_id = "scheduled__2021-07-01"
    for command, words, code in (
        ("extract open", ("-m", "extract", "open", "--night", NIGHT), 0),
        ("extract close", ("-m", "extract", "close", "--night", NIGHT), 0),
        ("quality release", ("-m", "quality", "release", "--night", NIGHT, "--by", "x", "--note", "y"), 1),
        ("quality sending", ("-m", "quality.sending", "--night", NIGHT), 0),
        ("reports due", ("-m", "reports", "due", "--night", NIGHT), 2),
    ):  # fmt: skip
        done = run(*words, AIRFLOW_CTX_DAG_RUN_ID=run_id)
        assert done.returncode == code, (command, done.stdout, done.stderr)
        said = lines(done.stdout) + lines(done.stderr)
        assert said, command
        assert {(line["command"], line["night"], line["run"]) for line in said} == {(command, NIGHT, run_id)}
        assert {line["level"] for line in said} == ({"error"} if code else {"info"}), command
    (server / "alerts" / f"{NIGHT}.json").unlink(missing_ok=True)


def test_a_delivery_that_fails_is_told_with_its_agency_resource_and_shard(warehouse: Connection) -> None:
    assert run("-m", "extract", "open", "--night", NIGHT).returncode == 0
    done = run(
        "-m", "extract", "--night", NIGHT, "--shard", "0/1", "--agency", "KOTA-21.71", "--resource", "complaints",
        LAPOR_CONNECTION_SIMULATOR_HTTP="http://127.0.0.1:9", LAPOR_EXTRACT_ATTEMPTS="1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    failed, summary = lines(done.stdout)
    assert {name: failed[name] for name in ("night", "agency", "resource", "shard", "command")} == {
        "night": NIGHT, "agency": "KOTA-21.71", "resource": "complaints", "shard": "0/1", "command": "extract run",
    }  # fmt: skip
    assert failed["message"].startswith(f"KOTA-21.71 complaints, night {NIGHT}: failed: ")
    assert summary["message"].startswith(f"night {NIGHT}, shard 1/1: 1 failed; ")


def test_what_ends_a_command_unforeseen_is_told_by_kind_and_place_and_never_by_its_words() -> None:
    done = run("-c", "from warehouse.log import begin\nbegin('x')\nraise ValueError('Budi, 0812-3456-7890')")
    assert done.returncode == 1
    [line] = lines(done.stderr)
    assert (line["level"], line["command"], line["error"], line["where"]) == (
        "error",
        "x",
        "ValueError",
        ["<string>:3"],
    )
    assert "Budi" not in done.stderr


def test_what_a_library_warns_of_is_a_line_as_well() -> None:
    done = run(
        "-c",
        "import logging\nfrom warehouse.log import begin\nbegin('x')\nlogging.getLogger('aiohttp').warning('slow')",
    )
    assert lines(done.stderr) == [{"level": "warning", "message": "slow", "command": "x", "logger": "aiohttp"}]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_dbt_logs_as_our_commands_do(server: Path, log_format: str) -> None:
    done = run("-m", "warehouse", "env", LAPOR_LOG_FORMAT=log_format)
    assert f"export DBT_LOG_FORMAT={log_format}" in done.stdout.splitlines()
