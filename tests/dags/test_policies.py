"""What holds for every DAG here, whoever adds the next one."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.dags.conftest import REPOSITORY

NAMES = ["lapor_maintenance", "lapor_nightly", "lapor_reports"]
# Tasks that may not simply run a second time, and why.
NOT_TRIED_AGAIN = {"lapor_reports.all_issued": "runs nothing"}


def test_the_folder_holds_three_dags_and_what_they_are_made_of_is_not_read_as_one(folder: dict[str, Any]) -> None:
    assert sorted(folder["dags"]) == NAMES
    assert folder["files"] == [f"{name}.py" for name in NAMES]


def test_a_file_that_cannot_be_imported_is_found(probed: Callable[[Path], dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("from airflow.sdk import dag\nraise RuntimeError('not today')\n")
    [error] = probed(tmp_path)["import_errors"].values()
    assert "not today" in error


@pytest.mark.parametrize("name", NAMES)
def test_a_dag_has_an_owner_a_tag_its_words_and_one_run_at_a_time(dags: dict[str, Any], name: str) -> None:
    dag = dags[name]
    assert (dag["owner"], dag["tags"]) == ("data-engineer", ["lapor"])
    assert len(dag["doc"]) > 200
    assert (dag["max_active_runs"], dag["catchup"]) == (1, False)


@pytest.mark.parametrize("name", NAMES)
def test_a_task_ends_in_time_and_says_what_to_do_when_it_fails(dags: dict[str, Any], name: str) -> None:
    tasks = dags[name]["tasks"]
    assert tasks
    assert {task for task, told in tasks.items() if not 0 < told["timeout_seconds"] <= 3600} == set()
    commands = {task: told for task, told in tasks.items() if told["command"]}
    assert commands
    assert {task for task, told in commands.items() if "**Red" not in told["doc"]} == set()


@pytest.mark.parametrize("name", NAMES)
def test_a_task_is_tried_again_for_a_reason_or_not_at_all(dags: dict[str, Any], name: str) -> None:
    for task, told in dags[name]["tasks"].items():
        if f"{name}.{task}" in NOT_TRIED_AGAIN:
            assert told["retries"] == 0
            continue
        assert 1 <= told["retries"] <= 2, task
        # What refused is not asked again; what failed is, as often as the task says.
        assert told["after_exit"] == {"1": "default", "2": "fail", "3": "default"}, task


@pytest.mark.parametrize("name", NAMES)
def test_no_command_has_a_users_words_in_its_text(dags: dict[str, Any], name: str) -> None:
    commands = [task["command"] for task in dags[name]["tasks"].values() if task["command"]]
    assert commands
    assert [text for text in commands if "{{" in text or "{%" in text] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_task_runs_a_module_that_exists(dags: dict[str, Any], name: str) -> None:
    texts = [task["command"] for task in dags[name]["tasks"].values() if task["command"]]
    modules = [module for text in texts for module in re.findall(r"python -m ([a-z_.]+)", text)]
    assert modules
    for module in modules:
        place = REPOSITORY.joinpath(*module.split("."))
        assert place.with_suffix(".py").exists() or (place / "__main__.py").exists(), module
