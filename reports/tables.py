"""A report for machines: its tables as CSV, and all of it as JSON.

CSV is UTF-8 with a byte order mark (Excel takes it for another encoding without), RFC 4180, decimal points; people who
work in Excel have the workbook. A hidden figure is `*` in CSV and null in JSON, where the row names it under `hidden`.
"""

import csv
import io
import json
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

from reports.charts import Chart
from reports.contents.frame import SUPPRESSION_NOTE
from reports.report import STAMP, Hidden, Report, Table, Value

# A spreadsheet takes text that begins so for a formula: OWASP, CSV injection.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
DECIMALS_KEPT = 6


def all_tables(report: Report) -> tuple[Table, ...]:
    """The tables of the sections, then completeness and restatements. Raises ValueError if two have one name."""
    annex = (table for table in (report.completeness, report.restatements) if table is not None)
    tables = (*report.tables, *annex)
    names = [table.name for table in tables]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{report.body} {report.period.id}: two tables are named {', '.join(twice)}. Name them apart.")
    return tables


def render_csv(table: Table, *, is_simulated: bool) -> bytes:
    """One table; the keys of its columns are the header. Simulated figures carry the stamp in a last column."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    stamp = [STAMP] if is_simulated else []
    writer.writerow([*(column.key for column in table.columns), *(["stempel"] if is_simulated else [])])
    writer.writerows([*map(_csv_value, row), *stamp] for row in table.rows)
    return file.getvalue().encode("utf-8-sig")


def _csv_value(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, Hidden):
        return str(value.value)
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA_STARTS) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else _plain(value)


def _plain(value: int | Decimal) -> str:
    return str(value) if isinstance(value, int) else f"{round(value, DECIMALS_KEPT).normalize():f}"


def render_json(report: Report) -> bytes:
    """The whole report: what it says of itself, headlines, sections, every table by name, the metric dictionary."""
    told: dict[str, Any] = {
        "body": report.body,
        "period": report.period.id,
        "first_date": report.period.first_date.isoformat(),
        "last_date": report.period.last_date.isoformat(),
        "agency_code": report.agency_code,
        "institution": report.institution,
        "title": report.title,
        "subtitle": report.subtitle,
        "night": report.night.isoformat(),
        "cut_off_at": report.cut_off_at.isoformat(),
        "is_simulated": report.is_simulated,
        "stamp": STAMP if report.is_simulated else None,
        "is_preview": report.is_preview,
        "coverage": {"delivered": report.delivered, "expected": report.expected},
        "headlines": [
            {
                "label": headline.label,
                "value": _json_value(headline.value),
                "is_hidden": isinstance(headline.value, Hidden),
                "kind": headline.kind,
                "change": headline.change,
                "note": headline.note,
            }
            for headline in report.headlines
        ],
        "sections": [
            {
                "title": section.title,
                "paragraphs": section.paragraphs,
                "tables": [block.name for block in section.blocks if isinstance(block, Table)],
                "charts": [
                    {"name": block.name, "title": block.title, "description": block.description}
                    for block in section.blocks
                    if isinstance(block, Chart)
                ],
            }
            for section in report.sections
        ],
        "tables": {table.name: _json_table(table) for table in all_tables(report)},
        "metrics": [asdict(metric) for metric in report.metrics],
        "denominators": report.denominators,
        "suppression": SUPPRESSION_NOTE,
    }
    return (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode()


def _json_table(table: Table) -> dict[str, Any]:
    keys = [column.key for column in table.columns]
    return {
        "title": table.title,
        "note": table.note,
        "columns": [
            {"key": column.key, "label": column.label, "kind": column.kind, "help": column.help}
            for column in table.columns
        ],
        "rows": [
            {
                **{key: _json_value(value) for key, value in zip(keys, row, strict=True)},
                "hidden": [key for key, value in zip(keys, row, strict=True) if isinstance(value, Hidden)],
            }
            for row in table.rows
        ],
    }


def _json_value(value: Value) -> str | int | float | bool | None:
    if isinstance(value, Hidden):
        return None
    if isinstance(value, Decimal):
        return float(round(value, DECIMALS_KEPT))
    return value.isoformat() if isinstance(value, date) else value
