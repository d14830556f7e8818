"""Files of rows: CSV in whatever dialect, XLSX, XLS and ODS workbooks. The heading row is found, not assumed.

Every CSV cell is text; nothing is guessed, nothing is calculated (a formula counts by its cached value). A line that
does not parse becomes a record with a problem, never a shifted one, and never swallows the lines after it. A workbook's
sheet is the first visible one with a row that matches half of the profile's headings.
"""

import csv
import io
import re
import zipfile
import zlib
from asyncio import sleep
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any
from xml.parsers import expat

import python_calamine

from extract.connectors import Ask, FileTaken, Page, PageContent
from extract.connectors.files import Files, Found, files_at, is_pattern
from extract.connectors.http import AgencyHttp
from extract.errors import DeliveryFailed, DeliveryLate, SourceChanged
from extract.profile import Profile
from extract.records import Record
from warehouse.settings import settings

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_DELIMITERS = ";,\t|"
_SAMPLE_LINES = 20
_HEADING_SEARCH_ROWS = 30
_MAX_BROKEN_LINES = 1000
_MAX_INFLATION = 200
_SMALL = 1024 * 1024
# The reader lays a sheet out as a full rectangle: one cell in the last corner of an empty sheet would ask for 500 GB,
# and that ends the process, not the delivery. Cells of the rectangle, at most; bytes that stand for two cells.
_MAX_SHEET_CELLS = 20_000_000
_UNZIPPABLE = (
    expat.ExpatError, LookupError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError,
    ValueError, OSError,
)  # fmt: skip
_PLACE = re.compile(r"([A-Za-z]{0,3})([0-9]{0,7})")
_Rows = list[tuple[int, list[Any]]]


class TabularConnector:
    """Reads a file as its profile's `fields` name the headings."""

    def __init__(self, profile: Profile, http: AgencyHttp | None = None) -> None:
        self._profile = profile
        self._spec = profile.tabular
        self._http = http
        self.headings = _headings_of(profile)
        self._by_normal = {_normal(name): name for name in self.headings}

    async def pages(self, ask: Ask) -> AsyncIterator[Page]:
        """Each file of the location as one page. Raises DeliveryLate when there is none."""
        location = ask.address.location
        async with files_at(ask.address, self._profile.auth, self._http) as files:
            found = await self._ready(files, location)
            for file in found:
                if self._taken(ask, location, file):
                    continue
                limit = settings().extract_page_bytes
                if file.size > limit:
                    raise DeliveryFailed(
                        f"{file.path} has {file.size} bytes, more than {limit}",
                        "Ask for the changes of a night only, or raise LAPOR_EXTRACT_PAGE_BYTES.",
                    )
                content = await files.read(file)
                yield Page(
                    file.path.rpartition("/")[2],
                    content,
                    position=file.path,
                    file=FileTaken(file.path, file.fingerprint),
                )

    @staticmethod
    def _taken(ask: Ask, location: str, file: Found) -> bool:
        if ask.after is not None and file.path <= ask.after:
            return True
        # A location that names one file is that night's file, whether it changed or not.
        return is_pattern(location) and ask.taken.get(file.path) == file.fingerprint

    async def _ready(self, files: Files, location: str) -> list[Found]:
        """The files that are whole: marked as done, or unchanged between two looks, where the profile says so."""
        found = await files.find(location)
        if self._spec.done_suffix:
            marks = {mark.path for mark in await files.find(location + self._spec.done_suffix)}
            unmarked = [file.path for file in found if file.path + self._spec.done_suffix not in marks]
            found = [file for file in found if file.path + self._spec.done_suffix in marks]
            if unmarked and not found:
                raise DeliveryLate(
                    f"{unmarked[0]} is there without its {self._spec.done_suffix}", "Wait for it, or ask the agency."
                )
        elif self._spec.settle_seconds and found:
            await sleep(self._spec.settle_seconds)  # the two looks are what tells a file that is being written
            again = {file.path: file.fingerprint for file in await files.find(location)}
            settled = [file for file in found if again.get(file.path) == file.fingerprint]
            if not settled:
                raise DeliveryLate(f"{found[0].path} is still being written", "It is taken by the next run.")
            found = settled
        if not found:
            raise DeliveryLate(
                f"no file {location} yet", "Ask the agency; it is looked for again for seven nights after its own."
            )
        return found

    def read(self, page: Page) -> PageContent:
        """Records below the heading row; a tail row (JUMLAH, TOTAL) states how many they are."""
        content = page.content
        if content.startswith((_ZIP, _OLE)):
            heading, rows = self._workbook(page)
        elif content.lstrip()[:100].lower().startswith((b"<!doctype", b"<html", b"<table")):
            raise SourceChanged(f"{page.name} is an HTML page, not a table")
        elif not content.strip():
            raise SourceChanged(f"{page.name} is empty: even a night without reports has its heading row")
        else:
            heading, rows = self._find_heading(page.name, list(self._csv_rows(page)))
        names = [self._by_normal.get(_normal(name), name.strip()) for name in heading]
        while names and not names[-1]:
            names.pop()
        if doubled := {name for name in names if name and names.count(name) > 1}:
            raise SourceChanged(f"{page.name} has the heading {sorted(doubled)} twice")
        total = None
        body: _Rows = []
        for number, row in rows:
            if self._is_tail(row):
                total = _whole(row[1]) if len(row) > 1 else None
            elif any(cell not in (None, "") for cell in row):
                body.append((number, row))
        return PageContent(records=_records(names, body), stated_rows=total)

    # -- CSV --------------------------------------------------------------------------------------------------------

    def _csv_rows(self, page: Page) -> Iterator[tuple[int, list[Any]]]:
        """Number of the first line and cells of every row; a row that cannot be parsed is one cell that says so."""
        lines = io.StringIO(self._decode(page.content).replace("\0", ""), newline="").readlines()
        start, delimiter = 0, self._spec.delimiter
        if lines and lines[0].lower().startswith("sep=") and lines[0][4:5].strip("\r\n"):
            start, delimiter = 1, lines[0][4:5]
        csv.field_size_limit(max(settings().extract_page_bytes, 131_072))
        delimiter = delimiter or self._delimiter(lines[start : start + _HEADING_SEARCH_ROWS])
        broken = 0
        # How many cells the rows so far have tells a quoted line break from a quote that was never closed.
        widths: Counter[int] = Counter()
        while start < len(lines):
            reader = csv.reader(iter(lines[start:]), delimiter=delimiter, strict=True)
            done = 0
            try:
                for row in reader:
                    if reader.line_num - done > 1 and widths and len(row) != widths.most_common(1)[0][0]:
                        raise csv.Error("a row over several lines has another number of cells")
                    widths[len(row)] += 1
                    yield start + done + 1, row
                    done = reader.line_num
                return
            except csv.Error as error:
                broken += 1
                if broken > _MAX_BROKEN_LINES:
                    raise SourceChanged(
                        f"{page.name} has more than {_MAX_BROKEN_LINES} lines that are no CSV by {delimiter!r}"
                    ) from None
                yield start + done + 1, [_Broken(str(error)), lines[start + done].strip()]
                start += done + 1

    def _delimiter(self, lines: list[str]) -> str:
        """The one that makes a heading row; counting alone is misled by a report's commas."""
        best, most = "", 0
        for delimiter in _DELIMITERS:
            for line in lines:
                cells = next(csv.reader([line], delimiter=delimiter), [])
                matched = sum(1 for cell in cells if _normal(cell) in self._by_normal)
                if matched > most:
                    best, most = delimiter, matched
        return best if most * 2 >= len(self.headings) else _guess_delimiter(lines[:_SAMPLE_LINES])

    def _decode(self, content: bytes) -> str:
        if self._spec.encoding:
            return content.decode(self._spec.encoding, "replace")
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return content.decode("utf-16", "replace")
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            return content.decode("cp1252", "replace")

    # -- workbooks --------------------------------------------------------------------------------------------------

    def _workbook(self, page: Page) -> tuple[list[str], _Rows]:
        if page.content.startswith(_ZIP):
            _refuse_bombs(page)
        try:
            workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(page.content))
            visible = [
                sheet.name
                for sheet in workbook.sheets_metadata
                if sheet.visible == python_calamine.SheetVisibleEnum.Visible
                and (self._spec.sheet is None or sheet.name == self._spec.sheet)
            ]
            for name in visible:
                rows = list(enumerate(workbook.get_sheet_by_name(name).to_python(), start=1))
                try:
                    return self._find_heading(f"{page.name} sheet {name}", rows)
                except DeliveryFailed:
                    continue
        except (python_calamine.CalamineError, ValueError, OSError) as error:
            raise SourceChanged(f"{page.name} is no readable workbook: {str(error)[:120]}") from None
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # the reader's own word for a fault of its own: no Exception
                raise
            raise SourceChanged(f"{page.name} is no readable workbook: its reader gave up") from None
        if not visible:
            raise SourceChanged(f"{page.name} has no visible sheet {self._spec.sheet or ''}".rstrip())
        raise SourceChanged(
            f"{page.name}: none of the sheets {visible} has a heading row with half of the expected names"
        )

    # -- both -------------------------------------------------------------------------------------------------------

    def _find_heading(self, place: str, rows: _Rows) -> tuple[list[str], _Rows]:
        for index, (_, row) in enumerate(rows[:_HEADING_SEARCH_ROWS]):
            matched = sum(1 for cell in row if isinstance(cell, str) and _normal(cell) in self._by_normal)
            if matched * 2 >= len(self.headings):
                return [str(cell) for cell in row], rows[index + 1 :]
        raise SourceChanged(
            f"{place} has no heading row: none of the first {_HEADING_SEARCH_ROWS} rows names half of "
            f"{sorted(self.headings)}"
        )

    def _is_tail(self, row: list[Any]) -> bool:
        return bool(row) and isinstance(row[0], str) and row[0].strip().upper() in self._spec.tail_words


class _Broken(str):
    """Stands first in a row that is none; the text says why."""

    __slots__ = ()


def _records(names: list[str], rows: _Rows) -> Iterator[Record]:
    for number, row in rows:
        cells = row
        if isinstance(cells[0], _Broken):
            yield Record(f"row {number}", {}, problem=f"is no line of the file's form ({cells[0]})")
            continue
        if len(cells) > len(names) and not any(cell not in (None, "") for cell in cells[len(names) :]):
            cells = cells[: len(names)]
        if len(cells) == len(names):
            yield Record(f"row {number}", dict(zip(names, cells, strict=True)))
        else:
            yield Record(f"row {number}", {}, problem=f"{len(cells)} cells instead of {len(names)}")


def _refuse_bombs(page: Page) -> None:
    """Inflate the workbook's parts for counting alone: a few kilobytes can stand for gigabytes of zeros.

    Python's reader checks each part against its stated size and checksum, so a part that lies is no readable workbook.
    """
    limit, inflated = settings().extract_page_bytes * 4, 0
    try:
        with zipfile.ZipFile(io.BytesIO(page.content)) as archive:
            for part in archive.infolist():
                if part.filename.lower().endswith("workbook.bin"):
                    raise SourceChanged(f"{page.name} is a binary workbook (XLSB): ask for XLSX")
                with archive.open(part) as stream:
                    # A sheet may have any name. Office itself writes drawings (VML) that are not well-formed.
                    begins = stream.read(100).lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")
                    xml = _Part() if begins.startswith(b"<") and not part.filename.endswith(".vml") else None
                    stream.seek(0)
                    while chunk := stream.read(1024 * 1024):
                        inflated += len(chunk)
                        if xml:
                            xml.look(chunk)
                        if inflated > limit or inflated > max(len(page.content) * _MAX_INFLATION, _SMALL):
                            raise DeliveryFailed(
                                f"{page.name} inflates {len(page.content)} bytes to more than {inflated}",
                                "That is no ordinary workbook: ask the agency before anybody opens it.",
                            )
                        if xml and xml.cells > min(max(inflated // 2, _SMALL), _MAX_SHEET_CELLS):
                            raise DeliveryFailed(
                                f"{page.name} has a sheet that spreads over {xml.cells:,} cells, nearly all empty",
                                "That is no ordinary workbook: ask the agency before anybody opens it.",
                            )
                if xml:
                    xml.look(b"", last=True)
    except _UNZIPPABLE as error:
        raise SourceChanged(f"{page.name} is no readable workbook: {type(error).__name__}") from None


class _Part:
    """An XML part of a workbook, before its reader gets it: well-formed, and how many cells lie around its values.

    The reader loops for ever over a sheet that is cut off. No workbook has a document type.
    """

    def __init__(self) -> None:
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._begin
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._row = self._column = self._rows = self._columns = self._most = 0
        self._place = (0, 0)

    @property
    def cells(self) -> int:
        """The largest rectangle so far."""
        return max(self._most, self._rows * self._columns)

    def look(self, chunk: bytes, *, last: bool = False) -> None:
        """Take the next bytes of the part. Raises ExpatError or ValueError."""
        self._parser.Parse(chunk, last)

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        match name.rpartition(":")[2]:
            case "v" | "is" | "f":  # what makes a cell of XLSX more than a format
                self._value(*self._place)
            case "c":
                letters, digits = _PLACE.match(attributes.get("r", "")).groups()  # type: ignore[union-attr] # always
                self._column = _column_number(letters) if letters else self._column + 1
                self._place = (int(digits or self._row), self._column)
            case "row":
                self._row, self._column = int(attributes.get("r", self._row + 1)), 0
            case "table":
                self._most = self.cells
                self._row = self._column = self._rows = self._columns = 0
            case "table-row":
                self._row, self._column = self._row + int(attributes.get("table:number-rows-repeated", 1)), 0
            case "table-cell" | "covered-table-cell":
                self._column += int(attributes.get("table:number-columns-repeated", 1))
                if any(key.startswith(("office:", "calcext:")) or key == "table:formula" for key in attributes):
                    self._value(self._row, self._column)
            case "p":
                self._value(self._row, self._column)

    def _value(self, row: int, column: int) -> None:
        self._rows, self._columns = max(self._rows, row), max(self._columns, column)

    @staticmethod
    def _refuse(*_: object) -> None:
        raise ValueError("a document type")


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


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


def _guess_delimiter(lines: list[str]) -> str:
    """The candidate seen most often outside quotes in the first lines."""
    unquoted = "".join(piece for line in lines for piece in line.split('"')[::2])
    return max(_DELIMITERS, key=unquoted.count)


def _normal(name: str) -> str:
    return " ".join(name.replace("\ufeff", "").split()).casefold()


def _whole(cell: Any) -> int | None:
    try:
        return int(float(str(cell).replace(".", "") if isinstance(cell, str) else cell))
    except (TypeError, ValueError, OverflowError):
        return None
