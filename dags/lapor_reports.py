"""The morning after a night: the reports that are due, issued before 07:00 WIB.

A run is for one **night**, as in lapor_nightly. One begins as soon as a night is published, however late: its night
is the one in the event that started it. Another begins at 05:30 WIB each morning, for the night of the date on which
its data interval starts: it finds nothing left to do, or tries again what was refused, or says that the night is not
there.

What is due: a week's report on Monday, a month's, quarter's and semester's on the first, and whatever of the last
seven days was refused on its day. A report in the library is left as it is.

Every task runs a command that a person can type in the repository root. A report that is refused (a delivery held by
the gate, too few agencies) fails its task with the reason; the agencies' scorecards are made all the same.
"""

import os
from datetime import timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import AssetOrTimeSchedule, CronDataIntervalTimetable, dag
from commands import AFTER_A_REFUSAL, DAG, PUBLISHED_NIGHT, afterwards, command, night_of, sharded

EVERY_MORNING = CronDataIntervalTimetable("30 5 * * *", timezone="Asia/Jakarta")
SHARDS = int(os.environ.get("LAPOR_REPORT_SHARDS", "1"))  # a shard uses every core of its machine: one per worker


@dag(
    schedule=AssetOrTimeSchedule(timetable=EVERY_MORNING, assets=[PUBLISHED_NIGHT]),
    user_defined_macros={"night": night_of},
    doc_md=__doc__,
    **DAG,
)
def lapor_reports() -> None:
    """What is due, the reports of the three bodies, the scorecards of the agencies, the portal's pages."""
    due = command(
        "due", 'python -m reports due --night "$NIGHT" --list', minutes=5, retries=2,
        doc="""
Lists what is due. Tried again for a database that is in the way, and not for a night that is not published (exit 2):
once it is, it starts this DAG itself. **Red:** see the night's run of lapor_nightly.
""",
    )  # fmt: skip
    bodies = command(
        "bodies", 'python -m reports due --night "$NIGHT" --bodies', minutes=30, retries=1,
        doc="""
Issues the reports of Kemen PANRB, KSP and the Ombudsman. Tried again because what is in the library is left as it is;
a refusal (exit 2) stays one. **Red:** the log says for each report why it was refused and what to do; afterwards
clear this task.
""",
    )  # fmt: skip
    scorecards = sharded(
        "scorecards", 'python -m reports due --night "$NIGHT" --scorecards --shard "$SHARD"', SHARDS,
        minutes=60, retries=1, trigger_rule=AFTER_A_REFUSAL,
        doc="""
Issues the scorecard of every agency, also when a body's report was refused. Tried again because those that are in the
library are left. **Red:** as for the bodies; single agencies that are refused are listed and fail nothing.
""",
    )  # fmt: skip
    prepared = command(
        "prepare_portal", "python -m reports.portal prepare", minutes=15, retries=1,
        doc="""
Decides and draws what the portal's pages show of the new night, before somebody asks. Runs whatever became of the
reports. **Red:** it fails nothing: the portal does the same at the first request, only slower. The log has the reason.
""",
    )  # fmt: skip
    issued = EmptyOperator(
        task_id="all_issued", execution_timeout=timedelta(minutes=1),
        doc_md="""
Nothing runs here: a run succeeds if its last task does, and this one follows only when bodies and scorecards are well.
""",
    )  # fmt: skip
    due >> [bodies, scorecards]
    bodies >> scorecards  # what the bodies' reports have shown and hidden decides what a scorecard may show
    [bodies, scorecards] >> issued
    scorecards >> afterwards([prepared])


lapor_reports()
