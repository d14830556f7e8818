"""What the gate costs on a large night: `python -m quality --night D` as a process, against one pass of SQL over it.

The gate's cost has everything in it: importing Great Expectations, reading, judging, writing the decisions, Data Docs.
The one pass counts what each rule finds and keeps no row's name; both have to find the same.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from bench import night
from bench.extract.cost import CommandFailed, Cost, measure
from bench.gate.fill import AGENCIES, NIGHT, fill
from bench.gate.one_pass import OnePass, one_pass
from warehouse.server import data_directory, psql_binary, socket_dsn

SIZES = "100000,100000:5,1000000"
BARS = {100_000: (10.0, 500.0), 1_000_000: (30.0, 1300.0)}  # CPU s and peak MB, of docs/gate-accuracy.md
_DATABASE = "bench"
_AS_THE_GATE = "-c role=gate -c timezone=UTC"


@dataclass(frozen=True, slots=True)
class Size:
    """A night of so many complaints, each with so many events."""

    rows: int
    events: int = 0

    @classmethod
    def of(cls, text: str) -> "Size":
        """ "100000" or "100000:4"."""
        rows, _, events = text.partition(":")
        return cls(int(rows), int(events or 0))


@dataclass(frozen=True, slots=True)
class Measured:
    """The gate and the one pass on one night; `not_in_sql` are rules that only the gate can judge."""

    size: Size
    gate: Cost
    one_pass_cpu_seconds: float
    judged_in_sql: int
    not_in_sql: list[str]


def measure_all(sizes: Sequence[Size], directory: Path | None = None) -> list[Measured]:
    """Measure each size in a database of its own. Raises SystemExit when the gate fails or both disagree."""
    results = []
    with _warehouse(directory) as state:
        for size in sizes:
            with _database(state) as dsn:
                fill(dsn, size.rows, size.events)
                results.append(_measure(size, dsn, state))
            cost = results[-1].gate
            print(
                f"{size.rows:,} complaints, {size.rows * size.events:,} events: {cost.cpu_seconds:.1f} CPU s",
                flush=True,
            )
    return results


def _measure(size: Size, dsn: str, state: Path) -> Measured:
    environment = night.environment_of(state / "gate") | {"WAREHOUSE_DSN": dsn}
    command = [sys.executable, "-m", "quality", "--night", str(NIGHT)]
    gate = _cost([command], environment, state, "gate.log")
    suites = ["complaints", *(["complaint_events"] if size.events else [])]
    with closing(psycopg2.connect(dsn, options=_AS_THE_GATE)) as connection:
        passes = {suite: one_pass(connection, suite, NIGHT) for suite in suites}
    seconds = 0.0
    for suite, translated in passes.items():
        seconds += _run_one_pass(suite, translated, dsn, environment, state)
    return Measured(
        size=size,
        gate=gate,
        one_pass_cpu_seconds=seconds,
        judged_in_sql=sum(len(translated.rule_ids) for translated in passes.values()),
        not_in_sql=[rule for translated in passes.values() for rule in translated.not_in_sql],
    )


def _run_one_pass(suite: str, translated: OnePass, dsn: str, environment: dict[str, str], state: Path) -> float:
    """Its CPU seconds, client and server. Raises SystemExit when a count is not the gate's."""
    script, log = state / "one_pass.sql", state / f"{suite}.log"
    script.write_text(translated.query, encoding="utf-8")
    command = [psql_binary(), dsn, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", str(script)]
    log.unlink(missing_ok=True)
    cost = _cost([command], environment | {"PGOPTIONS": _AS_THE_GATE}, state, log.name)
    counts = dict(zip(translated.rule_ids, map(int, log.read_text().strip().split("|")), strict=True))
    if odd := {rule: (count, ours) for rule, count in counts.items() if count != (ours := _found(dsn, suite)[rule])}:
        raise SystemExit(f"bench: one pass and the gate disagree in suite {suite} (one pass, gate): {odd}")
    return cost.cpu_seconds


def _found(dsn: str, suite: str) -> dict[str, int]:
    """How many rows broke each rule, as the gate has written it down."""
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select rule_id, unexpected_count from quality.expectation_result"
            " inner join quality.validation_run as run using (run_id)"
            " where run.night = %s and run.resource = %s and run.attempt ="
            " (select max(attempt) from quality.validation_run where night = %s)",
            [NIGHT, suite, NIGHT],
        )
        return dict(cursor.fetchall())


def _cost(commands: Sequence[Sequence[str]], environment: dict[str, str], state: Path, log: str) -> Cost:
    postmaster = int((data_directory(state) / "postmaster.pid").read_text().split()[0])
    try:
        return measure(commands, environment, night.REPOSITORY, state / log, postmaster)
    except CommandFailed as error:
        raise SystemExit(f"bench: {error}") from None


@contextmanager
def _warehouse(directory: Path | None) -> Iterator[Path]:
    """A server of our own while the block lasts, without autovacuum: its work would fall on whoever runs."""
    with tempfile.TemporaryDirectory(prefix="lapor-bench-gate-", dir=directory) as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL may run as a user of its own
        environment = night.environment_of(folder)

        def call(*arguments: str) -> None:
            command = [sys.executable, "-m", "warehouse", *arguments]
            subprocess.run(command, cwd=night.REPOSITORY, env=environment, check=True, stdout=subprocess.DEVNULL)

        try:
            call("up")
            _run_sql(socket_dsn(folder), "alter system set autovacuum = off", "select pg_reload_conf()")
            yield folder
        finally:
            call("down")


@contextmanager
def _database(state: Path) -> Iterator[str]:
    owner = socket_dsn(state, "postgres")
    _run_sql(owner, f"create database {_DATABASE} template lapor")
    try:
        yield socket_dsn(state, _DATABASE)
    finally:
        _run_sql(owner, f"drop database {_DATABASE} with (force)")


def _run_sql(dsn: str, *statements: str) -> None:
    with closing(psycopg2.connect(dsn)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def report(results: Sequence[Measured]) -> str:
    """The table, what the one pass leaves out, and the bars."""
    lines = [
        f"{'complaints':>10} {'events':>9} {'client s':>9} {'PG s':>6} {'CPU s':>6} {'wall s':>7} {'peak MB':>8}"
        f" {'one pass s':>11} {'ratio':>6}"
    ]
    bars = []
    for one in results:
        rows, gate = one.size.rows, one.gate
        lines.append(
            f"{rows:>10,} {rows * one.size.events:>9,} {gate.client_cpu_seconds:9.1f} {gate.server_cpu_seconds:6.1f}"
            f" {gate.cpu_seconds:6.1f} {gate.wall_seconds:7.1f} {gate.peak_megabytes:8.0f}"
            f" {one.one_pass_cpu_seconds:11.1f} {gate.cpu_seconds / one.one_pass_cpu_seconds:6.1f}"
        )
        if rows in BARS and not one.size.events:
            for what, value, bar in zip(
                ("CPU s, client and PostgreSQL", "MB at most"), (gate.cpu_seconds, gate.peak_megabytes), BARS[rows],
                strict=True,
            ):  # fmt: skip
                verdict = "held  " if value <= bar else "MISSED"
                bars.append(f"{verdict} {rows:,} complaints: {value:.1f} {what} (bar {bar:g})")
    left_out = sorted({rule for one in results for rule in one.not_in_sql})
    judged = max(one.judged_in_sql for one in results)
    words = f"up to {judged} rules in one pass of SQL, which finds as many rows as the gate"
    return "\n".join([*lines, f"{AGENCIES} agencies; {words}; not in SQL: {', '.join(left_out) or 'none'}", *bars])
