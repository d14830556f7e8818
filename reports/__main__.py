"""python -m reports panrb|ksp|ombudsman PERIOD [--preview]
python -m reports agency PERIOD --agency CODE [--preview]
python -m reports agency PERIOD --all [--shard 0/4]
python -m reports due --night 2021-06-30 [--list | --bodies | --scorecards [--shard 0/4]]
python -m reports summary [--published AGENCY]...
python -m reports metrics

PERIOD: 2021-W25, 2021-06, 2021-Q2, 2021-S1, 2021.
"""

import argparse
import sys
from datetime import date

import psycopg2
from psycopg2.extensions import connection as Connection

from reports import issuing
from reports.contents.frame import NotPublished
from reports.metrics import dictionary
from reports.periods import Period
from reports.summary import summarise
from warehouse.connection import connect
from warehouse.log import begin, complain
from warehouse.server import WarehouseNotRunning


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 1 when it cannot be done, 2 when a report was refused."""
    options = _parser().parse_args(arguments)
    known = vars(options)
    shard = "/".join(map(str, known.get("shard") or ()))
    begin(f"reports {options.command}", night=known.get("night"), agency=known.get("agency"), shard=shard)
    try:
        connection = connect("reporter", f"lapor/{options.command}")
    except WarehouseNotRunning as error:
        complain(str(error))
        return 1
    try:
        return _run(options, connection)
    except (psycopg2.errors.UndefinedTable, psycopg2.errors.InvalidSchemaName) as error:
        complain(f"The marts are not built yet ({error.diag.message_primary}). Run a night: make demo")
        return 1
    except (NotPublished, ValueError) as error:
        complain(str(error))
        return 1
    finally:
        connection.close()


def _run(options: argparse.Namespace, connection: Connection) -> int:
    if options.command == "metrics":
        with connection.cursor() as cursor:
            print(dictionary(cursor), end="")
        return 0
    if options.command == "summary":
        with connection.cursor() as cursor:
            print("\n".join(summarise(cursor, options.published)))
        return 0
    if options.command == "due":
        part = next((name for name in ("list", "bodies", "scorecards") if getattr(options, name)), "all")
        return issuing.issue_due(connection, options.night, part, options.shard)
    if options.command == "agency" and options.all:
        return issuing.issue_scorecards(connection, options.period, options.shard)
    agency_code = options.agency if options.command == "agency" else None
    return issuing.issue_one(connection, options.command, options.period, agency_code, is_preview=options.preview)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reports", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for body, name in issuing.BODIES.items():
        command = commands.add_parser(body, help=f"issue the report of {name}")
        command.add_argument("period", type=_period, metavar="PERIOD", help="2021-W25, 2021-06, 2021-Q2, 2021-S1, 2021")
        if body == "agency":
            chosen = command.add_mutually_exclusive_group(required=True)
            chosen.add_argument("--agency", metavar="CODE", help="of this agency")
            chosen.add_argument("--all", action="store_true", help="of every agency, several at a time")
            command.add_argument("--shard", type=_shard, metavar="I/N", help="of every n-th agency only, i from 0")
        command.add_argument(
            "--preview", action="store_true", help="a marked draft that nothing refuses and nobody reads"
        )
    due = commands.add_parser("due", help="issue what is due after a night")
    due.add_argument("--night", required=True, type=date.fromisoformat, metavar="YYYY-MM-DD")
    part = due.add_mutually_exclusive_group()
    part.add_argument("--list", action="store_true", help="only say what is due")
    part.add_argument("--bodies", action="store_true", help="only the reports of PANRB, KSP and the Ombudsman")
    part.add_argument("--scorecards", action="store_true", help="only the agencies' scorecards")
    due.add_argument("--shard", type=_shard, metavar="I/N", help="scorecards of every n-th agency only, i from 0")
    summary = commands.add_parser("summary", help="print what the last published night left in the marts")
    summary.add_argument(
        "--published", action="append", default=[], metavar="AGENCY", help="whose recap is a figure published outside"
    )
    commands.add_parser("metrics", help="print the dictionary of metrics: docs/metrics.md")
    return parser


def _period(text: str) -> Period:
    try:
        return Period.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _shard(text: str) -> tuple[int, int]:
    index, separator, count = text.partition("/")
    if separator and index.isdigit() and count.isdigit() and int(index) < int(count):
        return int(index), int(count)
    raise argparse.ArgumentTypeError(f"{text!r} is no shard: 0/4 is the first of four")


if __name__ == "__main__":
    sys.exit(main())
