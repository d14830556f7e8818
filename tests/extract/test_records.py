"""The columns a profile can fill are the columns of the raw tables."""

import pytest
from psycopg2.extensions import connection as Connection

from extract.records import COLUMNS

LOADERS_OWN = {"row_id", "delivery_id", "night", "agency_code", "source_position", "content_hash", "_problems"}


@pytest.mark.parametrize("table", sorted(COLUMNS))
def test_the_contract_matches_the_table(warehouse: Connection, table: str) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute(
            "select column_name from information_schema.columns where table_schema = 'raw' and table_name = %s", [table]
        )
        columns = {name for (name,) in cursor.fetchall()}
    assert columns
    assert set(COLUMNS[table]) == columns - LOADERS_OWN
