"""Real GeoReport v2 answers, recorded once from cities' servers, served again: `make real` reads them like live ones.

The folder is ../shared/data/real/open311_georeport (its README names sources and licences). Requests are filtered by
`start_date`, `end_date` (requested_datetime, both included), `status` and `service_code`, and cut into pages of
`page_size`, at most CAP. Giessen's list of services was recorded and no request of it: its list of requests is empty.
"""

import asyncio
import json
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring
from zoneinfo import ZoneInfo

import defusedxml.ElementTree
from aiohttp import web

from simulator.connections import HOST

CAP = 1_000
DEFAULT_PORT = 8721
XML_HEAD = b'<?xml version="1.0" encoding="utf-8"?>\n'
Ready = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class City:
    """Where a city's recordings are, and the zone of its times without offset."""

    format: str
    zone: str
    requests: str | None = None
    services: str | None = None


CITIES = {
    "sf": City("json", "America/Los_Angeles", requests="sf_requests_2011-06_500.json"),
    "chicago": City(
        "json", "America/Chicago", requests="chicago_service_requests.json", services="chicago_service_list.json"
    ),
    "toronto": City("xml", "America/Toronto", requests="toronto_requests_many.xml"),
    "giessen": City("xml", "Europe/Berlin", services="services_giessen.xml"),
}


def application(folder: Path) -> web.Application:
    """A GeoReport server below /<city> for each city. Raises FileNotFoundError when a recording is not there."""
    app = web.Application()
    for name, city in CITIES.items():
        if city.services is not None:
            app.router.add_get(f"/{name}/services.{city.format}", _as_recorded(city, folder / city.services))
        entries = [] if city.requests is None else _read(city, folder / city.requests)
        app.router.add_get(f"/{name}/requests.{city.format}", _requests(city, entries))
    return app


def serve(folder: Path, port: int, ready: Ready) -> None:
    """Serve the folder until SIGTERM or SIGINT; calls `ready` with the port once it answers."""
    asyncio.run(_serve(application(folder), port, ready))


async def _serve(app: web.Application, port: int, ready: Ready) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        ready(int(runner.addresses[0][1]))
        await stopped.wait()
    finally:
        await runner.cleanup()


Handler = Callable[[web.Request], Any]


def _as_recorded(city: City, path: Path) -> Handler:
    body = path.read_bytes()

    async def handle(_: web.Request) -> web.Response:
        return _answer(city, body)

    return handle


def _requests(city: City, entries: list[dict[str, Any]]) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            chosen = _choose(city, entries, dict(request.query))
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        return _answer(city, json.dumps(chosen).encode() if city.format == "json" else _xml(chosen))

    return handle


def _choose(city: City, entries: list[dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
    start, end = (_instant(city, query[name]) if name in query else None for name in ("start_date", "end_date"))
    size = min(int(query.get("page_size", CAP)), CAP)
    first = (int(query.get("page", 1)) - 1) * size
    if size < 1 or first < 0:
        raise ValueError("page and page_size start at 1")
    chosen = [
        entry
        for entry in entries
        if (start is None or _instant(city, entry["requested_datetime"]) >= start)
        and (end is None or _instant(city, entry["requested_datetime"]) <= end)
        and query.get("status", entry["status"]).casefold() == entry["status"].casefold()
        and query.get("service_code", entry["service_code"]) == entry["service_code"]
    ]
    return chosen[first : first + size]


def _instant(city: City, text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(city.zone))


def _read(city: City, path: Path) -> list[dict[str, Any]]:
    if city.format == "json":
        listed: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        return listed
    root = defusedxml.ElementTree.fromstring(path.read_bytes())
    return [{field.tag: field.text for field in request} for request in root]


def _xml(entries: list[dict[str, Any]]) -> bytes:
    root = Element("service_requests")
    for entry in entries:
        request = SubElement(root, "request")
        for name, value in entry.items():
            SubElement(request, name).text = value
    return XML_HEAD + bytes(tostring(root, encoding="utf-8"))


def _answer(city: City, body: bytes) -> web.Response:
    content_type = "application/json" if city.format == "json" else "text/xml"
    return web.Response(body=body, content_type=content_type, charset="utf-8")
