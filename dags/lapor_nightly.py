"""The night: every agency's deliveries fetched, checked, built and published before 05:00 WIB.

A run is for one **night**, a business date in Asia/Jakarta with its cut-off at 24:00 WIB: the date on which the run's
data interval starts. The run of 1 July 01:00 WIB is therefore the night of 30 June; a backfill from 1 to 30 June is
thirty nights. A run triggered by hand without an interval is for the last night that was over at its logical date, or
at its start if it has no logical date.

Every task runs a command that a person can type in the repository root. A night may be run again at any time: it ends
in the same rows. When the gate holds the night (exit 2) or could not judge it (exit 3), the run fails there and
nothing is published. What is in the marts in the end is told to lapor_reports, which goes on from there; the note of
the run says the night's figures. A night that has not ended four hours after its run was queued, 05:00 WIB on a usual
night, is told to whoever is on duty while it still runs.

To redo a part of a night, trigger it with the params `agencies` (codes) and `resources` (complaints, surveys,
recaps): only those are fetched again; the gate, the build and the publication always see the whole night.

What to do when a task is red: its own documentation (the task, then Details), and docs/runbook.md.
"""

import os
from datetime import timedelta

from airflow.sdk import CronDataIntervalTimetable, Param, dag
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from commands import DAG, PUBLISHED_NIGHT, afterwards, command, night_of, send_late, sharded, tell_published

NIGHTLY = CronDataIntervalTimetable("0 1 * * *", timezone="Asia/Jakarta")  # sources settle for an hour
SHARDS = int(os.environ.get("LAPOR_EXTRACT_SHARDS", "4"))
# Counted from when the run was queued and not from the night: a backfill of old nights is not late.
MAY_TAKE = timedelta(minutes=float(os.environ.get("LAPOR_NIGHT_MINUTES", "240")))

# dbt connects through variables: assigned first, so that a warehouse that is down fails the task in its words.
# What it read and wrote is told to OpenLineage where that is set up.
# Unit tests ask whether a formula is right, not whether the night is: `make test` runs them.
DBT = "dbt build --exclude-resource-type unit_test --project-dir dbt_project --profiles-dir dbt_project"
# It ends with 2 when the server is gone, which is no decision (commands.UnlessDecided) and is tried again.
BUILD = f"python -m warehouse lineage {DBT} || exit 1"
DBT_BUILD = f'connection="$(python -m warehouse env)"; eval "$connection"; {BUILD}'

# Codes reach the shell as values of variables; the patterns keep a slip of the hand from becoming an option.
PARAMS = {
    "agencies": Param(
        [],
        type="array",
        items={"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]*$"},
        description="Codes of the agencies to fetch again; empty = all.",
    ),
    "resources": Param(
        [],
        type="array",
        items={"type": "string", "pattern": r"^[a-z][a-z_]*$"},
        description="Resources to fetch again; empty = all.",
    ),
}
CHOSEN = {
    "AGENCIES": "{{ params.agencies | join(' ') }}",
    "RESOURCES": "{{ params.resources | join(' ') }}",
    "REDO": "{{ '--redo' if params.agencies or params.resources else '' }}",
}
EXTRACT = (
    'read -ra agencies <<<"$AGENCIES"; read -ra resources <<<"$RESOURCES"; '
    'python -m extract --night "$NIGHT" --shard "$SHARD" '
    '$REDO "${agencies[@]/#/--agency=}" "${resources[@]/#/--resource=}"'
)
NOTE = (
    'figures="$(python -m warehouse status --night "$NIGHT")"; '
    '"$LAPOR_AIRFLOW_PYTHON" dags/run_note.py "$AIRFLOW_CTX_DAG_ID" "$AIRFLOW_CTX_DAG_RUN_ID" "$figures"'
)


@dag(
    schedule=NIGHTLY,
    params=PARAMS,
    user_defined_macros={"night": night_of},
    deadline=DeadlineAlert(
        name="night published",
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=MAY_TAKE,
        callback=SyncCallback(send_late),
    ),
    doc_md=__doc__,
    **DAG,
)
def lapor_nightly() -> None:
    """The whole way of a night, in order."""
    opened = command(
        "open_night", 'python -m extract open --night "$NIGHT"', minutes=5, retries=2,
        doc="""
Writes down which deliveries the registry expects of the night, so that what does not come is missing and not
forgotten.

Tried again because only the database can be in the way. **Red:** the registry is wrong (the log names file and line)
or PostgreSQL is down: `make status`, then clear the task.
""",
    )  # fmt: skip
    extracted = sharded(
        "extract", EXTRACT, SHARDS, minutes=60, retries=2, wait_seconds=15, variables=CHOSEN, pool="extraction",
        doc="""
Fetches the deliveries of one shard of the agencies and loads them into `raw`. What single agencies do wrong stands in
their rows of the ledger and fails nothing.

Tried again because the ledger knows what the try before has finished: it goes on where that broke off. **Red:** the
database, the disk or a key; the log's last line names it. `make status`, then clear the task. An agency that is
missing: `python -m quality show --night D`.
""",
    )  # fmt: skip
    gated = command(
        "gate", 'python -m quality --night "$NIGHT"', minutes=30, retries=1,
        doc="""
Great Expectations judges the night: rows are accepted or quarantined, deliveries accepted or held.

Tried again when it could not judge, which judging a second time can mend; a night it holds (exit 2) stays held.
**Red:** `python -m quality show --night D` says which rule and what releases it; afterwards clear this task: the
night goes on from here.
""",
    )  # fmt: skip
    built = command(
        "build_marts", DBT_BUILD, minutes=60, retries=1, wait_seconds=120,
        doc="""
dbt builds the marts from what the gate let in, and tests them. Until the last step nothing of it counts as published.

Tried again for a server that restarted under it; what was built is not built twice. **Red twice:** the log ends with
the test or model that failed; its rows are in the schema `test_failures`. Mend it, then clear this task.
""",
    )  # fmt: skip
    closed = command(
        "close_night", 'python -m extract close --night "$NIGHT"', minutes=5, retries=2,
        outlets=[PUBLISHED_NIGHT], post_execute=tell_published,
        doc="""
Marks the night as published, which lets lapor_reports go on. Tried again because it does the same each time. **Red:**
the database is in the way: `make status`, then clear the task.
""",
    )  # fmt: skip
    told = command(
        "send_alert", 'python -m quality.sending --night "$NIGHT"', minutes=5, retries=2,
        doc="""
Sends the one message of the night, by e-mail and webhook as far as they are set up (`LAPOR_ALERT_*`): what to do now,
or what to look at in the morning. Runs whatever became of the night, and its own failure fails no night. A message
that was sent is not sent again. **Red:** the mail server or the webhook refused; the log has its words. `make status`
shows it too.
""",
    )  # fmt: skip
    noted = command(
        "note_figures", NOTE, minutes=5, retries=1,
        doc="""
Writes the night's figures as the note of this run. Runs whatever became of the night, and its own failure fails no
night. **Red:** nothing is lost: `python -m warehouse status --night D` says the same.
""",
    )  # fmt: skip
    opened >> extracted >> gated >> built >> closed >> afterwards([told, noted])


lapor_nightly()
