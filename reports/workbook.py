"""A report as XLSX: a sheet per table, the completeness of the data and the metric dictionary beside them.

Text is written as text: a name that looks like a formula or an address is neither. The workbook is dated by the
report's cut-off, so making it again gives the same bytes. Figures are stored unrounded; the formats show them as the
language of the reader's Excel writes numbers.
"""

import io
from datetime import UTC, date
from decimal import Decimal
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from reports.contents.frame import SUPPRESSION_NOTE
from reports.language import UNKNOWN, moment
from reports.report import STAMP, Column, Headline, Hidden, Kind, Report, Table, Value, shown
from reports.tables import all_tables

NAVY, MUTED, WARNING = "#0B3A66", "#566270", "#9A3412"
WIDEST_COLUMN = 46
FIGURE_WIDTH = 10  # of 1.234.567 and of 30 Jun 2021
SHEET_NAME_LENGTH = 31  # Excel's limit

FORMATS: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 14, "font_color": NAVY},
    "muted": {"font_color": MUTED},
    "stamp": {"bold": True, "font_color": WARNING},
    "label": {"bold": True, "valign": "top"},
    "wrapped": {"text_wrap": True, "valign": "top"},
    "text_header": {"bold": True, "font_color": NAVY, "bottom": 1, "text_wrap": True, "valign": "bottom"},
    "figure_header": {
        "bold": True, "font_color": NAVY, "bottom": 1, "text_wrap": True, "valign": "bottom", "align": "right",
    },
    "text": {"valign": "top"},
    "count": {"num_format": "#,##0", "align": "right"},
    "date": {"num_format": "d mmm yyyy", "align": "right"},
    "sign": {"align": "right", "font_color": MUTED},
}  # fmt: skip


def render_workbook(report: Report) -> bytes:
    """The report's XLSX: sheets ringkasan, one per table, kelengkapan and perubahan_angka if given, kamus_metrik."""
    file = io.BytesIO()
    workbook = xlsxwriter.Workbook(
        file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    workbook.set_properties(
        {
            "title": f"{report.title}, {report.period.label}",
            "author": report.institution,
            "comments": STAMP if report.is_simulated else "",
            "created": report.cut_off_at.astimezone(UTC).replace(tzinfo=None),
        }
    )
    pages = _Pages(workbook, report)
    pages.summary()
    for table in all_tables(report):
        pages.table(table)
    pages.dictionary()
    workbook.close()
    return file.getvalue()


class _Pages:
    """The sheets of one workbook, each headed alike, and the formats they share."""

    def __init__(self, workbook: xlsxwriter.Workbook, report: Report) -> None:
        self.workbook = workbook
        self.report = report
        self.formats: dict[str, Format] = {}

    def style(self, name: str, decimals: int = 0) -> Format:
        """A format by name; "rate" and "number" by their decimals."""
        key = f"{name}{decimals}"
        if key not in self.formats:
            zeros = "." + "0" * decimals if decimals else ""
            by_decimals = {
                "rate": {"num_format": f"0{zeros}%", "align": "right"},
                "number": {"num_format": f"#,##0{zeros}", "align": "right"},
            }
            self.formats[key] = self.workbook.add_format(by_decimals.get(name) or FORMATS[name])
        return self.formats[key]

    def _sheet(self, name: str, title: str) -> tuple[Worksheet, int]:
        """A new sheet with its head, and the row after it."""
        sheet = self.workbook.add_worksheet(name[:SHEET_NAME_LENGTH])
        sheet.hide_gridlines(2)
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.write_string(0, 0, title, self.style("title"))
        about = (
            f"{self.report.title} · {self.report.period.label} · data sampai dengan {moment(self.report.cut_off_at)}"
        )
        sheet.write_string(1, 0, about, self.style("muted"))
        row = 2
        marks = [STAMP] if self.report.is_simulated else []
        marks += ["PRATINJAU: belum diterbitkan"] if self.report.is_preview else []
        for mark in marks:
            sheet.write_string(row, 0, mark, self.style("stamp"))
            row += 1
        if marks:
            sheet.set_footer(f"&L{' · '.join(marks)}&RHalaman &P dari &N")
        return sheet, row

    def summary(self) -> None:
        """Ringkasan: headlines with their change, and what each section found."""
        report = self.report
        sheet, row = self._sheet("ringkasan", report.title)
        sheet.set_column(0, 0, 44)
        sheet.set_column(1, 1, 18)
        sheet.set_column(2, 2, 70)
        coverage = f"{shown(report.delivered, 'count')} dari {shown(report.expected, 'count')} instansi"
        facts = [("Lembaga", report.institution), ("Periode", report.subtitle), ("Kelengkapan data", coverage)]
        for label, text in [*facts, ("Malam", report.night.isoformat())]:
            row += 1
            sheet.write_string(row, 0, label, self.style("label"))
            sheet.write_string(row, 1, text)
        row += 1
        for headline in report.headlines:
            row += 1
            self._headline(sheet, row, headline)
        for section in report.sections:
            row += 2
            sheet.write_string(row, 0, section.title, self.style("text_header"))
            for paragraph in section.paragraphs:
                row += 1
                sheet.merge_range(row, 0, row, 2, "", self.style("wrapped"))
                sheet.write_string(row, 0, paragraph, self.style("wrapped"))
                sheet.set_row(row, 15 * (1 + len(paragraph) // 125))

    def _headline(self, sheet: Worksheet, row: int, headline: Headline) -> None:
        sheet.write_string(row, 0, headline.label, self.style("label"))
        self._write(sheet, row, 1, headline.value, headline.kind, headline.decimals)
        sheet.write_string(row, 2, " · ".join(filter(None, (headline.change, headline.note))), self.style("muted"))

    def table(self, table: Table) -> None:
        """One table with its notes, frozen under its header, filterable."""
        sheet, row = self._sheet(table.name, table.title)
        for note in (table.note, *(f"{column.label}: {column.help}" for column in table.columns if column.help)):
            if note:
                sheet.write_string(row, 0, note, self.style("muted"))
                row += 1
        header = row + 1
        for place, column in enumerate(table.columns):
            style = self.style("text_header" if column.kind == "text" else "figure_header")
            sheet.write_string(header, place, column.label, style)
            sheet.set_column(place, place, _width(column, [values[place] for values in table.rows]))
        for line, values in enumerate(table.rows, header + 1):
            for place, (column, value) in enumerate(zip(table.columns, values, strict=True)):
                self._write(sheet, line, place, value, column.kind, column.decimals)
        sheet.freeze_panes(header + 1, 1)
        sheet.repeat_rows(header)
        if table.rows:
            sheet.autofilter(header, 0, header + len(table.rows), len(table.columns) - 1)
        else:
            sheet.write_string(header + 1, 0, "Tidak ada baris untuk periode ini.", self.style("muted"))

    def _write(self, sheet: Worksheet, row: int, place: int, value: Value, kind: Kind, decimals: int) -> None:
        if value is None or isinstance(value, Hidden):
            sheet.write_string(row, place, UNKNOWN if value is None else value.value, self.style("sign"))
        elif isinstance(value, str | bool):
            sheet.write_string(row, place, shown(value, kind), self.style("text"))
        elif isinstance(value, date):
            sheet.write_datetime(row, place, value, self.style("date"))
        else:
            style = self.style(kind, decimals) if kind in ("rate", "number") else self.style("count")
            sheet.write_number(row, place, float(value) if isinstance(value, Decimal) else value, style)

    def dictionary(self) -> None:
        """Kamus metrik: what is divided by what, the denominators and how small figures are hidden."""
        sheet, row = self._sheet("kamus_metrik", "Kamus metrik")
        for place, (label, width) in enumerate((("Metrik", 44), ("Rumus", 80), ("Sumber", 60), ("Nama kolom", 40))):
            sheet.write_string(row + 1, place, label, self.style("text_header"))
            sheet.set_column(place, place, width)
        row += 2
        for metric in self.report.metrics:
            for place, text in enumerate((metric.label, metric.formula_words, metric.source, metric.metric_id)):
                sheet.write_string(row, place, text, self.style("wrapped"))
            row += 1
        for title, lines in (
            ("Penyebut yang dipakai", self.report.denominators), ("Penyamaran angka kecil", (SUPPRESSION_NOTE,)),
        ):  # fmt: skip
            row += 1
            sheet.write_string(row, 0, title, self.style("label"))
            for line in lines:
                row += 1
                sheet.write_string(row, 0, line)
            row += 1


def _width(column: Column, values: list[Value]) -> float:
    """Characters: of the longest value, the label's longest word, at least 9."""
    longest = max((len(value) if isinstance(value, str) else FIGURE_WIDTH for value in values), default=0)
    return min(max(longest, *map(len, column.label.split()), 9) + 2, WIDEST_COLUMN)
