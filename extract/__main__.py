"""python -m extract [run] --night D [--shard i/n] [--agency A]... [--resource R]... [--redo] [--dry-run]
python -m extract open | close | replay --night D
python -m extract new-keys

A night is opened, extracted (by any number of shards), gated, built and closed; each step is safe to repeat.
"""

import argparse
import base64
import secrets
import sys
import time
from datetime import date

from psycopg2.extensions import connection as Connection

from extract import ledger
from extract.errors import ProfileInvalid, RegistryInvalid
from extract.runner import Outcome, Shard
from extract.sources import Registry, read_registry
from warehouse.connection import connect
from warehouse.server import WarehouseNotRunning
from warehouse.settings import settings


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when the work is done, whatever single agencies did, 1 when it could not be done."""
    options = _parser().parse_args(arguments)
    if options.command == "new-keys":
        for name in ("LAPOR_LANDING_KEY", "LAPOR_IDENTITY_KEY"):
            print(f"{name}={base64.b64encode(secrets.token_bytes(32)).decode()}")
        return 0
    try:
        registry = read_registry(settings().registry_dir)
        connection = connect("loader", f"lapor/extract {options.command}")
        try:
            return _run(options, registry, connection)
        finally:
            connection.close()
    except (RegistryInvalid, ProfileInvalid, WarehouseNotRunning, ValueError) as error:
        print(f"python -m extract {options.command}: {error}", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace, registry: Registry, connection: Connection) -> int:
    night: date = options.night
    match options.command:
        case "open":
            count = ledger.open_night(connection, night, registry)
            agencies = len(registry.agencies)
            print(f"night {night} open: {count} deliveries of {agencies} agencies expected ({registry.name})")
        case "close":
            states = ledger.close_night(connection, night)
            print(f"night {night} published; deliveries: {_listed(states)}")
        case "run" | "replay":
            started = time.monotonic()
            replaying = options.command == "replay"
            planned = ledger.plan(
                connection, night, registry,
                shard=options.shard, agencies=options.agency, resources=options.resource,
                redo=options.redo or replaying,
            )  # fmt: skip
            shard = Shard(None if options.dry_run else connection, night, settings())
            outcome = shard.replay(planned) if replaying else shard.run(planned)
            _report(options, outcome, time.monotonic() - started)
    return 0


def _report(options: argparse.Namespace, outcome: Outcome, seconds: float) -> None:
    for message in sorted(outcome.messages):
        print(message)
    index, count = options.shard
    print(
        f"{'dry run, nothing written: ' if options.dry_run else ''}night {options.night}, shard {index + 1}/{count}: "
        f"{_listed(outcome.states) or 'nothing left to do'}; {outcome.rows:,} rows and {outcome.events:,} events read, "
        f"{outcome.loaded_rows:,} rows new or changed; {seconds:.1f} s"
    )


def _listed(states: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m extract", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", nargs="?", default="run", choices=["run", "open", "close", "replay", "new-keys"])
    parser.add_argument("--night", type=date.fromisoformat, default=None, help="business date, YYYY-MM-DD")
    parser.add_argument("--shard", type=_shard, default=(0, 1), help="i/n: the i-th of n parts, counted from 0")
    parser.add_argument("--agency", action="append", default=[], help="only this agency (repeatable)")
    parser.add_argument("--resource", action="append", default=[], help="only this resource (repeatable)")
    parser.add_argument("--redo", action="store_true", help="also deliveries that are already final")
    parser.add_argument("--dry-run", action="store_true", help="fetch and read, write nothing")
    return parser


def _shard(text: str) -> tuple[int, int]:
    index, _, count = text.partition("/")
    if not (index.isdigit() and count.isdigit() and int(index) < int(count)):
        raise argparse.ArgumentTypeError(f"{text!r} is no shard: write i/n with i from 0 to n-1")
    return int(index), int(count)


if __name__ == "__main__":
    sys.exit(main())
