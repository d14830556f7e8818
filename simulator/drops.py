"""Files that agencies put down for the night: spreadsheets of complaints, recaps, the survey.

The first night holds an agency's whole history, each later one what changed since its file before; nothing changed is a
file without rows, which is not the same as no file. Files are written beside their place and moved there: a reader sees
all or none.
"""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from simulator.dialects.spreadsheets import csv_bytes, write_workbook
from simulator.faults import FaultPlan
from simulator.recaps import Recap, state_recaps
from simulator.registry import DEFAULT_REGISTRY, Agency, read_agencies
from simulator.reports import Report, read_reports
from simulator.survey import survey_file
from simulator.workdays import cut_off
from simulator.world import World

SURVEY_PATH = Path("survei") / "lapor_2020.csv"
HALF_ENCODINGS = ("utf-8-sig", "cp1252")


def write_drops(
    world: World, nights: Iterable[date], folder: Path, faults: FaultPlan, registry: Path = DEFAULT_REGISTRY
) -> int:
    """Write every file of these nights below `folder` and return how many; recaps come on the last night only."""
    ordered = sorted(nights)
    written = 1
    _put(folder / SURVEY_PATH, survey_file(read_agencies(registry), world.seed))
    for index, agency in enumerate(world.agencies):
        if agency.keeps_milestones_only:
            written += _write_agency(world, index, ordered, folder, faults)
    for recap in state_recaps(world, ordered[-1]) if ordered else []:
        _put(recap_path(folder, ordered[-1], recap), recap.file())
        written += 1
    return written


def complaints_path(folder: Path, night: date, agency: Agency) -> Path:
    """Where an agency's spreadsheet of a night lies."""
    suffix = "csv" if agency.profile == "csv_drop" else "xlsx"
    return folder / night.isoformat() / agency.code / f"laporan.{suffix}"


def recap_path(folder: Path, night: date, recap: Recap) -> Path:
    """Where an agency's recap lies."""
    return folder / night.isoformat() / recap.agency_code / "rekap.csv"


def csv_encoding(agency: Agency) -> str:
    """Half of the agencies write UTF-8 with a byte-order mark, the other half what Windows made of it."""
    return HALF_ENCODINGS[sum(agency.code.encode()) % 2]


def _write_agency(world: World, index: int, nights: list[date], folder: Path, faults: FaultPlan) -> int:
    agency = world.agencies[index]
    reports = read_reports(world, index)
    first = world.rows_of(index).start
    since: int | None = None
    written = 0
    for night in nights:
        if faults.on(agency.code, night) == "missing_file":
            continue
        listing = world.listing(index, night).between(since, None)
        rows = zip(listing.rows.tolist(), listing.seen.tolist(), strict=True)
        _write_file(
            complaints_path(folder, night, agency), agency, [(reports[row - first], seen) for row, seen in rows]
        )
        since = cut_off(night)
        written += 1
    return written


def _write_file(path: Path, agency: Agency, rows: list[tuple[Report, int]]) -> None:
    if agency.profile == "csv_drop":
        _put(path, csv_bytes(rows, encoding=csv_encoding(agency)))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    write_workbook(part, rows, agency.name)
    part.replace(path)


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)
