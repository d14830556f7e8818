"""Everything an agency can be reached by, started and stopped together: HTTP, SFTP, S3, and the database files."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import aiohttp.web

from simulator.archive import Archive
from simulator.connections import DATABASE_FILE, HOST, Ports
from simulator.databases import write_postgres, write_sqlite
from simulator.drops import into_folder, write_complaints
from simulator.faults import FaultPlan
from simulator.registry import Way
from simulator.s3 import serve_s3
from simulator.server import Behaviour, application
from simulator.sftp import serve_sftp
from simulator.world import World

# Handlers that hang on purpose are not waited for.
SHUTDOWN_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What was handed over otherwise than through an API: how many files and tables, and the objects for S3."""

    files: int
    tables: int
    objects: dict[str, bytes]


def deliver(
    world: World, nights: Sequence[date], folder: Path, faults: FaultPlan, postgres: str | None = None
) -> Deliveries:
    """Write what the ways besides API and local folder need for these nights below `folder`.

    HTTP files into `files/`, SFTP's into `sftp/`, SQLite's tables into one file, PostgreSQL's into the database of that
    DSN (left out without one).
    """
    objects: dict[str, bytes] = {}

    def keep(place: str, content: bytes, _: int) -> None:
        objects[place] = content

    files = write_complaints(world, nights, Way.HTTP_FILE, into_folder(folder), faults)
    files += write_complaints(world, nights, Way.SFTP, into_folder(folder / "sftp"), faults)
    files += write_complaints(world, nights, Way.S3, keep, faults)
    tables = write_sqlite(world, nights, folder / DATABASE_FILE, faults)
    if postgres:
        tables += write_postgres(world, nights, postgres, faults)
    return Deliveries(files=files, tables=tables, objects=objects)


@asynccontextmanager
async def running(
    archive: Archive, behaviour: Behaviour, folder: Path, objects: dict[str, bytes], ports: Ports
) -> AsyncIterator[Ports]:
    """Serve until the block ends; yields the ports that were taken. Raises OSError when one is in use.

    SFTP and S3 are started only in a world with agencies that use them (else their port is 0).
    """
    ways = {agency.way for agency in archive.world.agencies}
    async with AsyncExitStack() as stack:
        runner = aiohttp.web.AppRunner(
            application(archive, behaviour, folder), shutdown_timeout=SHUTDOWN_SECONDS, access_log=None
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await aiohttp.web.TCPSite(runner, HOST, ports.http).start()
        sftp = s3 = 0
        if Way.SFTP in ways:
            sftp = await stack.enter_async_context(serve_sftp(folder / "sftp", folder, ports.sftp, behaviour.faults))
        if Way.S3 in ways:
            s3 = stack.enter_context(serve_s3(objects, ports.s3, behaviour.faults))
        yield Ports(int(runner.addresses[0][1]), sftp, s3)
