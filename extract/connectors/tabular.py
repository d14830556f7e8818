"""Files of rows: CSV in whatever dialect, XLSX and XLS workbooks. The heading row is found, not assumed.

Every CSV cell is text; nothing is guessed. A row with too few or too many cells becomes a record with a problem, never
a shifted one. A workbook's sheet is the first visible one with a row that matches half of the profile's headings.
"""

import csv
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import python_calamine

from extract.connectors import Page, PageContent, Window
from extract.errors import DeliveryFailed, DeliveryLate
from extract.profile import Profile
from extract.records import Record
from warehouse.settings import settings

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_DELIMITERS = ";,\t|"
_SAMPLE_LINES = 20
_HEADING_SEARCH_ROWS = 30


class TabularConnector:
    """Reads a file as its profile's `fields` name the headings."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self.headings = _headings_of(profile)
        self._by_normal = {_normal(name): name for name in self.headings}

    async def pages(self, address: str, window: Window, time_zone: str) -> AsyncIterator[Page]:
        """The file as one page. Raises DeliveryLate when it is not there."""
        path = _local_path(address)
        try:
            size = path.stat().st_size
            if size > settings().extract_page_bytes:
                raise DeliveryFailed(f"{path.name} has {size} bytes, more than LAPOR_EXTRACT_PAGE_BYTES allows")
            content = path.read_bytes()
        except FileNotFoundError:
            raise DeliveryLate(f"no file {path.name} yet") from None
        except OSError as error:
            raise DeliveryFailed(f"{path.name} cannot be read: {error.strerror}") from None
        yield Page(name=path.name, content=content)

    def read(self, page: Page) -> PageContent:
        """Records below the heading row; a tail row (JUMLAH, TOTAL) states the total."""
        content = page.content
        if content.startswith((_ZIP, _OLE)):
            heading, rows = self._workbook(page)
        elif content.lstrip()[:100].lower().startswith((b"<!doctype", b"<html")):
            raise DeliveryFailed(f"{page.name} is an HTML page, not a table")
        else:
            heading, rows = self._find_heading(page.name, list(self._csv_rows(page)))
        names = [self._by_normal.get(_normal(name), name.strip()) for name in heading]
        if doubled := {name for name in names if name and names.count(name) > 1}:
            raise DeliveryFailed(f"{page.name} has the heading {sorted(doubled)} twice")
        total = None
        body = []
        for number, row in rows:
            if self._is_tail(row):
                total = _whole(row[1]) if len(row) > 1 else None
            elif any(cell not in (None, "") for cell in row):
                body.append((number, row))
        return PageContent(records=_records(names, body), stated_total=total)

    # -- CSV --------------------------------------------------------------------------------------------------------

    def _csv_rows(self, page: Page) -> Iterator[tuple[int, list[Any]]]:
        text = _decode(page.content)
        lines = text.splitlines()
        if lines and lines[0].lower().startswith("sep="):
            delimiter = lines[0][4:5]
            text = text[text.index("\n") + 1 :]
        else:
            delimiter = self._profile.tabular.delimiter or _guess_delimiter(lines[:_SAMPLE_LINES])
        reader = csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=delimiter)
        try:
            for row in reader:
                yield reader.line_num, row
        except csv.Error as error:
            raise DeliveryFailed(f"{page.name} line {reader.line_num}: {error}") from None

    # -- workbooks --------------------------------------------------------------------------------------------------

    def _workbook(self, page: Page) -> tuple[list[str], list[tuple[int, list[Any]]]]:
        try:
            workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(page.content))
            visible = [
                sheet.name
                for sheet in workbook.sheets_metadata
                if sheet.visible == python_calamine.SheetVisibleEnum.Visible
            ]
            for name in visible:
                rows = list(enumerate(workbook.get_sheet_by_name(name).to_python(), start=1))
                try:
                    return self._find_heading(f"{page.name} sheet {name}", rows)
                except DeliveryFailed:
                    continue
        except python_calamine.CalamineError as error:
            raise DeliveryFailed(f"{page.name} is no readable workbook: {error}") from None
        raise DeliveryFailed(
            f"{page.name}: none of the sheets {visible} has a heading row with half of the expected names"
        )

    # -- both -------------------------------------------------------------------------------------------------------

    def _find_heading(
        self, place: str, rows: list[tuple[int, list[Any]]]
    ) -> tuple[list[str], list[tuple[int, list[Any]]]]:
        for index, (_, row) in enumerate(rows[:_HEADING_SEARCH_ROWS]):
            matched = sum(1 for cell in row if isinstance(cell, str) and _normal(cell) in self._by_normal)
            if matched * 2 >= len(self.headings):
                return [str(cell) for cell in row], rows[index + 1 :]
        raise DeliveryFailed(
            f"{place} has no heading row: none of the first {_HEADING_SEARCH_ROWS} rows names half of "
            f"{sorted(self.headings)}"
        )

    def _is_tail(self, row: list[Any]) -> bool:
        return bool(row) and isinstance(row[0], str) and row[0].strip().upper() in self._profile.tabular.tail_words


def _records(names: list[str], rows: list[tuple[int, list[Any]]]) -> Iterator[Record]:
    for number, row in rows:
        cells = row
        if len(cells) > len(names) and not any(cell not in (None, "") for cell in cells[len(names) :]):
            cells = cells[: len(names)]
        if len(cells) == len(names):
            yield Record(f"row {number}", dict(zip(names, cells, strict=True)))
        else:
            yield Record(f"row {number}", {}, problem=f"{len(cells)} cells instead of {len(names)}")


def _headings_of(profile: Profile) -> set[str]:
    paths = [spec.source for spec in profile.fields.values()]
    paths += [column.source for column in profile.events.columns]
    paths += list(profile.answers.attributes) if profile.answers else []
    identity, text = profile.identity, profile.text
    paths += [
        identity.name,
        identity.national_id,
        identity.phone,
        identity.email,
        identity.address,
        text.title,
        text.body,
    ]
    return {path for path in paths if path}


def _local_path(address: str) -> Path:
    parts = urlsplit(address)
    if parts.scheme != "file":
        raise DeliveryFailed(f"a tabular source needs a file:// connection, not {parts.scheme}://")
    path = Path(unquote(parts.path))
    if ".." in path.parts:
        raise DeliveryFailed("the location climbs out of its connection's folder")
    return path


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _guess_delimiter(lines: list[str]) -> str:
    """The candidate seen most often outside quotes in the first lines."""
    unquoted = "".join(piece for line in lines for piece in line.split('"')[::2])
    return max(_DELIMITERS, key=unquoted.count)


def _normal(name: str) -> str:
    return " ".join(name.replace("\ufeff", "").split()).casefold()


def _whole(cell: Any) -> int | None:
    try:
        return int(float(str(cell).replace(".", "") if isinstance(cell, str) else cell))
    except (TypeError, ValueError):
        return None
