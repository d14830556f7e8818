"""The house kept in order, each day at 07:00 WIB, after the reports: what is past its time goes, what grew is measured
anew.

Nothing here changes a figure, and no night waits for it; a task that fails stops no other. Every task runs a command
that a person can type in the repository root, as often as he likes.

What needs no task: the gate keeps its Data Docs at 60 nights by itself (`docs_nights_kept` in quality/bounds.yml); no
table is split into partitions that somebody would have to make ahead.
"""

from airflow.sdk import CronDataIntervalTimetable, TriggerRule, dag
from commands import DAG, command, night_of

EVERY_DAY = CronDataIntervalTimetable("0 7 * * *", timezone="Asia/Jakarta")
KEPT_NIGHTS = "${LAPOR_LANDING_KEPT_NIGHTS:-3650}"
KEPT_LOG_DAYS = "${LAPOR_LOG_KEPT_DAYS:-90}"
BACKED_UP = '[ -n "${WAREHOUSE_DSN:-}" ] || [ -z "${LAPOR_BACKUP_DIR:-}" ]'  # else: not ours to back up, or nowhere to


@dag(schedule=EVERY_DAY, user_defined_macros={"night": night_of}, doc_md=__doc__, **DAG)
def lapor_maintenance() -> None:
    """Retention, originals, logs, statistics, backup: one task each."""
    command(
        "retain_texts", "python -m warehouse retain", minutes=30, retries=1,
        doc="""
Deletes redacted texts that are past their time (docs/security.md). Tried again because what is gone is gone. **Red:**
the log has PostgreSQL's words; personal data are kept too long until it has run: mend it today.
""",
    )  # fmt: skip
    command(
        "prune_landing", f'python -m extract prune --keep-nights "{KEPT_NIGHTS}"', minutes=30, retries=1,
        doc="""
Removes the sealed originals of nights older than `LAPOR_LANDING_KEPT_NIGHTS` (ten years unless set): such a night can
no longer be read again from them. **Red:** the folder or bucket is not reachable; nothing is lost, only kept.
""",
    )  # fmt: skip
    command(
        "vacuum", "python -m warehouse vacuum", minutes=60, retries=1,
        doc="""
Vacuums and analyses the tables that changed or grew by a tenth since they were last: PostgreSQL does so by itself too,
but not always before analysts come. **Red:** queries get slower, nothing is wrong: look who holds a lock (`make
status`), clear the task.
""",
    )  # fmt: skip
    backup = command(
        "backup", f"{BACKED_UP} || python -m warehouse backup --incremental", minutes=60, retries=1,
        doc="""
Backs the embedded server up into `LAPOR_BACKUP_DIR`: what changed since yesterday, everything once a week. Does nothing
while that is not set, nor for a server of one's own (`WAREHOUSE_DSN`), which has its own keepers. **Red:** yesterday's
backup still stands; the log says what is missing, mostly disk (docs/recovery.md, Backups).
""",
    )  # fmt: skip
    check = command(
        "check_backup", f"{BACKED_UP} || python -m warehouse backup --check", minutes=60, retries=1,
        trigger_rule=TriggerRule.ALL_DONE,
        doc="""
Reads what was backed up: age, every file's checksum, and that every change since is archived. **Red:** a restore would
not bring everything back: the log says from when on; make a full backup today (docs/recovery.md, Backups).
""",
    )  # fmt: skip
    backup >> check
    command(
        "prune_logs", f'find "$AIRFLOW_HOME/logs" -type f -mtime "+{KEPT_LOG_DAYS}" -delete', minutes=10, retries=1,
        doc="""
Removes Airflow's logs that are older than `LAPOR_LOG_KEPT_DAYS` (90 unless set). **Red:** the disk fills slowly: see
the log.
""",
    )  # fmt: skip


lapor_maintenance()
