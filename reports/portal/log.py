"""One JSON line for each request: what was asked of us and how it went, and nothing about who asked.

The route is the template of the path (`/instansi/{code}`), never the path, the query, an address or a name.
"""

import json
import logging
import time
import traceback
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reports.portal.errors import answer

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
            failure = _described(error)
            if status == 0:
                await answer(Request(scope), 500)(scope, receive, watch)
        finally:
            line = {
                "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "method": scope["method"] if scope["method"] in METHODS else "?",
                "route": getattr(scope.get("route"), "path", "-"),
                "status": status,
                "ms": round((time.perf_counter() - began) * 1000, 1),
                "role": scope["state"].get("role", "nobody"),
                **({"reason": scope["state"]["reason"]} if "reason" in scope["state"] else {}),
            }
            LOGGER.log(logging.ERROR if failure else logging.INFO, json.dumps(line | failure))


def _described(error: Exception) -> dict[str, Any]:
    """What failed and where in the code; not its message, which may quote what someone wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    return {"error": type(error).__name__, "where": [f"{frame.filename}:{frame.lineno}" for frame in frames[-5:]]}
