"""A small nation whose nights run as commands, as Airflow and people run them; two nights are built once for all tests."""

import csv
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import psycopg2
import pytest

from simulator.faults import FaultPlan
from simulator.threads import serve_in_thread
from simulator.truth import write_truth
from simulator.world import World

REPOSITORY = Path(__file__).resolve().parent.parent.parent
REGISTRY = REPOSITORY / "extract" / "registry"
FIRST, LAST = date(2021, 6, 29), date(2021, 6, 30)
AGENCIES = [
    "KOTA-21.71", "KEM-2060", "KAB-11.02", "KAB-11.05", "KAB-11.08", "KAB-11.09", "KAB-12.05", "KAB-12.11", "KAB-13.01",
    "KAB-14.04", "KAB-32.04", "KAB-33.15", "KAB-35.13", "KAB-63.11", "KOTA-12.71", "KOTA-33.73", "KOTA-35.78", "PROV-12",
    "PROV-13", "PROV-15", "PROV-31", "PROV-33", "KEM-1020", "KEM-1030",
]  # fmt: skip
BROKEN = {"PROV-12": "hang", "PROV-13": "garbage_html", "PROV-15": "error_500"}
SHARDS = 2
LIVE = "nation"  # every build is in the database of this name: dbt parses the project anew for another
# As dags/lapor_nightly.py has it: the formulas' unit tests are run where formulas change, and by tests/dbt_project.
DBT = "dbt build -q --exclude-resource-type unit_test --project-dir dbt_project --profiles-dir dbt_project"
NIGHT_COMMANDS = (
    "python -m extract open --night {night}",
    *(f"python -m extract --night {{night}} --shard {shard}/{SHARDS}" for shard in range(SHARDS)),
    "python -m quality --night {night}",
    DBT,
    "python -m extract close --night {night}",
)


@dataclass
class Warehouse:
    """One database of the session's server with the environment its commands run in."""

    name: str
    environment: dict[str, str]
    outputs: list[str] = field(default_factory=list)

    def commands(self, *commands: str) -> None:
        """Run commands one after another, as typed, until one fails, which is an assertion with their words."""
        done = subprocess.run(self._shell(*commands), **self._where(), capture_output=True, text=True, check=False)
        self.outputs.append(done.stdout + done.stderr)
        assert done.returncode == 0, f"{commands}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"

    def night(self, night: date) -> None:
        """All commands of a night."""
        self.commands(*(command.format(night=night) for command in NIGHT_COMMANDS))

    def start_night(self, night: date) -> "subprocess.Popen[bytes]":
        """Start all commands of a night, as a session of their own."""
        return self.start(*(command.format(night=night) for command in NIGHT_COMMANDS))

    def start(self, *commands: str) -> "subprocess.Popen[bytes]":
        """Start commands one after another, as a session of their own."""
        return subprocess.Popen(
            self._shell(*commands),
            **self._where(),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill_night_after(self, night: date, seconds: float) -> bool:
        """Start the night and SIGKILL everything of it after so many seconds; False when it had already ended."""
        process = self.start_night(night)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True
        return False

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Rows of a query, as the owner."""
        with closing(psycopg2.connect(self.environment["WAREHOUSE_DSN"])) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def run(self, statement: str) -> None:
        """Execute a statement as the owner and commit."""
        with closing(psycopg2.connect(self.environment["WAREHOUSE_DSN"])) as connection, connection:
            connection.cursor().execute(statement)

    def checksums(self) -> dict[str, object]:
        """A checksum of every mart: equal only if every value of every row is.

        But one: a build's number counts how often the ledger had moved before, which is no figure.
        """
        tables = [
            str(name) for (name,) in self.query("select tablename from pg_tables where schemaname = 'marts' order by 1")
        ]
        assert len(tables) > 10
        return {
            table: self.query(
                f"select count(*), md5(string_agg(line, E'\\n' order by line))"
                f" from (select (to_jsonb(t) - 'build_number')::text as line from marts.{table} as t) as lines"
            )
            for table in tables
        }

    def _shell(self, *commands: str) -> list[str]:
        return ["bash", "-euo", "pipefail", "-c", "\n".join(('eval "$(python -m warehouse env)"', *commands))]

    def _where(self) -> dict[str, object]:
        return {"cwd": REPOSITORY, "env": self.environment}


@dataclass(frozen=True)
class Nation:
    """The running simulator and what its warehouses need to know of it."""

    folder: Path
    truth: Path
    server_dsn: str
    variables: dict[str, str]
    world: World
    url: str
    faults: dict[tuple[str, date], str]  # what breaks from now on

    def warehouse(self, name: str, template: Warehouse | None = None) -> Warehouse:
        """A new warehouse, empty or a copy of `template`; the one made before is gone unless it was kept."""
        like = f" template {template.name}" if template else ""
        # Without the checkpoint a crash would set the copy's sequences back: what they take ahead is not logged anew.
        self.administer(f"drop database if exists {LIVE} with (force)", f"create database {LIVE}{like}", "checkpoint")
        state = self.folder / name
        state.mkdir()
        own = {
            "WAREHOUSE_DSN": self.dsn(LIVE),
            "LAPOR_STATE_DIR": str(state),
            "DBT_TARGET_PATH": str(self.folder / "dbt"),
            "DBT_LOG_PATH": str(state / "dbt"),
        }
        warehouse = Warehouse(name, {**os.environ, **self.variables, **own})
        if template is None:
            warehouse.commands("python -m warehouse init")
        return warehouse

    def keep(self, warehouse: Warehouse) -> Warehouse:
        """Give the warehouse made last a database of its own name, to be read and copied from then on."""
        self.administer(f"alter database {LIVE} rename to {warehouse.name}")
        warehouse.environment["WAREHOUSE_DSN"] = self.dsn(warehouse.name)
        return warehouse

    def dsn(self, database: str) -> str:
        """The address of a database of the session's server."""
        return re.sub(r"@/\w+", f"@/{database}", self.server_dsn)

    def administer(self, *statements: str) -> None:
        """Execute statements as the server's administrator, each committed by itself."""
        with closing(psycopg2.connect(self.server_dsn)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)


@pytest.fixture(scope="session")
def nation(server: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nation]:
    """Two dozen agencies of all dialects, half a year, three of them broken on the last night."""
    folder = tmp_path_factory.mktemp("nation")
    registry = folder / "registry"
    registry.mkdir()
    (registry / "registry.yml").write_text((REGISTRY / "registry.yml").read_text())
    for name in ("agencies.csv", "sources.csv"):
        with (REGISTRY / name).open(newline="") as source, (registry / name).open("w", newline="") as target:
            rows = csv.reader(source)
            writer = csv.writer(target)
            writer.writerow(next(rows))
            writer.writerows(row for row in rows if row[0] in AGENCIES)
    world = World.build(agencies=AGENCIES, registry=REGISTRY, scale=0.5)
    write_truth(world, [FIRST, LAST], folder / "truth")
    faults = {(code, LAST): kind for code, kind in BROKEN.items()}
    with serve_in_thread(world, folder / "drops", nights=[FIRST, LAST], faults=FaultPlan(faults)) as url:
        variables = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "LAPOR_REGISTRY_DIR": str(registry),
            "LAPOR_CONNECTION_SIMULATOR_HTTP": url,
            "LAPOR_CONNECTION_SIMULATOR_DROPS": f"file://{folder}/drops",
            "LAPOR_EXTRACT_REQUEST_TIMEOUT_SECONDS": "1",
            "LAPOR_EXTRACT_ATTEMPTS": "2",  # well within an agency's deadline: on a busy machine too the reason is the same
        }
        dsn = f"postgresql://postgres@/lapor?host={server}/postgres"
        yield Nation(folder, folder / "truth", dsn, variables, world, url, faults)


@pytest.fixture(scope="session")
def first_night(nation: Nation) -> Warehouse:
    """The initial load, built and published."""
    warehouse = nation.warehouse("nation_first")
    warehouse.night(FIRST)
    return nation.keep(warehouse)


@pytest.fixture(scope="session")
def built(nation: Nation, first_night: Warehouse) -> Warehouse:
    """The initial load and the incremental night after it. Tests only read it."""
    warehouse = nation.warehouse("nation_built", template=first_night)
    warehouse.night(LAST)
    return nation.keep(warehouse)
