"""The archive of changes: every change of the embedded server, in files of 16 MB, until the backup before it goes.

PostgreSQL hands each finished file over itself, so nothing else has to run and nothing has to be started again after a
crash. It never counts a file as archived before it is: when the archive's disk is full, the changes stay where they
are, the server's own disk fills, and nothing is missing afterwards.
"""

import gzip
import re
import shlex
import time
import zlib
from pathlib import Path

from psycopg2.extensions import cursor as Cursor

from warehouse.findings import clock, one_row

ARCHIVE_SECONDS = 300  # so long an unfinished file of changes waits: what a lost disk takes with it at most
ARRIVAL_SECONDS = 120
SEGMENTS_PER_LOG = 0x100  # of 16 MB: after ...000000FF comes the next log's ...00000000

# What PostgreSQL runs for each finished file of changes (%p its path, %f its name): never over one of other content,
# never half of one, on the disk before it is called archived. A failure is tried again for as long as it takes, and
# the file is kept until then.
_ARCHIVE = (
    'set -e; to={folder}/%f.gz; if [ -e "$to" ]; then gzip -dc "$to" | cmp -s - "%p"; exit; fi;'
    ' gzip -1 -c "%p" > "$to.part"; sync "$to.part"; mv "$to.part" "$to"; sync {folder}'
)
NOT_ARCHIVED = "true"

_SEGMENT = re.compile(r"^([0-9A-F]{8})([0-9A-F]{16})\.gz$")


class BackupFailed(RuntimeError):
    """A backup, a restore or a replica could not be made; the message says why and what to do."""


def start(cursor: Cursor, folder: Path) -> None:
    """Have the server archive its changes to a folder of backups, from now on.

    Raises BackupFailed when the backups of another server are there.
    """
    cursor.execute("select current_setting('archive_command'), current_setting('archive_mode')")
    command, mode = one_row(cursor)
    if mode != "on":
        raise BackupFailed(
            "This server was started before it could archive: python -m warehouse down, then python -m warehouse up."
        )
    if command == archive_command(folder):
        return
    if [entry for part in ("base", "wal") for entry in (folder / part).iterdir()]:
        raise BackupFailed(
            f"{folder} holds backups of another server, or of what this one was before a restore: they cannot be told"
            f" apart if mixed. Move it away (mv {folder} {folder}.before), or name another folder with --to."
        )
    for setting, value in (
        ("archive_command", archive_command(folder)),
        ("archive_timeout", str(ARCHIVE_SECONDS)),
        ("summarize_wal", "on"),  # an incremental backup asks which pages changed
    ):
        cursor.execute(f"alter system set {setting} = %s", (value,))
    cursor.execute("select pg_reload_conf()")
    await_setting(cursor, "archive_command", archive_command(folder))


def await_archive(cursor: Cursor, folder: Path, seconds: float = ARRIVAL_SECONDS) -> None:
    """Wait until every change up to this moment is in the archive of `folder`.

    Raises BackupFailed when it does not arrive, with PostgreSQL's own count of failures.
    """
    # Less one: after a switch with nothing to switch it is the first place of the next file.
    cursor.execute("select pg_walfile_name(pg_switch_wal() - 1), current_setting('archive_command')")
    segment, command = one_row(cursor)
    if command != archive_command(folder):
        raise BackupFailed(f"This server does not archive to {folder / 'wal'}: python -m warehouse backup starts it.")
    target, deadline = folder / "wal" / f"{segment}.gz", time.monotonic() + seconds
    while not target.exists():
        if time.monotonic() > deadline:
            cursor.execute("select failed_count, last_failed_wal, last_failed_time from pg_stat_archiver")
            count, name, moment = one_row(cursor)
            raise BackupFailed(
                f"{target} did not arrive within {seconds:.0f} s ({count} failures"
                + (f", the last at {clock(moment)} with {name}" if count else "")
                + f"). PostgreSQL keeps the changes and tries again: look at the disk of {folder}, at the server's log."
            )
        time.sleep(0.1)


def await_setting(cursor: Cursor, name: str, value: str) -> None:
    """Wait until this session knows a setting that was reloaded."""
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while True:
        cursor.execute("select current_setting(%s)", (name,))
        if one_row(cursor) == (value,):
            return
        if time.monotonic() > deadline:
            raise BackupFailed(f"PostgreSQL did not take the new value of {name}; look at its log.")
        time.sleep(0.05)


def archived(folder: Path) -> list[Path]:
    """The archived files of changes, in the order of their content."""
    return sorted((path for path in (folder / "wal").glob("*.gz") if _SEGMENT.match(path.name)), key=_order)


def missing_segment(segments: list[Path], first: str) -> str | None:
    """The first file that is not there, from `first` to the last one archived; None when all are.

    On whichever timeline: after a promotion the next one repeats the number of the last.
    """
    numbers = {place(path.name) for path in segments}
    start = place(first)
    missing = next((number for number in range(start, max(numbers, default=start) + 1) if number not in numbers), None)
    if missing is None:
        return None
    return f"{first[:8]}{missing // SEGMENTS_PER_LOG:08X}{missing % SEGMENTS_PER_LOG:08X}"


def archive_command(folder: Path) -> str:
    """What has the server archive to a folder of backups."""
    return _ARCHIVE.format(folder=shlex.quote(str((folder / "wal").resolve())).replace("%", "%%"))


def folder_of(command: str) -> Path | None:
    """The folder of backups that an archive command of ours archives to; None for any other command."""
    last = shlex.split(command)[-1].replace("%%", "%")
    folder = Path(last).parent
    return folder if command == archive_command(folder) else None


def restore_command(folder: Path) -> str:
    """What has a server in recovery fetch from the archive of a folder of backups; fails for what is not there."""
    source = f"{shlex.quote(str((folder / 'wal').resolve())).replace('%', '%%')}/%f.gz"
    return f'test -f {source} && gzip -dc {source} > "%p"'


def place(name: str) -> int:
    """Place of a file of changes among all, whatever its timeline."""
    return int(name[8:16], 16) * SEGMENTS_PER_LOG + int(name[16:24], 16)


def _order(path: Path) -> tuple[int, str]:
    return place(path.name), path.name


def is_whole(path: Path) -> bool:
    """Whether a compressed file is whole, by its checksum."""
    try:
        with gzip.open(path) as file:
            while file.read(1 << 20):
                pass
    except (OSError, EOFError, zlib.error):
        return False
    return True
