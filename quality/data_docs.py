"""Data Docs: Great Expectations' own pages, kept for data engineers as a drill-down below the quality tables.

Built after the decisions are committed, so that they can fail without changing any. They show rules, counts and a few
row ids; values are never computed, so there are none to show. As Great Expectations writes them they need six content
networks and carry a counting image; ours are rendered from `templates/data_docs` instead, stand alone and ask nobody.
"""

import html
import json
import re
import shutil
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import great_expectations as gx
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)
from great_expectations.exceptions.exceptions import GreatExpectationsError
from great_expectations.render.view.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader, TemplateError

from quality.bounds import read_bounds
from quality.decisions import Outcome, Run
from quality.markup import OFFLINE, TEMPLATES, render, replace_file
from quality.suites import SUITES
from warehouse.settings import settings

IDS_SHOWN = 20
RESULTS = Path("uncommitted/validations")
SITE = Path("uncommitted/data_docs/local_site")


class StandAlonePage(DefaultJinjaPageView):
    """Great Expectations' view with our page around its content: our style, no script, no link to anywhere else."""

    def __init__(self, **places: Any) -> None:
        super().__init__(**places)
        assert self.env.loader is not None
        self.env.loader = ChoiceLoader([FileSystemLoader(TEMPLATES / "data_docs"), self.env.loader])

    def render(self, document: Any, template: str | None = None, **values: Any) -> str:
        """The page of one validation result."""
        page: str = super().render(document, template, offline=OFFLINE, **values)  # type: ignore[no-untyped-call]
        # No pages of suites are built: quality/README.md lists the rules.
        return re.sub(r'<a href="[./]*/expectations/[^"]*"\s*>(.*?)</a>', r"\1", page)


_SITES = {
    "local_site": {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": f"{SITE}/"},
        "site_section_builders": {
            "expectations": "none",
            "profiling": "none",
            "validations": {"view": {"module_name": __name__, "class_name": StandAlonePage.__name__}},
        },
    }
}


def publish(outcome: Outcome) -> str:
    """Write the pages of one night and drop those of nights too old; returns a line saying where, or why not.

    Cuts the row ids in `outcome.runs[].answer` to what the pages show.
    """
    folder = settings().state_dir / "quality"
    try:
        return f"Data Docs: {_publish(outcome, folder)}"
    except (OSError, GreatExpectationsError, TemplateError) as error:
        return f"Data Docs were not built ({error}); the decisions stand."


def _publish(outcome: Outcome, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    context: Any = gx.get_context(mode="file", project_root_dir=folder)
    context.variables.data_docs_sites = _SITES
    # The attempt is in the name because the same name and time would overwrite an earlier page.
    run_name = f"{outcome.night}.attempt{outcome.attempt}"
    pages = [_store(context, run, run_name) for run in outcome.runs if run.answer is not None]
    prune(folder / "gx", read_bounds().docs_nights_kept)
    assets = folder / "gx" / SITE / "static"
    # Pages that lean on Great Expectations' assets were not made by us: all are made again, once.
    context.build_data_docs(resource_identifiers=None if assets.exists() else pages, build_index=False)
    shutil.rmtree(assets)
    return _write_index(folder / "gx")


def _store(context: Any, run: Run, run_name: str) -> ValidationResultIdentifier:
    for result in run.answer.results:
        for name in ("unexpected_index_list", "partial_unexpected_index_list"):
            result.result[name] = [{"row_id": entry["row_id"][:IDS_SHOWN]} for entry in result.result.get(name) or []]
        _describe(result)
    run_id = gx.RunIdentifier(run_name=run_name, run_time=run.started_at)
    asset = {"data_asset_name": f"{run.row_count:,} rows"}
    run.answer.meta |= {"run_id": run_id, "validation_time": run.started_at, "batch_kwargs": asset}
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


def _describe(result: Any) -> None:
    """Have the page say what the rule says and where it is broken, instead of listing the 500 codes of a set."""
    rule = result.expectation_config.meta
    lines = [f"{rule['rule_id']} ({rule['severity']}): {rule['text_en']}"]
    if ids := [row_id for entry in result.result["unexpected_index_list"] for row_id in entry["row_id"]]:
        lines += [f"{rule['owner']}: {rule['action']}", f"First row ids: {', '.join(map(str, ids))}"]
    result.expectation_config.description = html.escape("\n".join(lines))


def prune(folder: Path, nights_kept: int) -> list[date]:
    """Delete the stored results and pages of all but the newest nights; returns the nights dropped."""
    runs = [run for place in (RESULTS, SITE / "validations") for run in (folder / place).glob("*/*.attempt*")]
    nights = sorted({_night(run) for run in runs}, reverse=True)
    dropped = nights[nights_kept:]
    for run in runs:
        if _night(run) in dropped:
            shutil.rmtree(run)
    return dropped


def _night(run: Path) -> date:
    return date.fromisoformat(run.name.split(".", 1)[0])


@dataclass(frozen=True, slots=True)
class Entry:
    """One page in the index: where it is, and how many of its rules some row broke."""

    path: str
    rules: int
    broken: int


def _write_index(folder: Path) -> Path:
    """A row per night and attempt, newest first, with a link to each page that is there."""
    runs: dict[tuple[date, int], dict[str, Entry]] = defaultdict(dict)
    for result in (folder / RESULTS).glob("*/*.attempt*/*/*.json"):
        page = Path("validations") / result.relative_to(folder / RESULTS).with_suffix(".html")
        if (folder / SITE / page).exists():
            counts = json.loads(result.read_text(encoding="utf-8"))["statistics"]
            suite, run_name, *_ = page.parts[1:]
            attempt = int(run_name.rpartition("attempt")[2])
            runs[_night(Path(run_name)), attempt][suite] = Entry(
                page.as_posix(), counts["evaluated_expectations"], counts["unsuccessful_expectations"]
            )
    index = folder / SITE / "index.html"
    suites = [suite.name for suite in SUITES]
    replace_file(index, render("data_docs/index.html", suites=suites, runs=sorted(runs.items(), reverse=True)))
    return index
