"""The agencies' web servers, all in one process: APIs and files, as of any night, with the faults of the plan.

Time travel: the night is part of every address, and the answer is the world at that night's cut-off, so reading a night
again gives the same.
"""

import asyncio
import base64
import hmac
import json
import os
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator.answers import ROUTES, Answer, Question, Respond
from simulator.archive import Archive
from simulator.connections import SECRETS
from simulator.faults import GARBAGE, SLOW_SECONDS, FaultPlan

GEOREPORT_CAP = 100
# After so many requests a token is good for nothing: whoever reads half a year has to ask for a new one.
REQUESTS_OF_A_TOKEN = 50
RETRY_AFTER_SECONDS = 1
TOKEN_PATH = "/oauth/token"  # noqa: S105 - an address
ELSEWHERE = "http://elsewhere.example/"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the servers treat their callers: faults, seconds every answer takes, the most a GeoReport answer holds."""

    faults: FaultPlan = field(default_factory=FaultPlan)
    latency_seconds: float = 0.0
    georeport_cap: int = GEOREPORT_CAP


class _Door:
    """Who may come in: one secret a connection, and the tokens given out."""

    def __init__(self) -> None:
        self._left: dict[str, int] = {}

    async def give_token(self, request: web.Request) -> web.Response:
        """The token endpoint of OAuth2 client credentials (RFC 6749, 4.4)."""
        form = await request.post()
        given = _basic(request) or ":".join(str(form.get(name, "")) for name in ("client_id", "client_secret"))
        if form.get("grant_type") != "client_credentials" or not _same(given, SECRETS["simulator_oauth"]):
            return web.json_response({"error": "invalid_client"}, status=401)
        token = secrets.token_urlsafe(24)
        self._left[token] = REQUESTS_OF_A_TOKEN
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": 3600})

    def opens(self, profile: str, request: web.Request) -> bool:
        """Whether the request proves itself as the dialect demands; most demand nothing."""
        match profile:
            case "offset_api":
                return _same(request.headers.get("X-Api-Key", ""), SECRETS["simulator_offset"])
            case "link_api":
                return _same(_bearer(request), SECRETS["simulator_link"])
            case "graph_api":
                return _same(_basic(request), SECRETS["simulator_graph"])
            case "next_url_api":
                token = _bearer(request)
                self._left[token] = self._left.get(token, 0) - 1
                if self._left[token] < 0:
                    del self._left[token]
                    return False
        return True


def application(archive: Archive, behaviour: Behaviour, files: Path | None = None) -> web.Application:
    """The routes of all agencies and `/health`, which says whose process answers; `files` is where their files lie."""
    door = _Door()
    asked: Counter[tuple[str, date]] = Counter()

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "ready", "pid": os.getpid(), "agencies": len(archive.world.agencies)})

    async def broken(request: web.Request, code: str, night: date) -> web.StreamResponse | None:
        if behaviour.latency_seconds:
            await asyncio.sleep(behaviour.latency_seconds)
        asked[code, night] += 1
        # A server that asks for patience serves the next request.
        return await _break(behaviour.faults.on(code, night), is_first=asked[code, night] % 2 == 1)

    def served(profile: str, respond: Respond) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            agency, night = _address(request, archive, profile)
            code = archive.world.agencies[agency].code
            failure = await broken(request, code, night) if profile else None
            if failure is not None:
                return failure
            if not door.opens(profile, request):
                return _unauthorized()
            fault = behaviour.faults.on(code, night) if profile else None
            try:
                question = Question(
                    archive=archive,
                    agency=agency,
                    night=night,
                    address=f"{request.scheme}://{request.host}{request.path}",
                    query=request.query,
                    body=await _json(request),
                    fault=fault,
                    georeport_cap=behaviour.georeport_cap,
                )
                answer = respond(question)
            except ValueError as error:
                raise web.HTTPBadRequest(text=str(error)) from error
            return await _send(request, answer, fault)

        return handle

    async def file(request: web.Request) -> web.StreamResponse:
        code, night = request.match_info["agency"], _night(request)
        path = (files or Path()) / "files" / night.isoformat() / code / request.match_info["name"]
        if files is None or not path.is_file():
            raise web.HTTPNotFound(text="no such file")
        failure = await broken(request, code, night)
        if failure is not None:
            return failure
        answer = Answer(path.read_bytes(), content_type="text/csv")
        return await _send(request, answer, behaviour.faults.on(code, night))

    app = web.Application()
    app.router.add_get("/health", health)
    app.router.add_post(TOKEN_PATH, door.give_token)
    app.router.add_get("/files/{night}/{agency}/{name}", file)
    for method, path, profile, respond in ROUTES:
        app.router.add_route(method, f"/as-of/{{night}}/{path}", served(profile, respond))
    return app


async def _break(fault: str | None, *, is_first: bool) -> web.StreamResponse | None:
    match fault:
        case "error_500":
            return web.Response(status=500, text="Internal Server Error")
        case "error_429" if is_first:
            return web.Response(status=429, headers={"Retry-After": str(RETRY_AFTER_SECONDS)}, text="Too Many Requests")
        case "unauthorized":
            return _unauthorized()
        case "redirect_elsewhere":
            return web.Response(status=302, headers={"Location": ELSEWHERE})
        case "garbage_html":
            return web.Response(body=GARBAGE, content_type="text/html")
        case "hang":
            # Until the caller gives up: aiohttp then cancels this handler.
            await asyncio.Event().wait()
        case "slow":
            await asyncio.sleep(SLOW_SECONDS)
    return None


async def _send(request: web.Request, answer: Answer, fault: str | None) -> web.StreamResponse:
    body = answer.body
    match fault:
        case "truncated_json" | "truncated_xml":
            body = body[: len(body) // 2]
        case "renamed_field" if answer.id_field:
            for mark in (
                f'"{answer.id_field}":',
                f"<{answer.id_field}>",
                f"</{answer.id_field}>",
                f"<{answer.id_field}/>",
            ):
                body = body.replace(mark.encode(), mark.replace(answer.id_field, "nomor_baru").encode())
        case "drip":
            return await _drip(request, answer)
    return web.Response(body=body, content_type=answer.content_type, charset="utf-8", headers=answer.headers)


async def _drip(request: web.Request, answer: Answer) -> web.StreamResponse:
    """The whole answer, one byte a second."""
    response = web.StreamResponse(headers={**answer.headers, "Content-Type": answer.content_type})
    response.content_length = len(answer.body)
    await response.prepare(request)
    for byte in answer.body:
        await response.write(bytes((byte,)))
        await asyncio.sleep(1)
    return response


async def _json(request: web.Request) -> Any:
    if request.method != "POST":
        return None
    try:
        return json.loads(await request.read())
    except json.JSONDecodeError as error:
        raise ValueError("the body is no JSON") from error


def _address(request: web.Request, archive: Archive, profile: str) -> tuple[int, date]:
    code, night = request.match_info["agency"], _night(request)
    if profile:
        agency = archive.positions.get(code)
        if agency is None or archive.world.agencies[agency].profile != profile:
            raise web.HTTPNotFound(text=f"{code} has no {profile} here")
    else:
        try:
            agency = archive.world.position(code)
        except KeyError as error:
            raise web.HTTPNotFound(text=f"{code} is not here") from error
    if night > archive.world.end:
        raise web.HTTPNotFound(text=f"the simulated world ends on {archive.world.end}: nothing is known of {night}")
    return agency, night


def _night(request: web.Request) -> date:
    text = request.match_info["night"]
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"not a night: {text!r}") from error


def _unauthorized() -> web.Response:
    return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"}, text="Unauthorized")


def _bearer(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme == "Bearer" else ""


def _basic(request: web.Request) -> str:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Basic":
        return ""
    try:
        return base64.b64decode(text).decode("utf-8")
    except ValueError:
        return ""


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
