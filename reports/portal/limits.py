"""How often someone may ask: counted in this process's memory, over a moving window.

A reader is counted by subject, who is not yet known by address. Keys of the counters are never logged.
"""

import math
import time
from functools import lru_cache

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from reports.portal.errors import answer


class TooManyRequests(Exception):
    """The caller is to wait `retry_after` whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many requests. Try again in {retry_after} seconds.")
        self.retry_after = retry_after


@lru_cache(maxsize=1)
def _limiter() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(MemoryStorage())


@lru_cache
def _rule(text: str) -> RateLimitItem:
    return parse(text)


def count(rule: str, purpose: str, who: str) -> None:
    """Count one request of `who`, e.g. count("60/minute", "sign-in", address). Raises TooManyRequests past the rule."""
    item = _rule(rule)
    if not _limiter().hit(item, purpose, who):
        window = _limiter().get_window_stats(item, purpose, who)
        raise TooManyRequests(max(1, math.ceil(window.reset_time - time.time())))


def forget() -> None:
    """Begin all counts anew."""
    _limiter.cache_clear()


class AddressLimit:
    """ASGI middleware: what one address may ask, whoever it says it is."""

    def __init__(self, app: ASGIApp, *, rule: str) -> None:
        self.app = app
        self.rule = rule

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with 429."""
        if scope["type"] == "http":
            try:
                count(self.rule, "address", scope["client"][0] if scope.get("client") else "unknown")
            except TooManyRequests as refused:
                refusal = answer(Request(scope), 429, headers={"Retry-After": str(refused.retry_after)})
                await refusal(scope, receive, send)
                return
        await self.app(scope, receive, send)
