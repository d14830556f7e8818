"""A page of a mart as JSON, CSV or Parquet: the same rows, each with `is_hidden`, and what the night says of them.

Fractions are double precision everywhere. CSV is UTF-8 with a byte order mark and decimal points, as in the reports,
and its text begins no formula.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from reports.portal.catalog import DOUBLE
from reports.report import STAMP
from reports.tables import FORMULA_STARTS

Row = tuple[Any, ...]
MEDIA_TYPES = {"json": "application/json", "csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


@dataclass(frozen=True, slots=True)
class Page:
    """columns: name -> PostgreSQL type, in order; the last is is_hidden. next_cursor: None on the last page."""

    mart: str
    night: date | None
    is_simulated: bool
    columns: Mapping[str, str]
    rows: Sequence[Row]
    next_cursor: str | None


def render_json(page: Page) -> bytes:
    """An object with the rows as objects under `rows`."""
    told = {
        "mart": page.mart,
        "night": page.night,
        "is_simulated": page.is_simulated,
        "stamp": STAMP if page.is_simulated else None,
        "next_cursor": page.next_cursor,
        "rows": [dict(zip(page.columns, row, strict=True)) for row in page.rows],
    }
    return msgspec.json.encode(told)


def render_csv(page: Page) -> bytes:
    """A header and the rows; simulated figures carry the stamp in a last column."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    stamp = [("stempel", STAMP)] if page.is_simulated else []
    writer.writerow([*page.columns, *(name for name, _ in stamp)])
    writer.writerows([*map(_csv_value, row), *(value for _, value in stamp)] for row in page.rows)
    return file.getvalue().encode("utf-8-sig")


def render_parquet(page: Page) -> bytes:
    """One row group with typed columns; mart, night and stamp stand in the metadata of its schema."""
    import pyarrow  # 60 MB of memory, for those who ask for it
    from pyarrow import parquet

    pyarrow.set_memory_pool(pyarrow.system_memory_pool())  # its own keeps what it once took
    types = {
        "date": pyarrow.date32(),
        "boolean": pyarrow.bool_(),
        "integer": pyarrow.int64(),
        "bigint": pyarrow.int64(),
        DOUBLE: pyarrow.float64(),
        "double precision": pyarrow.float64(),
        "timestamp with time zone": pyarrow.timestamp("us", "UTC"),
    }
    metadata = {"mart": page.mart, "night": str(page.night), "stamp": STAMP if page.is_simulated else ""}
    schema = pyarrow.schema(
        [(name, types.get(kind, pyarrow.string())) for name, kind in page.columns.items()], metadata
    )
    columns = zip(*page.rows, strict=True) if page.rows else ((),) * len(page.columns)
    arrays = [
        pyarrow.array([_text(value) for value in values] if kind not in types else values, types.get(kind))
        for values, kind in zip(columns, page.columns.values(), strict=True)
    ]
    file = io.BytesIO()
    parquet.write_table(pyarrow.table(arrays, schema=schema), file)
    return file.getvalue()


RENDERERS = {"json": render_json, "csv": render_csv, "parquet": render_parquet}


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _csv_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, date):
        return value.isoformat()
    text = _text(value) or ""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
