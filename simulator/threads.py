"""The servers inside another process: for tests and benchmarks."""

import asyncio
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from simulator.archive import Archive
from simulator.connections import HOST, Ports, environment
from simulator.drops import write_drops
from simulator.faults import FaultPlan
from simulator.server import GEOREPORT_CAP, Behaviour
from simulator.servers import deliver, running
from simulator.sftp import host_key
from simulator.world import World


@dataclass(frozen=True, slots=True)
class Served:
    """A world that is being served: its ports, and the environment a reader of all its connections needs."""

    ports: Ports
    environment: dict[str, str]

    @property
    def url(self) -> str:
        """Base URL of the HTTP server."""
        return f"http://{HOST}:{self.ports.http}"


@contextmanager
def serve_in_thread(
    world: World,
    drops_dir: Path | None = None,
    *,
    nights: Iterable[date] = (),
    faults: FaultPlan | None = None,
    latency_ms: int = 0,
) -> Iterator[str]:
    """Serve the world on a free port of 127.0.0.1 and yield the base URL; the server stops with the block.

    With `drops_dir` and `nights`, the files of those nights are written there first. Raises FaultPlanInvalid.
    """
    plan = faults or FaultPlan()
    plan.check(world)
    if drops_dir is not None:
        write_drops(world, nights, drops_dir, plan)
    with tempfile.TemporaryDirectory(prefix="lapor-simulator-") as folder:
        behaviour = Behaviour(faults=plan, latency_seconds=latency_ms / 1000)
        with _running_thread(world, Path(folder), {}, behaviour) as ports:
            yield f"http://{HOST}:{ports.http}"


@contextmanager
def serve_all_in_thread(
    world: World,
    folder: Path,
    *,
    nights: Iterable[date],
    faults: FaultPlan | None = None,
    postgres: str | None = None,
    georeport_cap: int = GEOREPORT_CAP,
) -> Iterator[Served]:
    """Serve the world by every way its agencies have; everything stops with the block. Raises FaultPlanInvalid.

    `folder` gets what the simulator keeps; `postgres` is the DSN of a database to fill for those who are read there.
    """
    plan, ordered = faults or FaultPlan(), sorted(nights)
    plan.check(world)
    write_drops(world, ordered, folder / "drops", plan)
    objects = deliver(world, ordered, folder, plan, postgres).objects
    key = host_key(folder)
    with _running_thread(world, folder, objects, Behaviour(faults=plan, georeport_cap=georeport_cap)) as ports:
        yield Served(ports, environment(folder, ports, key, postgres))


@contextmanager
def _running_thread(world: World, folder: Path, objects: dict[str, bytes], behaviour: Behaviour) -> Iterator[Ports]:
    ready = threading.Event()
    started: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, Ports]] = []
    failed: list[BaseException] = []

    async def serve() -> None:
        stopped = asyncio.Event()
        try:
            async with running(Archive(world), behaviour, folder, objects, Ports()) as ports:
                started.append((asyncio.get_running_loop(), stopped, ports))
                ready.set()
                await stopped.wait()
        except BaseException as error:
            failed.append(error)
            raise
        finally:
            ready.set()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="simulator", daemon=True)
    thread.start()
    ready.wait()
    if not started:
        raise RuntimeError("the simulator did not start") from failed[0]
    loop, stop, ports = started[0]
    try:
        yield ports
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
