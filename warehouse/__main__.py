"""python -m warehouse up [--stay] | init | down | dsn | env | psql [arguments]
python -m warehouse backup | restore | replica                       (docs/recovery.md)
python -m warehouse status | metrics | lineage | matrix | retain | erase | vacuum    (what each does: --help behind)
"""

import argparse
import os
import shlex
import signal
import sys
import time
from contextlib import closing
from datetime import date
from pathlib import Path
from types import FrameType

from psycopg2.extensions import connection as Connection
from psycopg2.sql import SQL, Identifier

from warehouse import access, backup, lineage, metrics, replica, restore, schema, server, status
from warehouse.archive import BackupFailed
from warehouse.connection import connect, dbt_environment, warehouse_dsn
from warehouse.log import begin, complain, say
from warehouse.settings import settings

LOOK_SECONDS = 0.2
COPIES = {
    "backup": (backup, "back the embedded server up, or say whether its backups are well"),
    "restore": (restore, "make the warehouse of a moment from a backup and the archive, in another directory"),
    "replica": (replica, "make and start a copy of the embedded server that follows it and can be read"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command on the warehouse; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m warehouse", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start the embedded server (unless WAREHOUSE_DSN is set) and apply the schema")
    up.add_argument("--stay", action="store_true", help="print what the server logs until Ctrl-C, then stop it")
    commands.add_parser("init", help="apply the schema: safe to repeat")
    dsn = commands.add_parser("dsn", help="print the libpq connection string")
    dsn.add_argument("--database", default=server.DATABASE, choices=[server.DATABASE, server.AIRFLOW_DATABASE])
    commands.add_parser("env", help='print exports for dbt: eval "$(python -m warehouse env)"')
    told = commands.add_parser("lineage", help="run a dbt command, and tell who is set up what it read and wrote")
    told.add_argument("rest", nargs=argparse.REMAINDER, metavar="dbt ...")
    psql = commands.add_parser("psql", help="open psql as a role, or pass it arguments, e.g. psql -- -c 'select 1'")
    psql.add_argument("--role", default="data_engineer")
    psql.add_argument("rest", nargs=argparse.REMAINDER)
    state = commands.add_parser(
        "status", help="what is well and what is not, and what to do; exit 0 ok, 1 warning, 2 broken"
    )
    state.add_argument("--night", type=date.fromisoformat, help="only the figures of this night, in one line")
    state.add_argument("--with", dest="beside", metavar="FILE", help="JSON lines that others found; - reads them here")
    state.add_argument("--json", action="store_true", help="for a program that watches")
    told = commands.add_parser("metrics", help="print what Prometheus is told, or answer it until Ctrl-C")
    told.add_argument("--serve", type=int, metavar="PORT", help="answer http://HOST:PORT/metrics")
    told.add_argument("--host", default="127.0.0.1", help="where to listen (default: this machine only)")
    commands.add_parser("vacuum", help="vacuum and analyse what has changed or grown by a tenth since it was last")
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
    for name, (module, words) in COPIES.items():
        module.arguments(commands.add_parser(name, help=words, description=module.__doc__))
    options = parser.parse_args(arguments)

    begin(f"warehouse {options.command}", night=getattr(options, "night", None))
    try:
        if options.command in COPIES:
            return int(COPIES[options.command][0].run(options))
        return _status(options) if options.command == "status" else _run(options)
    except (server.WarehouseNotRunning, access.NotErased, BackupFailed, ValueError) as error:
        complain(str(error))
        return 1


def _run(options: argparse.Namespace) -> int:
    state_dir, own_server = settings().state_dir, settings().warehouse_dsn is not None
    match options.command:
        case "up":
            return _up(stay=options.stay)
        case "init":
            say("\n".join(schema.apply()))
        case "dsn":
            print(warehouse_dsn() if own_server else server.socket_dsn(state_dir, options.database))
        case "env":
            for name, value in (dbt_environment(warehouse_dsn()) | {"DBT_LOG_FORMAT": settings().log_format}).items():
                print(f"export {name}={shlex.quote(value)}")
        case "lineage":
            return lineage.run(options.rest)
        case "metrics":
            return metrics.show() if options.serve is None else metrics.serve(options.host, options.serve)
        case "psql":
            rest = options.rest[1:] if options.rest[:1] == ["--"] else options.rest
            if options.role != "owner":
                os.environ["PGOPTIONS"] = f"-c role={options.role}"
            os.execv(server.psql_binary(), ["psql", warehouse_dsn(), *rest])
        case "matrix" | "retain" | "erase" | "vacuum":
            _administer(options)
        case "down":
            if not own_server:
                server.stop(state_dir)
    return 0


def _up(*, stay: bool) -> int:
    state_dir = settings().state_dir
    if settings().warehouse_dsn is None and server.is_replica(state_dir):
        server.launch(server.data_directory(state_dir))
        say(f"replica ready: it follows its primary and is only read ({server.socket_dsn(state_dir)})")
    else:
        if settings().warehouse_dsn is None:
            server.start(state_dir)
        which = "embedded PostgreSQL" if settings().warehouse_dsn is None else "WAREHOUSE_DSN"
        say(f"warehouse ready ({which}, {len(schema.apply())} files)")
    return _stay() if stay else 0


def _status(options: argparse.Namespace) -> int:
    beside = None
    if options.beside is not None:
        beside = sys.stdin.read() if options.beside == "-" else Path(options.beside).read_text(encoding="utf-8")
    return status.main(beside=beside, as_json=options.json, night=options.night)


def _stay() -> int:
    """Print the embedded server's log until Ctrl-C or SIGTERM, then stop it; 1 when it ends by itself.

    A server of one's own (WAREHOUSE_DSN) is only waited with.
    """
    state_dir, own_server = settings().state_dir, settings().warehouse_dsn is not None
    log = server.data_directory(state_dir) / "log"

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    try:
        if own_server:
            signal.pause()
        with log.open(encoding="utf-8", errors="replace") as stream:
            stream.seek(0, os.SEEK_END)
            while _is_running(state_dir):
                print(stream.read(), end="", flush=True)
                time.sleep(LOOK_SECONDS)
            print(stream.read(), end="", flush=True)
    except KeyboardInterrupt:
        if not own_server:
            server.stop(state_dir)
        return 0
    complain("the embedded PostgreSQL ended by itself")
    return 1


def _is_running(state_dir: Path) -> bool:
    try:
        os.kill(int((server.data_directory(state_dir) / "postmaster.pid").read_text().split()[0]), 0)
    except (OSError, ValueError, IndexError):
        return False
    return True


def _vacuum(connection: Connection) -> None:
    """Vacuum and analyse tables of ours that changed or grew by a tenth since they were, largest change first.

    What is only added to leaves nothing dead, and a build analyses what it writes: counted apart, as until a vacuum has
    come by, an index alone answers nothing and who first reads a page has to write it.
    """
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(
            "select schemaname, relname from pg_stat_user_tables"
            " cross join lateral greatest(n_dead_tup, n_mod_since_analyze, n_ins_since_vacuum) as changes"
            " where schemaname = any(%s) and changes > 1000 + 0.1 * n_live_tup order by changes desc",
            [list(access.SCHEMAS)],
        )
        tables = cursor.fetchall()
        for schema_name, table in tables:
            cursor.execute(SQL("vacuum (analyze) {}").format(Identifier(schema_name, table)))
            say(f"{schema_name}.{table}")
    say(f"{len(tables)} tables vacuumed and analysed")


def _administer(options: argparse.Namespace) -> None:
    """What only the owner of the warehouse does: show all rights, and take away."""
    with closing(connect("owner", f"lapor/{options.command}")) as connection:
        match options.command:
            case "matrix":
                with connection.cursor() as cursor:
                    print(access.matrix(cursor), end="")
            case "vacuum":
                _vacuum(connection)
            case "retain":
                taken = access.retain(
                    connection, texts_before=options.before, keys_before=options.keys_before, dry_run=options.dry_run
                )
                say(_told(taken, is_dry_run=options.dry_run))
            case "erase":
                named = options.source_system and options.tracking_id
                taken = access.erase(
                    connection,
                    options.reason,
                    complaint=(options.source_system, options.tracking_id) if named else None,
                    reporter_key=options.reporter_key,
                    dry_run=options.dry_run,
                )
                say(f"{taken.complaints} complaints. {_told(taken, is_dry_run=options.dry_run)}")
                say(
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
