"""Builders for extraction: a registry in a folder, an agency's API as a real HTTP server."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web
from moto.server import ThreadedMotoServer

from extract.sources import Registry, read_registry
from extract.storage import s3_filesystem
from warehouse.settings import settings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

AGENCIES = "agency_code,name,kind,province_code,regency_code,time_zone,connected_on,certainty\n"
SOURCES = "agency_code,resource,connector,profile,connection,location,frequency\n"


@pytest.fixture
def build_registry(tmp_path: Path) -> Callable[[list[str]], Registry]:
    """Make a registry of the agencies that the given rows of sources.csv name."""

    def build(sources: list[str]) -> Registry:
        folder = tmp_path / "registry"
        folder.mkdir(exist_ok=True)
        codes = sorted({row.split(",")[0] for row in sources})
        rows = "".join(f"{code},Badan {code},kota,,,Asia/Makassar,2021-01-01,guess\n" for code in codes)
        (folder / "agencies.csv").write_text(AGENCIES + rows)
        (folder / "sources.csv").write_text(SOURCES + "".join(row + "\n" for row in sources))
        (folder / "registry.yml").write_text("name: test\nsimulated: true\n")
        return read_registry(folder)

    return build


@pytest.fixture
def serve() -> Iterator[Callable[[Handler], str]]:
    """Start a real HTTP server whose every path is answered by the handler; returns its base URL."""
    stops: list[Callable[[], None]] = []

    def start(handler: Handler) -> str:
        ready, address = threading.Event(), []
        loop = asyncio.new_event_loop()

        async def route(request: web.Request) -> web.StreamResponse:
            return await handler(request)

        async def run() -> web.AppRunner:
            application = web.Application()
            application.router.add_route("*", "/{path:.*}", route)
            runner = web.AppRunner(application, shutdown_timeout=0.1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            address.append(runner.addresses[0])
            return runner

        runner = None

        def serve_forever() -> None:
            nonlocal runner
            runner = loop.run_until_complete(run())
            ready.set()
            loop.run_forever()
            loop.run_until_complete(runner.cleanup())
            hanging = asyncio.all_tasks(loop)
            for task in hanging:
                task.cancel()
            if hanging:
                loop.run_until_complete(asyncio.wait(hanging))
            loop.close()

        thread = threading.Thread(target=serve_forever, daemon=True)
        thread.start()
        assert ready.wait(10)

        def stop() -> None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)

        stops.append(stop)
        host, port = address[0][:2]
        return f"http://{host}:{port}"

    yield start
    for stop in stops:
        stop()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """A real S3-compatible server; its endpoint."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_server: str) -> Iterator[str]:
    """The endpoint of an S3 server with an empty bucket `files`."""
    filesystem, _ = s3_filesystem(f"s3://files?endpoint={s3_server}", "key:secret")
    filesystem.mkdir("files")
    yield s3_server
    filesystem.rm("files", recursive=True)


@pytest.fixture
def environment(server: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Set environment variables for one test; the settings are read anew."""

    def change(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()

    yield change
    monkeypatch.undo()
    settings.cache_clear()
