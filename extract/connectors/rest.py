"""HTTP APIs that answer JSON: every way of paging, changes by a window of time, GET or POST."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from extract.connectors import Ask, Page, PageContent, Window
from extract.connectors.answers import decode_json
from extract.connectors.http import AgencyHttp, Answer, same_server
from extract.errors import DeliveryFailed, SourceChanged
from extract.profile import Profile
from extract.records import BESIDE, Record
from extract.values import MISSING, Unreadable, as_text, value_at

MAX_PAGES = 100_000
_MOVED = "rows moved while they were read"
_LINK = re.compile(r"""<([^>]*)>((?:[^<"]|"[^"]*")*)""")
_RELATION = re.compile(r"""\brel\s*=\s*(?:"([^"]*)"|([^\s;,]+))""", re.IGNORECASE)


class RestConnector:
    """Reads an API as its profile's `rest` section describes."""

    def __init__(self, profile: Profile, http: AgencyHttp | None) -> None:
        self._profile = profile
        self._spec = profile.rest
        self._http = http

    async def pages(self, ask: Ask) -> AsyncIterator[Page]:
        """All pages of one delivery, in the order the source gives them, from `ask.after` on."""
        assert self._http is not None, "fetching needs the shard's HTTP client"
        walk = _Walk(self._profile, ask)
        while True:
            answer, decoded = await self._http.ask(
                ask.address, self._profile.auth, walk.url, decode=decode_json, method=self._spec.method,
                query=walk.query(), headers=self._spec.headers, body=walk.body(),
            )  # fmt: skip
            self._refuse_errors(decoded)
            headers = self._stated_in_headers(answer)
            number = walk.number
            more = walk.advance(answer, decoded, self._entries(f"page {number}", decoded), headers)
            if walk.has_moved:
                headers = {**headers, _MOVED: "1"}
            yield Page(f"page {number}", answer.body, decoded, walk.position if more else None, headers=headers)
            if not more:
                return
            if walk.request_count > MAX_PAGES:
                raise DeliveryFailed(f"more than {MAX_PAGES} pages", "Ask for larger pages in the profile.")

    def read(self, page: Page) -> PageContent:
        """The records at the profile's path, with the total the source states."""
        decoded = page.decoded
        if decoded is None:
            try:
                decoded = decode_json(page.content)
            except ValueError as error:
                raise SourceChanged(f"{page.name} is no JSON: {error}") from None
        entries = self._entries(page.name, decoded)
        return PageContent(
            self._records(page.name, entries, decoded),
            stated_total=self._total(page, decoded),
            total_is_void=_MOVED in page.headers,
        )

    def _entries(self, name: str, decoded: Any) -> list[Any]:
        entries = value_at(decoded, self._spec.records_at) if self._spec.records_at else decoded
        if not isinstance(entries, list):
            raise SourceChanged(f"{name} has no list of records at {self._spec.records_at!r}")
        return entries

    def _records(self, page_name: str, entries: list[Any], decoded: Any) -> Iterator[Record]:
        events = self._events_beside(decoded)
        key = self._profile.fields.get("tracking_id")
        claimed: set[str | None] = set()
        for number, entry in enumerate(entries, start=1):
            position = f"{page_name}, row {number}"
            record = value_at(entry, self._spec.record_at) if self._spec.record_at else entry
            if not isinstance(record, dict):
                yield Record(position, {}, problem="is no object")
                continue
            if events is not None and key is not None and key.source:
                # A record listed twice has its log both times: whichever copy stays knows how the complaint ended.
                known_as = _key(value_at(record, key.source), key.strip)
                claimed.add(known_as)
                log = events.get(known_as, []) if known_as else events.pop(known_as, [])
                record = {**record, BESIDE: log}
            yield Record(position, record)
        for owner, orphans in (events or {}).items():
            for orphan in orphans if owner not in claimed else ():
                yield Record(f"{page_name}, events", {BESIDE: [orphan]}, problem="an event of no record in its page")

    def _events_beside(self, decoded: Any) -> dict[str | None, list[Any]] | None:
        """Events that stand beside the records, by the id of their complaint."""
        spec = self._profile.events
        if spec.body_list is None or spec.key_from is None:
            return None
        found: dict[str | None, list[Any]] = {}
        entries = value_at(decoded, spec.body_list)
        if entries is MISSING or entries is None:
            return found
        if not isinstance(entries, list):
            raise SourceChanged(f"there is no list of events at {spec.body_list!r}")
        strip = self._profile.fields["tracking_id"].strip if "tracking_id" in self._profile.fields else None
        for entry in entries:
            key = _key(value_at(entry, spec.key_from), strip) if isinstance(entry, dict) else None
            found.setdefault(key, []).append(entry)
        return found

    def _total(self, page: Page, decoded: Any) -> int | None:
        value: Any = None
        if self._spec.total_at:
            value = value_at(decoded, self._spec.total_at)
        elif self._spec.total_header:
            value = page.headers.get(self._spec.total_header.lower())
        return _count(value)

    def _stated_in_headers(self, answer: Answer) -> Mapping[str, str]:
        """The headers that have a meaning for reading, to be landed with the page."""
        name = self._spec.total_header
        return {name.lower(): answer.headers[name][:40]} if name and name in answer.headers else {}

    def _refuse_errors(self, decoded: Any) -> None:
        if not self._spec.error_at:
            return
        error = value_at(decoded, self._spec.error_at)
        if error is not MISSING and error:
            raise DeliveryFailed(
                f"answered 200 with an error at {self._spec.error_at!r}",
                "Compare what the profile asks with the agency's documentation.",
                retryable=True,
            )


class _Walk:
    """Where a delivery stands in its pages; knows how to ask for the next."""

    def __init__(self, profile: Profile, ask: Ask) -> None:
        self._spec, self._paging, self._ask = profile.rest, profile.rest.paging, ask
        self._times = _written(profile, ask.window, ask.time_zone)
        self.url = ask.address.url
        self.number = 1
        self.request_count = 0
        self.has_moved = False
        self._offset = 0
        self._total: int | None = None
        self._rows_a_page = self._paging.size
        self._token: Any = None
        self._seen: set[str] = set()
        if ask.after is not None:
            self._resume(ask.after)

    @property
    def position(self) -> str:
        """What to go on with after the page just read."""
        return msgspec.json.encode(
            [self.number, self._offset, self._total, self._rows_a_page, self.has_moved, self._token]
        ).decode()

    def _resume(self, position: str) -> None:
        self.number, self._offset, self._total, self._rows_a_page, self.has_moved, token = msgspec.json.decode(position)
        if self._paging.style in ("next_url", "link") and token:
            self.url = same_server(self._ask.address, self.url, token)
        self._token = token

    def query(self) -> dict[str, str]:
        paging, spec = self._paging, self._spec
        if paging.style in ("next_url", "link") and self._token is not None:
            return {}  # the source's own address says it all
        query = dict(spec.query)
        if spec.window and spec.body is None:
            if spec.window.until_parameter:
                query[spec.window.until_parameter] = self._times["until"]
            if "since" in self._times:
                query[spec.window.since_parameter] = self._times["since"]
        if paging.size_parameter:
            query[paging.size_parameter] = str(paging.size)
        if paging.parameter and spec.body is None:
            match paging.style:
                case "page":
                    query[paging.parameter] = str(self.number - 1 + paging.first)
                case "offset":
                    query[paging.parameter] = str(self._offset)
                case "cursor" | "keyset" if self._token is not None:
                    query[paging.parameter] = str(self._token)
        return query

    def body(self) -> Any:
        if self._spec.body is None:
            return None
        values = {
            **self._times, "size": self._paging.size, "page": self.number - 1 + self._paging.first,
            "offset": self._offset, "cursor": self._token, "key": self._token,
        }  # fmt: skip
        return _filled(self._spec.body, values)

    def advance(self, answer: Answer, decoded: Any, entries: list[Any], headers: Mapping[str, str]) -> bool:
        """Move on behind an answer; False when it was the last."""
        paging, number = self._paging, self.number
        self.request_count += 1
        self.number += 1
        self._offset += len(entries)
        if paging.style in ("page", "offset") and self._step_back(number, len(entries), self._stated(decoded, headers)):
            return True
        match paging.style:
            case "page":
                if paging.pages_at is None:
                    return bool(entries)
                count = value_at(decoded, paging.pages_at)
                if isinstance(count, bool) or not isinstance(count, int):
                    raise SourceChanged(f"page {number} does not state the number of pages at {paging.pages_at!r}")
                return bool(number < count)
            case "offset":
                # The rows that came count, not those asked for: servers give fewer when they like.
                total = self._stated(decoded, headers)
                return bool(entries) and (total is None or self._offset < total)
            case "cursor":
                following = value_at(decoded, paging.next_at or "")
                if isinstance(following, bool) or not isinstance(following, (str, int)) or following == "":
                    return False
                return self._follow(number, following)
            case "keyset":
                if not entries:
                    return False
                last = value_at(entries[-1], self._spec.record_at) if self._spec.record_at else entries[-1]
                key = _key(value_at(last, paging.key_from or ""), None) if isinstance(last, dict) else None
                if key is None:
                    raise SourceChanged(f"the last record of page {number} has no {paging.key_from!r} to go on from")
                return self._follow(number, key)
            case "next_url":
                following = value_at(decoded, paging.next_at or "")
                return self._go_to(number, answer, following if isinstance(following, str) else None)
            case "link":
                return self._go_to(number, answer, _next_link(", ".join(answer.headers.getall("Link", []))))
        return False

    def _step_back(self, number: int, count: int, total: int | None) -> bool:
        """Go back by the rows that have left the window since the page before; True when there were any.

        A record that changes while we read belongs to the next night: it leaves, and all that follow move up by one.
        What has moved in front of this page would be missed. Rows read twice replace themselves.
        """
        left = self._total - total if self._total is not None and total is not None else 0
        if total is not None:
            self._total = total
        before = self._offset - count
        if left <= 0 or number == 1:
            self._rows_a_page = max(count, self._rows_a_page if number > 1 else 1)
            return False
        self.has_moved = True
        self.number = max(1, number - -(-left // self._rows_a_page))
        self._offset = max(0, before - left)
        return True

    def _stated(self, decoded: Any, headers: Mapping[str, str]) -> int | None:
        value = value_at(decoded, self._spec.total_at) if self._spec.total_at else None
        if value is None and self._spec.total_header:
            value = headers.get(self._spec.total_header.lower())
        return _count(value)

    def _go_to(self, number: int, answer: Answer, following: str | None) -> bool:
        if not following:
            return False
        self.url = same_server(self._ask.address, answer.url, following)
        return self._follow(number, self.url)

    def _follow(self, number: int, token: Any) -> bool:
        text = str(token)
        if text in self._seen or text == str(self._token):
            raise DeliveryFailed(
                f"page {number} points back to a page already read: the source turns in a circle",
                "Show the agency the address of this page.",
            )
        self._seen.add(text)
        self._token = token
        return True


def _written(profile: Profile, window: Window, time_zone: str) -> dict[str, Any]:
    """The window as the source writes times; no `since` when everything is wanted."""
    spec = profile.rest.window
    if spec is None:
        return {}
    zone = ZoneInfo(time_zone)

    def written(time: datetime) -> str:
        match spec.format:
            case "iso":
                return time.astimezone(zone).isoformat()
            case "unix":
                return str(int(time.timestamp()))
        return time.astimezone(zone).strftime(spec.format)

    times: dict[str, Any] = {"until": written(window.until)}
    if window.since:
        times["since"] = written(window.since)
    return times


def _filled(template: Any, values: dict[str, Any]) -> Any:
    """The template with its marks replaced; a text that is nothing but a mark becomes the value itself."""
    if isinstance(template, dict):
        return {key: _filled(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, values) for value in template]
    if isinstance(template, str):
        for name in ("since", "until", "size", "page", "offset", "cursor", "key"):
            mark = "{" + name + "}"
            if template == mark:
                return values.get(name)
            if mark in template:
                value = values.get(name)
                template = template.replace(mark, "" if value is None else str(value))
    return template


def _next_link(header: str) -> str | None:
    """The address of rel="next" in a Link header (RFC 8288)."""
    for address, parameters in _LINK.findall(header):
        relation = _RELATION.search(parameters)
        if relation and "next" in "".join(filter(None, relation.groups())).casefold().split():
            return str(address)
    return None


def _count(value: Any) -> int | None:
    """A number of rows that a source states; None when it is none."""
    text = "" if isinstance(value, bool) else str(value)
    return int(text) if text.isascii() and text.isdigit() else None


def _key(value: Any, strip: str | None) -> str | None:
    if value is MISSING or isinstance(value, (dict, list)):
        return None
    try:
        text = as_text(value)
    except Unreadable:
        return None
    return text.strip(strip).strip() if text and strip else text
