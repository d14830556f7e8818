"""A page as a person's browser sees it: what it asks the network for, and how it lies on a screen of some width."""

import asyncio
import base64
import itertools
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: apt-get install chromium")
# The browser itself must not ask for anything either, or its requests would be taken for the page's.
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--remote-debugging-port=0", "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip


@dataclass
class Visit:
    """Every URL the page asked for (its own first), what the browser complained of, and the answers to `ask`."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)


def visit(page: Path, ask: Sequence[str] = (), width: int = 1280, picture: Path | None = None) -> Visit:
    """Open a page in a browser without network; `ask` are JavaScript expressions, `picture` a PNG to draw it to."""
    return asyncio.run(_visit(page, ask, width, picture))


async def _visit(page: Path, ask: Sequence[str], width: int, picture: Path | None) -> Visit:
    assert CHROMIUM is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = await asyncio.create_subprocess_exec(
            CHROMIUM, *_FLAGS, f"--user-data-dir={profile}", "about:blank",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        try:
            address = await asyncio.wait_for(_debugger(browser), timeout=30)
            return await asyncio.wait_for(_look(address, page, ask, width, picture), timeout=60)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(browser.pid, 9)
            await browser.wait()


async def _debugger(browser: asyncio.subprocess.Process) -> str:
    assert browser.stderr is not None
    async for line in browser.stderr:
        if found := re.search(rb"DevTools listening on ws://([^/]+)/", line):
            return found[1].decode()
    raise AssertionError("the browser ended before it could be asked anything")


async def _look(address: str, page: Path, ask: Sequence[str], width: int, picture: Path | None) -> Visit:
    seen, numbers = Visit(), itertools.count(1)
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://{address}/json/list") as answer:
            target = next(entry for entry in await answer.json() if entry["type"] == "page")
        async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:

            async def call(method: str, **parameters: Any) -> dict[str, Any]:
                number = next(numbers)
                await socket.send_json({"id": number, "method": method, "params": parameters})
                return await until(lambda message: message.get("id") == number)

            async def until(wanted: Any) -> dict[str, Any]:
                while True:
                    message = await socket.receive_json()
                    if message.get("method") == "Network.requestWillBeSent":
                        seen.requests.append(message["params"]["request"]["url"])
                    if message.get("method") == "Log.entryAdded":
                        seen.complaints.append(message["params"]["entry"]["text"])
                    if wanted(message):
                        return dict(message.get("result", {}))

            for domain in ("Network", "Log", "Page"):
                await call(f"{domain}.enable")
            await call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
            await call("Page.navigate", url=page.as_uri())
            await until(lambda message: message.get("method") == "Page.loadEventFired")
            for expression in ask:
                result = await call("Runtime.evaluate", expression=expression, returnByValue=True)
                seen.answers.append(result["result"].get("value"))
            if picture is not None:
                drawn = await call("Page.captureScreenshot", captureBeyondViewport=True)
                picture.write_bytes(base64.b64decode(drawn["data"]))
    return seen
