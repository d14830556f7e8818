"""What every answer says to the browser, and what a request may not be."""

import asyncio
import contextlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reports.portal.errors import answer

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
DRAIN_SECONDS = 1
HSTS = "max-age=31536000; includeSubDomains"


class SecureHeaders:
    """ASGI middleware: HEADERS on every answer, HSTS over TLS, and private unless the answer says how to keep it."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self.app = app
        self.headers = HEADERS | ({"Strict-Transport-Security": HSTS} if https else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and add the headers to its answer."""

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    answer[name] = value
                answer.setdefault("Cache-Control", "private, no-cache")
            await send(message)

        await self.app(scope, receive, add if scope["type"] == "http" else send)


class HeadAsGet:
    """ASGI middleware: HEAD is answered as GET is, and writes down what GET does; the server leaves the body out."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; the method is HEAD again when it is answered."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def as_asked(message: Message) -> None:
            scope["method"] = "HEAD"
            await send(message)

        scope["method"] = "GET"
        try:
            await self.app(scope, receive, as_asked)
        finally:
            scope["method"] = "HEAD"


async def _let_finish(receive: Receive) -> None:
    """Throw away what is still coming: a client that is cut off while it sends does not read why."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while (await receive()).get("more_body"):
                pass


class RequestBounds:
    """ASGI middleware: a body of more than `limit` bytes, stated or not, is answered with 413.

    And a NUL in an address with 400: no text of PostgreSQL has one, and no file name.
    """

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the whole body, if it is small, and pass the request on with it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if "\0" in scope["path"] or b"%00" in scope["query_string"] or b"\0" in scope["query_string"]:
            await answer(Request(scope), 400)(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if "content-length" not in headers and "transfer-encoding" not in headers:
            await self.app(scope, receive, send)
            return
        stated = headers.get("content-length", "0")
        body, more = b"", stated.isdecimal() and int(stated) <= self.limit
        too_large = not more
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return
            body, more = body + message.get("body", b""), message.get("more_body", False)
            if len(body) > self.limit:
                too_large, more = True, False
        if too_large:
            await _let_finish(receive)
            await answer(Request(scope), 413, headers={"Connection": "close"})(scope, receive, send)
            return
        given = False

        async def give() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, give, send)
