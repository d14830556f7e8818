"""What the chaos table needs: a night whose steps run one by one, a gateway that spoils answers, and figures to compare.

Commands run in this process, as `main` of their module, where that makes no difference; what is killed is a process.
"""

import asyncio
import contextlib
import io
import os
import re
import signal
import ssl
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

import extract.__main__
import quality.__main__
from tests.integration.conftest import REPOSITORY, Warehouse
from warehouse import server as embedded
from warehouse.connection import connect
from warehouse.findings import Line, StatusSettings
from warehouse.inspection import inspect
from warehouse.settings import settings

AWAIT_SECONDS = 600  # a busy machine takes minutes to start a build
COMMANDS: dict[str, Callable[[list[str]], int]] = {"extract": extract.__main__.main, "quality": quality.__main__.main}
RAW = (
    "complaints",
    "complaint_events",
    "survey_responses",
    "recaps",
    "ratings",
    "units",
    "agency_activity",
    "agencies",
)
# What a table says, without what a second try may have otherwise: numbers given out, attempts, times of the day.
SAID = {
    **{f"raw.{table}": "to_jsonb(line) - '{row_id,delivery_id}'::text[]" for table in RAW},
    "restricted.complaint_texts": "to_jsonb(line) - 'delivery_id'",
    "ops.deliveries": "array[night::text, resource, state, received_rows::text, loaded_rows::text, superseded_rows::text,"
    " received_events::text, loaded_events::text, superseded_events::text, stated_total::text]",
    "quality.agency_verdict": "to_jsonb(line) - '{attempt,decided_at,released_by,release_note}'::text[]",
    "quality.quarantined_record": "array[night::text, table_name, source_key, status, rule_ids::text, reasons::text]",
}
Figures = dict[tuple[str, str], tuple[int, str]]


@dataclass(frozen=True)
class Told:
    """How a command ended: its exit code and everything it said."""

    code: int
    words: str


class Steps:
    """The steps of a night over one warehouse, each by itself."""

    def __init__(self, warehouse: Warehouse, night: date) -> None:
        self.warehouse = warehouse
        self.night = night
        self.state = Path(warehouse.environment["LAPOR_STATE_DIR"])
        self._started = 0

    def run(self, command: str, *arguments: str, **environment: str | None) -> Told:
        """`python -m COMMAND ARGUMENTS --night ...`; an environment variable of None is not set."""
        spoken = io.StringIO()
        with self._environment(environment), contextlib.redirect_stdout(spoken), contextlib.redirect_stderr(spoken):
            try:
                code = COMMANDS[command]([*arguments, "--night", str(self.night)])
            except BaseException:
                code = 1
                traceback.print_exc()
        return Told(code, spoken.getvalue())

    def have(self, command: str, *arguments: str, **environment: str | None) -> str:
        """The same, which has to end well; what it said."""
        told = self.run(command, *arguments, **environment)
        assert told.code == 0, told.words
        return told.words

    def start(self, *command: str, **environment: str) -> "subprocess.Popen[bytes]":
        """Start a command as a process, the leader of a group of its own; its words go to a file."""
        self._started += 1
        with self._told(self._started).open("wb") as words:
            return subprocess.Popen(
                ["bash", "-c", f'eval "$(python -m warehouse env)"; exec {" ".join(command)}'],
                cwd=REPOSITORY, env=self.warehouse.environment | environment, start_new_session=True,
                stdout=words, stderr=words,
            )  # fmt: skip

    def words(self, back: int = 0) -> str:
        """What the command started last said, or one started before it."""
        return self._told(self._started - back).read_text()

    def _told(self, number: int) -> Path:
        return self.state / f"words.{number}"

    def await_that(self, sql: str, process: "subprocess.Popen[bytes] | None" = None) -> None:
        """Wait until a query says true; fails when the process ends before, or time is up."""
        deadline = time.monotonic() + AWAIT_SECONDS
        while self.warehouse.query(sql) != [(True,)]:
            assert process is None or process.poll() is None, f"it ended before it could be hurt:\n{self.words()}"
            assert time.monotonic() < deadline, sql
            time.sleep(0.02)

    def status(self) -> dict[str, Line]:
        """What `python -m warehouse status` says of PostgreSQL, by name."""
        with self._environment({}), closing(connect("owner")) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            return {line.name: line for line in inspect(cursor, StatusSettings(), datetime.now(UTC))}

    def delivery(self, agency: str, resource: str = "complaints") -> tuple[str, str]:
        """State and reason of a delivery."""
        ((state, reason),) = self.warehouse.query(
            f"select state, coalesce(reason, '') from ops.deliveries where night = '{self.night}'"
            f" and agency_code = '{agency}' and resource = '{resource}'"
        )
        return str(state), str(reason)

    def count(self, state: str) -> int:
        """Deliveries of the night in a state."""
        ((count,),) = self.warehouse.query(
            f"select count(*)::int from ops.deliveries where night = '{self.night}' and state = '{state}'"
        )
        assert isinstance(count, int)
        return count

    @contextmanager
    def _environment(self, changes: dict[str, str | None]) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**self.warehouse.environment, **changes}.items():
                if value is None:
                    patch.delenv(name, raising=False)
                else:
                    patch.setenv(name, value)
            settings.cache_clear()
            try:
                yield
            finally:
                settings.cache_clear()


def figures(warehouse: Warehouse) -> Figures:
    """(table, agency) -> rows and checksum of everything that dbt reads, and of the ledger."""
    found: Figures = {}
    for table, said in SAID.items():
        for agency, count, checksum in warehouse.query(
            f"select agency_code, count(*)::int, md5(string_agg(({said})::text, E'\\n' order by ({said})::text))"
            f" from {table} as line group by agency_code"
        ):
            found[table, str(agency)] = (count, str(checksum))  # type: ignore[assignment]
    assert len(found) > 100
    return found


def postmaster(server: Path) -> int:
    """Process of the tests' server."""
    return int((embedded.data_directory(server) / "postmaster.pid").read_text().split()[0])


def crash(server: Path) -> None:
    """Kill PostgreSQL as a power cut would."""
    os.kill(postmaster(server), signal.SIGKILL)


class Gateway:
    """A real server before the simulator's that passes everything on, but for agencies whose answers it spoils."""

    def __init__(self, behind: str) -> None:
        self._behind = behind
        self.spoilt: dict[str, str] = {}

    @contextmanager
    def serving(self, context: ssl.SSLContext | None = None) -> Iterator[str]:
        """Its URL while the block lasts."""
        loop, started = asyncio.new_event_loop(), threading.Event()
        found: list[str] = []

        async def serve() -> None:
            application = web.Application()
            application.router.add_route("*", "/{path:.*}", self._pass_on)
            runner = web.AppRunner(application, shutdown_timeout=0.1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
            await site.start()
            found.append(f"{'https' if context else 'http'}://127.0.0.1:{runner.addresses[0][1]}")
            started.set()
            await ended.wait()
            await runner.cleanup()

        ended = asyncio.Event()
        thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
        thread.start()
        assert started.wait(AWAIT_SECONDS)
        try:
            yield found[0]
        finally:
            loop.call_soon_threadsafe(ended.set)
            thread.join()
            loop.close()

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        how = next((how for agency, how in self.spoilt.items() if f"/{agency}/" in request.path), None)
        if how == "cut off" and request.transport is not None:
            request.transport.abort()
        if how == "redirected to a private address":
            return web.Response(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"})
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self._behind}{request.path_qs}", headers={"Accept": "*/*"}) as answer,
        ):
            body = await answer.read()
            match how:
                case "every record twice":
                    body = re.sub(rb'(?s)^\{"data":\[(.+)\],"meta"', rb'{"data":[\1,\1],"meta"', body)
                case "ten years ahead":
                    body = body.replace(b'"2021-', b'"2031-')
            return web.Response(status=answer.status, body=body, content_type=answer.content_type)
