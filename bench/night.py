"""What a night costs, step by step, and whether it grows with the history behind it.

Each history gets a warehouse and a simulator of its own: the whole history is loaded as one night, then the two
nights after it, which carry only what changed. Wall seconds, the commands' own CPU seconds and peak memory are printed,
and the ratio of the incremental nights between the histories. Airflow's share is not in here: `make demo` shows it.
"""

import base64
import os
import secrets
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from warehouse.server import socket_dsn

REPOSITORY = Path(__file__).resolve().parent.parent
LAST_NIGHT = date(2021, 6, 30)
FIRST_DAYS = {1: date(2021, 1, 1), 5: date(2019, 1, 1)}  # six months, thirty months
SHARDS = 4
DBT = (
    'eval "$(python -m warehouse env)"; '
    "dbt build -q --exclude-resource-type unit_test --project-dir dbt_project --profiles-dir dbt_project"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """One step of one night."""

    night: date
    step: str
    wall_seconds: float
    cpu_seconds: float
    peak_megabytes: float


def measure(histories: list[int], directory: Path | None = None) -> dict[int, list[Cost]]:
    """Run the nights of every history and return their costs; prints each step as it ends."""
    results = {}
    for history in histories:
        with tempfile.TemporaryDirectory(prefix=f"lapor-bench-{history}x-", dir=directory) as folder:
            Path(folder).chmod(0o755)  # PostgreSQL may run as a user of its own
            results[history] = list(_nights(history, Path(folder)))
    return results


def _nights(history: int, state: Path) -> Iterator[Cost]:
    nights = [LAST_NIGHT - timedelta(days=back) for back in (2, 1, 0)]
    environment = environment_of(state)
    with world(history, nights, environment):
        for night in nights:
            for step, commands in steps(night):
                cost = run(night, step, commands, environment)
                print(f"{history}x history, night {night}: {step:8} {cost.wall_seconds:7.1f} s wall", flush=True)
                yield cost


def steps(night: date) -> list[tuple[str, list[str]]]:
    """The steps of a night in their order, each with its commands, which run side by side."""
    extract = f"python -m extract --night {night}"
    return [
        ("open", [f"python -m extract open --night {night}"]),
        ("extract", [f"{extract} --shard {shard}/{SHARDS}" for shard in range(SHARDS)]),
        ("gate", [f"python -m quality --night {night}"]),
        ("build", [DBT]),
        ("close", [f"python -m extract close --night {night}"]),
    ]


def run(night: date, step: str, commands: list[str], environment: dict[str, str]) -> Cost:
    """Run the commands of a step side by side and account for them. Raises SystemExit when one fails."""
    started = time.monotonic()
    running = [
        subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", command], cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL
        )
        for command in commands
    ]
    # wait4 tells what this process and its own children used.
    ended = [os.wait4(process.pid, 0) for process in running]
    if any(status for _, status, _ in ended):
        raise SystemExit(f"bench: {step} of night {night} failed: {commands[0]}")
    cpu = sum(usage.ru_utime + usage.ru_stime for _, _, usage in ended)
    return Cost(night, step, time.monotonic() - started, cpu, max(usage.ru_maxrss for _, _, usage in ended) / 1024)


@contextmanager
def world(
    history: int,
    nights: list[date],
    environment: dict[str, str],
    faults: Path | None = None,
    agencies: Sequence[str] = (),
) -> Iterator[Callable[..., None]]:
    """A warehouse and the simulated nation with so much history, both running while the block lasts.

    Healthy, or with the `faults` of a file (simulator/faults.py); of all `agencies` or of these. `environment`
    gets what a reader of every agency needs to know. Yields what starts the nation again, with other faults or, without
    an argument, healthy.
    """

    def call(*arguments: str) -> None:
        subprocess.run([sys.executable, "-m", *arguments], cwd=REPOSITORY, env=environment, check=True)

    port = str(_free_ports(3))  # HTTP, SFTP and S3

    def serve(faults: Path | None = None) -> None:
        call("simulator", "down")
        call(
            "simulator", "up", "--from", str(FIRST_DAYS[history]), "--to", str(LAST_NIGHT),
            "--nights", ",".join(map(str, nights)), "--port", port, "--faults", str(faults or "none"),
            *(["--agencies", ",".join(agencies)] if agencies else []),
        )  # fmt: skip

    try:
        call("warehouse", "up")
        environment["LAPOR_SIMULATOR_POSTGRES"] = socket_dsn(Path(environment["LAPOR_STATE_DIR"]), "sumber")
        serve(faults)
        told = subprocess.run(
            [sys.executable, "-m", "simulator", "env", "--port", port],
            cwd=REPOSITORY, env=environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        lines = [shlex.split(line.removeprefix("export "))[0] for line in told.stdout.splitlines()]
        for line in lines:
            name, _, value = line.partition("=")
            environment[name] = value
        yield serve
    finally:
        call("simulator", "down")
        call("warehouse", "down")


def _free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody uses now."""
    for first in range(20_000, 60_000, count):
        with ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise SystemExit(f"bench: no {count} free ports in a row")


def environment_of(state: Path) -> dict[str, str]:
    """The environment of commands that keep everything in `state`; no setting of ours is inherited."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LAPOR_", "WAREHOUSE_"))}
    return inherited | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "LAPOR_STATE_DIR": str(state),
        "LAPOR_LANDING_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "LAPOR_IDENTITY_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
    }


def report(results: dict[int, list[Cost]]) -> str:
    """The table of all steps, and the incremental nights of the histories against each other."""
    lines = [f"{'history':>7} {'night':10} {'step':8} {'wall s':>8} {'CPU s':>8} {'peak MB':>8}"]
    incremental: dict[int, float] = {}
    for history, costs in results.items():
        lines += [
            f"{history:>6}x {cost.night} {cost.step:8} {cost.wall_seconds:8.1f} {cost.cpu_seconds:8.1f}"
            f" {cost.peak_megabytes:8.0f}"
            for cost in costs
        ]
        later = sorted({cost.night for cost in costs})[1:]
        incremental[history] = sum(cost.wall_seconds for cost in costs if cost.night in later) / len(later)
    lines += [
        f"an incremental night over {history}x history: {seconds:.1f} s" for history, seconds in incremental.items()
    ]
    if 1 in incremental:
        for history, seconds in incremental.items():
            lines.append(f"{history}x history against 1x: ratio {seconds / incremental[1]:.2f}")
    return "\n".join(lines)
