"""Samples for whoever writes a profile: a file, or an address asked as a night would ask it.

A secret never stands on the command line: an address that needs one takes it from LAPOR_CREDENTIAL_SAMPLE (and
LAPOR_HOST_KEY_SAMPLE for SFTP), as every connection takes its own.
"""

import asyncio
import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import python_calamine

from extract.connectors import Address, Ask, Page, Window, connector_for
from extract.connectors.answers import decode_json
from extract.connectors.http import Http
from extract.connectors.open311 import decode_xml
from extract.profile import AuthSpec, Profile
from warehouse.settings import connection_credential, connection_host_key, credential_variable, settings

CONNECTION = "sample"
MAX_PAGES = 5
_OPEN311_DAYS = 30
_WORKBOOK = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_DELIMITERS = ";,\t|"
_SAMPLE_LINES = 20


class SampleUnusable(ValueError):
    """The sample cannot be had or is of no known kind; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Pages of a source. `complete` is true when there are no more behind them."""

    place: str
    pages: list[Page]
    complete: bool


@dataclass(frozen=True, slots=True)
class Grid:
    """The rows of a CSV (`sheet` None) or of one visible sheet of a workbook; `sheet_count` counts the visible ones."""

    rows: list[list[Any]]
    sheet: str | None = None
    sheet_count: int = 1


def is_address(place: str) -> bool:
    """Whether a sample is named by an address and not by a path."""
    return "://" in place


def read_file(place: str) -> Page:
    """A file as one page. Raises SampleUnusable."""
    path = Path(place)
    try:
        size = path.stat().st_size
        if size > settings().extract_page_bytes:
            raise SampleUnusable(f"{place} has {size} bytes, more than a night would take; cut a smaller sample")
        return Page(path.name, path.read_bytes())
    except OSError as error:
        raise SampleUnusable(f"{place} cannot be read: {error.strerror}") from None


def fetch_page(place: str) -> Page:
    """The answer of one address, asked once and without a profile. Raises SampleUnusable or DeliveryFailed."""
    if urlsplit(place).scheme not in ("http", "https"):
        raise SampleUnusable(f"{_shown(place)} is no http address; save the sample as a file and name that")
    address = address_of(place, "rest")

    async def ask() -> Page:
        async with Http(settings()) as http:
            answer, _ = await http.for_agency(CONNECTION).ask(address, AuthSpec(), address.url)
            return Page(urlsplit(place).path.rpartition("/")[2] or "answer", answer.body)

    return asyncio.run(ask())


def fetch_sample(place: str, kind: str, profile: Profile, agency_zone: str) -> Sample:
    """The first pages of an address, through the connector itself: paging, credential and all.

    Raises SampleUnusable or DeliveryFailed.
    """
    address = address_of(place, kind)
    now = datetime.now(UTC)
    since = now - timedelta(days=_OPEN311_DAYS) if kind == "open311" else None
    ask = Ask(address, Window(since, now), profile.zone_for(agency_zone))

    async def fetch() -> Sample:
        pages: list[Page] = []
        async with Http(settings()) as http:
            connector = connector_for(kind, profile, http.for_agency(CONNECTION))
            async for page in connector.pages(ask):
                pages.append(page)
                if len(pages) == MAX_PAGES:
                    return Sample(_shown(place), pages, complete=page.position is None)
        return Sample(_shown(place), pages, complete=True)

    return asyncio.run(fetch())


def address_of(place: str, kind: str) -> Address:
    """The address as a registry would split it into connection and location. Raises SampleUnusable."""
    parts = urlsplit(place)
    if parts.password:
        raise SampleUnusable(
            f"{_shown(place)}: no secret on the command line; take it out and set {credential_variable(CONNECTION)}"
        )
    if kind == "tabular":
        folder, _, name = parts.path.rpartition("/")
        if parts.query and parts.scheme in ("http", "https"):
            raise SampleUnusable(f"{_shown(place)}: a file's address has no query; save the file and name that")
        base, location = urlunsplit((parts.scheme, parts.netloc, folder, parts.query, "")), unquote(name)
    elif kind == "sql":
        base, location = urlunsplit((parts.scheme, parts.netloc, parts.path, parts.query, "")), parts.fragment
    else:
        path = parts.path
        if kind == "open311":
            for name in ("/requests.json", "/requests.xml", "/services.json", "/services.xml"):
                path = path.removesuffix(name)
        base, location = f"{parts.scheme}://{parts.netloc}", path.lstrip("/")
        location += f"?{parts.query}" if parts.query and kind == "rest" else ""
    return Address(CONNECTION, base, location, connection_credential(CONNECTION), connection_host_key(CONNECTION))


def kind_of(page: Page | None, said: Mapping[str, Any]) -> str:
    """The connector that reads a page.

    The profile's own section decides, then the form of the page: a table for files, XML for Open311, otherwise REST.
    """
    for kind in ("sql", "open311", "tabular", "rest"):
        if said.get(kind):
            return kind
    return "rest" if page is None else {"json": "rest", "xml": "open311"}.get(form_of(page.content), "tabular")


def form_of(content: bytes) -> str:
    """What the bytes are: workbook, json, xml, html or text."""
    start = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:200].lower()
    if content.startswith(_WORKBOOK):
        return "workbook"
    if start.startswith((b"<!doctype html", b"<html", b"<table")):
        return "html"
    if start.startswith((b"{", b"[")):
        return "json"
    return "xml" if start.startswith(b"<") else "text"


def decode(page: Page) -> Any:
    """What a JSON or XML page holds. Raises SampleUnusable."""
    try:
        return decode_json(page.content) if form_of(page.content) == "json" else decode_xml(page.content)
    except ValueError as error:
        raise SampleUnusable(f"{page.name} cannot be read: {error}") from None


def grids(page: Page) -> list[Grid]:
    """Every table of a file: the one of a CSV, the visible sheets of a workbook. Raises SampleUnusable."""
    if form_of(page.content) == "text":
        return [Grid(_csv_rows(page.content))]
    try:
        workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(page.content))
        visible = [
            sheet.name
            for sheet in workbook.sheets_metadata
            if sheet.visible == python_calamine.SheetVisibleEnum.Visible
        ]
        return [Grid(workbook.get_sheet_by_name(name).to_python(), name, len(visible)) for name in visible]
    except (python_calamine.CalamineError, ValueError, OSError) as error:
        raise SampleUnusable(f"{page.name} is no readable workbook: {str(error)[:120]}") from None


def _csv_rows(content: bytes) -> list[list[Any]]:
    lines = io.StringIO(_text(content).replace("\0", ""), newline="").readlines()
    delimiter = None
    if lines and lines[0].lower().startswith("sep="):
        delimiter, lines = lines[0][4:5], lines[1:]
    unquoted = "".join(piece for line in lines[:_SAMPLE_LINES] for piece in line.split('"')[::2])
    return list(csv.reader(lines, delimiter=delimiter or max(_DELIMITERS, key=unquoted.count)))


def _text(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _shown(place: str) -> str:
    """An address without what could be a secret in it: no password, no query."""
    parts = urlsplit(place)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
