"""Bring a database to our schema: the numbered SQL files, in order, in one transaction."""

from pathlib import Path

from warehouse.connection import connect

SQL_DIRECTORY = Path(__file__).parent / "sql"


def apply() -> list[str]:
    """Run every file of `warehouse/sql` in the order of its number and return their names.

    The files are idempotent: running this on a finished warehouse changes nothing. All or nothing: an error
    leaves the database as it was.
    """
    files = sorted(SQL_DIRECTORY.glob("*.sql"))
    with connect("owner", "lapor/init") as connection, connection.cursor() as cursor:
        # Two commands that initialise at once wait for each other instead of racing on "create role".
        cursor.execute("select pg_advisory_xact_lock(hashtext('lapor.warehouse.init'))")
        for file in files:
            cursor.execute(file.read_text())
    connection.close()
    return [file.name for file in files]
