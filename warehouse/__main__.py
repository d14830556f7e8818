"""python -m warehouse up | init | dsn | env | psql [arguments] | matrix | retain | erase | down"""

import argparse
import os
import shlex
import sys
from contextlib import closing
from datetime import date

from warehouse import access, schema, server
from warehouse.connection import connect, dbt_environment, warehouse_dsn
from warehouse.settings import settings


def main(arguments: list[str] | None = None) -> int:
    """Run one command on the warehouse; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m warehouse", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start the embedded server (unless WAREHOUSE_DSN is set) and apply the schema")
    commands.add_parser("init", help="apply the schema: safe to repeat")
    dsn = commands.add_parser("dsn", help="print the libpq connection string")
    dsn.add_argument("--database", default=server.DATABASE, choices=[server.DATABASE, server.AIRFLOW_DATABASE])
    commands.add_parser("env", help='print exports for dbt: eval "$(python -m warehouse env)"')
    psql = commands.add_parser("psql", help="open psql as a role, or pass it arguments, e.g. psql -- -c 'select 1'")
    psql.add_argument("--role", default="data_engineer")
    psql.add_argument("rest", nargs=argparse.REMAINDER)
    commands.add_parser("matrix", help="print role x object x right as the catalog has it (docs/security.md holds it)")
    retain = commands.add_parser("retain", help="delete texts, and forget reporters' keys, that are past their time")
    retain.add_argument(
        "--before",
        type=date.fromisoformat,
        help=f"texts of nights before this date (default: {access.TEXTS_KEPT_YEARS} years before the last night)",
    )
    retain.add_argument(
        "--keys-before", type=date.fromisoformat, help="reporters' keys of nights before this date (default: kept)"
    )
    retain.add_argument("--dry-run", action="store_true", help="count and change nothing")
    erase = commands.add_parser(
        "erase", help="forget who reported a complaint, or all complaints of one reporter's key"
    )
    erase.add_argument("--source-system")
    erase.add_argument("--tracking-id")
    erase.add_argument("--reporter-key")
    erase.add_argument(
        "--reason", required=True, help="such as the number of the request; without what is to be erased"
    )
    erase.add_argument("--dry-run", action="store_true", help="count and change nothing")
    commands.add_parser("down", help="stop the embedded server")
    options = parser.parse_args(arguments)

    try:
        return _run(options)
    except (server.WarehouseNotRunning, access.NotErased) as error:
        print(error, file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    state_dir, own_server = settings().state_dir, settings().warehouse_dsn is not None
    match options.command:
        case "up":
            if not own_server:
                server.start(state_dir)
            files = schema.apply()
            print(f"warehouse ready ({'WAREHOUSE_DSN' if own_server else 'embedded PostgreSQL'}, {len(files)} files)")
        case "init":
            print("\n".join(schema.apply()))
        case "dsn":
            print(warehouse_dsn() if own_server else server.socket_dsn(state_dir, options.database))
        case "env":
            for name, value in dbt_environment(warehouse_dsn()).items():
                print(f"export {name}={shlex.quote(value)}")
        case "psql":
            rest = options.rest[1:] if options.rest[:1] == ["--"] else options.rest
            if options.role != "owner":
                os.environ["PGOPTIONS"] = f"-c role={options.role}"
            os.execv(server.psql_binary(), ["psql", warehouse_dsn(), *rest])
        case "matrix" | "retain" | "erase":
            _administer(options)
        case "down":
            if not own_server:
                server.stop(state_dir)
    return 0


def _administer(options: argparse.Namespace) -> None:
    """What only the owner of the warehouse does: show all rights, and take away."""
    with closing(connect("owner", f"lapor/{options.command}")) as connection:
        match options.command:
            case "matrix":
                with connection.cursor() as cursor:
                    print(access.matrix(cursor), end="")
            case "retain":
                taken = access.retain(
                    connection, texts_before=options.before, keys_before=options.keys_before, dry_run=options.dry_run
                )
                print(_told(taken, is_dry_run=options.dry_run))
            case "erase":
                named = options.source_system and options.tracking_id
                taken = access.erase(
                    connection,
                    options.reason,
                    complaint=(options.source_system, options.tracking_id) if named else None,
                    reporter_key=options.reporter_key,
                    dry_run=options.dry_run,
                )
                print(f"{taken.complaints} complaints. {_told(taken, is_dry_run=options.dry_run)}")
                print(
                    "What remains: the sealed originals until they are pruned (python -m extract prune), and backups"
                    " of the database until they are overwritten: erase again after restoring one."
                )


def _told(taken: access.Taken, *, is_dry_run: bool) -> str:
    """What retain or erase did, and what is left to do."""
    done = f"{taken.texts} texts and {taken.keys} reporters' keys {'would go' if is_dry_run else 'are gone'}."
    if not taken.nights or is_dry_run:
        return done
    last = max(taken.nights)
    return (
        f"{done} {len(taken.nights)} nights changed ({min(taken.nights)} to {last}): the next build forgets them in"
        f" what it derives; at once: dbt build, then python -m extract close --night {last}"
    )


if __name__ == "__main__":
    sys.exit(main())
