"""Open311 GeoReport v2 servers, JSON or XML.

The standard answers at most 90 days or 1,000 requests and has no paging and no "changed since": the connector walks
windows of time by `start_date` and `end_date` (which mean requested_datetime), halves a window whose answer is as long
as the cap, and reads a trailing stretch again every night (profile: `trailing_days`) to see what has become of a
request. Source: wiki.open311.org/GeoReport_v2.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree
from defusedxml import DefusedXmlException

from extract.connectors import Ask, Page, PageContent
from extract.connectors.answers import decode_json
from extract.connectors.http import AgencyHttp
from extract.errors import DeliveryFailed, SourceChanged
from extract.profile import Profile
from extract.records import Record

_SERVICES = "services"
_SHORTEST_WINDOW = timedelta(minutes=1)
_MAX_DEPTH = 20


class Open311Connector:
    """Reads a GeoReport server as its profile's `open311` section describes."""

    def __init__(self, profile: Profile, http: AgencyHttp | None) -> None:
        self._profile = profile
        self._spec = profile.open311
        self._http = http
        self._services: dict[str, dict[str, Any]] = {}

    async def pages(self, ask: Ask) -> AsyncIterator[Page]:
        """The list of services, then the requests of every window up to the cut-off; `ask.after` ends a done window."""
        if self._spec.services:
            content, decoded = await self._get(ask, "services", {})
            yield Page(_SERVICES, content, decoded, position=ask.after)
        start = ask.window.since or datetime.fromisoformat(self._spec.history_start).replace(tzinfo=UTC)
        if ask.after is not None:
            start = datetime.fromisoformat(ask.after)
        width = timedelta(days=self._spec.window_days)
        while start < ask.window.until:
            end = min(start + width, ask.window.until)
            async for page in self._window(ask, start, end):
                yield page
            start = end

    async def _window(self, ask: Ask, start: datetime, end: datetime) -> AsyncIterator[Page]:
        name = f"{start:%Y-%m-%dT%H:%M:%SZ} to {end:%Y-%m-%dT%H:%M:%SZ}"
        number = 1
        while True:
            query = {"start_date": _written(start), "end_date": _written(end)}
            if self._spec.page_size:
                query |= {"page": str(number), "page_size": str(self._spec.page_size)}
            content, decoded = await self._get(ask, "requests", query)
            count = len(decoded)
            if self._spec.page_size:
                yield Page(f"{name}, page {number}", content, decoded, end.isoformat() if count == 0 else None)
                if count == 0:
                    return
                number += 1
                continue
            if count < self._spec.cap:
                yield Page(name, content, decoded, position=end.isoformat())
                return
            if end - start <= _SHORTEST_WINDOW:
                raise DeliveryFailed(
                    f"{count} requests between {name}: the server's cap of {self._spec.cap} hides what there is more",
                    "Ask the city to answer more at once, or raise `cap` in the profile if that is not its cap.",
                )
            middle = start + (end - start) / 2
            middle = middle.replace(microsecond=0)
            async for page in self._window(ask, start, middle):
                yield page
            async for page in self._window(ask, middle, end):
                yield page
            return

    async def _get(self, ask: Ask, what: str, query: dict[str, str]) -> tuple[bytes, list[Any]]:
        assert self._http is not None, "fetching needs the shard's HTTP client"
        if self._spec.jurisdiction_id:
            query = {"jurisdiction_id": self._spec.jurisdiction_id, **query}
        url = f"{ask.address.url.rstrip('/')}/{what}.{self._spec.format}"
        answer, decoded = await self._http.ask(ask.address, self._profile.auth, url, decode=self._decode, query=query)
        if not isinstance(decoded, list):
            raise SourceChanged(f"{what}.{self._spec.format} is no list")
        return answer.body, decoded

    def read(self, page: Page) -> PageContent:
        """The requests of a page, each with its service; the page of services itself has no records."""
        decoded = page.decoded
        if decoded is None:
            try:
                decoded = self._decode(page.content)
            except ValueError as error:
                raise SourceChanged(f"{page.name} cannot be read: {error}") from None
        if page.name == _SERVICES:
            for entry in decoded:
                if isinstance(entry, dict):
                    self._services[str(entry.get("service_code"))] = entry
            return PageContent(iter(()))
        return PageContent(self._records(page.name, decoded))

    def _records(self, name: str, entries: list[Any]) -> Iterator[Record]:
        for number, entry in enumerate(entries, start=1):
            position = f"{name}, row {number}"
            if not isinstance(entry, dict):
                yield Record(position, {}, problem="is no object")
                continue
            service = self._services.get(str(entry.get("service_code")), {})
            own = {"service_name": entry.get("service_name") or service.get("service_name")}
            yield Record(position, {**entry, **own, "service_group": service.get("group")})

    def _decode(self, body: bytes) -> Any:
        return decode_json(body) if self._spec.format == "json" else decode_xml(body)


def decode_xml(body: bytes) -> list[dict[str, Any]]:
    """The children of the root, each as a dictionary of its elements' texts; deeper elements become dictionaries.

    Raises ValueError for what is no XML, has entities or a document type (they read files and fill memory), or nests
    deeper than a report can.
    """
    try:
        root = defusedxml.ElementTree.fromstring(body, forbid_dtd=True)
    except DefusedXmlException as error:
        raise ValueError(f"it has a forbidden document type or entity ({type(error).__name__})") from None
    except (ParseError, ValueError, LookupError) as error:
        raise ValueError(str(error)) from None
    return [value if isinstance(value := _value(child, 1), dict) else {"": value} for child in root]


def _value(element: Element, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise ValueError("it is nested too deeply")
    if not len(element):
        return (element.text or "").strip() or None
    return {child.tag.rpartition("}")[2]: _value(child, depth + 1) for child in element}


def _written(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
