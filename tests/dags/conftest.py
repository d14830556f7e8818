"""The DAGs as Airflow reads them, in its own environment, once for all tests."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent
AIRFLOW_PYTHON = REPOSITORY / ".venv-airflow" / "bin" / "python"


@pytest.fixture(scope="session")
def probed() -> Callable[[Path], dict[str, Any]]:
    """What probe.py sees in a folder of DAGs."""

    def probe(folder: Path) -> dict[str, Any]:
        command = [str(AIRFLOW_PYTHON), str(Path(__file__).with_name("probe.py")), str(folder)]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        assert answer.returncode == 0, answer.stderr[-2000:]
        return dict(json.loads(answer.stdout.splitlines()[-1]))

    return probe


@pytest.fixture(scope="session")
def folder(probed: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """Everything in dags/."""
    seen = probed(REPOSITORY / "dags")
    assert seen["import_errors"] == {}
    return seen


@pytest.fixture(scope="session")
def dags(folder: dict[str, Any]) -> dict[str, Any]:
    """The DAGs by name."""
    assert folder["dags"], "no DAG was loaded: nothing would be checked"
    return dict(folder["dags"])
