"""The agencies' web servers, all in one process: two JSON dialects, as of any night, with the faults of the plan.

Time travel: the night is part of every address, and the answer is the world at that night's cut-off, so reading a night
again gives the same. A record's JSON depends only on how many of its events have happened: a version is encoded once.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from aiohttp import web

from simulator.dialects import kanal_daerah, lapor_v3
from simulator.faults import FaultPlan
from simulator.registry import REST_PROFILES
from simulator.reports import Report, read_reports
from simulator.workdays import UNIX_EPOCH
from simulator.world import Listing, World

SLOW_SECONDS = 3.0
GARBAGE = (
    b"<!DOCTYPE html><html><head><title>503 Layanan sedang dalam perbaikan</title></head>"
    b"<body><h1>Mohon maaf</h1></body></html>"
)
ENCODERS = {"lapor_v3": lapor_v3.encode, "kanal_daerah": kanal_daerah.encode}
Progress = Callable[[str], None]


class Archive:
    """Encoded records and listings of the REST agencies, made on demand and kept."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.positions = {
            agency.code: index for index, agency in enumerate(world.agencies) if agency.profile in REST_PROFILES
        }
        self._reports: dict[int, Report] = {}
        self._encoded: dict[tuple[int, int], bytes] = {}
        self._listings: dict[tuple[int, date], Listing] = {}

    def listing(self, agency: int, night: date) -> Listing:
        """What the agency has as of the night."""
        key = (agency, night)
        if key not in self._listings:
            self._listings[key] = self.world.listing(agency, night)
        return self._listings[key]

    def records(self, agency: int, listing: Listing) -> list[bytes]:
        """The JSON of each record of a listing."""
        return [
            self._record(agency, row, seen)
            for row, seen in zip(listing.rows.tolist(), listing.seen.tolist(), strict=True)
        ]

    def prepare(self, night: date, progress: Progress) -> None:
        """Encode everything as of a night, so that the first reading measures the reader and not the simulator."""
        for count, agency in enumerate(self.positions.values(), start=1):
            listing = self.listing(agency, night)
            self.records(agency, listing)
            # What has come to its end is encoded for good.
            for row, seen in zip(listing.rows.tolist(), listing.seen.tolist(), strict=True):
                if row in self._reports and seen == len(self._reports[row].events):
                    del self._reports[row]
            if count % 150 == 0 or count == len(self.positions):
                progress(f"encoded {len(self._encoded):,} records of {count} of {len(self.positions)} agencies")

    def _record(self, agency: int, row: int, seen: int) -> bytes:
        key = (row, seen)
        if key not in self._encoded:
            if row not in self._reports:
                self._reports.update((report.row, report) for report in read_reports(self.world, agency))
            report = self._reports[row]
            self._encoded[key] = ENCODERS[report.agency.profile](report, seen)
        return self._encoded[key]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the servers treat their callers: faults, and seconds every answer takes."""

    faults: FaultPlan = field(default_factory=FaultPlan)
    latency_seconds: float = 0.0


def application(archive: Archive, behaviour: Behaviour) -> web.Application:
    """The routes of all agencies and `/health`, which says whose process answers."""

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "ready", "pid": os.getpid(), "agencies": len(archive.world.agencies)})

    def served(profile: str, answer: Callable[[web.Request, Archive, int, date], bytes]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            agency, night = _address(request, archive, profile)
            if behaviour.latency_seconds:
                await asyncio.sleep(behaviour.latency_seconds)
            fault = behaviour.faults.on(archive.world.agencies[agency].code, night)
            broken = await _break(fault)
            if broken is not None:
                return broken
            try:
                body = answer(request, archive, agency, night)
            except ValueError as error:
                raise web.HTTPBadRequest(text=str(error)) from error
            if fault == "truncated_json":
                body = body[: len(body) // 2]
            return web.Response(body=body, content_type="application/json", charset="utf-8")

        return handle

    app = web.Application()
    app.router.add_get("/health", health)
    app.router.add_get("/as-of/{night}/v3/{agency}/laporan", served("lapor_v3", _lapor_page))
    app.router.add_get("/as-of/{night}/kanal/{agency}/tickets", served("kanal_daerah", _kanal_page))
    return app


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def _break(fault: str | None) -> web.StreamResponse | None:
    match fault:
        case "error_500":
            return web.Response(status=500, text="Internal Server Error")
        case "garbage_html":
            return web.Response(body=GARBAGE, content_type="text/html")
        case "hang":
            # Until the caller gives up: aiohttp then cancels this handler.
            await asyncio.Event().wait()
        case "slow":
            await asyncio.sleep(SLOW_SECONDS)
    return None


def _address(request: web.Request, archive: Archive, profile: str) -> tuple[int, date]:
    code = request.match_info["agency"]
    try:
        night = date.fromisoformat(request.match_info["night"])
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"not a night: {request.match_info['night']!r}") from error
    agency = archive.positions.get(code)
    if agency is None or archive.world.agencies[agency].profile != profile:
        raise web.HTTPNotFound(text=f"{code} has no {profile} here")
    if night > archive.world.end:
        raise web.HTTPNotFound(text=f"the simulated world ends on {archive.world.end}: nothing is known of {night}")
    return agency, night


def _lapor_page(request: web.Request, archive: Archive, agency: int, night: date) -> bytes:
    query = request.query
    since = _iso_instant(query.get("diubah_sejak"))
    until = _iso_instant(query.get("diubah_hingga"))
    number = _positive(query.get("halaman", "1"))
    size = min(_positive(query.get("per_halaman", str(lapor_v3.PAGE_SIZE))), lapor_v3.LARGEST_PAGE)
    matching = archive.listing(agency, night).between(since, until)
    page = matching.slice((number - 1) * size, number * size)
    pages = max(1, -(-len(matching) // size))
    return lapor_v3.page(archive.records(agency, page), number, pages, len(matching))


def _kanal_page(request: web.Request, archive: Archive, agency: int, night: date) -> bytes:
    query = request.query
    offset = archive.world.agencies[agency].utc_offset
    since = _local_instant(query.get("changed_after"), offset)
    until = _local_instant(query.get("changed_before"), offset)
    size = min(_positive(query.get("limit", str(kanal_daerah.PAGE_SIZE))), kanal_daerah.LARGEST_PAGE)
    cursor = query.get("cursor")
    start = kanal_daerah.read_cursor(cursor) if cursor else 0
    matching = archive.listing(agency, night).between(since, until)
    page = matching.slice(start, start + size)
    following = start + size if start + size < len(matching) else None
    return kanal_daerah.page(archive.records(agency, page), following, len(matching))


def _iso_instant(text: str | None) -> int | None:
    """Seconds since 1970 UTC of an ISO time with an offset (a "+" that arrived as a space is forgiven)."""
    if not text:
        return None
    moment = datetime.fromisoformat(text.replace(" ", "+"))
    if moment.tzinfo is None:
        raise ValueError(f"a time without offset: {text!r}")
    return int(moment.timestamp())


def _local_instant(text: str | None, utc_offset: int) -> int | None:
    """Seconds since 1970 UTC of "2021-06-27 00:00:00" on a clock of that offset."""
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        raise ValueError(f"a time with offset: {text!r}")
    epoch = datetime(UNIX_EPOCH.year, 1, 1, tzinfo=UTC)
    return int((moment.replace(tzinfo=UTC) - epoch).total_seconds()) - utc_offset


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(f"not a positive number: {text!r}")
    return number
