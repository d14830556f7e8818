"""The steps of nights as commands in one state directory, each tried again as often as dags/lapor_nightly.py does.

A server that is down is started again before the next try, as a supervisor would.
"""

import os
import subprocess
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.sql import Composable

from bench import night as nightly
from bench.extract.cost import postgres_cpu_seconds
from bench.soak import faults
from warehouse import server

# As in dags/lapor_nightly.py. A gate that ends with 2 has decided; the same would come of it again.
RETRIES = {"open": 2, "extract": 2, "gate": 1, "build": 1, "close": 2}
DECIDED = 2
# Shorter than in earnest, so that what hangs costs the soak minutes and not hours.
PATIENCE = {
    "LAPOR_EXTRACT_REQUEST_TIMEOUT_SECONDS": "5",
    "LAPOR_EXTRACT_ATTEMPTS": "2",
    "LAPOR_EXTRACT_AGENCY_DEADLINE_SECONDS": "20",
    "LAPOR_EXTRACT_HISTORY_DEADLINE_SECONDS": "120",
}
POLL_SECONDS = 0.05


class SoakFailed(RuntimeError):
    """A guarantee did not hold; the message says which, and on which night."""


@dataclass(slots=True)
class Step:
    """What one step of a night took over all its tries; `blow` is what was done to it, `came` whether in time."""

    name: str
    tries: int = 0
    wall_seconds: float = 0.0
    last_wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_megabytes: float = 0.0
    blow: str | None = None
    came: bool = False


@dataclass(slots=True)
class Night:
    """One night: its steps, what PostgreSQL used, what the ledger says, and what the disk held afterwards."""

    night: date
    steps: list[Step] = field(default_factory=list)
    postgres_cpu_seconds: float = 0.0
    states: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    megabytes: dict[str, float] = field(default_factory=dict)


class Supervised:
    """Runs the steps of nights in one state directory and keeps the server up."""

    def __init__(self, state: Path, environment: dict[str, str]) -> None:
        self._state, self._environment = state, environment
        self._usual: dict[str, float] = {}
        self._log = state / "soak.log"
        self._postgres_before = 0.0
        self._postgres_used = 0.0

    def night(self, night: date, blows: Sequence[faults.MachineFault]) -> Night:
        """Run a night to its end. Raises SoakFailed when a step fails more often than it may."""
        ended = Night(night)
        by_step = {blow.step: blow for blow in blows}
        self._postgres_before, self._postgres_used = self._postgres_seconds(), 0.0
        for name, commands in nightly.steps(night):
            step = Step(name)
            ended.steps.append(step)
            blow = by_step.get(name)
            while not self._try(step, commands, blow):
                blow = None  # one blow, not one a try
                if step.tries > RETRIES[name]:
                    raise SoakFailed(
                        f"night {night}: {name} failed {step.tries} times; the end of its log:\n{self._words()}"
                    )
                self.up()
            if step.blow is None or not step.came:
                self._usual[name] = step.last_wall_seconds
        ended.postgres_cpu_seconds = self._postgres_used + self._postgres_seconds() - self._postgres_before
        self.run(
            f"python -m quality.sending --night {night}", "python -m warehouse retain", "python -m warehouse vacuum"
        )
        return ended

    def run(self, *commands: str) -> None:
        """Run commands one after the other. Raises SoakFailed."""
        for command in commands:
            if self._start(command).wait():
                raise SoakFailed(f"{command} failed:\n{self._words()}")

    def up(self) -> None:
        """Start the server unless it runs, and wait for it."""
        self.run("python -m warehouse up")

    def query(self, sql: str | Composable, values: Any = None) -> list[tuple[Any, ...]]:
        """Rows of a query, as the owner."""
        with closing(psycopg2.connect(server.socket_dsn(self._state))) as connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()

    def _try(self, step: Step, commands: Sequence[str], blow: faults.MachineFault | None) -> bool:
        """One try of a step, its commands side by side; whether all ended well. Raises SoakFailed on a refusal."""
        began = time.monotonic()
        strike_at = began + blow.after_share * self._usual.get(step.name, 1.0) if blow else None
        running = {process.pid: process for process in map(self._start, commands)}
        codes = []
        while running:
            if blow and strike_at is not None and time.monotonic() >= strike_at:
                if blow.what in faults.ENDS_THE_SERVER:  # the next one counts from nought
                    self._postgres_used += self._postgres_seconds() - self._postgres_before
                    self._postgres_before = 0.0
                faults.strike(blow.what, self._state, list(running))
                step.blow, step.came, strike_at = blow.what, True, None
            for pid in list(running):
                found, status, usage = os.wait4(pid, os.WNOHANG)
                if found:
                    running.pop(pid).returncode = code = os.waitstatus_to_exitcode(status)
                    codes.append(code)
                    step.cpu_seconds += usage.ru_utime + usage.ru_stime
                    step.peak_megabytes = max(step.peak_megabytes, usage.ru_maxrss / 1024)
            time.sleep(POLL_SECONDS)
        if blow and not step.came:
            step.blow = blow.what
        step.tries += 1
        step.last_wall_seconds = time.monotonic() - began
        step.wall_seconds += step.last_wall_seconds
        if step.name == "gate" and DECIDED in codes:
            raise SoakFailed(f"{step.name} decided against the night, as only a person may undo:\n{self._words()}")
        return not any(codes)

    def _start(self, command: str) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as log:
            return subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", command],
                cwd=nightly.REPOSITORY, env=self._environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def _words(self) -> str:
        return self._log.read_text(errors="replace")[-3000:]

    def _postgres_seconds(self) -> float:
        return postgres_cpu_seconds(faults.postmaster(self._state))
