"""Who takes part: the commands of each, the database each starts from, and how its rows are counted."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from extract.records import COMPLAINTS, EVENTS, KEYS
from warehouse.server import psql_binary

REPOSITORY = Path(__file__).resolve().parents[2]
PEERS_ENVIRONMENT = REPOSITORY / ".venv-bench"
NIGHT = "2021-06-30"
TEXTS = "complaint_texts"
LIMIT_TABLES = {COMPLAINTS: "raw", EVENTS: "raw", TEXTS: "restricted"}


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a contender plays: a folder of its own, a file of the agencies' addresses, a database.

    `prepared` holds what the limit loads; `far` says that answers are slow.
    """

    folder: Path
    agencies: Path
    database_url: str
    prepared: Path
    far: bool


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to do the work. With `our_schema` its database starts with the warehouse's tables, else empty."""

    name: str
    commands: Callable[[Stage], list[list[str]]]
    complaints_sql: str
    events_sql: str
    our_schema: bool = False


def _ours(_: Stage) -> list[list[str]]:
    extract = [sys.executable, "-m", "extract"]
    return [[*extract, "open", "--night", NIGHT], [*extract, "--night", NIGHT]]


def _limit(stage: Stage) -> list[list[str]]:
    return [[psql_binary(), stage.database_url, *PSQL, "-f", str(stage.prepared / "load.sql")]]


def _peer(module: str) -> Callable[[Stage], list[list[str]]]:
    def commands(stage: Stage) -> list[list[str]]:
        program = [str(PEERS_ENVIRONMENT / "bin" / "python"), "-m", f"bench.extract.peers.{module}"]
        return [[*program, str(stage.agencies), stage.database_url]]

    return commands


def _dlt(setting: str) -> Callable[[Stage], list[list[str]]]:
    def commands(stage: Stage) -> list[list[str]]:
        chosen = f"{setting}, parallel" if stage.far and setting != "apart" else setting
        return [[*command, chosen] for command in _peer("with_dlt")(stage)]

    return commands


PSQL = ("-X", "-q", "-v", "ON_ERROR_STOP=1")
OURS = Contender(
    "ours", _ours, "select count(*) from raw.complaints", "select count(*) from raw.complaint_events", our_schema=True
)
LIMIT = Contender("limit", _limit, OURS.complaints_sql, OURS.events_sql, our_schema=True)
_DLT_TABLES = ("select count(*) from bench.complaints", "select count(*) from bench.complaints__riwayat")
PEERS = {
    peer.name: peer
    for peer in (
        Contender("dlt", _dlt("parquet"), *_DLT_TABLES),
        Contender("dlt-apart", _dlt("apart"), *_DLT_TABLES),
        Contender("dlt-arrow", _dlt("arrow parquet"), *_DLT_TABLES),
        Contender(
            "singer", _peer("with_singer"),
            "select count(*) from bench.complaints", "select sum(cardinality(riwayat)) from bench.complaints",
        ),
        Contender(
            "pandas", _peer("with_pandas"),
            "select count(*) from bench.complaints", "select count(*) from bench.events",
        ),
    )
}  # fmt: skip


def limit_scripts(folder: Path, columns: dict[str, list[str]]) -> tuple[str, str]:
    """Two psql scripts: one writes what we loaded as CSV into `folder`, one loads that as cheaply as SQL can.

    The load is a COPY into a temporary table and an insert of what is not yet there, one transaction, into the same
    tables with the same indexes. `columns` names those that are stored.
    """
    unload, load = [], ["begin;"]
    for name in ("ops.nights", "ops.deliveries"):
        unload.append(rf"\copy {name} to '{folder}/{name}.txt'")
    for name, schema in LIMIT_TABLES.items():
        table, file, listed = f"{schema}.{name}", f"{folder}/{name}.csv", ", ".join(columns[name])
        unload.append(rf"\copy {table} ({listed}) to '{file}' csv")
        if name == TEXTS:
            load.append(rf"\copy {table} ({listed}) from '{file}' csv")
            continue
        key = ["agency_code", *KEYS[name]]
        load += [
            _STAGED.format(listed=listed, table=table),
            rf"\copy incoming ({listed}) from '{file}' csv",
            _UPSERT.format(
                table=table,
                listed=listed,
                key=", ".join(key),
                same=" and ".join(f"known.{column} = incoming.{column}" for column in (*key, "content_hash")),
            ),
        ]
    return "\n".join(unload), "\n".join([*load, "commit;"])


_STAGED = "create temp table incoming on commit drop as select {listed} from {table} limit 0;"
_UPSERT = """insert into {table} ({listed})
select distinct on ({key}) {listed}
from incoming
where not exists (select from {table} as known where {same})
order by {key};
drop table incoming;"""
