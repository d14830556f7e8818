"""What Prometheus is told of the warehouse: the last nights' figures, and what `python -m warehouse status` goes by.

`python -m warehouse metrics` prints them once, for a textfile collector; with --serve they are answered under /metrics
until Ctrl-C, asked anew each time. A warehouse that does not answer is `lapor_up 0`, beside what is known without it;
a part that cannot be asked is 0 in `lapor_part_up`, and its figures are absent, never old. Labels are states, steps,
resources and the like: no agency has one, and nothing of a complaint is here.
"""

import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import psycopg2
from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from psycopg2.extensions import cursor as Cursor

from warehouse import backup, nights, server
from warehouse.connection import connect
from warehouse.findings import STATES, StatusSettings, one_row
from warehouse.inspection import connections, inspect, replicas, slots
from warehouse.log import complain, say
from warehouse.settings import settings

CONNECT_SECONDS, STATEMENT_SECONDS = 5, 5
Metric = GaugeMetricFamily
Values = Mapping[Any, float | None]


def gauge(name: str, words: str, values: Values, *labels: str) -> Metric:
    """A metric with a value for each tuple of what its labels are; what is None is left out."""
    metric = Metric(name, words, labels=labels)
    for key, value in values.items():
        if value is not None:
            metric.add_metric(key, float(value))
    return metric


class Warehouse(Collector):
    """Asks the warehouse and this machine whenever somebody asks for the metrics."""

    def collect(self) -> Iterator[Metric]:
        """All metrics; whatever is broken, those of the rest."""
        up: dict[Any, float | None] = {}
        yield from _part("disk", disk, up)
        yield from _part("backup", backups, up)
        try:
            os.environ["PGCONNECT_TIMEOUT"] = str(CONNECT_SECONDS)
            connection = connect("owner", "lapor/metrics")
        except (server.WarehouseNotRunning, psycopg2.OperationalError):
            yield gauge("lapor_up", "1 when the warehouse answers.", {(): 0})
        else:
            with closing(connection):
                connection.set_session(readonly=True, autocommit=True)
                yield from _of_the_database(connection.cursor(), up)
        yield gauge("lapor_part_up", "1 when this part of the metrics could be asked.", up, "part")


def _of_the_database(cursor: Cursor, up: dict[Any, float | None]) -> Iterator[Metric]:
    cursor.execute("select set_config('statement_timeout', %s, false)", [f"{STATEMENT_SECONDS}s"])
    yield gauge("lapor_up", "1 when the warehouse answers.", {(): 1})
    for name, ask in (
        ("checks", checks), ("night", night), ("steps", steps), ("rows", rows), ("server", of_the_server),
    ):  # fmt: skip
        yield from _part(name, lambda ask=ask: ask(cursor), up)  # type: ignore[misc]


def _part(name: str, ask: Callable[[], Iterable[Metric]], up: dict[Any, float | None]) -> list[Metric]:
    """The metrics of a part; none when it cannot be asked, which `up` then says."""
    try:
        found = list(ask())
    except (psycopg2.Error, OSError, ValueError) as error:
        complain(f"metrics: {name} cannot be asked: {str(error).strip().splitlines()[0]}")
        found = []
        up[name,] = 0
    else:
        up[name,] = 1
    return found


def disk() -> Iterator[Metric]:
    """Room where the state directory and the backups are."""
    places = {"state": settings().state_dir, "backups": settings().backups}
    usage = {(name,): shutil.disk_usage(folder) for name, folder in places.items() if folder.exists()}
    size = {key: of.total for key, of in usage.items()}
    yield gauge("lapor_disk_size_bytes", "Size of the disk that holds the place.", size, "place")
    free = {key: of.free for key, of in usage.items()}
    yield gauge("lapor_disk_free_bytes", "What is free of it.", free, "place")


def backups() -> Iterator[Metric]:
    """The newest backup of the embedded server: 0 where there should be one; without a place for backups nothing."""
    if settings().warehouse_dsn is not None:
        return
    newest = backup.newest(settings().backups.resolve())
    if newest is not None or settings().backup_dir is not None:
        moment = newest.usable_from.timestamp() if newest else 0
        words = "From when on the newest backup can be restored; 0: there is none."
        yield gauge("lapor_backup_newest_timestamp_seconds", words, {(): moment})


def checks(cursor: Cursor) -> Iterator[Metric]:
    """The lines of the status that the database tells."""
    lines = inspect(cursor, StatusSettings(), datetime.now(UTC))
    states = {(line.name,): STATES.index(line.state) for line in lines}
    words = "A line of `python -m warehouse status`: 0 ok, 1 warning, 2 broken (docs/runbook.md)."
    yield gauge("lapor_check_state", words, states, "check")


def night(cursor: Cursor) -> Iterator[Metric]:
    """How far the newest night is, and which one was published last."""
    cursor.execute("select max(cut_off_at) from ops.nights where published_at is not null")
    (published,) = one_row(cursor)
    told = nights.read_night(cursor)
    yield gauge(
        "lapor_published_night_timestamp_seconds",
        "Cut-off (24:00 WIB) of the newest night that is published; absent before the first.",
        {(): published.timestamp() if published else None},
    )
    if told is None:
        return
    yield gauge("lapor_night_simulated", "1 when the newest night is pretended.", {(): told.is_simulated})
    yield gauge("lapor_night_published", "1 when the newest night is published as it now is.", {(): told.is_published})
    coverage = told.good_agencies / told.agencies if told.agencies else None
    words = "Share of the agencies whose complaints of the newest night are in."
    yield gauge("lapor_night_coverage_ratio", words, {(): coverage})
    yield gauge("lapor_night_agencies", "Agencies expected to deliver complaints.", {(): told.agencies})
    states = {(state,): count for state, count in told.states.items()}
    yield gauge("lapor_night_deliveries", "Deliveries of the newest night.", states, "state")
    yield gauge("lapor_night_deliveries_held", "Those that the gate holds.", {(): told.held})
    yield gauge("lapor_night_rows_new", "Rows of the newest night that are new or changed.", {(): told.loaded_rows})
    cursor.execute("select count(*) from quality.quarantined_record where status = 'open'")
    yield gauge("lapor_quarantine_open_rows", "Rows in quarantine, of all nights.", {(): one_row(cursor)[0]})


def steps(cursor: Cursor) -> Iterator[Metric]:
    """How long the newest night and its steps took, and the last build.

    Extraction from the first delivery's start to the last one's end: what is fetched again on another day shows.
    """
    cursor.execute(
        """
        with newest as (
            select * from ops.nights order by night desc limit 1
        ),

        spans (step, began, ended) as (
            select 'extract', min(started_at), max(finished_at)
            from ops.deliveries
            where night = (select night from newest)
            union all
            select 'gate', min(started_at), max(finished_at)
            from quality.validation_run as run
            where
                night = (select night from newest)
                and attempt = (select max(attempt) from quality.validation_run where night = run.night)
            union all
            (
                select 'build', started_at, finished_at
                from ops.builds
                where command = 'build' and as_of is null
                order by started_at desc
                limit 1
            )
            union all
            select 'night', opened_at, published_at from newest
        )

        select step, extract(epoch from ended - began) from spans
        """
    )
    taken = {(step,): seconds for step, seconds in cursor.fetchall()}
    words = "What the newest night took from its opening to its publication, and its steps; of builds the last one."
    yield gauge("lapor_step_seconds", words, taken, "step")


def rows(cursor: Cursor) -> Iterator[Metric]:
    """Where every row of the last published night went: received = accepted + quarantined + held + superseded."""
    cursor.execute(
        """
        select resource, outcome, sum(number)
        from
            marts.fct_deliveries,
            lateral (
                values
                ('received', received_count), ('accepted', accepted_count), ('quarantined', quarantined_count),
                ('held', held_count), ('superseded', superseded_count)
            ) as counted (outcome, number)
        where night = (select max(night) from ops.nights where published_at is not null)
        group by resource, outcome
        """
    )
    counts = {(resource, outcome): number for resource, outcome, number in cursor.fetchall()}
    words = "Rows of the last published night: received, and what became of them."
    yield gauge("lapor_rows", words, counts, "resource", "outcome")


def of_the_server(cursor: Cursor) -> Iterator[Metric]:
    """PostgreSQL: size, connections, and the replicas that follow it or should."""
    cursor.execute("select pg_database_size(current_database())")
    yield gauge("lapor_database_size_bytes", "Size of the warehouse's database.", {(): one_row(cursor)[0]})
    used = connections(cursor)
    yield gauge("lapor_connections", "Connections to the server.", {(): used.used})
    yield gauge("lapor_connections_max", "Connections it allows.", {(): used.most})
    following = list(replicas(cursor))
    late = {(each.name,): each.seconds or 0 for each in following}
    yield gauge("lapor_replica_lag_seconds", "How long ago the replica was as it is now.", late, "replica")
    behind = {(each.name,): each.size for each in following}
    yield gauge("lapor_replica_lag_bytes", "Changes that the replica has not replayed.", behind, "replica")
    kept = {(name,): size for name, _, size in slots(cursor)}
    yield gauge("lapor_slot_kept_bytes", "Changes kept for a replica that is gone.", kept, "slot")


def registry() -> CollectorRegistry:
    """Our metrics, and no other's."""
    ours = CollectorRegistry(auto_describe=False)
    ours.register(Warehouse())
    return ours


def show() -> int:
    """Print every metric once, in Prometheus's text format."""
    print(generate_latest(registry()).decode(), end="")
    return 0


def serve(host: str, port: int) -> int:
    """Answer http://host:port/metrics until the process is ended. Raises OSError when the port is taken."""
    listening, _ = start_http_server(port, host, registry())
    say(f"metrics: http://{host}:{listening.server_port}/metrics")
    threading.Event().wait()
    return 0
