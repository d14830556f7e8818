"""HTTP APIs that answer JSON: pages by number or by cursor, changes by a window of time.

What is worth asking again (5xx, 429, time-outs, a page that is no JSON) is asked again with growing pauses; what is not
(4xx, a redirect to elsewhere, a cursor that turns in a circle) fails the delivery at once, with the reason.
"""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import msgspec

from extract.connectors import Page, PageContent, Window
from extract.errors import DeliveryFailed
from extract.privacy import redact
from extract.profile import Profile
from extract.records import Record
from extract.values import value_at
from warehouse.settings import Settings

MAX_PAGES = 100_000
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 30.0
_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """How long, how often and how much one request may take."""

    timeout_seconds: float
    attempts: int
    page_bytes: int

    @classmethod
    def from_settings(cls, settings: Settings) -> "HttpLimits":
        """The limits that the environment sets."""
        return cls(settings.extract_request_timeout_seconds, settings.extract_attempts, settings.extract_page_bytes)


class HttpSession:
    """The shard's HTTP client with its limits; shared by all deliveries of the shard."""

    def __init__(self, client: aiohttp.ClientSession, limits: HttpLimits) -> None:
        self._client = client
        self._limits = limits

    async def get(self, url: str, query: dict[str, str]) -> tuple[bytes, Any]:
        """Body and decoded JSON of one page, asked for again while that may help.

        Raises DeliveryFailed with the last reason; retryable when the trouble may pass.
        """
        for attempt in range(1, self._limits.attempts + 1):
            try:
                return await self._once(url, query)
            except DeliveryFailed as failure:
                if not failure.retryable or attempt == self._limits.attempts:
                    raise
                await asyncio.sleep(_pause(attempt, getattr(failure, "retry_after", None)))
        raise AssertionError("the loop returns or raises")

    async def _once(self, url: str, query: dict[str, str]) -> tuple[bytes, Any]:
        timeout = aiohttp.ClientTimeout(total=self._limits.timeout_seconds)
        try:
            async with self._client.get(url, params=query, timeout=timeout, allow_redirects=False) as answer:
                if answer.status != HTTPStatus.OK:
                    raise _refusal(answer)
                body = await self._body(answer)
        except TimeoutError:
            raise DeliveryFailed(f"no answer within {self._limits.timeout_seconds:g} s", retryable=True) from None
        except aiohttp.ClientError as error:
            raise DeliveryFailed(f"connection failed: {type(error).__name__}", retryable=True) from None
        try:
            return body, msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DeliveryFailed(_not_json(body, error), retryable=True) from None

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        chunks, size = [], 0
        async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
            size += len(chunk)
            if size > self._limits.page_bytes:
                raise DeliveryFailed(
                    f"a page is larger than {self._limits.page_bytes} bytes (LAPOR_EXTRACT_PAGE_BYTES)"
                )
            chunks.append(chunk)
        return b"".join(chunks)


class RestConnector:
    """Reads an API as its profile's `rest` section describes."""

    def __init__(self, profile: Profile, session: HttpSession | None) -> None:
        self._spec = profile.rest
        self._session = session

    async def pages(self, address: str, window: Window, time_zone: str) -> AsyncIterator[Page]:
        """All pages of one delivery, in the order the source gives them."""
        assert self._session is not None, "fetching needs the shard's HTTP session"
        paging, number, cursors = self._spec.paging, 1, set[str]()
        query = self._window_query(window, time_zone)
        if paging.size_parameter:
            query[paging.size_parameter] = str(paging.size)
        while number <= MAX_PAGES:
            if paging.style == "page" and paging.parameter:
                query[paging.parameter] = str(number)
            body, decoded = await self._session.get(address, query)
            yield Page(name=f"page {number}", content=body, decoded=decoded)
            if paging.style == "page":
                page_count = value_at(decoded, paging.pages_at or "")
                if not isinstance(page_count, int):
                    raise DeliveryFailed(f"page {number} does not state the number of pages at {paging.pages_at!r}")
                if number >= page_count:
                    return
            elif paging.style == "cursor" and paging.parameter:
                cursor = value_at(decoded, paging.next_at or "")
                if not isinstance(cursor, (str, int)) or cursor == "":
                    return
                if str(cursor) in cursors:
                    raise DeliveryFailed(
                        f"page {number} points back to a page already read: the source turns in a circle"
                    )
                cursors.add(str(cursor))
                query[paging.parameter] = str(cursor)
            else:
                return
            number += 1
        raise DeliveryFailed(f"more than {MAX_PAGES} pages")

    def read(self, page: Page) -> PageContent:
        """The records at the profile's path, with the total the source states."""
        decoded = page.decoded
        if decoded is None:
            decoded = msgspec.json.decode(page.content.removeprefix(b"\xef\xbb\xbf"))
        records = value_at(decoded, self._spec.records_at) if self._spec.records_at else decoded
        if not isinstance(records, list):
            raise DeliveryFailed(
                f"{page.name} has no list of records at {self._spec.records_at!r}: the source has changed"
            )
        total = value_at(decoded, self._spec.total_at) if self._spec.total_at else None
        return PageContent(records=_records(page.name, records), stated_total=total if isinstance(total, int) else None)

    def _window_query(self, window: Window, time_zone: str) -> dict[str, str]:
        spec = self._spec.window
        if spec is None:
            return {}
        zone = ZoneInfo(time_zone)

        def written(time: datetime) -> str:
            local = time.astimezone(zone)
            return local.isoformat() if spec.format == "iso" else local.strftime(spec.format)

        query = {spec.until_parameter: written(window.until)}
        if window.since:
            query[spec.since_parameter] = written(window.since)
        return query


def _records(page_name: str, entries: list[Any]) -> Iterator[Record]:
    for number, entry in enumerate(entries, start=1):
        position = f"{page_name}, row {number}"
        if isinstance(entry, dict):
            yield Record(position, entry)
        else:
            yield Record(position, {}, problem="is no object")


class _Refused(DeliveryFailed):
    """An answer other than 200; `retry_after` is what the server asked for, in seconds."""

    retry_after: float | None = None


def _refusal(answer: aiohttp.ClientResponse) -> DeliveryFailed:
    status = answer.status
    if 300 <= status < 400:
        return DeliveryFailed(f"answered {status}: redirects are not followed; put the new address into sources.csv")
    retryable = status >= 500 or status == HTTPStatus.TOO_MANY_REQUESTS
    failure = _Refused(f"answered {status} {answer.reason or ''}".rstrip(), retryable=retryable)
    wanted = answer.headers.get("Retry-After", "")
    failure.retry_after = float(wanted) if wanted.isdigit() else None
    return failure


def _pause(attempt: int, wanted_seconds: float | None) -> float:
    if wanted_seconds is not None:
        return min(wanted_seconds, _LONGEST_PAUSE_SECONDS)
    # A random share keeps agencies behind one gateway from knocking in step.
    return float(min(_FIRST_PAUSE_SECONDS * 2**attempt, _LONGEST_PAUSE_SECONDS) * random.uniform(0.5, 1.0))  # noqa: S311


def _not_json(body: bytes, error: Exception) -> str:
    start = body.lstrip()[:200]
    if start.startswith(b"<"):
        found = _TITLE.search(body[:20_000])
        title = redact(found[1].decode("utf-8", "replace").strip()[:80]) if found else "without title"
        return f"answered 200 with an HTML page ({title}) instead of JSON"
    return f"answered 200 with {len(body)} bytes that are no JSON ({error})"
