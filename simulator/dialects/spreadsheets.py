"""Spreadsheets: a row a complaint, a column a milestone; CSV (text, WIB), XLSX and ODS (dates, the agency's zone)."""

import csv
import io
from datetime import datetime

import xlsxwriter

from simulator.dialects.opendocument import Cell, ods_bytes
from simulator.dialects.words import (
    CLASS_WORDS,
    category_words,
    channel_word,
    indonesian_text,
    local_time,
    status_word,
    written_date,
)
from simulator.dirt import UNPARSABLE_DATE, Defect, Quirk
from simulator.lifecycle import Slot
from simulator.reports import Report
from simulator.workdays import WIB_OFFSET

CSV_COLUMNS = (
    *("tracking_id", "klasifikasi", "kategori_utama", "kategori", "kanal", "cara_input", "anonim", "rahasia"),
    *("kode_kemendagri", "unit_kerja", "status", "waktu_masuk", "waktu_verifikasi", "waktu_disposisi"),
    *("waktu_tindak_lanjut_awal", "waktu_tunda", "waktu_lengkapi", "waktu_selesai", "cara_selesai"),
    *("waktu_buka_kembali", "waktu_arsip", "waktu_ubah", "nama_pelapor", "nik", "telepon", "email", "judul", "isi"),
)
XLSX_COLUMNS = (
    *("No. Tracking", "Klasifikasi", "Kategori Utama", "Kategori", "Kanal", "Cara Input", "Anonim", "Rahasia"),
    *("Kode Wilayah Kemendagri", "Unit Kerja", "Status", "Waktu Masuk", "Waktu Verifikasi", "Waktu Disposisi"),
    *("Waktu Tindak Lanjut", "Waktu Tunda", "Waktu Lengkapi", "Waktu Selesai", "Cara Selesai"),
    *("Waktu Buka Kembali", "Waktu Arsip", "Waktu Ubah", "Nama Pelapor", "NIK", "Telepon", "Email", "Judul", "Isi"),
)
ODS_COLUMNS = (
    *("Nomor", "Jenis", "Pokok", "Rincian", "Sumber", "Diinput Oleh", "Tanpa Nama", "Rahasia"),
    *("Wilayah", "Perangkat Daerah", "Tahap", "Diterima", "Disahkan", "Diteruskan"),
    *("Dijawab", "Ditahan", "Dilengkapi", "Ditutup", "Ditutup Oleh"),
    *("Dibuka Lagi", "Diarsipkan", "Diubah", "Pelapor", "NIK Pelapor", "HP", "Surel", "Perihal", "Uraian"),
)
# The sheet with the rows; the other sheets of the workbook have none.
ODS_SHEET = "Laporan"
# What the column of the id is called where an officer renamed it (fault renamed_field).
RENAMED = "Nomor Registrasi"
# One date cell in twenty was typed by hand instead of entered as a date.
TYPED_DATE_EVERY = 20
TITLE_ROWS = 2

MILESTONES: tuple[tuple[Slot, ...], ...] = (
    (Slot.RECEIVED,),
    (Slot.VERIFIED,),
    (Slot.ROUTED,),
    (Slot.ANSWERED,),
    (Slot.HELD_UNVERIFIED, Slot.HELD_ROUTED),
    (Slot.RESUMED_UNVERIFIED, Slot.RESUMED_ROUTED),
    (Slot.COMPLETED,),
    (Slot.REOPENED,),
    (Slot.ARCHIVED,),
)
Rows = list[tuple[Report, int]]


def csv_bytes(reports: Rows, *, encoding: str, renamed: bool = False) -> bytes:
    """The file `laporan.csv`: header, one line per report, a line with their number."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    writer.writerow(_headings(CSV_COLUMNS, renamed))
    for report, seen in reports:
        cells = _cells(report, [_written(moment, WIB_OFFSET) for moment in _moments(report, seen)], seen)
        if report.has(Quirk.NUMBER_ID) and cells[0]:
            cells[0] = f"{cells[0]}.0"
        if report.defect is Defect.RAGGED_ROW:
            # Someone typed semicolons into the text and the export did not quote them.
            cells[-1:] = str(cells[-1]).split(". ", 2)
        writer.writerow(["" if cell is None else cell for cell in cells])
    writer.writerow(["JUMLAH", len(reports), *[""] * (len(CSV_COLUMNS) - 2)])
    return buffer.getvalue().encode(encoding)


def xlsx_bytes(reports: Rows, agency_name: str, *, renamed: bool = False) -> bytes:
    """The file `laporan.xlsx`: a cover sheet, then a sheet with two title rows, the header, the rows, a total."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as workbook:
        date_format = workbook.add_format({"num_format": "dd/mm/yyyy hh:mm:ss"})
        cover = workbook.add_worksheet("Sampul")
        cover.write(0, 0, "Rekapitulasi Pengaduan Masyarakat")
        cover.write(1, 0, agency_name)
        sheet = workbook.add_worksheet("Data Laporan")
        sheet.write(0, 0, "DATA LAPORAN SP4N-LAPOR!")
        sheet.write(1, 0, agency_name)
        sheet.write_row(TITLE_ROWS, 0, _headings(XLSX_COLUMNS, renamed))
        for line, (report, seen) in enumerate(reports, start=TITLE_ROWS + 1):
            for column, cell in enumerate(_workbook_cells(report, seen)):
                if isinstance(cell, datetime):
                    sheet.write_datetime(line, column, cell, date_format)
                elif column == 0 and cell is not None:
                    sheet.write_number(line, column, float(str(cell)))
                elif cell is not None and cell != "":
                    sheet.write_string(line, column, str(cell))
        sheet.write_row(TITLE_ROWS + 1 + len(reports), 0, ["JUMLAH", len(reports)])
    return buffer.getvalue()


def opendocument_bytes(reports: Rows, agency_name: str, *, renamed: bool = False) -> bytes:
    """The file `laporan.ods`: a sheet of remarks with the headings too, then the sheet of rows and their number."""
    headings: list[Cell] = list(_headings(ODS_COLUMNS, renamed))
    remarks: list[list[Cell]] = [["Petunjuk pengisian", agency_name], headings]
    body = [_workbook_cells(report, seen) for report, seen in reports]
    total: list[Cell] = ["JUMLAH", len(reports), *[None] * (len(headings) - 2)]
    return ods_bytes({"Petunjuk": remarks, ODS_SHEET: [headings, *body, total]})


def _headings(columns: tuple[str, ...], renamed: bool) -> tuple[str, ...]:
    return (RENAMED, *columns[1:]) if renamed else columns


def _workbook_cells(report: Report, seen: int) -> list[Cell]:
    moments = [_entered(report, moment, column) for column, moment in enumerate(_moments(report, seen))]
    return _cells(report, moments, seen)


def _moments(report: Report, seen: int) -> list[int | None]:
    """The milestones in the order of MILESTONES, then the time of the last change; as shown, None where not reached."""
    shown = {event.slot: report.shown_at(event) for event in report.events[:seen]}
    milestones = [next((shown[slot] for slot in slots if slot in shown), None) for slots in MILESTONES]
    return [*milestones, report.events[seen - 1].at]


def _cells(report: Report, moments: list[str | datetime | None], seen: int) -> list[Cell]:
    main, label = category_words(report)
    unit = report.unit(seen)
    known = None if report.is_anonymous else report.reporter
    received = UNPARSABLE_DATE if report.defect is Defect.UNPARSABLE_DATE else moments[0]
    verified, routed, answered, held, resumed, completed, reopened, archived, updated = moments[1:]
    return [
        None if report.defect is Defect.MISSING_ID else report.number,
        CLASS_WORDS[report.report_class],
        main,
        label,
        channel_word(report),
        "petugas" if report.by_staff else "mandiri",
        "Ya" if report.is_anonymous else "Tidak",
        "Ya" if report.is_secret else "Tidak",
        report.region,
        None if unit is None else report.unit_name(unit),
        status_word(report, seen),
        received,
        verified,
        routed,
        answered,
        held,
        resumed,
        completed,
        _way_of_completion(report, seen),
        reopened,
        archived,
        updated,
        known.name if known else None,
        known.nik if known else None,
        known.phone if known else None,
        known.email if known else None,
        report.title,
        report.body,
    ]


def _way_of_completion(report: Report, seen: int) -> str | None:
    kinds = {event.kind for event in report.events[:seen]}
    if "SELESAI_OTOMATIS" in kinds:
        return "otomatis"
    return "manual" if "SELESAI_MANUAL" in kinds else None


def _written(moment: int | None, utc_offset: int) -> str | None:
    return None if moment is None else written_date(moment, utc_offset)


def _entered(report: Report, moment: int | None, column: int) -> str | datetime | None:
    """A real date-time of the agency's wall clock, now and then one typed as Indonesian text."""
    if moment is None:
        return None
    if (report.number * 7 + column) % TYPED_DATE_EVERY:
        return local_time(moment, report.agency.utc_offset).replace(tzinfo=None)
    return indonesian_text(moment, report.agency.utc_offset)
