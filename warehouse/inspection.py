"""What PostgreSQL itself knows about the state of things: server, schema, roles, replicas, the last night.

Every check is a function that reads and returns lines; one that fails becomes a line of its own, so that the rest is
still told. Nothing here changes anything.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg2
from psycopg2.extensions import cursor as Cursor

from warehouse import archive, nights
from warehouse.access import ROLES
from warehouse.findings import WIB, Line, StatusSettings, clock, few, one_row, size_in_words
from warehouse.schema import SQL_DIRECTORY

_WHO_BLOCKS = 'make sql Q="select pid, pg_blocking_pids(pid), query from pg_stat_activity"'


def inspect(cursor: Cursor, rules: StatusSettings, now: datetime) -> Iterator[Line]:
    """All that the database tells, most basic first. The cursor's connection must be in autocommit."""
    checks: list[tuple[str, Callable[[], Iterator[Line]]]] = [
        ("warehouse", lambda: _server(cursor)),
        ("schema", lambda: _schema(cursor)),
        ("roles", lambda: _roles(cursor, rules, now)),
        ("connections", lambda: _connections(cursor, rules)),
        ("replicas", lambda: _replicas(cursor, rules)),
        ("archive", lambda: _archive(cursor)),
        ("night", lambda: nights.night_lines(cursor, now)),
        ("gate", lambda: nights.gate_lines(cursor, rules)),
        ("build", lambda: nights.build_lines(cursor)),
    ]
    for name, check in checks:
        try:
            yield from check()
        except psycopg2.Error as error:
            yield Line(name, "broken", str(error).strip().splitlines()[0], "python -m warehouse init")


def _server(cursor: Cursor) -> Iterator[Line]:
    cursor.execute(
        "select current_setting('server_version'), pg_postmaster_start_time(),"
        " pg_size_pretty(pg_database_size(current_database())), current_database()"
    )
    version, started, size, name = one_row(cursor)
    seen = f"PostgreSQL {version.split()[0]}, database {name} of {size}, up since {clock(started)}"
    yield Line("warehouse", "ok", seen)


_MADE = {
    "table": re.compile(r"create table if not exists ([a-z_.]+)"),
    "view": re.compile(r"create or replace view ([a-z_.]+)"),
    "function": re.compile(r"create or replace function ([a-z_.]+)"),
}
_ALTERED = re.compile(r"alter table (?:if exists )?([a-z_.]+)\s([^;]*add column if not exists[^;]*);")


def made_by_the_files(folder: Path = SQL_DIRECTORY) -> dict[str, set[str]]:
    """What the numbered SQL files make: tables, views, functions, and of columns added later schema.table.column."""
    text = "\n".join(file.read_text() for file in sorted(folder.glob("*.sql")))
    made = {kind: set(pattern.findall(text)) for kind, pattern in _MADE.items()}
    made["column"] = {
        f"{table}.{column}"
        for table, actions in _ALTERED.findall(text)
        for column in re.findall(r"add column if not exists ([a-z_0-9]+)", actions)
    }
    return made


def _schema(cursor: Cursor) -> Iterator[Line]:
    """Whether everything that the files of this version make is there: what is missing is of a later version."""
    made = made_by_the_files()
    cursor.execute(
        """
        select 'table', name from unnest(%(relations)s::text[]) as name where to_regclass(name) is null
        union all
        select 'column', name from unnest(%(columns)s::text[]) as name
        where not exists (
            select from pg_attribute
            where attrelid = to_regclass(regexp_replace(name, '[.][^.]*$', ''))
                and attname = regexp_replace(name, '^.*[.]', '') and not attisdropped
        )
        union all
        select 'function', name from unnest(%(functions)s::text[]) as name
        where not exists (
            select from pg_proc inner join pg_namespace on pg_namespace.oid = pronamespace
            where nspname || '.' || proname = name
        )
        order by 1, 2
        """,
        {
            "relations": sorted(made["table"] | made["view"]),
            "columns": sorted(made["column"]),
            "functions": sorted(made["function"]),
        },
    )
    missing = [name for _, name in cursor.fetchall()]
    files = sorted(file.name for file in SQL_DIRECTORY.glob("*.sql"))
    count = sum(map(len, made.values()))
    if missing:
        seen = f"{len(missing)} of {count} objects of this version are missing: {few(missing)}"
        yield Line("schema", "broken", seen, "python -m warehouse init")
    else:
        yield Line("schema", "ok", f"all {count} objects of {files[0]} to {files[-1]} are there")


def _roles(cursor: Cursor, rules: StatusSettings, now: datetime) -> Iterator[Line]:
    cursor.execute(
        "select name, pg_has_role(session_user, name, 'member') from unnest(%s::text[]) as name"
        " where exists (select from pg_roles where rolname = name)",
        [list(ROLES)],
    )
    may = dict(cursor.fetchall())
    missing = [role for role in ROLES if role not in may]
    not_mine = [role for role, is_member in may.items() if not is_member]
    cursor.execute("select rolname, rolvaliduntil from pg_roles where rolcanlogin and rolvaliduntil < 'infinity'")
    expiring = {role: until for role, until in cursor.fetchall() if until < now + timedelta(days=rules.expiry_days)}
    if missing:
        yield Line("roles", "broken", f"missing: {', '.join(missing)}", "python -m warehouse init")
    elif not_mine:
        todo = "as an administrator: grant the roles to the login, or run python -m warehouse init as it"
        yield Line("roles", "broken", f"this login may not act as {', '.join(not_mine)}", todo)
    else:
        yield Line("roles", "ok", f"all {len(ROLES)} are there")
    for role, until in sorted(expiring.items()):
        yield Line(
            f"login {role}", "broken" if until < now else "warning",
            f"its password {'expired' if until < now else 'expires'} on {until.astimezone(WIB).date()}",
            f"alter role {role} password '...' valid until '...'",
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Connections:
    """Who is connected: how many of how many, how many of them wait for a lock, the longest idle transaction."""

    used: int
    most: int
    waiting: int
    idle_seconds: float


def connections(cursor: Cursor) -> Connections:
    """The connections of this moment."""
    cursor.execute(
        "select count(*), current_setting('max_connections')::integer,"
        " count(*) filter (where wait_event_type = 'Lock'),"
        " coalesce(extract(epoch from max(now() - xact_start) filter (where state = 'idle in transaction')), 0)"
        " from pg_stat_activity where backend_type = 'client backend'"
    )
    return Connections(*one_row(cursor))


def _connections(cursor: Cursor, rules: StatusSettings) -> Iterator[Line]:
    now = connections(cursor)
    seen = f"{now.used} of {now.most}" + (f", {now.waiting} wait for a lock" if now.waiting else "")
    if 100 * now.used > rules.connections_percent * now.most:
        yield Line("connections", "warning", seen, "select usename, application_name, state from pg_stat_activity")
    elif now.waiting or now.idle_seconds > 3600:
        idle = f", one idle in a transaction for {now.idle_seconds / 3600:.0f} h" if now.idle_seconds > 3600 else ""
        yield Line("connections", "warning", seen + idle, _WHO_BLOCKS)
    else:
        yield Line("connections", "ok", seen)


@dataclass(frozen=True, slots=True)
class Replica:
    """A copy that follows: its state (None: not visible to this login), how far behind in seconds and bytes."""

    name: str
    state: str | None
    seconds: float | None
    size: int | None


def replicas(cursor: Cursor) -> list[Replica]:
    """The replicas that follow this primary."""
    cursor.execute(
        "select coalesce(nullif(application_name, ''), client_addr::text, '?'), state,"
        " extract(epoch from replay_lag), pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)"
        " from pg_stat_replication where state is distinct from 'backup' order by 1"
    )
    return [Replica(*row) for row in cursor.fetchall()]


def slots(cursor: Cursor) -> list[tuple[str, bool, int]]:
    """What the server keeps for replicas that are gone: slot, whether that is lost already, bytes."""
    cursor.execute(
        "select slot_name, wal_status = 'lost', coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)"
        " from pg_replication_slots where not active and slot_type = 'physical' order by 1"
    )
    return cursor.fetchall()


def _replicas(cursor: Cursor, rules: StatusSettings) -> Iterator[Line]:
    """On a primary its replicas and their slots, on a replica how far it is behind."""
    cursor.execute("select pg_is_in_recovery(), extract(epoch from now() - pg_last_xact_replay_timestamp())")
    is_replica, behind = one_row(cursor)
    if is_replica:
        seen = f"this server is a replica, {behind or 0:.0f} s behind: nothing can be written"
        yield Line("replica", "warning", seen, "point WAREHOUSE_DSN at the primary")
        return
    for replica in replicas(cursor):
        size, seconds = replica.size or 0, replica.seconds or 0
        behind = f"{size_in_words(size)} and {seconds:.0f} s behind"
        seen = f"{replica.state or 'not visible to this login (grant pg_monitor)'}, {behind}"
        # The seconds are of what was confirmed last and stand still when the replica does; the bytes go on.
        is_late = seconds > rules.replica_lag_seconds or size > 1e6 * rules.replica_lag_mb
        if is_late or replica.state not in (None, "streaming"):
            yield Line(f"replica {replica.name}", "warning", seen, "look at the log and the disk of the replica")
        else:
            yield Line(f"replica {replica.name}", "ok", seen)
    for name, is_lost, size in slots(cursor):
        drop = f"select pg_drop_replication_slot('{name}')"
        if is_lost:
            seen = "its replica was gone for too long: the changes it still wants are gone from here"
            todo = f"start it: it may catch up from the archive; else make it anew, and: {drop}"
        else:
            seen = f"its replica is gone, and the server keeps {size_in_words(size)} of changes for it"
            todo = f"start the replica, or: {drop}"
        yield Line(f"slot {name}", "warning", seen, todo)


def _archive(cursor: Cursor) -> Iterator[Line]:
    """Whether the changes reach the archive, where there is one: what does not waits on the server's own disk."""
    cursor.execute(
        "select current_setting('archive_mode') <> 'off' and current_setting('archive_command') not in ('', %s),"
        " last_archived_time, failed_count, last_failed_time,"
        " last_failed_time > coalesce(last_archived_time, '-infinity') from pg_stat_archiver",
        [archive.NOT_ARCHIVED],
    )
    is_on, archived, failures, failed, is_failing = one_row(cursor)
    if is_on and is_failing:
        seen = f"the last change was not taken at {clock(failed)}, after {failures:,} failures: they fill the disk"
        yield Line("archive", "broken", seen, "python -m warehouse backup --check   (docs/recovery.md, Full disk)")
    elif is_on and archived:
        yield Line("archive", "ok", f"took the last changes at {clock(archived)}")
