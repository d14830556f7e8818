"""Backups of the embedded server: copies of it and an archive of its changes, for a restore to any minute between.

A folder of backups (LAPOR_BACKUP_DIR) holds `base/`, one folder a copy, named by the moment from which on it can be
used, and `wal/`, the archive (warehouse/archive.py). A copy is complete and verified or absent. The whole database is
in them, what is restricted too: the folder is closed to everybody but who runs PostgreSQL.

A server of one's own (WAREHOUSE_DSN) is backed up by those who run it.
"""

import argparse
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg2

from warehouse import archive, server
from warehouse.archive import BackupFailed
from warehouse.findings import WIB, one_row
from warehouse.log import say
from warehouse.settings import settings

FULL_EVERY = timedelta(days=7)
KEPT_FULL = 4
MAX_AGE_HOURS = 26.0

_NAME = re.compile(r"^(\d{8}T\d{6}Z)-(full|incremental)$")


@dataclass(frozen=True, slots=True, order=True)
class Backup:
    """One copy: it can be restored to `usable_from` and, with the archive, to any moment after it."""

    usable_from: datetime
    is_full: bool
    path: Path


def backups(folder: Path) -> list[Backup]:
    """The complete backups of a folder, oldest first."""
    found = []
    for path in (folder / "base").glob("*"):
        if named := _NAME.match(path.name):
            moment = datetime.strptime(named[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            found.append(Backup(moment, named[2] == "full", path))
    return sorted(found)


def newest(folder: Path) -> Backup | None:
    """The newest complete backup of a folder."""
    return max(backups(folder), default=None)


def chain(folder: Path, backup: Backup) -> list[Backup]:
    """What a backup needs to be whole: the full one before it, every one between, and itself.

    Raises BackupFailed when the full one is not there.
    """
    needed: list[Backup] = []
    for item in backups(folder):
        if item <= backup:
            needed = [item] if item.is_full else [*needed, item]
    if not needed or not needed[0].is_full:
        raise BackupFailed(f"{backup.path} adds to a full backup that is not in {folder}")
    return needed


def take(state_dir: Path, folder: Path, *, incremental: bool = False) -> Backup:
    """Make a backup of the running embedded server, verified; the first one starts the archive.

    incremental: only what changed since the last one; a full one when there is none of the last FULL_EVERY to add to.
    When this returns, everything up to now is in the archive. Raises BackupFailed, WarehouseNotRunning.
    """
    folder = folder.resolve()
    dsn = server.socket_dsn(state_dir, server.SUPERUSER)
    with server.administer(state_dir) as cursor:
        cursor.execute("select pg_try_advisory_lock(hashtext('lapor.warehouse.backup')), pg_is_in_recovery()")
        is_alone, is_replica = one_row(cursor)
        if is_replica:
            raise BackupFailed(f"The server under {state_dir} is a replica: its primary is what is backed up.")
        if not is_alone:
            raise BackupFailed("Another backup of this server is being made: wait for it.")
        for place in (folder, folder / "base", folder / "wal"):
            make_folder(place)
        archive.start(cursor, folder)
        last = newest(folder)
        is_full = not (incremental and last and _is_recent(chain(folder, last)[0]))
        try:
            path = _copy(dsn, folder, None if is_full else last)
        except BackupFailed:
            if is_full:
                raise
            is_full, path = True, _copy(dsn, folder, None)
        # From the server's clock, which stamps the changes a restore stops at; rounded up to the second.
        cursor.execute("select date_trunc('second', clock_timestamp() + interval '1 second')")
        (usable_from,) = one_row(cursor)
        if last is not None:
            usable_from = max(usable_from, last.usable_from + timedelta(seconds=1))
        kind = "full" if is_full else "incremental"
        target = path.with_name(f"{usable_from.astimezone(UTC):%Y%m%dT%H%M%SZ}-{kind}")
        path.rename(target)
        archive.await_archive(cursor, folder)
        return Backup(usable_from, is_full, target)


def prune(folder: Path, keep: int) -> list[Backup]:
    """Remove what is older than the newest `keep` full backups, and the archive before it; returns what went.

    Raises ValueError for keep < 1.
    """
    if keep < 1:
        raise ValueError("--keep: at least one full backup is kept")
    folder = folder.resolve()
    present = backups(folder)
    full = [item for item in present if item.is_full]
    if len(full) <= keep:
        return []
    oldest = full[-keep]
    gone = [item for item in present if item < oldest]
    for item in reversed(gone):  # what is added to goes last
        out_of_sight = item.path.with_name(f"{item.path.name}.part")
        item.path.rename(out_of_sight)
        remove(out_of_sight)
    run_program("pg_archivecleanup", "-b", "-x", ".gz", str(folder / "wal"), first_segment(oldest))
    return gone


def check(folder: Path, state_dir: Path, max_age_hours: float = MAX_AGE_HOURS) -> tuple[list[str], list[str]]:
    """What is well with the backups and what is wrong: age and files of the newest, the archive up to this moment.

    Hands what is not yet archived to the archive. Reads every file of the newest backup and of the archive after it.
    """
    folder, well, wrong = folder.resolve(), list[str](), list[str]()
    last = newest(folder)
    if last is None:
        return [], [f"There is no backup in {folder}: python -m warehouse backup"]
    age = datetime.now(UTC) - last.usable_from
    seen = f"newest backup: {last.path.name}, {age.total_seconds() / 3600:.1f} h old"
    if age > timedelta(hours=max_age_hours):
        wrong.append(f"{seen}: python -m warehouse backup")
    else:
        well.append(seen)
    try:
        for item in chain(folder, last):
            run_program("pg_verifybackup", "-q", str(item.path))
        well.append(f"verified: {', '.join(item.path.name for item in chain(folder, last))}")
    except BackupFailed as error:
        wrong.append(str(error))
    try:
        with server.administer(state_dir) as cursor:
            archive.await_archive(cursor, folder)
        well.append("archived: every change until now")
    except (server.WarehouseNotRunning, psycopg2.OperationalError, BackupFailed) as error:
        wrong.append(f"not known to be archived until now: {str(error).strip()}")
    segments = archive.archived(folder)
    oldest = next(item for item in backups(folder) if item.is_full)
    if gap := archive.missing_segment(segments, first_segment(last)):
        wrong.append(f"the archive has a gap at {gap}: python -m warehouse backup makes a new beginning")
    elif gap := archive.missing_segment(segments, first_segment(oldest)):
        well.append(f"the archive has no gap since {last.path.name}; an older one at {gap} cannot be restored across")
    else:
        well.append(f"no gap in {len(segments)} archived files since {oldest.path.name}")
    damaged = [
        path.name
        for path in segments
        if archive.place(path.name) >= archive.place(first_segment(last)) and not archive.is_whole(path)
    ]
    if damaged:
        wrong.append(f"damaged in {folder / 'wal'}: {', '.join(damaged[:3])}: python -m warehouse backup, now")
    return well, wrong


def first_segment(backup: Backup) -> str:
    """Name of the first file of changes that a restore of the backup needs."""
    label = (backup.path / "backup_label").read_text()
    found = re.search(r"^START WAL LOCATION: \S+ \(file ([0-9A-F]{24})\)", label, re.MULTILINE)
    assert found is not None
    return found[1]


def remove(folder: Path) -> None:
    """Remove a folder that may be there."""
    if folder.exists():
        shutil.rmtree(folder)


def make_folder(folder: Path) -> None:
    """Make a folder that only who runs PostgreSQL can enter. Raises BackupFailed when that user cannot reach it."""
    folder.mkdir(parents=True, exist_ok=True)
    user = server.system_user()
    if user:
        shutil.chown(folder, user, user)
    folder.chmod(0o700)
    reached = subprocess.run(["test", "-w", str(folder)], user=user, check=False)
    if reached.returncode:
        raise BackupFailed(
            f"The user {user} that runs PostgreSQL cannot enter {folder}: open the folders above it (chmod o+x)."
        )


def run_program(name: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs as who runs the server. Raises BackupFailed with its words."""
    command = [server.program(name), *arguments]
    done = subprocess.run(
        command, user=server.system_user(), umask=0o077, cwd="/", capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BackupFailed(f"{name} failed: {done.stderr.strip() or done.stdout.strip()}")


def to_the_second(moment: datetime) -> str:
    """A moment as the clock in Jakarta shows it, in the form that `restore --at` reads."""
    return f"{moment.astimezone(WIB):%Y-%m-%d %H:%M:%S} WIB"


def refuse_other_servers(what: str) -> None:
    """Raises BackupFailed when the warehouse is a server of one's own."""
    if settings().warehouse_dsn is not None:
        raise BackupFailed(
            f"WAREHOUSE_DSN points at a server of your own: its {what} is made where it runs, by those who run it"
            " (docs/recovery.md, A server of your own). This command knows the embedded server only."
        )


def _is_recent(full: Backup) -> bool:
    return datetime.now(UTC) - full.usable_from < FULL_EVERY


def _copy(dsn: str, folder: Path, before: Backup | None) -> Path:
    """Copy the server, or what changed in it since `before`, and verify the copy; where it is."""
    path = folder / "base" / "unfinished.part"
    remove(path)
    parent = ["-i", str(before.path / "backup_manifest")] if before else []
    run_program("pg_basebackup", "-d", dsn, "-D", str(path), "-X", "stream", "-c", "fast", "-l", "lapor", *parent)
    run_program("pg_verifybackup", "-q", str(path))
    return path


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `backup`."""
    parser.add_argument(
        "--incremental", action="store_true", help="only what changed since the last one, if there is one"
    )
    parser.add_argument("--to", type=Path, metavar="DIR", help="folder of backups (default: LAPOR_BACKUP_DIR)")
    parser.add_argument("--keep", type=int, metavar="N", default=KEPT_FULL,
                        help=f"full backups kept, with all that belongs to them (default: {KEPT_FULL})")  # fmt: skip
    parser.add_argument("--check", action="store_true", help="make none; say whether what is there is well")
    parser.add_argument("--max-age", type=float, metavar="HOURS", default=MAX_AGE_HOURS,
                        help=f"--check: an older newest backup is wrong (default: {MAX_AGE_HOURS:.0f})")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Make a backup and remove old ones, or check them. Raises BackupFailed, WarehouseNotRunning, ValueError."""
    refuse_other_servers("backup")
    folder = (options.to or settings().backups).resolve()
    if options.check:
        well, wrong = check(folder, settings().state_dir, options.max_age)
        say("\n".join([*well, *(f"WRONG: {words}" for words in wrong)]), wrong=len(wrong))
        return 1 if wrong else 0
    if options.keep < 1:
        raise ValueError("--keep: at least one full backup is kept")
    began = time.monotonic()
    made = take(settings().state_dir, folder, incremental=options.incremental)
    gone = prune(folder, options.keep)
    size = sum(file.stat().st_size for file in made.path.rglob("*") if file.is_file())
    say(
        f"{made.path}: {'full' if made.is_full else 'incremental'}, {size / 1e6:,.0f} MB, verified, "
        f"{time.monotonic() - began:.1f} s"
    )
    say(f"any moment from {to_the_second(made.usable_from)} on can be restored from it and the archive")
    if gone:
        say(f"removed, with the archive before it: {', '.join(item.path.name for item in gone)}")
    return 0
