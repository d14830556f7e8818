"""Judge one night: read it in one snapshot, run the suites, write every decision in one transaction.

Gating the same night again gives the same decisions. Whatever could not be evaluated leaves the decisions as they were
and raises NotEvaluated: deliveries without a current verdict are not staged, so nothing unchecked gets in.
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import psycopg2

from quality import store
from quality.bounds import Bounds, read_bounds
from quality.decisions import Outcome, Run
from quality.errors import NotEvaluated
from quality.frames import snapshot
from quality.references import SEEDS, read_references
from quality.suites import DELIVERY_SUITE, NIGHT_SUITE, ROW_SUITES
from quality.usual import add_national_figures, add_status_mix, read_metrics
from quality.validation import Validator
from quality.verdicts import (
    add_bad_shares,
    decide_deliveries,
    decide_night,
    decide_rows,
)
from warehouse.connection import connect


def gate(night: date, seeds: Path = SEEDS) -> Outcome:
    """Judge every received delivery of the night and write the decisions.

    Raises NotEvaluated, naming the rule or table and the way out, if any part could not be judged; the failed attempt
    is recorded in quality.validation_run with verdict `error`.
    """
    connection = connect("gate", "lapor/quality")
    try:
        store.refresh_statistics(connection)
        attempt = store.begin(connection, night)
        try:
            released = store.released_rules(connection, night)
            outcome = _judge(night, attempt, read_bounds(), seeds, released)
            changed = store.write(connection, outcome)
        except (NotEvaluated, psycopg2.Error) as error:
            # A server that went away cannot be told; the night stays unjudged without that.
            with suppress(psycopg2.OperationalError, psycopg2.InterfaceError):
                connection.rollback()
                store.record_error(connection, night, attempt, str(error).splitlines()[0])
            if isinstance(error, NotEvaluated):
                raise
            raise NotEvaluated(f"the decisions could not be written: {error}") from error
    finally:
        connection.close()
    return replace(outcome, changed=changed)


def unjudged_nights(night: date) -> list[date]:
    """The nights before this one with a received delivery that no verdict covers: late files, what was read again."""
    connection = connect("gate", "lapor/quality")
    try:
        return store.unjudged_nights(connection, night)
    finally:
        connection.close()


def _judge(night: date, attempt: int, bounds: Bounds, seeds: Path, released: Collection[str]) -> Outcome:
    validator = Validator()
    with snapshot(night, bounds) as frames:
        references = read_references(frames.agencies(), seeds)
        runs: list[Run] = []
        rows = {}
        for suite in ROW_SUITES:
            frame = frames.read(suite.frame)
            if suite.prepare is not None:
                frame = suite.prepare(frame, references, bounds)
            run = validator.run(suite.name, suite.rules(references, bounds), frame)
            assert suite.table is not None
            # Only whose row it is stays in memory; the next suite reads its own rows.
            rows[suite.table] = (frame[["delivery_id"]], decide_rows(suite.table, run))
            runs.append(run)
        metrics = read_metrics(frames.read("metrics"))
        deliveries = add_bad_shares(frames.read(DELIVERY_SUITE.frame), rows, bounds)
        deliveries = add_status_mix(deliveries, metrics, bounds)
        runs.append(validator.run(DELIVERY_SUITE.name, DELIVERY_SUITE.rules(references, bounds), deliveries))
        decided = decide_deliveries(deliveries, runs[-1], rows.values())
        night_frame = add_national_figures(frames.read(NIGHT_SUITE.frame), decided, metrics, night, bounds)
        runs.append(validator.run(NIGHT_SUITE.name, NIGHT_SUITE.rules(references, bounds), night_frame))
    decisions = [decisions for _, decisions in rows.values()]
    return Outcome(night, attempt, decide_night(runs[-1], decided, released), runs, decisions, decided)
