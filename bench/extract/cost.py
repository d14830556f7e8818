"""What a command costs: its own CPU seconds, PostgreSQL's, the seconds a person waits, and memory.

The client's CPU and peak memory are the kernel's account of the finished process and of the children it waited for; the
peak is that of its largest process. PostgreSQL's CPU is the growth of the postmaster's account: itself, its running
children and those it has seen end. Clock ticks are 10 ms.
"""

import os
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_SETTLE_SECONDS = 0.5  # until the server has seen its last backend end


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run; `last_wall_seconds` are those of its last command alone."""

    wall_seconds: float
    last_wall_seconds: float
    client_cpu_seconds: float
    server_cpu_seconds: float
    peak_megabytes: float

    @property
    def cpu_seconds(self) -> float:
        """Client and PostgreSQL."""
        return self.client_cpu_seconds + self.server_cpu_seconds


class CommandFailed(RuntimeError):
    """A command ended with an error; the message quotes the end of what it printed."""


def measure(
    commands: Sequence[Sequence[str]], environment: Mapping[str, str], folder: Path, log: Path, postmaster: int
) -> Cost:
    """Run the commands one after the other in `folder` and account for them. Raises CommandFailed."""
    started, before = time.monotonic(), postgres_cpu_seconds(postmaster)
    last, client, peak = started, 0.0, 0
    for command in commands:
        last = time.monotonic()
        with log.open("ab") as output:
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait for it again
        if process.returncode:
            raise CommandFailed(f"{' '.join(command)} ended with {process.returncode}:\n{log.read_text()[-3000:]}")
        client += usage.ru_utime + usage.ru_stime
        peak = max(peak, usage.ru_maxrss)
    ended = time.monotonic()
    time.sleep(_SETTLE_SECONDS)
    return Cost(ended - started, ended - last, client, postgres_cpu_seconds(postmaster) - before, peak / 1024)


def floor_megabytes() -> float:
    """Our own peak memory: the kernel counts it to the commands we start, so smaller ones cannot be told apart."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def postgres_cpu_seconds(postmaster: int) -> float:
    """CPU seconds of a PostgreSQL server since its start, ended backends included."""
    ticks = sum(_stat(postmaster)[11:15])  # utime, stime, and those of the children it has waited for
    for child in Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split():
        try:
            ticks += sum(_stat(int(child))[11:13])
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended just now: counted with the next look
    return ticks / _TICKS


def _stat(process: int) -> list[int]:
    """The numbers of /proc/PID/stat from the parent's id on; index 11 is utime, as in the manual less three."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return [0, *map(int, fields[1:])]
