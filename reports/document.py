"""A report as PDF: A4, tagged, archival (PDF/A-2a and PDF/UA-1), the same bytes whenever it is made again.

Typst sets the page from `template/report.typ`. The report reaches it as JSON in `sys.inputs`, so no text of it is ever
read as markup; fonts come from our own folder and from nowhere else, and the date of the file is the report's cut-off.
"""

import json
import re
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst

from reports.charts import Chart
from reports.contents.frame import SUPPRESSION_NOTE
from reports.fonts import font_directory
from reports.language import moment, percent
from reports.report import STAMP, Column, Hidden, Report, Table, Value, shown

TEMPLATE = Path(__file__).resolve().parent / "template"
PREVIEW = "PRATINJAU"

PAGE_POINTS = 490  # between the margins of template/report.typ
CHARACTER = 0.53  # mean width of a letter or digit of the typeface, as a part of its size
TEXT_SIZES = ((8.4, True), (7.5, True), (7.5, False), (6.7, True), (6.7, False))  # of a table, with bars or without
BAR_CHARACTERS = 8
GAP = 1.7  # characters between columns
NARROWEST = 4
WIDEST_TEXT = 34  # longer text wraps
SHORT_TEXT = 16  # shorter text keeps its line
LEAST_TEXT = 0.8  # of the width a text column asks for
HALF_CHART = 330  # pixels: a chart up to this width stands beside the next such one
CHART_WIDTH = re.compile(r'<svg [^>]*?width="([\d.]+)"')


class DocumentFailed(Exception):
    """Typst refused the report; the message has its reason."""


def render_pdf(report: Report) -> bytes:
    """The report's PDF. Raises DocumentFailed with Typst's words."""
    try:
        pdf = _compiler().compile(
            sys_inputs={"report": json.dumps(_page_data(report), ensure_ascii=False)},
            pdf_standards=["a-2a", "ua-1"],
            timestamp=report.cut_off_at,
            format="pdf",
        )
    except typst.TypstError as error:
        raise DocumentFailed(f"{report.body} {report.period.id}: {error.message} {' '.join(error.hints)}") from error
    assert isinstance(pdf, bytes)
    return pdf


@lru_cache(maxsize=1)
def _compiler() -> typst.Compiler:
    """One per process: it keeps fonts and what it has set before."""
    return typst.Compiler(
        TEMPLATE / "report.typ", root=TEMPLATE, font_paths=[font_directory()], ignore_system_fonts=True
    )


def _page_data(report: Report) -> dict[str, Any]:
    annex = [table for table in (report.completeness, report.restatements) if table is not None]
    return {
        "institution": report.institution,
        "title": report.title,
        "subtitle": report.subtitle,
        "period": report.period.label,
        "cut_off": moment(report.cut_off_at),
        "night": report.night.isoformat(),
        "stamp": STAMP if report.is_simulated else None,
        "preview": PREVIEW if report.is_preview else None,
        "delivered": shown(report.delivered, "count"),
        "expected": shown(report.expected, "count"),
        "coverage": percent(report.delivered / report.expected if report.expected else None),
        "coverage_share": report.delivered / report.expected if report.expected else 0,
        "headlines": [
            {
                "label": headline.label,
                "value": shown(headline.value, headline.kind, headline.decimals),
                "change": headline.change,
                "note": headline.note,
            }
            for headline in report.headlines
        ],
        "sections": [
            {
                "title": section.title,
                "paragraphs": section.paragraphs,
                "blocks": [_chart(block) if isinstance(block, Chart) else _table(block) for block in section.blocks],
            }
            for section in report.sections
        ],
        "annex": {table.name: _table(table) for table in annex},
        "metrics": [
            {"label": metric.label, "words": metric.formula_words, "source": metric.source} for metric in report.metrics
        ],
        "denominators": report.denominators,
        "suppression": SUPPRESSION_NOTE,
    }


def _chart(chart: Chart) -> dict[str, Any]:
    width = CHART_WIDTH.match(chart.svg)
    is_half = width is not None and float(width[1]) <= HALF_CHART
    return {"kind": "chart", "svg": chart.svg, "alt": f"{chart.title}. {chart.description}", "half": is_half}


def _table(table: Table) -> dict[str, Any]:
    most = len(table.rows) if table.in_pdf_rows is None else table.in_pdf_rows
    rows = [row for place, row in enumerate(table.rows) if place < most or place in table.kept_rows]
    texts = [
        [shown(value, column.kind, column.decimals) for value, column in zip(row, table.columns, strict=True)]
        for row in rows
    ]
    size, barred, weights = _layout(table, texts)
    columns = [
        {
            "label": column.label,
            "figure": column.kind != "text",
            "weight": weight,
            "characters": max(len(row[place]) for row in texts) if texts else 0,
        }
        for place, (column, weight) in enumerate(zip(table.columns, weights, strict=True))
    ]
    cells = [
        [
            {"text": text, "bar": _share(value) if place in barred else None, "hidden": isinstance(value, Hidden)}
            for place, (text, value) in enumerate(zip(row, values, strict=True))
        ]
        for row, values in zip(texts, rows, strict=True)
    ]
    notes = [table.note] if table.note else []
    notes += [f"{column.label}: {column.help}" for column in table.columns if column.help and rows]
    left_out = len(table.rows) - len(rows)
    if left_out:
        others = "baris lainnya" if rows else "baris"
        notes.append(f"{shown(left_out, 'count')} {others} ada di buku kerja, lembar {table.name}.")
    elif not rows:
        notes.append("Tidak ada baris untuk periode ini.")
    return {
        "kind": "table",
        "title": table.title,
        "note": " ".join(notes) if notes else None,
        "size": size,
        "columns": columns,
        "rows": cells,
    }


def _layout(table: Table, texts: list[list[str]]) -> tuple[float, set[int], list[float]]:
    """Size of the letters in points, the columns with a bar beside the figure, each column's part of the width.

    Bars stand beside every rate, or beside the first in a table of many rates. The largest letters are taken in which
    figures fit and text has most of the width it asks for; bars are given up before the letters become the smallest.
    """
    rates = [place for place, column in enumerate(table.columns) if column.kind == "rate"]
    wanted = set(rates if len(rates) <= 2 else rates[:1])
    needs = [_need(column, [row[place] for row in texts]) for place, column in enumerate(table.columns)]
    is_text = [column.kind == "text" and need > SHORT_TEXT for column, need in zip(table.columns, needs, strict=True)]
    for_text = sum(need for need, text in zip(needs, is_text, strict=True) if text)
    for_figures = sum(needs) - for_text
    for size, has_bars in TEXT_SIZES:
        barred = wanted if has_bars else set()
        room = PAGE_POINTS / (size * CHARACTER) - for_figures - BAR_CHARACTERS * len(barred)
        if room >= for_text * LEAST_TEXT:
            break
    shrunk = min(max(room, for_text / 3) / for_text, 1.0) if for_text else 1.0
    weights = [
        need * (shrunk if text else 1.0) + (BAR_CHARACTERS if place in barred else 0)
        for place, (need, text) in enumerate(zip(needs, is_text, strict=True))
    ]
    return size, barred, weights


def _share(value: Value) -> float | None:
    return min(max(float(value), 0.0), 1.0) if isinstance(value, int | Decimal) else None


def _need(column: Column, texts: list[str]) -> float:
    """Characters of the longest text or of the longest word of the label, with the gap between columns."""
    longest = max(map(len, texts), default=0)
    word = max(map(len, column.label.split()), default=0)
    return max(min(longest, WIDEST_TEXT) if column.kind == "text" else longest, word, NARROWEST) + GAP
