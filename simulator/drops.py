"""Files that agencies put down for the night: spreadsheets of complaints, recaps, ratings, units, the survey.

The first night holds an agency's whole history, each later one what changed since its file before; nothing changed is a
file without rows, which is not the same as no file. Files are written beside their place and moved there: a reader sees
all or none. Where a file lies is said by its source's location; a * in it stands for laporan_YYYYMMDD.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path

from simulator.dialects.spreadsheets import Rows, csv_bytes, opendocument_bytes, xlsx_bytes
from simulator.faults import GARBAGE, FaultPlan
from simulator.ratings import national_csv, read_ratings
from simulator.recaps import Recap, state_recaps
from simulator.registry import DEFAULT_REGISTRY, Agency, Source, Way, read_agencies
from simulator.reports import read_reports
from simulator.side_resources import units_csv
from simulator.survey import survey_file
from simulator.workdays import cut_off
from simulator.world import World

SURVEY_PATH = Path("survei") / "lapor_2020.csv"
HALF_ENCODINGS = ("utf-8-sig", "cp1252")
Put = Callable[[str, bytes, int], None]


def write_drops(
    world: World, nights: Iterable[date], folder: Path, faults: FaultPlan, registry: Path = DEFAULT_REGISTRY
) -> int:
    """Write every file of these nights that goes into the local folder and return how many.

    Units come on the first night only, recaps on the last only.
    """
    ordered = sorted(nights)
    put = into_folder(folder)
    put(SURVEY_PATH.as_posix(), survey_file(read_agencies(registry), world.seed), 0)
    written = 1 + write_complaints(world, ordered, Way.FOLDER, put, faults)
    for recap in state_recaps(world, ordered[-1]) if ordered else []:
        put(recap_path(Path(), ordered[-1], recap).as_posix(), recap.file(), cut_off(ordered[-1]))
        written += 1
    for agency in world.agencies:
        if (units := agency.source("units")) is not None and ordered:
            put(units.place(agency.code, ordered[0]), units_csv(agency), cut_off(ordered[0]))
            written += 1
        ratings = agency.source("ratings")
        if ratings is not None and ratings.way is Way.FOLDER:
            written += _write_national_ratings(world, agency, ratings, ordered, put)
    return written


def write_complaints(world: World, nights: Sequence[date], way: Way, put: Put, faults: FaultPlan) -> int:
    """Hand over every complaints file of these nights that travels that way; returns how many."""
    return sum(
        _write_agency(world, index, sorted(nights), put, faults)
        for index, agency in enumerate(world.agencies)
        if agency.way is way
    )


def into_folder(folder: Path) -> Put:
    """Puts files into a local folder; their time of change is the night's cut-off, whenever they are written."""

    def put(place: str, content: bytes, at: int) -> None:
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(content)
        if at:
            os.utime(part, (at, at))
        part.replace(path)

    return put


def complaints_path(folder: Path, night: date, agency: Agency) -> Path:
    """Where an agency's spreadsheet of a night lies."""
    return folder / agency.complaints.place(agency.code, night).replace("*", f"laporan_{night:%Y%m%d}")


def recap_path(folder: Path, night: date, recap: Recap) -> Path:
    """Where an agency's recap lies."""
    return folder / night.isoformat() / recap.agency_code / "rekap.csv"


def csv_encoding(agency: Agency) -> str:
    """Who sends by SFTP writes what Windows makes of it; of the others half do, half UTF-8 with a byte-order mark."""
    return "cp1252" if agency.way is Way.SFTP else HALF_ENCODINGS[sum(agency.code.encode()) % 2]


def _write_agency(world: World, index: int, nights: list[date], put: Put, faults: FaultPlan) -> int:
    agency = world.agencies[index]
    reports = read_reports(world, index)
    first = world.rows_of(index).start
    since: int | None = None
    written = 0
    for night in nights:
        fault = faults.on(agency.code, night)
        if fault == "missing_file":
            continue
        listing = world.listing(index, night).between(since, None)
        pairs = zip(listing.rows.tolist(), listing.seen.tolist(), strict=True)
        content = _content(agency, [(reports[row - first], seen) for row, seen in pairs], fault)
        put(complaints_path(Path(), night, agency).as_posix(), content, cut_off(night))
        since = cut_off(night)
        written += 1
    return written


def _content(agency: Agency, rows: Rows, fault: str | None) -> bytes:
    if fault in {"html_named_xlsx", "garbage_html"} and agency.way is not Way.HTTP_FILE:
        return GARBAGE
    renamed = fault == "renamed_field"
    match agency.profile:
        case "csv_drop":
            content = csv_bytes(rows, encoding=csv_encoding(agency), renamed=renamed)
        case "ods_drop":
            content = opendocument_bytes(rows, agency.name, renamed=renamed)
        case _:
            content = xlsx_bytes(rows, agency.name, renamed=renamed)
    return content[: len(content) // 2] if fault == "half_file" else content


def _write_national_ratings(world: World, agency: Agency, source: Source, nights: list[date], put: Put) -> int:
    """One file a night with the ratings of all agencies on the national system, given since the file before."""
    national = [index for index, one in enumerate(world.agencies) if one.profile == "lapor_v3"]
    since: int | None = None
    for night in nights:
        until = cut_off(night)
        put(source.place(agency.code, night), national_csv(read_ratings(world, national, since, until)), until)
        since = until
    return len(nights)
