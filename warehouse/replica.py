"""A streaming replica of the embedded server: a second server, a moment behind, from which analysts and portal read.

It answers while the primary restarts, and takes the primary's place when it is promoted. It lives in a state directory
of its own on the same machine, as the embedded server listens on a socket only. With a port it also listens on the
loopback address, for logins with a password.
"""

import argparse
import re
import subprocess
import time
from datetime import timedelta
from pathlib import Path

from psycopg2.extensions import cursor as Cursor

from warehouse import archive, server
from warehouse.archive import BackupFailed
from warehouse.backup import make_folder, refuse_other_servers, remove, run_program
from warehouse.findings import one_row
from warehouse.log import say
from warehouse.restore import forget_its_past, own_file, write_settings
from warehouse.settings import settings

KEPT_FOR_A_REPLICA = "8GB"  # a replica that is gone must not fill the primary's disk
STREAMING_SECONDS = 120

# The primary trusts whoever reaches its socket; what listens on a port does not.
_WHO_MAY_LOG_IN = """\
local all all trust
local replication all trust
host all all 127.0.0.1/32 scram-sha-256
"""


def replica_lag(cursor: Cursor) -> timedelta | None:
    """How far a replica is behind: asked of itself, or of its primary, which tells the slowest of those connected.

    Zero when everything that was written has been replayed; None when no replica is connected, and on a replica that
    has lost its primary before it replayed anything.
    """
    cursor.execute("select pg_is_in_recovery()")
    if one_row(cursor) == (True,):
        # Without changes the last one grows old: that is no lag while the primary is heard.
        cursor.execute(
            """
            select case
                when exists (select from pg_stat_wal_receiver)
                    and pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then interval '0'
                else now() - pg_last_xact_replay_timestamp()
            end
            """
        )
    else:
        cursor.execute(
            """
            select max(
                case when replay_lsn < pg_current_wal_lsn() then coalesce(replay_lag, '0') else interval '0' end
            )
            from pg_stat_replication
            where state = 'streaming' and replay_lsn is not null
            """
        )
    (lag,) = one_row(cursor)
    assert lag is None or isinstance(lag, timedelta)
    return lag


def create(primary: Path, state_dir: Path, port: int | None = None) -> str:
    """Make a replica of the running server of `primary` in `state_dir` and start it; its connection string.

    One that is there already is started. When this returns, it streams. Raises BackupFailed, WarehouseNotRunning.
    """
    directory = server.data_directory(state_dir).resolve()
    if not directory.exists():
        _copy(primary, state_dir.resolve(), directory, port)
    elif not server.is_replica(state_dir):
        raise BackupFailed(f"{directory} is there already and no replica: give --to another folder.")
    server.launch(directory)
    deadline = time.monotonic() + STREAMING_SECONDS
    with server.administer(state_dir) as cursor:
        cursor.execute("select exists (select from pg_stat_wal_receiver where status = 'streaming')")
        while one_row(cursor) != (True,):
            if time.monotonic() > deadline:
                raise BackupFailed(f"The replica does not hear its primary:\n{server.last_words(directory)}")
            time.sleep(0.1)
            cursor.execute("select exists (select from pg_stat_wal_receiver where status = 'streaming')")
    return server.socket_dsn(state_dir)


def promote(state_dir: Path) -> None:
    """Make the replica a server of its own, which is written to. Raises BackupFailed while its primary answers."""
    with server.administer(state_dir) as cursor:
        cursor.execute("select pg_is_in_recovery(), current_setting('primary_conninfo')")
        is_replica, primary = one_row(cursor)
        if not is_replica:
            raise BackupFailed(f"The server under {state_dir} is no replica: there is nothing to promote.")
        if subprocess.run([server.program("pg_isready"), "-q", "-d", primary], check=False).returncode < 2:
            raise BackupFailed(
                "The primary answers. Stop it first (python -m warehouse down): two servers that are written to"
                " cannot be put together again."
            )
        cursor.execute("select pg_promote(wait => true, wait_seconds => 600)")
        if one_row(cursor) != (True,):
            raise BackupFailed(f"It was not promoted:\n{server.last_words(server.data_directory(state_dir))}")


def _copy(primary: Path, state_dir: Path, directory: Path, port: int | None) -> None:
    name = "replica_" + re.sub(r"[^a-z0-9_]", "_", state_dir.name.lower())[:40]
    with server.administer(primary) as cursor:
        cursor.execute(
            "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s and not active",
            (name,),
        )
        cursor.execute("select current_setting('max_slot_wal_keep_size'), current_setting('archive_command')")
        kept, archive_command = one_row(cursor)
        if kept == "-1":
            cursor.execute("alter system set max_slot_wal_keep_size = %s", (KEPT_FOR_A_REPLICA,))
            cursor.execute("select pg_reload_conf()")
    dsn = server.socket_dsn(primary, server.SUPERUSER)
    directory.mkdir(parents=True)
    server.open_to_system_user(directory)
    make_folder(directory)
    try:
        run_program(
            "pg_basebackup", "-d", f"{dsn}&application_name={name}", "-D", str(directory), "-X", "stream",
            "-c", "fast", "-R", "-C", "-S", name,
        )  # fmt: skip
        forget_its_past(directory)
        own_file(directory / "pg_hba.conf", _WHO_MAY_LOG_IN)
        found = archive.folder_of(archive_command)
        write_settings(directory, {
            "cluster_name": name,
            "hot_standby_feedback": "on",  # the primary keeps the rows that a query here still reads
            "max_standby_streaming_delay": "5min",  # a night's build waits that long for an analyst's query
            "listen_addresses": "127.0.0.1" if port else "",
            **({"port": str(port)} if port else {}),
            # What the primary no longer keeps is in the archive.
            **({"restore_command": archive.restore_command(found)} if found else {}),
        })  # fmt: skip
    except BaseException:
        remove(directory)
        raise


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `replica`."""
    parser.add_argument("--to", type=Path, metavar="DIR", required=True, help="state directory of the replica")
    parser.add_argument("--port", type=int, help="also listen on 127.0.0.1, for logins with a password")
    parser.add_argument("--promote", action="store_true", help="make it a server of its own; its primary must be down")


def run(options: argparse.Namespace) -> int:
    """Make and start a replica, or promote it. Raises BackupFailed, WarehouseNotRunning."""
    refuse_other_servers("replica")
    if options.promote:
        promote(options.to)
        say(f"promoted. It is written to from now on: LAPOR_STATE_DIR={options.to} (docs/recovery.md, Replica)")
        return 0
    dsn = create(settings().state_dir, options.to, options.port)
    port = f", and on 127.0.0.1:{options.port} with a password" if options.port else ""
    say(f"the replica streams: {dsn}{port}")
    return 0
