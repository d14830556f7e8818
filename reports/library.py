"""The library of issued reports: what has been issued stays as it was, byte for byte.

An issue is a folder `<root>/<body>/<period>[/<agency>]/v<n>/` with the report as PDF, XLSX, JSON and a CSV per table,
and a `manifest.json` with the sha256 of each; and its rows in schema `library`. The folder appears whole or not at all,
and is registered in one transaction: what is not registered is no issue and is cleared away by the next try. Made
again from the same marts a report has the same bytes and is the same issue; when a figure has changed, it is the next
version.
"""

import hashlib
import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from reports.document import render_pdf
from reports.report import Report
from reports.tables import all_tables, render_csv, render_json
from reports.workbook import render_workbook
from warehouse.settings import settings

PDF, WORKBOOK, JSON, MANIFEST = "laporan.pdf", "laporan.xlsx", "laporan.json", "manifest.json"
MEDIA_TYPES = {
    ".pdf": "application/pdf",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
}
RENDERERS = ("typst", "XlsxWriter", "altair", "vl-convert-python", "babel", "fontpkg-plus-jakarta-sans")
AGENCY_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue in the library. is_new: whether this call has made it, or found it made before."""

    version: int
    folder: Path
    is_new: bool


def library_root() -> Path:
    """Where the issues are."""
    return settings().state_dir / "reports"


def issue(connection: Connection, report: Report) -> Issue:
    """Render the report and put it into the library, unless its latest version there is the same to the byte.

    Commits. Raises ValueError for a preview, which is nobody's to read: `write_preview` is for that.
    """
    if report.is_preview:
        raise ValueError(f"{report.body} {report.period.id} is a preview: a preview is not issued. Render it without.")
    files = render(report)
    manifest = _manifest(report, files)
    place = _place(report)
    with connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"library/{place}",))
        latest, hashes = _latest(cursor, report)
        if hashes == _hashes(files):
            return Issue(latest, library_root() / place / f"v{latest}", is_new=False)
        folder = place / f"v{latest + 1}"
        _write(library_root() / folder, {**files, MANIFEST: manifest})
        _register(cursor, report, latest + 1, folder, {**files, MANIFEST: manifest})
    return Issue(latest + 1, library_root() / folder, is_new=True)


def write_preview(report: Report) -> Path:
    """Render a preview into its folder beside the library, over the one before; nothing is registered."""
    folder = settings().state_dir / "previews" / _place(report)
    if folder.exists():
        _clear(folder)
    _write(folder, render(report))
    return folder


def render(report: Report) -> dict[str, bytes]:
    """Every file of the report but its manifest, by name."""
    tables = {f"{table.name}.csv": render_csv(table, is_simulated=report.is_simulated) for table in all_tables(report)}
    return {PDF: render_pdf(report), WORKBOOK: render_workbook(report), JSON: render_json(report), **tables}


def issued_version(cursor: Cursor, body: str, period: str, agency_code: str | None = None) -> int:
    """The latest version of a report in the library; 0 when it was never issued."""
    cursor.execute(
        "select coalesce(max(version), 0) from library.issues where body = %s and period = %s"
        " and agency_code is not distinct from %s and not is_preview",
        (body, period, agency_code),
    )
    row = cursor.fetchone()
    return int(row[0]) if row else 0


@lru_cache(maxsize=1)
def code_version() -> str:
    """A fingerprint of the code that makes reports; the portal, which only hands them out, is no part of it."""
    here = Path(__file__).resolve().parent
    sources = sorted(path for ending in ("py", "typ", "csv") for path in here.rglob(f"*.{ending}"))
    digest = hashlib.sha256()
    for path in sources:
        if "portal" not in path.relative_to(here).parts:
            digest.update(f"{path.relative_to(here)}\0".encode() + path.read_bytes())
    return f"reports-{digest.hexdigest()[:12]}"


def _place(report: Report) -> Path:
    if report.agency_code is None:
        return Path(report.body) / report.period.id
    if not AGENCY_CODE.fullmatch(report.agency_code):
        raise ValueError(f"{report.agency_code!r} cannot name a folder: letters, digits, dots and dashes only.")
    return Path(report.body) / report.period.id / report.agency_code


def _hashes(files: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def _manifest(report: Report, files: dict[str, bytes]) -> bytes:
    told = {
        "body": report.body,
        "period": report.period.id,
        "agency_code": report.agency_code,
        "title": report.title,
        "night": report.night.isoformat(),
        "cut_off_at": report.cut_off_at.isoformat(),
        "is_simulated": report.is_simulated,
        "coverage": {"delivered": report.delivered, "expected": report.expected},
        "code_version": code_version(),
        "renderers": {name: version(name) for name in RENDERERS},
        "files": [
            {"name": name, "bytes": len(files[name]), "sha256": digest}
            for name, digest in sorted(_hashes(files).items())
        ],
    }
    return (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode()


def _latest(cursor: Cursor, report: Report) -> tuple[int, dict[str, str]]:
    """The latest version and the sha256 of its files but the manifest; 0 and none when there is no issue yet."""
    latest = issued_version(cursor, report.body, report.period.id, report.agency_code)
    cursor.execute(
        "select files.name, files.sha256"
        " from library.files as files inner join library.issues as issues using (issue_id)"
        " where issues.body = %s and issues.period = %s and issues.agency_code is not distinct from %s"
        " and issues.version = %s and files.name <> %s",
        (report.body, report.period.id, report.agency_code, latest, MANIFEST),
    )
    return latest, dict(cursor.fetchall())


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """The folder with its files, all at once and read-only. What a broken-off try has left there gives way."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        _clear(folder)
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
    for name, content in files.items():
        (making / name).write_bytes(content)
        (making / name).chmod(0o444)
    making.chmod(0o755)
    making.rename(folder)
    folder.chmod(0o555)


def _clear(folder: Path) -> None:
    folder.chmod(0o755)
    shutil.rmtree(folder)


def _register(cursor: Cursor, report: Report, number: int, folder: Path, files: dict[str, bytes]) -> None:
    hashes = _hashes(files)
    cursor.execute(
        "insert into library.issues (body, period, agency_code, version, title, night, cut_off_at, is_preview,"
        " is_simulated, coverage_delivered, coverage_expected, code_version, manifest_sha256, folder)"
        " values (%s, %s, %s, %s, %s, %s, %s, false, %s, %s, %s, %s, %s, %s) returning issue_id",
        (
            report.body, report.period.id, report.agency_code, number, report.title, report.night, report.cut_off_at,
            report.is_simulated, report.delivered, report.expected, code_version(), hashes[MANIFEST], folder.as_posix(),
        ),
    )  # fmt: skip
    row = cursor.fetchone()
    assert row is not None
    execute_values(
        cursor,
        "insert into library.files (issue_id, name, media_type, byte_count, sha256) values %s",
        [(row[0], name, MEDIA_TYPES[Path(name).suffix], len(files[name]), digest) for name, digest in hashes.items()],
    )
    if report.cells:
        execute_values(
            cursor,
            "insert into library.cells (issue_id, family, members, cell_count, is_hidden) values %s",
            [(row[0], cell.family, sorted(cell.members), cell.count, cell.is_hidden) for cell in report.cells],
            page_size=1000,
        )
