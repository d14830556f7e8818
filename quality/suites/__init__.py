"""The suites: for each national run of a night, what it reads, which raw table it judges, and its rules."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from quality.bounds import Bounds, read_bounds
from quality.lookups import add_survey_scale, add_what_was_in_force
from quality.references import NO_REFERENCES, References
from quality.rules import Rule
from quality.suites.activity import activity
from quality.suites.complaint_events import complaint_events
from quality.suites.complaints import complaints
from quality.suites.deliveries import deliveries
from quality.suites.night import night
from quality.suites.ratings import ratings
from quality.suites.recaps import recaps
from quality.suites.surveys import surveys
from quality.suites.units import units


@dataclass(frozen=True, slots=True)
class Suite:
    """`name` stands in quality.validation_run.resource; `frame` is the query of quality/sql that reads its rows.

    `table` is the raw table its row_ids belong to, `resource` the deliveries that bring it; both None for the suites
    over deliveries and over the night. `prepare` adds the columns that need the seeds' dates.
    """

    name: str
    frame: str
    rules: Callable[[References, Bounds], list[Rule]]
    table: str | None = None
    resource: str | None = None
    prepare: Callable[[pd.DataFrame, References, Bounds], pd.DataFrame] | None = None


ROW_SUITES = (
    Suite("complaints", "complaints", complaints, "complaints", "complaints", add_what_was_in_force),
    Suite("complaint_events", "complaint_events", complaint_events, "complaint_events", "complaints"),
    Suite("surveys", "survey_responses", surveys, "survey_responses", "surveys", add_survey_scale),
    Suite("recaps", "recaps", recaps, "recaps", "recaps"),
    Suite("ratings", "ratings", ratings, "ratings", "ratings"),
    Suite("units", "units", units, "units", "units"),
    Suite("activity", "agency_activity", activity, "agency_activity", "activity"),
)
DELIVERY_SUITE = Suite("deliveries", "deliveries", deliveries)
NIGHT_SUITE = Suite("night", "night", night)
SUITES = (*ROW_SUITES, DELIVERY_SUITE, NIGHT_SUITE)


def rules_by_id() -> dict[str, Rule]:
    """Every rule there is, by its id, for reading only."""
    return {rule.rule_id: rule for rules in rules_by_suite().values() for rule in rules}


def rules_by_suite() -> dict[str, list[Rule]]:
    """Every rule there is, by suite, for reading only: the reference sets are empty."""
    bounds = read_bounds()
    return {suite.name: suite.rules(NO_REFERENCES, bounds) for suite in SUITES}
