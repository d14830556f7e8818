"""dbt as a command of its own without the price of its start: a process that has imported dbt forks one for each run.

Half of a small run is the import. A fork has its own environment and memory and ends like the command does, so nothing
of one run is left for the next, which dbt's own way of being called inside a process does not promise.
"""

import gc
import multiprocessing
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PRELOADED = [__name__, "pytest", "dbt.cli.main", "dbt.adapters.postgres"]
# Files that no test reads: a log in which every event stands, and the manifest as JSON (dbt keeps its own to parse less).
UNREAD = {"DBT_LOG_LEVEL_FILE": "none", "DBT_WRITE_JSON": "false"}


def run_dbt(
    command: str, *arguments: str, target: Path, environment: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Run `dbt command arguments` of our project, keeping what it parsed in `target`; output and errors are one text.

    `environment` is all that it sees but PATH. A target serves runs that differ in neither connection nor --vars: dbt
    parses everything anew when one of them changes.
    """
    places = ("--project-dir", "dbt_project", "--profiles-dir", "dbt_project")
    words = (command, *places, "--target-path", str(target), "--log-path", str(target), *arguments)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as output:
        process = context.Process(
            target=_dbt, args=(words, {"PATH": os.environ["PATH"], **environment, **UNREAD}, output.name)
        )
        process.start()
        process.join()
        assert process.exitcode is not None
        return subprocess.CompletedProcess(["dbt", *words], process.exitcode, stdout=output.read(), stderr="")


def _dbt(words: tuple[str, ...], environment: dict[str, str], output: str) -> None:
    with Path(output).open("wb") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(REPOSITORY)
    gc.disable()  # it lives for seconds and frees nothing big
    from dbt.cli.main import cli  # by then imported, and only in this process

    cli(words)
