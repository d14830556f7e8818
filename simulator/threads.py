"""The servers inside another process: for tests and benchmarks."""

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from aiohttp import web

from simulator.drops import write_drops
from simulator.faults import FaultPlan
from simulator.server import Archive, Behaviour, application
from simulator.world import World


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
    app = application(Archive(world), Behaviour(faults=plan, latency_seconds=latency_ms / 1000))
    ready = threading.Event()
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = []

    async def serve() -> None:
        # Handlers that hang on purpose are not waited for.
        runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        stopped = asyncio.Event()
        running.append((asyncio.get_running_loop(), stopped, int(runner.addresses[0][1])))
        ready.set()
        await stopped.wait()
        await runner.cleanup()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="simulator", daemon=True)
    thread.start()
    ready.wait()
    loop, stopped, port = running[0]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()
