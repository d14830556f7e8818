"""What the pages read, before there is anything to read."""

import pytest
from psycopg2.extensions import connection as Connection

from reports.portal.figures import last_night


@pytest.mark.parametrize("role", ["panrb_analyst", "ksp_reader", "ombudsman_reader", "agency_reader"])
def test_before_the_first_night_no_reader_has_one(warehouse: Connection, role: str) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute("drop schema if exists marts cascade")
        cursor.execute(f"set local role {role}")
        assert last_night(cursor) is None
    warehouse.rollback()
