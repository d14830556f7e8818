"""How often someone may ask: counted in this process's memory, over a moving window.

A reader is counted by subject, who is not yet known by address. Keys of the counters are never logged.
"""

import math
import threading
import time
from collections import deque
from functools import lru_cache

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from reports.portal.errors import answer

SECONDS = {"second": 1, "minute": 60, "hour": 3600}
SWEPT_EVERY = 1000  # requests, after which callers who have been silent for their whole window are forgotten


class TooManyRequests(Exception):
    """The caller is to wait `retry_after` whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many requests. Try again in {retry_after} seconds.")
        self.retry_after = retry_after


class Window:
    """When each caller asked, in the last `seconds`, at most `most` times."""

    def __init__(self, most: int, seconds: int) -> None:
        self._most, self._seconds, self._clock = most, seconds, time.monotonic
        self._asked: dict[tuple[str, str], deque[float]] = {}
        self._lock = threading.Lock()
        self._until_sweep = SWEPT_EVERY

    def hit(self, caller: tuple[str, str]) -> float:
        """Count a request unless it is one too many; 0, or after how many seconds the caller may ask again."""
        now = self._clock()
        gone = now - self._seconds
        with self._lock:
            self._until_sweep -= 1
            if not self._until_sweep:
                self._until_sweep = SWEPT_EVERY
                self._asked = {one: times for one, times in self._asked.items() if times[-1] > gone}
            times = self._asked.setdefault(caller, deque())
            while times and times[0] <= gone:
                times.popleft()
            if len(times) >= self._most:
                return times[0] - gone
            times.append(now)
            return 0.0


@lru_cache
def _window(rule: str) -> Window:
    most, _, unit = rule.partition("/")
    return Window(int(most), SECONDS[unit])


def count(rule: str, purpose: str, who: str) -> None:
    """Count one request of `who`, e.g. count("60/minute", "sign-in", address). Raises TooManyRequests past the rule."""
    wait = _window(rule).hit((purpose, who))
    if wait:
        raise TooManyRequests(max(1, math.ceil(wait)))


def forget() -> None:
    """Begin all counts anew."""
    _window.cache_clear()


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
