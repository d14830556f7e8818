"""Databases of agencies that let us read them: one SQLite file for some, a schema of a PostgreSQL database for others.

Time travel: a table per agency and night (`kab_1102_20210630`) holds all its complaints as of that night's cut-off. The
location in sources.csv names it.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
from psycopg2.extras import execute_values

from simulator.dialects import databases
from simulator.faults import FaultPlan
from simulator.registry import Agency, Way
from simulator.reports import read_reports
from simulator.world import World

SCHEMA = "sumber"
RENAMED = "nomor_baru"
HANG_SECONDS = 3600


def write_sqlite(world: World, nights: Sequence[date], path: Path, faults: FaultPlan) -> int:
    """Write the tables of these nights into a new SQLite file and return how many."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    written = 0
    with closing(sqlite3.connect(part)) as connection:
        for agency, night, rows in _tables(world, nights, Way.SQLITE):
            fault = faults.on(agency.code, night)
            if fault == "missing_table":
                continue
            table = agency.complaints.place(agency.code, night)
            connection.execute(f"create table {table} ({_columns(0, fault)})")
            marks = ", ".join("?" * len(databases.COLUMNS))
            connection.executemany(f"insert into {table} values ({marks})", rows)  # noqa: S608 - the registry's name
            connection.execute(f"create index {table}_diubah on {table} (diubah, id)")
            written += 1
        connection.commit()
    part.replace(path)
    return written


def write_postgres(world: World, nights: Sequence[date], dsn: str, faults: FaultPlan) -> int:
    """Fill the schema `sumber` of that database anew and return how many tables it has.

    Creates the database when its server has none of that name. Raises psycopg2.Error when it cannot.
    """
    _create_database(dsn)
    written = 0
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(f"drop schema if exists {SCHEMA} cascade")
        cursor.execute(f"create schema {SCHEMA}")
        for agency, night, rows in _tables(world, nights, Way.POSTGRES):
            fault = faults.on(agency.code, night)
            if fault == "missing_table":
                continue
            table = agency.complaints.place(agency.code, night)
            filled = f"{table}_isi" if fault == "hang" else table
            cursor.execute(f"create table {filled} ({_columns(1, fault)})")
            execute_values(cursor, f"insert into {filled} values %s", list(rows))  # noqa: S608 - the registry's name
            cursor.execute(f"create index on {filled} (diubah, id)")
            if fault == "hang":
                # A reader waits for as long as it lets a statement run.
                waiting = f"select isi.* from {filled} as isi, pg_sleep({HANG_SECONDS}) as waited"  # noqa: S608 - ditto
                cursor.execute(f"create view {table} as {waiting}")
            written += 1
    return written


def _tables(world: World, nights: Sequence[date], way: Way) -> Iterator[tuple[Agency, date, Iterable[tuple[Any, ...]]]]:
    for index, agency in enumerate(world.agencies):
        if agency.way is not way:
            continue
        reports, first = read_reports(world, index), world.rows_of(index).start
        for night in sorted(nights):
            listing = world.listing(index, night)
            pairs = zip(listing.rows.tolist(), listing.seen.tolist(), strict=True)
            yield (
                agency,
                night,
                [
                    databases.row(reports[row - first], seen, place, instants=way is Way.POSTGRES)
                    for place, (row, seen) in enumerate(pairs, start=1)
                ],
            )


def _columns(kind: int, fault: str | None) -> str:
    names = {name: types[kind] for name, types in databases.COLUMNS.items()}
    if fault == "renamed_field":
        names = {RENAMED if name == databases.NUMBER_COLUMN else name: text for name, text in names.items()}
    return ", ".join(f'"{name}" {text}' for name, text in names.items())


def _create_database(dsn: str) -> None:
    name = urlsplit(dsn).path.strip("/")
    server = dsn.replace(f"/{name}", "/postgres", 1) if name else dsn
    with closing(psycopg2.connect(server)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("select 1 from pg_database where datname = %s", (name,))
            if name and cursor.fetchone() is None:
                cursor.execute(f'create database "{name}"')
