"""python -m reports summary [--published AGENCY]...
python -m reports metrics
"""

import argparse
import sys

import psycopg2

from reports.metrics import dictionary
from reports.summary import summarise
from warehouse.connection import connect
from warehouse.server import WarehouseNotRunning


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 1 when the warehouse cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m reports", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    summary = commands.add_parser("summary", help="print what the last published night left in the marts")
    summary.add_argument(
        "--published", action="append", default=[], metavar="AGENCY", help="whose recap is a figure published outside"
    )
    commands.add_parser("metrics", help="print the dictionary of metrics: docs/metrics.md")
    options = parser.parse_args(arguments)
    try:
        connection = connect("reporter", f"lapor/{options.command}")
    except WarehouseNotRunning as error:
        print(error, file=sys.stderr)
        return 1
    try:
        with connection.cursor() as cursor:
            if options.command == "metrics":
                print(dictionary(cursor), end="")
            else:
                print("\n".join(summarise(cursor, options.published)))
    except (psycopg2.errors.UndefinedTable, psycopg2.errors.InvalidSchemaName) as error:
        print(f"The marts are not built yet ({error.diag.message_primary}). Run a night: make demo", file=sys.stderr)
        return 1
    finally:
        connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
