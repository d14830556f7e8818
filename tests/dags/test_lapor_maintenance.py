"""The DAG that keeps the house in order, as Airflow reads it."""

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def dag(dags: dict[str, Any]) -> dict[str, Any]:
    return dict(dags["lapor_maintenance"])


def run(command: str, folder: Path, **environment: str) -> list[str]:
    """Words that the command called a stand-in for Python with."""
    python = folder / "python"
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    environment = {"LAPOR_PIPELINE_BIN": str(folder), "PATH": "/usr/bin:/bin", **environment}
    answer = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True, check=True)
    return answer.stdout.splitlines()


def test_it_runs_after_the_reports(dag: dict[str, Any]) -> None:
    assert dag["scheduled"] == ["2021-06-30", "2021-07-01 07:00:00+07:00"]


def test_only_the_look_at_the_backup_waits_for_another(dag: dict[str, Any]) -> None:
    assert {task: told["after"] for task, told in dag["tasks"].items()} == {
        "retain_texts": [],
        "prune_landing": [],
        "vacuum": [],
        "prune_logs": [],
        "backup": [],
        "check_backup": ["backup"],
    }


@pytest.mark.parametrize(
    ("task", "environment", "words"),
    [
        ("retain_texts", {}, ["-m", "warehouse", "retain"]),
        ("vacuum", {}, ["-m", "warehouse", "vacuum"]),
        ("prune_landing", {}, ["-m", "extract", "prune", "--keep-nights", "3650"]),
        (
            "prune_landing",
            {"LAPOR_LANDING_KEPT_NIGHTS": "400"},
            ["-m", "extract", "prune", "--keep-nights", "400"],
        ),
        ("backup", {}, []),
        ("backup", {"LAPOR_BACKUP_DIR": "x"}, ["-m", "warehouse", "backup", "--incremental"]),
        ("check_backup", {"LAPOR_BACKUP_DIR": "x"}, ["-m", "warehouse", "backup", "--check"]),
        ("check_backup", {"LAPOR_BACKUP_DIR": "x", "WAREHOUSE_DSN": "postgresql://elsewhere/lapor"}, []),
    ],
    ids=[
        "texts",
        "tables",
        "originals stay for ten years",
        "or as long as is said",
        "no place for backups",
        "backups",
        "are looked at",
        "not of a server of one's own",
    ],
)
def test_a_task_runs_what_a_person_can_type(
    dag: dict[str, Any], tmp_path: Path, task: str, environment: dict[str, str], words: list[str]
) -> None:
    assert run(dag["tasks"][task]["command"], tmp_path, **environment) == words


def test_old_logs_go_and_young_ones_stay(dag: dict[str, Any], tmp_path: Path) -> None:
    logs = tmp_path / "logs" / "dag_id=lapor_nightly"
    logs.mkdir(parents=True)
    for name, days in (("old.log", 100), ("young.log", 80)):
        (logs / name).write_text("words")
        os.utime(logs / name, (time.time() - days * 86_400,) * 2)
    run(dag["tasks"]["prune_logs"]["command"], tmp_path, AIRFLOW_HOME=str(tmp_path))
    assert [file.name for file in logs.iterdir()] == ["young.log"]
