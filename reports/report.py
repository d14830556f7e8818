"""What a report is made of, whoever reads it and in whatever format.

`contents/` composes a `Report` from the marts; `document`, `workbook` and `tables` render the same one, so that the
PDF, the workbook and the machine's file cannot disagree. Values are Python values, never formatted text: each renderer
writes them as its readers expect. Text is data: no renderer reads it as markup or formula.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Literal

from reports.charts import Chart
from reports.language import UNKNOWN, date_short, number, percent
from reports.periods import Period
from reports.suppression import Cell

STAMP = "DATA SIMULASI, bukan kinerja sebenarnya"

Body = Literal["panrb", "ksp", "ombudsman", "agency"]
Kind = Literal["text", "count", "rate", "number", "date"]


class Hidden(Enum):
    """A figure that is known and not shown."""

    SMALL = "*"  # it counts one to four people, or one that does would follow from it


Value = str | int | Decimal | date | bool | None | Hidden  # None: not known, or nothing to measure it by; rendered "–"


@dataclass(frozen=True, slots=True)
class Column:
    """key: its name in CSV and JSON. kind "rate": a share of 1, rendered as percent with `decimals`.

    help: a footnote under the table and a comment in the workbook.
    """

    key: str
    label: str
    kind: Kind
    decimals: int = 1
    help: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """name: of its sheet and its CSV, [a-z_]+. in_pdf_rows: how many rows the PDF shows; the other formats have all.

    kept_rows: places of rows further down that the PDF shows too, such as a closing row, or one that a sentence names.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    note: str | None = None
    in_pdf_rows: int | None = None
    kept_rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Headline:
    """change: in words, with its direction and what it is compared with."""

    label: str
    value: Value
    kind: Kind
    change: str | None = None
    note: str | None = None
    decimals: int = 1


@dataclass(frozen=True, slots=True)
class Section:
    """A title, what was found in sentences, and the tables and charts that show it, in the order they are read."""

    title: str
    paragraphs: tuple[str, ...] = ()
    blocks: tuple[Table | Chart, ...] = ()


@dataclass(frozen=True, slots=True)
class Metric:
    """An entry of the metric dictionary. formula_words: what is divided by what."""

    metric_id: str
    label: str
    formula_words: str
    source: str


@dataclass(frozen=True, slots=True)
class Report:
    """One report of one body and period, as the marts stood at `cut_off_at`.

    agency_code: set if and only if body is "agency". delivered and expected: agencies whose delivery is in, of those
    expected, in the night of the report; completeness: the same by kind of agency. restatements: what changed since
    the last issue. cells: every count of people the tables show or hide, for later issues.
    """

    body: Body
    period: Period
    agency_code: str | None
    institution: str
    title: str
    subtitle: str
    night: date
    cut_off_at: datetime
    is_simulated: bool
    is_preview: bool
    delivered: int
    expected: int
    headlines: tuple[Headline, ...]
    sections: tuple[Section, ...]
    metrics: tuple[Metric, ...]
    denominators: tuple[str, ...]
    restatements: Table | None = None
    cells: tuple[Cell, ...] = ()
    completeness: Table | None = None

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table of the sections, in order; names are unique within a report."""
        return tuple(block for section in self.sections for block in section.blocks if isinstance(block, Table))


def shown(value: Value, kind: Kind, decimals: int = 1) -> str:
    """A value as an Indonesian reader sees it: 1.294, 75,7%, 1 Jul 2021, ya, * (small) or – (not known).

    Counts have no decimals. Raises TypeError for a value that does not fit its kind.
    """
    if value is None:
        return UNKNOWN
    if isinstance(value, Hidden):
        return str(value.value)
    if isinstance(value, bool):
        return "ya" if value else "tidak"
    if isinstance(value, str):
        return value
    if isinstance(value, date):
        return date_short(value)
    if kind == "rate":
        return percent(value, decimals)
    if kind in ("count", "number"):
        return number(value, decimals if kind == "number" else 0)
    raise TypeError(f"{value!r} is a {type(value).__name__} in a column of kind {kind}")
