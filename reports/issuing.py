"""Issue reports: one, all scorecards of a period, or whatever is due after a night.

Every function prints what it did and returns an exit code: 0 when all that was asked for is in the library, 2 when a
report was refused. A scorecard that is refused is told and stops nobody else's.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from dataclasses import replace
from datetime import date
from importlib import import_module
from multiprocessing import get_context

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from reports import library, readiness
from reports.periods import Period
from reports.report import Body, Report
from warehouse.connection import connect
from warehouse.log import complain, say

BODIES: dict[Body, str] = {
    "panrb": "Kemen PANRB",
    "ksp": "Kantor Staf Presiden",
    "ombudsman": "Ombudsman RI",
    "agency": "an agency",
}
REFUSED = 2
SCORECARDS_AT_ONCE = 20  # one task of a worker: long enough to share its queries, short enough to show progress

Shard = tuple[int, int]


def issue_one(
    connection: Connection, body: Body, period: Period, agency_code: str | None = None, *, is_preview: bool = False
) -> int:
    """Issue one report, or render its preview, which nothing refuses. Raises NotPublished, ValueError."""
    with connection, connection.cursor() as cursor:
        reasons = [] if is_preview else _reasons(cursor, period, agency_code)
        if not reasons:
            report = compose(cursor, body, period, agency_code)
    if reasons:
        _refuse(f"{body} {period.id}", reasons)
        return REFUSED
    if is_preview:
        folder = library.write_preview(replace(report, is_preview=True))
        say(f"{body} {period.id}: preview, nobody else's to read: {folder}")
        return 0
    _tell(report, library.issue(connection, report))
    return 0


def compose(cursor: Cursor, body: Body, period: Period, agency_code: str | None = None) -> Report:
    """The report of a body, by its module in contents."""
    # Charts take a second to import, which commands that draw nothing need not wait for.
    module = import_module(f"reports.contents.{body}")
    report = module.compose(cursor, period, **({"agency_code": agency_code} if agency_code else {}))
    assert isinstance(report, Report)
    return report


def issue_scorecards(
    connection: Connection, period: Period, shard: Shard | None = None, *, only_missing: bool = False
) -> int:
    """Issue the scorecard of every agency, or of every n-th, by as many processes as there are cores.

    only_missing: leave out agencies that have one of the period. Refused ones are listed on stderr.
    """
    with connection, connection.cursor() as cursor:
        reasons = readiness.refusals(cursor, period)
        codes = _agencies(cursor, period, only_missing=only_missing)
        told = {entry.agency_code: entry for entry in _deliveries(cursor, period)}
    if reasons:
        _refuse(f"scorecards {period.id}", reasons)
        return REFUSED
    index, count = shard or (0, 1)
    chosen = codes[index::count]
    refused = {code: reason for code in chosen if (reason := readiness.agency_refusal(told.get(code), period))}
    for code, reason in refused.items():
        complain(f"refused {code} {period.id}: {reason}", agency=code)
    ready = [code for code in chosen if code not in refused]
    started, done, new = time.monotonic(), 0, 0
    for finished, made in _in_parallel(period, ready):
        done, new = done + finished, new + made
        say(f"scorecards {period.id}: {done}/{len(ready)}")
    seconds = time.monotonic() - started
    say(f"scorecards {period.id}: {done} in the library, {new} of them new, {len(refused)} refused, {seconds:.0f} s")
    return 0


def issue_due(connection: Connection, night: date, part: str = "all", shard: Shard | None = None) -> int:
    """Issue what is due after `night` and not yet in the library.

    part: "list" only says what, "bodies" and "scorecards" issue one half of it, "all" both.
    """
    with connection, connection.cursor() as cursor:
        published = readiness.last_published(cursor)
    if published is None or published < night:
        _refuse(
            f"what is due after {night}", [f"The last published night is {published or 'none'}. Publish {night} first."]
        )
        return REFUSED
    codes = [0]
    for body, period in readiness.due(night):
        with connection, connection.cursor() as cursor:
            if body == "agency":
                missing = len(_agencies(cursor, period, only_missing=True))
            else:
                missing = 0 if library.issued_version(cursor, body, period.id) else 1
        if not missing:
            continue
        if part == "list":
            print(f"{body} {period.id}" + (f": {missing} agencies" if body == "agency" else ""))
        elif body == "agency" and part in ("scorecards", "all"):
            codes.append(issue_scorecards(connection, period, shard, only_missing=True))
        elif body != "agency" and part in ("bodies", "all"):
            codes.append(issue_one(connection, body, period))
    return max(codes)


def _reasons(cursor: Cursor, period: Period, agency_code: str | None) -> list[str]:
    reasons = readiness.refusals(cursor, period)
    if agency_code is None or reasons:
        return reasons
    told = {entry.agency_code: entry for entry in _deliveries(cursor, period)}
    reason = readiness.agency_refusal(told.get(agency_code), period)
    return [reason] if reason else []


def _deliveries(cursor: Cursor, period: Period) -> list[readiness.Deliveries]:
    night = readiness.last_published(cursor)
    return [] if night is None else readiness.read_deliveries(cursor, period, night)


def _agencies(cursor: Cursor, period: Period, *, only_missing: bool) -> list[str]:
    cursor.execute(
        "select agency_code from marts.dim_agencies where is_current and not (%s and agency_code in"
        " (select agency_code from library.issues where body = 'agency' and period = %s and not is_preview))"
        " order by agency_code",
        (only_missing, period.id),
    )
    return [code for (code,) in cursor.fetchall()]


def _in_parallel(period: Period, codes: Sequence[str]) -> Iterator[tuple[int, int]]:
    """How many scorecards each batch has finished, and how many of them are new."""
    batches = [codes[start : start + SCORECARDS_AT_ONCE] for start in range(0, len(codes), SCORECARDS_AT_ONCE)]
    if not batches:
        return
    # A fresh interpreter each: a forked one would share the connection.
    with ProcessPoolExecutor(min(os.cpu_count() or 1, len(batches)), get_context("spawn")) as pool:
        tasks = [pool.submit(issue_batch, period.id, batch) for batch in batches]
        for task in as_completed(tasks):
            yield task.result()


def issue_batch(period_id: str, codes: Sequence[str]) -> tuple[int, int]:
    """Issue the scorecards of some agencies on a connection of its own; how many, and how many are new."""
    compose_all: Callable[..., Iterator[Report]] = import_module("reports.contents.agency").compose_all
    made = 0
    with closing(connect("reporter", "lapor/scorecards")) as connection:
        with connection, connection.cursor() as cursor:
            reports = list(compose_all(cursor, Period.parse(period_id), agency_codes=codes))
        for report in reports:
            made += library.issue(connection, report).is_new
    return len(reports), made


def _refuse(what: str, reasons: Sequence[str]) -> None:
    way_out = "A draft of one report can be had all the same: --preview."
    complain("\n  ".join([f"refused {what}:", *reasons, way_out]))


def _tell(report: Report, issue: library.Issue) -> None:
    state = "issued" if issue.is_new else "as issued before"
    say(f"{report.body} {report.period.id} version {issue.version}, {state}: {issue.folder}")
