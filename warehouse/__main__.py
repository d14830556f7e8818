"""python -m warehouse up | init | dsn | env | psql [arguments] | down"""

import argparse
import os
import shlex
import sys

from warehouse import schema, server
from warehouse.connection import dbt_environment, warehouse_dsn
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
    commands.add_parser("down", help="stop the embedded server")
    options = parser.parse_args(arguments)

    try:
        return _run(options)
    except server.WarehouseNotRunning as error:
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
        case "down":
            if not own_server:
                server.stop(state_dir)
    return 0


if __name__ == "__main__":
    sys.exit(main())
