"""One JSON line for each request: what was asked of us and how it went, and nothing about who asked.

The route is the template of the path (`/instansi/{code}`), never the path, the query, an address or a name.
"""

import logging
import time

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reports.portal.errors import answer
from warehouse.log import described, json_line

LOGGER = logging.getLogger("reports.portal")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestLog:
    """ASGI middleware: logs each request when it is answered, and answers with 500 what nobody else did."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and log it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status, failure = time.perf_counter(), 0, {}

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        scope.setdefault("state", {})
        try:
            await self.app(scope, receive, watch)
        except Exception as error:  # the last place before the server: it must answer, and say nothing of the reason
            failure = described(error)
            if status == 0:
                await answer(Request(scope), 500)(scope, receive, watch)
        finally:
            line = {
                "method": scope["method"] if scope["method"] in METHODS else "?",
                "route": getattr(scope.get("route"), "path", "-"),
                "status": status,
                "ms": round((time.perf_counter() - began) * 1000, 1),
                "role": scope["state"].get("role", "nobody"),
                **({"reason": scope["state"]["reason"]} if "reason" in scope["state"] else {}),
            }
            LOGGER.log(logging.ERROR if failure else logging.INFO, json_line(**line, **failure))
