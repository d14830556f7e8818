"""What each dialect's server answers to a question, as of the night in its address."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

import numpy as np

from simulator import ratings, side_resources
from simulator.archive import Archive
from simulator.dialects import georeport, graph_api, kanal_daerah, lapor_v3, link_api, next_url_api, offset_api
from simulator.lifecycle import Slot
from simulator.registry import Agency
from simulator.workdays import DAY_SECONDS, UNIX_EPOCH, cut_off
from simulator.world import Listing

WRONG_BY = 7
JSON = "application/json"
XML = "text/xml"


@dataclass(frozen=True, slots=True)
class Question:
    """A request that reached an agency's server: `address` is the URL without its query, `body` the JSON of a POST."""

    archive: Archive
    agency: int
    night: date
    address: str
    query: Mapping[str, str]
    body: Any
    fault: str | None
    georeport_cap: int

    @property
    def asked(self) -> Agency:
        """The agency that is asked."""
        return self.archive.world.agencies[self.agency]

    def listing(self) -> Listing:
        """All that the agency has as of the night."""
        return self.archive.listing(self.agency, self.night)

    def size(self, name: str, default: int, largest: int) -> int:
        """How many rows a page gets: what is asked for, up to what the server gives."""
        return min(_positive(self.query.get(name, str(default))), largest)

    def page(self, matching: Listing, start: int, size: int) -> list[bytes]:
        """The encoded records of a page; the first page is empty where the agency has that fault."""
        if self.fault == "empty_page" and start == 0:
            return []
        return self.archive.records(self.agency, matching.slice(start, start + size))

    def following(self, matching: Listing, start: int, size: int) -> int | None:
        """Where the next page starts; None after the last. A circle leads back to this very page."""
        if self.fault == "circular_paging":
            return start
        return start + size if start + size < len(matching) else None

    def total(self, matching: Listing) -> int:
        """The total to state; a wrong one where the agency has that fault."""
        return len(matching) + (WRONG_BY if self.fault == "wrong_total" else 0)

    def with_query(self, **changed: str | int) -> str:
        """This question's own absolute URL with other parameters."""
        return f"{self.address}?{urlencode({**self.query, **changed})}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back; `id_field` is what a renamed field was called."""

    body: bytes
    id_field: str = ""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


Respond = Callable[[Question], Answer]


def lapor_v3_page(question: Question) -> Answer:
    """A page by its number."""
    query = question.query
    number = _positive(query.get("halaman", "1"))
    size = question.size("per_halaman", lapor_v3.PAGE_SIZE, lapor_v3.LARGEST_PAGE)
    window = _iso_instant(query.get("diubah_sejak")), _iso_instant(query.get("diubah_hingga"))
    matching = question.listing().between(*window)
    records = question.page(matching, (number - 1) * size, size)
    pages = max(1, -(-len(matching) // size))
    return Answer(lapor_v3.page(records, number, pages, question.total(matching)), "nomor_laporan")


def kanal_daerah_page(question: Question) -> Answer:
    """A page by its cursor."""
    query, offset = question.query, question.asked.utc_offset
    window = _local_instant(query.get("changed_after"), offset), _local_instant(query.get("changed_before"), offset)
    size = question.size("limit", kanal_daerah.PAGE_SIZE, kanal_daerah.LARGEST_PAGE)
    start = _position(query.get("cursor"))
    matching = question.listing().between(*window)
    records = question.page(matching, start, size)
    following = question.following(matching, start, size)
    return Answer(kanal_daerah.page(records, following, question.total(matching)), "ticket_no")


def offset_api_page(question: Question) -> Answer:
    """A page by its offset; never more than fifty rows, the total in a header."""
    query = question.query
    start = int(query.get("offset", "0"))
    if start < 0:
        raise ValueError(f"not an offset: {start}")
    size = question.size("limit", offset_api.PAGE_SIZE, offset_api.LARGEST_PAGE)
    matching = question.listing().between(_unix_instant(query.get("sejak")), _unix_instant(query.get("hingga")))
    headers = {offset_api.TOTAL_HEADER: str(question.total(matching))}
    return Answer(offset_api.page(question.page(matching, start, size)), offset_api.ID_FIELD, headers=headers)


def link_api_page(question: Question) -> Answer:
    """A bare array; the next page's address stands in the Link header."""
    query, offset = question.query, question.asked.utc_offset
    window = _local_instant(query.get("updatedSince"), offset), _local_instant(query.get("updatedBefore"), offset)
    size = question.size("pageSize", link_api.PAGE_SIZE, link_api.LARGEST_PAGE)
    start = _position(query.get("page"))
    matching = question.listing().between(*window)
    following = question.following(matching, start, size)
    links = [f'<{question.with_query(page=kanal_daerah.write_cursor(0))}>; rel="first"']
    if following is not None:
        links.append(f'<{question.with_query(page=kanal_daerah.write_cursor(following))}>; rel="next"')
    body = link_api.page(question.page(matching, start, size))
    return Answer(body, link_api.ID_FIELD, headers={"Link": ", ".join(links)})


def next_url_api_page(question: Question) -> Answer:
    """A page of cases with their events beside them; what follows the last case is asked for by its time and number."""
    query = question.query
    size = question.size("limit", next_url_api.PAGE_SIZE, next_url_api.LARGEST_PAGE)
    matching = question.listing().between(
        _iso_instant(query.get("changed_from")), _iso_instant(query.get("changed_to"))
    )
    start = _after_key(question, matching, query.get("after"))
    shown = matching.slice(start, start + size)
    records = question.page(matching, start, size)
    following = question.following(matching, start, size)
    next_url = None
    if following is not None:
        after = query.get("after", "0-0-0") if following == start else _key(question, matching, following - 1)
        next_url = question.with_query(after=after, limit=size)
    events = question.archive.event_lists(question.agency, shown) if records else []
    return Answer(next_url_api.page(records, events, next_url), next_url_api.ID_FIELD)


def graph_api_page(question: Question) -> Answer:
    """The answer to a query of reports; a page by the cursor in the variables."""
    asked = question.body if isinstance(question.body, dict) else {}
    variables = asked.get("variables") or {}
    if "reports" not in str(asked.get("query")):
        return Answer(graph_api.encode_refusal())
    window = _iso_instant(variables.get("since")), _iso_instant(variables.get("until"))
    size = min(_positive(str(variables.get("first") or graph_api.PAGE_SIZE)), graph_api.LARGEST_PAGE)
    start = _position(variables.get("after"))
    matching = question.listing().between(*window)
    following = question.following(matching, start, size)
    cursor = None if following is None else kanal_daerah.write_cursor(following)
    body = graph_api.page(question.page(matching, start, size), cursor, question.total(matching))
    return Answer(body, graph_api.ID_FIELD)


def georeport_requests(question: Question) -> Answer:
    """Requests made between two dates (both included), the newest first, at most `georeport_cap` of them."""
    query = question.query
    end = _iso_instant(query.get("end_date")) or cut_off(question.night)
    start = _iso_instant(query.get("start_date"))
    if start is None:
        start = end - georeport.DEFAULT_DAYS * DAY_SECONDS
    listing = question.listing()
    received = question.archive.world.complaints.times[listing.rows, Slot.RECEIVED]
    inside = np.flatnonzero((received >= start) & (received <= end))
    newest = inside[np.argsort(-received[inside], kind="stable")][: question.georeport_cap]
    matching = Listing(rows=listing.rows[newest], seen=listing.seen[newest], updated=listing.updated[newest])
    records = question.page(matching, 0, len(matching))
    if question.asked.profile == "georeport_xml":
        return Answer(georeport.xml_list("service_requests", records), georeport.ID_FIELD, XML)
    return Answer(georeport.json_list(records), georeport.ID_FIELD)


def georeport_services(question: Question) -> Answer:
    """The list of services."""
    return Answer(*georeport.services_list(as_xml=question.asked.profile == "georeport_xml"))


def rating_page(question: Question) -> Answer:
    """Ratings of the agency's complaints by page number; a page after the last is empty."""
    query = question.query
    number = _positive(query.get("halaman", "1"))
    size = question.size("ukuran", ratings.PAGE_SIZE, ratings.PAGE_SIZE)
    since, until = _iso_instant(query.get("sejak")), _iso_instant(query.get("hingga"))
    given = ratings.read_ratings(question.archive.world, [question.agency], since, until or cut_off(question.night))
    return Answer(ratings.api_page(given[(number - 1) * size : number * size]))


def activity_statement(question: Question) -> Answer:
    """How the agency keeps its side running."""
    return Answer(side_resources.activity_json(question.asked, question.night))


# Path below /as-of/{night}/ -> the profile it belongs to ("" = a resource beside the complaints) and who answers.
ROUTES: tuple[tuple[str, str, str, Respond], ...] = (
    ("GET", "v3/{agency}/laporan", "lapor_v3", lapor_v3_page),
    ("GET", "kanal/{agency}/tickets", "kanal_daerah", kanal_daerah_page),
    ("GET", "aduan/{agency}/daftar", "offset_api", offset_api_page),
    ("GET", "desk/{agency}/cases", "link_api", link_api_page),
    ("GET", "portal/{agency}/cases", "next_url_api", next_url_api_page),
    ("POST", "graph/{agency}", "graph_api", graph_api_page),
    ("GET", "georeport/{agency}/services.json", "georeport_json", georeport_services),
    ("GET", "georeport/{agency}/requests.json", "georeport_json", georeport_requests),
    ("GET", "georeport/{agency}/services.xml", "georeport_xml", georeport_services),
    ("GET", "georeport/{agency}/requests.xml", "georeport_xml", georeport_requests),
    ("GET", "penilaian/{agency}", "", rating_page),
    ("GET", "keaktifan/{agency}", "", activity_statement),
)


def _position(cursor: str | None) -> int:
    return kanal_daerah.read_cursor(cursor) if cursor else 0


def _key(question: Question, matching: Listing, position: int) -> str:
    """ "1624726800-5206112-2": time of change and number of a record, and which of the copies with both it is."""
    numbers = question.archive.world.complaints.number[matching.rows]
    same = (matching.updated == matching.updated[position]) & (numbers == numbers[position])
    copy = int(same[: position + 1].sum())
    return f"{matching.updated[position]}-{numbers[position]}-{copy}"


def _after_key(question: Question, matching: Listing, key: str | None) -> int:
    """Where the records behind that key start."""
    if key is None:
        return 0
    updated, number, copy = (int(part) for part in key.split("-"))
    numbers = question.archive.world.complaints.number[matching.rows]
    before = (matching.updated < updated) | ((matching.updated == updated) & (numbers < number))
    same = (matching.updated == updated) & (numbers == number)
    return int(before.sum()) + min(copy, int(same.sum()))


def _unix_instant(text: str | None) -> int | None:
    return int(text) if text else None


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
