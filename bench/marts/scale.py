"""`dbt build` of nights of 50,000 changes over histories of different length, and analysts' questions over the longest.

Each history gets a server of its own, with the settings of `warehouse/server.py`. The first build makes everything; the
nights after it are built as the DAG builds them, tests and all, each after the morning's vacuum. What counts is the
last night of either kind of old news (`bench/marts/fill.py`): the very first has just met cold caches. The questions
are those of docs/queries.md.
"""

import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2

from bench import night as nightly
from bench.extract.cost import CommandFailed, Cost, measure
from bench.marts.fill import HISTORY_NIGHT, fill_history, fill_night, publish
from warehouse.server import data_directory, socket_dsn

HISTORIES = (1_000_000, 10_000_000)
CHANGES = 50_000
NIGHTS = ("anywhere", "anywhere", "ageing")  # how old the old news of each is
ROUNDS = 20
RATIO_BAR, QUERY_BAR_SECONDS = 2.0, 0.3
QUERIES = nightly.REPOSITORY / "docs" / "queries.md"


@dataclass(frozen=True, slots=True)
class Build:
    """One `dbt build`: what of, and what it cost. old_news: how old the night's old news is; '' of everything."""

    history: int
    label: str
    cost: Cost
    old_news: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One question of docs/queries.md, asked ROUNDS times."""

    title: str
    row_count: int
    seconds: tuple[float, ...]

    @property
    def p95(self) -> float:
        """The second slowest of twenty."""
        return sorted(self.seconds)[max(0, round(0.95 * len(self.seconds)) - 1)]


def measure_all(
    histories: Sequence[int], changes: int = CHANGES, directory: Path | None = None
) -> tuple[list[Build], list[Answer]]:
    """Build every history and the nights after it; ask the questions over the last one.

    Raises SystemExit when a build fails.
    """
    builds: list[Build] = []
    answers: list[Answer] = []
    for history in histories:
        with warehouse(directory) as state:
            for build in _nights(state, history, changes):
                cost = build.cost
                print(
                    f"{history:>12,} {build.label:28} {build.old_news:8} {cost.wall_seconds:8.1f} s wall"
                    f" {cost.cpu_seconds:8.1f} s CPU",
                    flush=True,
                )
                builds.append(build)
            if history == histories[-1]:
                answers = ask(socket_dsn(state))
    return builds, answers


def _nights(state: Path, history: int, changes: int) -> Iterator[Build]:
    dsn = socket_dsn(state)
    started = time.monotonic()
    fill_history(dsn, history)
    print(f"{history:>12,} written in {time.monotonic() - started:.0f} s", flush=True)
    yield Build(history, "everything", _build(state))
    publish(dsn)
    _keep_house(state)
    for number, old_news in enumerate(NIGHTS, start=1):
        fill_night(dsn, HISTORY_NIGHT + timedelta(days=number), changes, old_news)
        yield Build(history, f"night {number}, {changes:,} changes", _build(state), old_news)
        publish(dsn)
        _keep_house(state)


def _keep_house(state: Path) -> None:
    """What lapor_maintenance does in the morning after a night, with nobody's clock running."""
    _administer(state, "vacuum")


def _administer(state: Path, command: str) -> None:
    """Run `python -m warehouse command` on the warehouse of a state directory."""
    words, environment = [sys.executable, "-m", "warehouse", command], nightly.environment_of(state)
    subprocess.run(words, cwd=nightly.REPOSITORY, env=environment, check=True, stdout=subprocess.DEVNULL)


def _build(state: Path) -> Cost:
    """What one `dbt build` costs, as the DAG calls it."""
    environment = nightly.environment_of(state)
    postmaster = int((data_directory(state) / "postmaster.pid").read_text().split()[0])
    command = [
        "bash",
        "-euo",
        "pipefail",
        "-c",
        f"{nightly.DBT} --target-path {state}/target --log-path {state}/target",
    ]
    try:
        return measure([command], environment, nightly.REPOSITORY, state / "dbt.log", postmaster)
    except CommandFailed as error:
        raise SystemExit(f"bench: {error}") from None


def ask(dsn: str) -> list[Answer]:
    """Every query of docs/queries.md as panrb_analyst, in turns, once to warm up and ROUNDS times for the clock."""
    asked = questions(QUERIES.read_text(encoding="utf-8"))
    seconds: dict[str, list[float]] = {title: [] for title, _ in asked}
    rows: dict[str, int] = {}
    with closing(psycopg2.connect(dsn, options="-c role=panrb_analyst")) as connection, connection.cursor() as cursor:
        for number in range(ROUNDS + 1):
            for title, query in asked:
                started = time.monotonic()
                cursor.execute(query)
                rows[title] = len(cursor.fetchall())
                if number:
                    seconds[title].append(time.monotonic() - started)
    return [Answer(title, rows[title], tuple(seconds[title])) for title, _ in asked]


def questions(text: str) -> list[tuple[str, str]]:
    """(heading, SQL) of every third-level heading of a Markdown text that is followed by a block of SQL."""
    return re.findall(r"^### ([^\n]+)\n```sql\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


@contextmanager
def warehouse(directory: Path | None) -> Iterator[Path]:
    """An empty warehouse on a server of its own while the block lasts.

    Without autovacuum, whose work would fall on whoever runs: the house is kept between the nights instead.
    """
    with TemporaryDirectory(prefix="lapor-bench-marts-", dir=directory) as name:
        state = Path(name)
        state.chmod(0o755)  # PostgreSQL may run as a user of its own
        try:
            _administer(state, "up")
            with closing(psycopg2.connect(socket_dsn(state))) as connection, connection.cursor() as cursor:
                connection.autocommit = True
                cursor.execute("alter system set autovacuum = off")
                cursor.execute("select pg_reload_conf()")
            yield state
        finally:
            _administer(state, "down")


def report(builds: Sequence[Build], answers: Sequence[Answer]) -> str:
    """The tables, and whether the bars held."""
    lines = [f"{'history':>12} {'build':28} {'old news':8} {'wall s':>8} {'dbt CPU s':>10} {'PG CPU s':>9}"]
    lines += [
        f"{build.history:>12,} {build.label:28} {build.old_news:8} {build.cost.wall_seconds:8.1f}"
        f" {build.cost.client_cpu_seconds:10.1f} {build.cost.server_cpu_seconds:9.1f}"
        for build in builds
    ]
    for old_news in dict.fromkeys(NIGHTS):
        last = {build.history: build.cost for build in builds if build.old_news == old_news}  # the last night of each
        if len(last) > 1:
            shortest, longest = last[min(last)], last[max(last)]
            ratio = longest.wall_seconds / shortest.wall_seconds
            lines.append(
                f"a night over {max(last):,} against {min(last):,} of history, old news {old_news}:"
                f" {ratio:.2f} x by the clock, {longest.cpu_seconds / shortest.cpu_seconds:.2f} x by CPU"
                f" (bar {RATIO_BAR:.0f} x: {'held' if ratio <= RATIO_BAR else 'MISSED'})"
            )
    if answers:
        lines += ["", f"{'p50 ms':>8} {'p95 ms':>8} {'rows':>6}  question (as panrb_analyst, {ROUNDS} times)"]
        lines += [
            f"{1000 * statistics.median(answer.seconds):8.1f} {1000 * answer.p95:8.1f}"
            f" {answer.row_count:6}  {answer.title}"
            for answer in answers
        ]
        slow = [answer.title for answer in answers if answer.p95 > QUERY_BAR_SECONDS]
        lines.append(
            f"questions over {1000 * QUERY_BAR_SECONDS:.0f} ms: {', '.join(slow) or 'none'}"
            f" ({'MISSED' if slow else 'held'})"
        )
    return "\n".join(lines)
