"""Run a dbt command and tell an OpenLineage receiver what it read and wrote; where there is none, only run it.

The receiver is named by the variables that Airflow's own events go by (OPENLINEAGE_URL; for a file and all else
OPENLINEAGE__TRANSPORT__*), and OPENLINEAGE_PARENT_ID says which task of Airflow is above. The command's exit code is
what comes out: a receiver that refuses, hangs or is wrongly named is told of and fails nothing. Names of tables,
columns and tests, counts and compiled SQL are sent; no value of a row.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.log import complain, say
from warehouse.settings import settings

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunState

SEND_SECONDS = 120  # all events of a build together; usual are a few
KILLED = 128
PRODUCER = "https://github.com/OpenLineage/OpenLineage/tree/main/integration/dbt"


def run(command: Sequence[str]) -> int:
    """Run `dbt ...` and return its exit code; without a receiver this process becomes it, and nothing is returned."""
    if not settings().openlineage_url and not settings().openlineage_transport:
        sys.stdout.flush()
        os.execvp(command[0], list(command))
    told = _Telling(command)
    began = time.time()
    told.begun()
    code = subprocess.run(list(command), check=False).returncode
    told.ended(is_successful=code == 0, began=began)
    (complain if told.failure else say)(told.summary())
    return code if code >= 0 else KILLED - code


class _Telling:
    """The events of one run of dbt. The first one that cannot be sent is the last that is tried."""

    def __init__(self, command: Sequence[str]) -> None:
        self.sent, self.failure = 0, ""
        self.until = time.monotonic() + SEND_SECONDS
        try:
            self._prepare(command)
        except Exception as error:  # whatever a setting or a file of dbt's is wrong with: the build goes on
            self._fail(error)

    def _prepare(self, command: Sequence[str]) -> None:
        # A second of imports, for those who want events.
        from openlineage.client.client import OpenLineageClient
        from openlineage.client.uuid import generate_new_uuid
        from openlineage.common.provider.dbt import DbtLocalArtifactProcessor, ParentRunMetadata
        from openlineage.common.provider.dbt.utils import get_parent_run_metadata
        from openlineage.common.utils import parse_single_arg

        class Build(DbtLocalArtifactProcessor):  # type: ignore[misc]  # publishes no types
            def get_dbt_metadata(self) -> Any:
                manifest, results, profile, catalog = super().get_dbt_metadata()
                # A test that was not run has not failed, as it would be told.
                results["results"] = [result for result in results["results"] if result["status"] != "skipped"]
                return manifest, results, profile, catalog

        self.client = OpenLineageClient()
        self.above = get_parent_run_metadata()
        self.build = Build(
            producer=PRODUCER,
            project_dir=parse_single_arg(command, ["--project-dir"], "."),
            target_path=parse_single_arg(command, ["--target-path"]),
            job_namespace=settings().openlineage_namespace,
            openlineage_job_name=" ".join(command[:2]),
        )
        self.run = ParentRunMetadata(
            run_id=str(generate_new_uuid()),
            job_name=self.build.job_name,
            job_namespace=settings().openlineage_namespace,
        )
        top = self.above or self.run
        self.run.root_parent_run_id = top.root_parent_run_id or top.run_id
        self.run.root_parent_job_name = top.root_parent_job_name or top.job_name
        self.run.root_parent_job_namespace = top.root_parent_job_namespace or top.job_namespace
        self.build.dbt_run_metadata = self.run

    def begun(self) -> None:
        """Tell that dbt starts."""
        from openlineage.client.event_v2 import RunState

        self._send(lambda: [self._whole(RunState.START)])

    def ended(self, *, is_successful: bool, began: float) -> None:
        """Tell of all models and tests, as far as dbt wrote them down after `began` (epoch), and how it ended."""
        from openlineage.client.event_v2 import RunState

        def events() -> Iterable[Any]:
            results = Path(self.build.run_result_path)
            if results.exists() and results.stat().st_mtime >= began:
                yield from self.build.parse().events()
            yield self._whole(RunState.COMPLETE if is_successful else RunState.FAIL)

        self.until = time.monotonic() + SEND_SECONDS
        self._send(events)

    def summary(self) -> str:
        """What became of it, in a line."""
        return f"lineage: {self.sent} events sent" + (f", then: {self.failure}" if self.failure else "")

    def _send(self, events: Any) -> None:
        if self.failure:
            return
        try:
            for event in events():
                if time.monotonic() > self.until:
                    raise TimeoutError(f"the receiver took more than {SEND_SECONDS} s")
                self.client.emit(event)
                self.sent += 1
        except Exception as error:  # as above: lineage is told of a night, and never a reason for one to fail
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.failure = f"{type(error).__name__}: {error}"[:300]

    def _whole(self, state: "RunState") -> Any:
        from openlineage.client.event_v2 import Job, Run, RunEvent
        from openlineage.client.facet_v2 import job_type_job

        kind = job_type_job.JobTypeJobFacet(jobType="JOB", integration="DBT", processingType="BATCH")
        return RunEvent(
            eventType=state,
            eventTime=datetime.now(UTC).isoformat(),
            run=Run(self.run.run_id, {"parent": self.above.to_openlineage()} if self.above else {}),
            job=Job(self.run.job_namespace, self.run.job_name, {"jobType": kind}),
            producer=PRODUCER,
        )
