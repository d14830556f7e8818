"""Data Docs: Great Expectations' own pages, kept for data engineers as a drill-down below the quality tables.

Built after the decisions are committed, so that they can fail without changing any. They show rules, counts and a few
row ids; values are never computed, so there are none to show.
"""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import great_expectations as gx
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)
from great_expectations.exceptions.exceptions import GreatExpectationsError

from quality.bounds import read_bounds
from quality.decisions import Outcome, Run
from warehouse.settings import settings

IDS_SHOWN = 20


def publish(outcome: Outcome) -> str:
    """Write the pages of one night and drop those of nights too old; returns a line saying where, or why not.

    Cuts the row ids in `outcome.runs[].answer` to what the pages show.
    """
    folder = settings().state_dir / "quality"
    try:
        return f"Data Docs: {_publish(outcome, folder)}"
    except (OSError, GreatExpectationsError) as error:
        return f"Data Docs were not built ({error}); the decisions stand."


def _publish(outcome: Outcome, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    context: Any = gx.get_context(mode="file", project_root_dir=folder)
    # The attempt is in the name because the same name and time would overwrite an earlier page.
    run_name = f"{outcome.night}.attempt{outcome.attempt}"
    pages = [_store(context, run, run_name) for run in outcome.runs if run.answer is not None]
    prune(folder / "gx", read_bounds().docs_nights_kept)
    context.build_data_docs(resource_identifiers=pages)
    return folder / "gx" / "uncommitted" / "data_docs" / "local_site" / "index.html"


def _store(context: Any, run: Run, run_name: str) -> ValidationResultIdentifier:
    for result in run.answer.results:
        for name in ("unexpected_index_list", "partial_unexpected_index_list"):
            result.result[name] = [{"row_id": entry["row_id"][:IDS_SHOWN]} for entry in result.result.get(name) or []]
    run_id = gx.RunIdentifier(run_name=run_name, run_time=run.started_at)
    run.answer.meta |= {"run_id": run_id, "validation_time": run.started_at}
    suite = ExpectationSuiteIdentifier(name=run.name)
    page = ValidationResultIdentifier(
        expectation_suite_identifier=suite, run_id=run_id, batch_identifier=f"gate-{run.name}"
    )
    context.validation_results_store.store_validation_results(
        suite_validation_result=run.answer,
        suite_validation_result_identifier=page,
        expectation_suite_identifier=suite,
    )
    return page


def prune(folder: Path, nights_kept: int) -> list[date]:
    """Delete the stored results and pages of all but the newest nights; returns the nights dropped."""
    runs = [
        run
        for place in ("uncommitted/validations", "uncommitted/data_docs/local_site/validations")
        for run in (folder / place).glob("*/*.attempt*")
    ]
    nights = sorted({_night(run) for run in runs}, reverse=True)
    dropped = nights[nights_kept:]
    for run in runs:
        if _night(run) in dropped:
            shutil.rmtree(run)
    return dropped


def _night(run: Path) -> date:
    return date.fromisoformat(run.name.split(".", 1)[0])
