"""Restore the embedded server from its backups, as it was at a chosen moment, into a state directory of its own.

The running server and its data are never touched. The restored server answers when this is done, and archives nothing:
what it was restored from stays as it is until `python -m warehouse backup` gives it a folder of its own.
"""

import argparse
import re
import shutil
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg2

from warehouse import archive, server
from warehouse.archive import BackupFailed
from warehouse.backup import (
    Backup,
    backups,
    chain,
    first_segment,
    make_folder,
    refuse_other_servers,
    remove,
    run_program,
    to_the_second,
)
from warehouse.findings import WIB, clock, one_row
from warehouse.log import say
from warehouse.settings import settings

_LAST_CHANGE = re.compile(r"last completed transaction was at log time (\S+ \S+)")


@dataclass(frozen=True, slots=True)
class Restored:
    """A restored server: what of, how far (its last change), and its last published night."""

    backup: Backup
    last_change: datetime | None
    last_night: date | None


def restore(folder: Path, state_dir: Path, at: datetime | None = None) -> Restored:
    """Restore into `state_dir`, which must have no database yet, and leave the server running there.

    at: everything committed until this moment, and nothing after it; None: all that is in the archive.
    Raises BackupFailed, and leaves nothing behind, when no backup is that old, when the archive does not reach
    the moment, or when a file is missing or damaged on the way.
    """
    folder, directory = folder.resolve(), server.data_directory(state_dir).resolve()
    if directory.exists():
        raise BackupFailed(f"{directory} is there already: a restore never writes over a database. Move it away first.")
    chosen = _choose(folder, at)
    if at is None:
        _refuse_holes(folder, chosen)
    directory.mkdir(parents=True)
    server.open_to_system_user(directory)
    make_folder(directory)
    try:
        run_program("pg_combinebackup", *(str(item.path) for item in chain(folder, chosen)), "-o", str(directory))
        run_program("pg_verifybackup", "-q", str(directory))
        forget_its_past(directory)
        write_settings(directory, {
            "archive_command": archive.NOT_ARCHIVED,
            "restore_command": archive.restore_command(folder),
            "recovery_target_action": "promote",
            "listen_addresses": "",
            **({"recovery_target_time": at.astimezone(UTC).isoformat(sep=" ")} if at else {}),
        })  # fmt: skip
        own_file(directory / "recovery.signal", "")
        last_change, last_night = _recover(state_dir)
    except BaseException:
        server.stop(state_dir)
        remove(directory)
        raise
    return Restored(chosen, last_change, last_night)


def parse_moment(text: str) -> datetime:
    """A moment as ISO 8601, in WIB unless it says otherwise. Raises argparse.ArgumentTypeError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no moment: write 2021-06-30 02:15 (WIB)") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=WIB)


def write_settings(directory: Path, values: dict[str, str]) -> None:
    """Set settings of a server that does not run; they win over what its data directory says before."""
    quoted = {name: value.replace("'", "''") for name, value in values.items()}
    with (directory / "postgresql.auto.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in quoted.items())


def own_file(path: Path, text: str) -> None:
    """Write a file that belongs to who runs PostgreSQL."""
    path.write_text(text)
    path.chmod(0o600)
    if user := server.system_user():
        shutil.chown(path, user, user)


def forget_its_past(directory: Path) -> None:
    """Remove from a copied data directory what belongs to the server it was copied from, such as its socket's lock."""
    for path in (server.log(directory), directory / ".handle_pids.json", *directory.glob(".s.PGSQL.*")):
        path.unlink(missing_ok=True)


def _choose(folder: Path, at: datetime | None) -> Backup:
    """The newest backup that is not after the moment."""
    present = backups(folder)
    if not present:
        raise BackupFailed(f"There is no backup in {folder}; name the folder with --from.")
    if at is None:
        return present[-1]
    if at > datetime.now(UTC):
        raise BackupFailed(f"{clock(at)} has not come yet.")
    earlier = [item for item in present if item.usable_from <= at]
    if not earlier:
        raise BackupFailed(
            f"The oldest backup in {folder} can be used from {present[0].usable_from.astimezone(WIB)} on."
        )
    return earlier[-1]


def _refuse_holes(folder: Path, chosen: Backup) -> None:
    """Without a moment to reach, PostgreSQL would take the first hole for the end."""
    first = first_segment(chosen)
    segments = [path for path in archive.archived(folder) if archive.place(path.name) >= archive.place(first)]
    broken = archive.missing_segment(segments, first)
    broken = broken or next((path.name for path in segments if not archive.is_whole(path)), None)
    if broken:
        raise BackupFailed(
            f"{folder / 'wal'}: {broken} is missing or damaged. Restore to a moment before it with --at."
        )


def _recover(state_dir: Path) -> tuple[datetime | None, date | None]:
    """Start the server, wait until it has replayed what it has to, and let it forget that it was restored."""
    directory = server.data_directory(state_dir)
    try:
        server.launch(directory)
        with server.administer(state_dir) as cursor:
            cursor.execute("select pg_is_in_recovery()")
            while one_row(cursor) == (True,):
                time.sleep(0.2)
                cursor.execute("select pg_is_in_recovery()")
            cursor.execute("select pg_last_xact_replay_timestamp()")
            (last_change,) = one_row(cursor)
            for name in ("restore_command", "recovery_target_action", "recovery_target_time"):
                cursor.execute(f"alter system reset {name}")
        server.stop(state_dir)  # what was its target would else be the target of a replica made of it
        server.launch(directory)
    except (server.WarehouseNotRunning, psycopg2.Error) as error:
        words = server.last_words(directory)
        if "before configured recovery target was reached" not in words:
            raise BackupFailed(f"PostgreSQL could not recover:\n{words or error}") from error
        end = _LAST_CHANGE.search(server.last_words(directory, lines=1_000_000))
        until = f": its last change is of {to_the_second(datetime.fromisoformat(end[1]))}" if end else ""
        raise BackupFailed(
            f"The archive ends before that moment{until}. Without --at everything there is comes back; a server that"
            " still runs hands over its newest changes with: python -m warehouse backup --check"
        ) from error
    with closing(psycopg2.connect(server.socket_dsn(state_dir))) as connection, connection.cursor() as cursor:
        cursor.execute("select to_regclass('ops.nights') is not null")
        if one_row(cursor) == (False,):
            return last_change, None
        cursor.execute("select max(night) from ops.nights where published_at is not null")
        return last_change, one_row(cursor)[0]


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `restore`."""
    parser.add_argument("--at", type=parse_moment, metavar="MOMENT",
                        help="such as '2021-06-30 02:15', in WIB (default: all that is in the archive)")  # fmt: skip
    parser.add_argument("--to", type=Path, metavar="DIR", required=True, help="state directory without a database")
    parser.add_argument("--from", dest="source", type=Path, metavar="DIR", help="folder of backups (LAPOR_BACKUP_DIR)")


def run(options: argparse.Namespace) -> int:
    """Restore and say what came back. Raises BackupFailed."""
    refuse_other_servers("restore")
    began = time.monotonic()
    done = restore(options.source or settings().backups, options.to, options.at)
    say(f"{options.to}: restored from {done.backup.path.name}, verified, {time.monotonic() - began:.1f} s")
    if done.last_change:
        say(f"last change: {done.last_change.astimezone(WIB).isoformat(sep=' ', timespec='milliseconds')}")
    say(f"last published night: {done.last_night or 'none'}")
    say(f"It runs: LAPOR_STATE_DIR={options.to} python -m warehouse psql. What comes next: docs/recovery.md")
    return 0
