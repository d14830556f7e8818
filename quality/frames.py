"""What the suites look at, read in one snapshot: the night's rows as Arrow tables, without a word of any citizen.

The queries of `quality/sql` choose keys, codes, yes/no columns and distances; free text, names of units and answers are
never read, so nothing downstream (results, Data Docs, logs) can repeat them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import pandas as pd
from psycopg2.extensions import make_dsn

from quality.bounds import Bounds
from quality.errors import NotEvaluated
from warehouse.connection import warehouse_dsn

QUERIES = Path(__file__).parent / "sql"

# Acting as the gate, in UTC, every query seeing the same moment even while an agency's delivery is loaded again.
_OPTIONS = r"-c role=gate -c timezone=UTC -c default_transaction_isolation=repeatable\ read"


def frame_query(name: str, night: date, bounds: Bounds) -> str:
    """The query of `quality/sql/<name>.sql` for a night, its bounds filled in."""
    # Numbers and a date of our own, no text from outside: safe to stand in the query.
    values = {f":{bound}": str(value) for bound, value in asdict(bounds).items()} | {":night": _literal(night)}
    query = (QUERIES / f"{name}.sql").read_text(encoding="utf-8")
    for placeholder in sorted(values, key=len, reverse=True):
        query = query.replace(placeholder, values[placeholder])
    return query


def _literal(night: date) -> str:
    return f"date '{night.isoformat()}'"


class Frames:
    """One snapshot of a night. `read` gives a frame; several frames of one snapshot agree with each other."""

    def __init__(self, connection: Any, night: date, bounds: Bounds) -> None:
        self._connection = connection
        self._night = night
        self._bounds = bounds

    def read(self, name: str) -> pd.DataFrame:
        """The frame of `quality/sql/<name>.sql`, indexed by row_id; nullable columns keep their type.

        Raises NotEvaluated if the query does not run, for instance because a column of raw is gone.
        """
        return self._fetch(frame_query(name, self._night, self._bounds), f"quality/sql/{name}.sql").set_index("row_id")

    def agencies(self) -> frozenset[str]:
        """Codes of the agencies the registry has named up to this night."""
        query = f"select distinct agency_code from raw.agencies where night <= {_literal(self._night)}"  # noqa: S608 our date
        return frozenset(self._fetch(query, "raw.agencies")["agency_code"])

    def _fetch(self, query: str, name: str) -> pd.DataFrame:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(query)
                table = cursor.fetch_arrow_table()
        except adbc.Error as error:
            first_line = str(error).splitlines()[0]
            raise NotEvaluated(
                f"{name} could not be read: {first_line}. Mend the query or the table, then gate again."
            ) from error
        frame: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype)
        if "row_id" in frame:
            frame["row_id"] = frame["row_id"].astype("int64")
        return frame


@contextmanager
def snapshot(night: date, bounds: Bounds) -> Iterator[Frames]:
    """Open one reading transaction on the warehouse. Raises NotEvaluated if it cannot be opened."""
    try:
        connection = adbc.connect(make_dsn(warehouse_dsn(), options=_OPTIONS))
    except adbc.Error as error:
        raise NotEvaluated(f"the warehouse cannot be read: {error}") from error
    try:
        yield Frames(connection, night, bounds)
    finally:
        connection.close()
