"""python -m extract [run] --night D [--shard i/n] [--agency A]... [--resource R]... [--redo] [--dry-run]
python -m extract open | close --night D
python -m extract replay --night D [--agency A]...            read the landed originals again
python -m extract backfill --night D --from A --to B [--agency A]...   add what changed from A to B to that night
python -m extract prune --keep-nights N                       remove landed originals older than N nights
python -m extract rekey                                       seal landed originals again under the current key
python -m extract new-keys
python -m extract draft-profile SAMPLE                        guess the profile of a new source from a sample of it
python -m extract check-profile FILE [--sample FILE|URL]      say whether a profile is whole and reads the sample
python -m extract profile-reference                           every key of a profile (these three take --help)

A night is opened, extracted (by any number of shards), gated, built and closed; each step is safe to repeat and goes on
where it broke off.
"""

import argparse
import base64
import gc
import importlib
import secrets
import sys
import time
from datetime import date, timedelta
from typing import TYPE_CHECKING

from psycopg2 import InterfaceError, OperationalError
from psycopg2.extensions import connection as Connection

from extract import ledger
from extract.errors import LandingUnavailable, ProfileInvalid, RegistryInvalid, SealBroken
from extract.sources import Registry, read_registry
from warehouse.connection import connect
from warehouse.log import begin, complain, say
from warehouse.server import WarehouseNotRunning
from warehouse.settings import settings

if TYPE_CHECKING:
    from extract.runner import Outcome


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when the work is done, whatever single agencies did, 1 when it could not be done."""
    given = sys.argv[1:] if arguments is None else arguments
    if given and given[0] in _PROFILE_COMMANDS:
        tool = importlib.import_module(f"extract.profile_tools.{_PROFILE_COMMANDS[given[0]]}")
        return int(tool.main(given))
    options = _parser().parse_args(given)
    if options.night is None and options.command not in ("prune", "rekey", "new-keys"):
        _parser().error(f"{options.command} needs --night")
    if options.command == "backfill" and options.first is None:
        _parser().error("backfill needs --from")
    if options.command == "new-keys":
        for name in ("LAPOR_LANDING_KEY", "LAPOR_IDENTITY_KEY"):
            print(f"{name}={base64.b64encode(secrets.token_bytes(32)).decode()}")
        return 0
    index, count = options.shard
    begin(
        f"extract {options.command}", night=options.night, agency=options.agency, resource=options.resource,
        shard=f"{index}/{count}" if options.command == "run" else None,
    )  # fmt: skip
    try:
        if options.command in ("prune", "rekey"):
            return _keep_landing(options)
        registry = read_registry(settings().registry_dir)
        connection = connect("loader", f"lapor/extract {options.command}")
        try:
            return _run(options, registry, connection)
        finally:
            connection.close()
    except (RegistryInvalid, ProfileInvalid, WarehouseNotRunning, SealBroken, LandingUnavailable, ValueError) as error:
        complain(f"python -m extract {options.command}: {error}")
        return 1
    except (OperationalError, InterfaceError) as error:
        words = str(error).strip().splitlines()[0]
        complain(
            f"python -m extract {options.command}: the warehouse gave up: {words}. See make status, then run it again:"
            " it goes on from there."
        )
        return 1


# What fetches and reads takes half a second to import: only the commands that do so pay for it.


def _run(options: argparse.Namespace, registry: Registry, connection: Connection) -> int:
    night: date = options.night
    match options.command:
        case "open":
            count = ledger.open_night(connection, night, registry)
            agencies = len(registry.agencies)
            say(f"night {night} open: {count} deliveries of {agencies} agencies expected ({registry.name})")
        case "close":
            states = ledger.close_night(connection, night)
            say(f"night {night} published; deliveries: {_listed(states)}")
        case "run" | "replay" | "backfill":
            started = time.monotonic()
            from extract.runner import Shard

            # Rows all stay until their part is stored: looking for garbage among them costs a fifth and finds none.
            gc.set_threshold(200_000, 20, 20)
            replaying = options.command == "replay"
            planned = ledger.plan(
                connection, night, registry,
                shard=options.shard, agencies=options.agency, resources=options.resource,
                redo=options.redo or replaying, extend=options.command == "backfill",
            )  # fmt: skip
            if options.command == "backfill":
                planned = [ledger.extended(item, options.first, options.last or night) for item in planned]
            shard = Shard(None if options.dry_run else connection, night, settings())
            outcome = shard.replay(planned) if replaying else shard.run(planned)
            _report(options, outcome, time.monotonic() - started)
    return 0


def _keep_landing(options: argparse.Namespace) -> int:
    """What can be done about the landed originals: forget the old ones, seal them under another key."""
    from extract.landing import LandingKeys, landing_store, prune, rekey

    store = landing_store(settings())
    if options.command == "rekey":
        keys = LandingKeys.from_settings(settings())
        say(f"{rekey(store, keys)} segments sealed again under key {keys.current_id}")
        return 0
    if options.keep_nights is None:
        raise ValueError("--keep-nights is missing: how many nights of originals to keep")
    nights = store.nights()
    before = max(nights, default=date.min) - timedelta(days=options.keep_nights - 1) if nights else date.min
    say(f"{prune(store, before)} segments of nights before {before} removed")
    return 0


def _report(options: argparse.Namespace, outcome: "Outcome", seconds: float) -> None:
    for message in sorted(outcome.messages):
        say(message, night=message.night, agency=message.agency_code, resource=message.resource)
    index, count = options.shard
    say(
        f"{'dry run, nothing written: ' if options.dry_run else ''}night {options.night}, shard {index + 1}/{count}: "
        f"{_listed(outcome.states) or 'nothing left to do'}; {outcome.rows:,} rows and {outcome.events:,} events read, "
        f"{outcome.loaded_rows:,} rows new or changed; {seconds:.1f} s"
    )


def _listed(states: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items()))


# For whoever writes profiles: no night, no registry, no database, no keys.
_PROFILE_COMMANDS = {"check-profile": "check", "draft-profile": "draft", "profile-reference": "reference"}
_COMMANDS = ["run", "open", "close", "replay", "backfill", "prune", "rekey", "new-keys"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m extract", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", nargs="?", default="run", choices=_COMMANDS)
    parser.add_argument("--night", type=date.fromisoformat, default=None, help="business date, YYYY-MM-DD")
    parser.add_argument("--shard", type=_shard, default=(0, 1), help="i/n: the i-th of n parts, counted from 0")
    parser.add_argument("--agency", action="append", default=[], help="only this agency (repeatable)")
    parser.add_argument("--resource", action="append", default=[], help="only this resource (repeatable)")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, metavar="DATE", help="backfill: first day")
    parser.add_argument("--to", dest="last", type=date.fromisoformat, metavar="DATE", help="backfill: last day")
    parser.add_argument("--keep-nights", type=int, metavar="N", help="prune: how many nights to keep")
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
