"""The simulator as a process of its own: build everything, then serve until told to stop."""

import asyncio
import gc
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from simulator.archive import Archive
from simulator.connections import HOST, Ports
from simulator.drops import write_drops
from simulator.faults import FaultPlan, demo_plan
from simulator.registry import DEFAULT_REGISTRY, REPOSITORY
from simulator.server import GEOREPORT_CAP, Behaviour
from simulator.servers import deliver, running
from simulator.sftp import host_key
from simulator.truth import write_truth
from simulator.world import World

READY = "ready"
STOP_SECONDS = 10
Progress = Callable[[str], None]


class SimulatorFailed(RuntimeError):
    """The simulator cannot start; the message says why and what helps."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to simulate and how to serve it; `faults` is a file, "none", or None for the demo's plan.

    `postgres` is the DSN of a database to fill for the agencies that are read in one.
    """

    start: date
    end: date
    nights: tuple[date, ...]
    seed: int
    agencies: int | tuple[str, ...] | None
    scale: float
    ports: Ports
    faults: str | None
    latency_ms: int
    registry: Path = DEFAULT_REGISTRY
    postgres: str | None = None
    georeport_cap: int = GEOREPORT_CAP


def state_folder() -> Path:
    """The simulator's part of the state directory.

    Read here and not in warehouse.settings, because the simulator plays the outside world and knows nothing of ours.
    """
    return Path(os.environ.get("LAPOR_STATE_DIR") or REPOSITORY / ".state") / "simulator"


def serve(options: Options, progress: Progress) -> None:
    """Build the world, write drops and truth of the nights, and serve until SIGTERM or SIGINT.

    Calls `progress` with a line now and then and with READY when the server answers. Raises ValueError,
    FaultPlanInvalid or OSError before that.
    """
    # Half a million small objects that all stay: looking for garbage among them costs seconds and finds none.
    gc.disable()
    began = time.perf_counter()

    def report(text: str) -> None:
        progress(f"[{time.perf_counter() - began:5.1f} s] {text}")

    world = World.build(
        seed=options.seed,
        start=options.start,
        end=options.end,
        agencies=options.agencies,
        scale=options.scale,
        registry=options.registry,
    )
    report(f"drew {len(world.complaints):,} complaint records of {len(world.agencies)} agencies")
    faults = _faults(options, world)
    folder = state_folder()
    for stale in ("drops", "files", "sftp", "truth"):
        shutil.rmtree(folder / stale, ignore_errors=True)
    files = write_drops(world, options.nights, folder / "drops", faults, options.registry)
    delivered = deliver(world, options.nights, folder, faults, options.postgres)
    host_key(folder)
    report(f"wrote {files + delivered.files} files and {delivered.tables} tables below {folder}")
    write_truth(world, options.nights, folder / "truth")
    report(f"wrote the truth to {folder / 'truth'}")
    archive = Archive(world)
    archive.prepare(min(options.nights), report)
    gc.freeze()
    gc.enable()
    behaviour = Behaviour(faults, options.latency_ms / 1000, options.georeport_cap)
    for (code, night), kind in sorted(faults.faults.items()):
        report(f"{code} will break on {night}: {kind}")
    asyncio.run(_serve_until_stopped(archive, behaviour, delivered.objects, options.ports, progress))


def start(options: Options, arguments: Sequence[str], progress: Progress) -> str:
    """Start `python -m simulator serve` with these arguments in the background; its base URL once it answers.

    Passes the server's progress on. Raises SimulatorFailed when a port is taken or the server ends before it is ready.
    """
    for port in (options.ports.http, options.ports.sftp, options.ports.s3):
        _check_port(port)
    folder = state_folder()
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "server.log"
    read_end, write_end = os.pipe()
    command = [sys.executable, "-m", "simulator", "serve", *arguments, "--progress-fd", str(write_end)]
    with log.open("wb") as output, os.fdopen(read_end) as lines:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, pass_fds=[write_end], stdout=output, stderr=output, start_new_session=True
        )
        os.close(write_end)
        for line in lines:
            if line.strip() == READY:
                return f"http://{HOST}:{options.ports.http}"
            progress(line.rstrip())
    process.wait()
    tail = "\n".join(log.read_text(encoding="utf-8").splitlines()[-3:])
    raise SimulatorFailed(f"The simulator ended before it was ready (log: {log}):\n{tail}")


def stop() -> bool:
    """Stop the simulator that `start` started from this state directory; False when none runs."""
    note = state_folder() / "server.json"
    try:
        pid = int(json.loads(note.read_text(encoding="utf-8"))["pid"])
    except (FileNotFoundError, ValueError, KeyError):
        return False
    running = _is_simulator(pid)
    if running:
        _end(pid)
    note.unlink(missing_ok=True)
    return running


def _faults(options: Options, world: World) -> FaultPlan:
    if options.faults == "none":
        return FaultPlan()
    plan = demo_plan(world, options.nights) if options.faults is None else FaultPlan.read(Path(options.faults))
    plan.check(world)
    return plan


async def _serve_until_stopped(
    archive: Archive, behaviour: Behaviour, objects: dict[str, bytes], ports: Ports, progress: Progress
) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with running(archive, behaviour, state_folder(), objects, ports) as taken:
        objects.clear()
        note = state_folder() / "server.json"
        note.write_text(json.dumps({"pid": os.getpid(), "port": taken.http}), encoding="utf-8")
        progress(READY)
        await stopped.wait()


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise SimulatorFailed(
                f"Port {port} is in use. Stop the simulator that may be there (python -m simulator down), or choose "
                "another with --port (SFTP and S3 take the two after it) and set LAPOR_CONNECTION_SIMULATOR_HTTP to "
                f"http://{HOST}:<port>."
            ) from error


def _is_simulator(pid: int) -> bool:
    """Whether that process is one of ours and not another that was given the same number since."""
    answer = subprocess.run(["ps", "-p", str(pid), "-o", "args="], capture_output=True, text=True, check=False)
    return "-m simulator serve" in answer.stdout


def _end(pid: int) -> None:
    """Ask the process to stop, and kill it if it has not within STOP_SECONDS."""
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _is_simulator(pid):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            return
        # Not our child, so there is nothing to wait on: look again a little later.
        time.sleep(0.05)
