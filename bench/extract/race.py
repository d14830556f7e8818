"""The rounds: every contender does the same work, one after the other and again; then the table.

Rounds alternate (ours, the limit, the peers, ours, ...), so that a busy machine is busy for all. Whoever ends with
other numbers of complaints or events than the work has ends the bench.
"""

import base64
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median

import psycopg2

from bench.extract import contenders
from bench.extract.contenders import LIMIT, OURS, PEERS, REPOSITORY, Contender, Stage
from bench.extract.cost import CommandFailed, Cost, floor_megabytes, measure
from bench.extract.work import HOSTS, Work, host, works
from warehouse.server import data_directory, psql_binary, socket_dsn

WORKS = ("backfill", "night", "far night")
LIMIT_CPU, DLT_CPU, PEAK_MEGABYTES, FAR_SECONDS = 2.0, 7.0, 200.0, 8.0  # the bars of docs/benchmarks.md
_DATABASE = "bench"
Results = dict[str, dict[str, list[Cost]]]


def race(names: Sequence[str], rows: int, rounds: int, peers: Sequence[str], directory: Path | None = None) -> Results:
    """Costs of every work and contender, by name. Raises SystemExit when somebody's numbers are wrong."""
    results: Results = {}
    with warehouse(directory) as folder:
        for name in names:
            work = works(rows)[name]
            with serving(work, rows) as port:
                results[name] = _rounds(work, port, folder, rounds, peers)
    return results


def chosen_peers(text: str) -> list[str]:
    """The peers named in a list with commas; none, with a word of why, when their environment is not there."""
    names = [name for name in text.split(",") if name]
    if unknown := set(names) - set(PEERS):
        raise SystemExit(f"bench: peers {sorted(unknown)} are unknown; known: {', '.join(PEERS)}")
    if names and not (contenders.PEERS_ENVIRONMENT / ".locked").exists():
        print(f"bench: without {', '.join(names)}: {contenders.PEERS_ENVIRONMENT} is not there (make bench makes it)")
        return []
    return names


def _rounds(work: Work, port: int, folder: Path, rounds: int, peers: Sequence[str]) -> dict[str, list[Cost]]:
    print(
        f"{work.name}: {len(work.rows)} agencies, {work.complaints:,} complaints, {work.events:,} events, "
        f"{work.requests} requests",
        flush=True,
    )
    far = work.latency_seconds > 0
    costs: dict[str, list[Cost]] = {}
    for number in range(rounds):
        # From afar peers that ask one agency after the other take minutes: once is enough.
        others = [PEERS[name] for name in peers] if number == 0 or not far else []
        for contender in [OURS, *([] if far else [LIMIT]), *others]:
            cost = _one(contender, work, port, folder)
            costs.setdefault(contender.name, []).append(cost)
            print(f"  round {number + 1}: {contender.name:9} {cost.cpu_seconds:7.1f} CPU s", flush=True)
    return costs


def _one(contender: Contender, work: Work, port: int, state: Path) -> Cost:
    folder = state / "stage"
    folder.mkdir()
    prepared = state / "prepared" / work.name.replace(" ", "-")
    with database(state, our_schema=contender.our_schema) as database_url:
        stage = Stage(folder, folder / "agencies.txt", database_url, prepared, work.latency_seconds > 0)
        stage.agencies.write_text(
            "\n".join(f"http://{host(n)}:{port}/laporan/{code}" for n, code in enumerate(work.rows))
        )
        if contender is LIMIT:
            for name in ("ops.nights", "ops.deliveries"):
                _psql(database_url, "-c", rf"\copy {name} from '{prepared}/{name}.txt'")
        environment = environment_of(stage, work, port)
        postmaster = int((data_directory(state) / "postmaster.pid").read_text().split()[0])
        try:
            cost = measure(contender.commands(stage), environment, REPOSITORY, folder / "log.txt", postmaster)
        except CommandFailed as error:
            raise SystemExit(f"bench: {contender.name} did not end the {work.name}: {error}") from None
        _check(contender, work, database_url, folder / "log.txt")
        if contender is OURS and not prepared.exists():
            _prepare_limit(prepared, database_url)
    shutil.rmtree(folder)
    return cost


def _check(contender: Contender, work: Work, database_url: str, log: Path) -> None:
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        found = []
        for sql in (contender.complaints_sql, contender.events_sql):
            cursor.execute(sql)
            row = cursor.fetchone()
            found.append(row and row[0])
    if found != [work.complaints, work.events]:
        raise SystemExit(
            f"bench: {contender.name} ended the {work.name} with {found[0]} complaints and {found[1]} events in "
            f"PostgreSQL instead of {work.complaints} and {work.events}; it printed:\n{log.read_text()[-3000:]}"
        )


def _prepare_limit(folder: Path, database_url: str) -> None:
    """Write what ours loaded as CSV, and the script that loads it."""
    folder.mkdir(parents=True)
    columns: dict[str, list[str]] = {}
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        for name, schema in contenders.LIMIT_TABLES.items():
            cursor.execute(
                "select column_name from information_schema.columns where table_schema = %s and table_name = %s"
                " and is_identity = 'NO' order by ordinal_position",
                [schema, name],
            )
            columns[name] = [row[0] for row in cursor.fetchall()]
    unload, load = contenders.limit_scripts(folder, columns)
    (folder / "unload.sql").write_text(unload)
    (folder / "load.sql").write_text(load)
    _psql(database_url, "-f", str(folder / "unload.sql"))


# -- the world: one warehouse, a fresh database for each run, the agencies' server ------------------------------------


@contextmanager
def warehouse(directory: Path | None) -> Iterator[Path]:
    """An embedded server of the bench's own without autovacuum; yields its state directory."""
    with tempfile.TemporaryDirectory(prefix="lapor-bench-extract-", dir=directory) as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL may run as a user of its own
        environment = _bare_environment() | {"LAPOR_STATE_DIR": name}

        def call(*arguments: str) -> None:
            command = [sys.executable, "-m", "warehouse", *arguments]
            subprocess.run(command, cwd=REPOSITORY, env=environment, check=True, stdout=subprocess.DEVNULL)

        try:
            call("up")
            # Its work would fall on whoever runs when it wakes up.
            _psql(socket_dsn(folder), "-c", "alter system set autovacuum = off", "-c", "select pg_reload_conf()")
            yield folder
        finally:
            call("down")


@contextmanager
def database(state: Path, *, our_schema: bool) -> Iterator[str]:
    """A fresh database, with our tables or without, gone afterwards."""
    owner = socket_dsn(state, "postgres")
    template = "lapor" if our_schema else "template1"
    _psql(owner, "-c", f"create database {_DATABASE} template {template}", "-c", "checkpoint")
    try:
        yield socket_dsn(state, _DATABASE)
    finally:
        _psql(owner, "-c", f"drop database {_DATABASE} with (force)")


def _psql(database_url: str, *arguments: str) -> None:
    subprocess.run([psql_binary(), database_url, *contenders.PSQL, *arguments], check=True, stdout=subprocess.DEVNULL)


@contextmanager
def serving(work: Work, rows: int) -> Iterator[int]:
    """The agencies' server while it is needed; yields its port. `rows` are those of the backfill."""
    command = [sys.executable, "-m", "bench.extract.server", work.name, str(rows)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        if not port:
            raise SystemExit("bench: the agencies' server did not start")
        yield int(port)
        # Leaving closes its input, which ends it.


def _bare_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("LAPOR_", "WAREHOUSE_"))}


def environment_of(stage: Stage, work: Work, port: int) -> dict[str, str]:
    """What ours needs, and the peers do not mind: keys, the registry, the server, the database."""
    return _bare_environment() | {
        "WAREHOUSE_DSN": stage.database_url,
        "LAPOR_STATE_DIR": str(stage.folder),
        "LAPOR_REGISTRY_DIR": str(_registry(stage.folder / "registry", work)),
        **{f"LAPOR_CONNECTION_BENCH_{number}": f"http://{host(number)}:{port}" for number in range(HOSTS)},
        "LAPOR_LANDING_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "LAPOR_IDENTITY_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
    }


def _registry(folder: Path, work: Work) -> Path:
    folder.mkdir()
    (folder / "registry.yml").write_text("name: bench\nsimulated: true\n")
    agencies = ["agency_code,name,kind,province_code,regency_code,time_zone,connected_on,certainty"]
    sources = ["agency_code,resource,connector,profile,connection,location,frequency"]
    for number, code in enumerate(work.rows):
        agencies.append(f"{code},Badan Percobaan {code},kota,,,Asia/Jakarta,2021-01-01,certain")
        sources.append(f"{code},complaints,rest,lapor_v3,bench_{number % HOSTS},laporan/{{agency_code}},nightly")
    (folder / "agencies.csv").write_text("\n".join(agencies) + "\n")
    (folder / "sources.csv").write_text("\n".join(sources) + "\n")
    return folder


# -- the table --------------------------------------------------------------------------------------------------------


def report(results: Results) -> str:
    """Medians of the rounds, ratios to the limit and to ours, and what became of the bars."""
    floor = floor_megabytes()
    lines = [
        f"{'work':10} {'who':9} {'client s':>9} {'PG s':>7} {'CPU s':>7} {'wall s':>7} {'peak MB':>8} "
        f"{'x limit':>8} {'x ours':>7}  CPU s of the rounds"
    ]
    for name, costs in results.items():
        limit = _cpu(costs["limit"]) if "limit" in costs else None
        for who, runs in costs.items():
            peak = max(run.peak_megabytes for run in runs)
            lines.append(
                f"{name:10} {who:9} {median(run.client_cpu_seconds for run in runs):9.1f}"
                f" {median(run.server_cpu_seconds for run in runs):7.1f} {_cpu(runs):7.1f}"
                f" {median(run.wall_seconds for run in runs):7.1f}"
                f" {f'<{floor:.0f}' if peak <= floor * 1.01 else f'{peak:.0f}':>8}"
                f" {f'{_cpu(runs) / limit:.1f}' if limit else '':>8} {_cpu(runs) / _cpu(costs['ours']):7.1f}"
                f"  {' '.join(f'{run.cpu_seconds:.1f}' for run in runs)}"
            )
    return "\n".join([*lines, "CPU s = client and PostgreSQL", *_bars(results)])


def _bars(results: Results) -> Iterator[str]:
    for name, costs in results.items():
        ours = _cpu(costs["ours"])
        if name == "backfill":
            ratio = ours / _cpu(costs["limit"])
            yield _bar("backfill: CPU of ours over the limit's", ratio, LIMIT_CPU, "x", at_most=True)
            peak = max(run.peak_megabytes for run in costs["ours"])
            yield _bar("backfill: peak memory of ours", peak, PEAK_MEGABYTES, "MB", at_most=True)
        for peer in ("dlt", "dlt-apart"):
            if peer in costs and name != "far night":
                yield _bar(f"{name}: CPU of {peer} over ours", _cpu(costs[peer]) / ours, DLT_CPU, "x", at_most=False)
        if name == "far night":
            wall = median(run.last_wall_seconds for run in costs["ours"])
            yield _bar("far night: wall of python -m extract --night", wall, FAR_SECONDS, "s", at_most=True)


def _bar(what: str, value: float, bar: float, unit: str, *, at_most: bool) -> str:
    held = value <= bar if at_most else value >= bar
    return f"{'held  ' if held else 'MISSED'} {what}: {value:.2f} {unit} (at {'most' if at_most else 'least'} {bar:g})"


def _cpu(runs: Sequence[Cost]) -> float:
    return median(run.cpu_seconds for run in runs)
