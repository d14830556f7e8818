"""A scratch warehouse with the marts of nothing, in which the models' own compiled SQL runs on nation after nation."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values
from psycopg2.sql import SQL, Identifier

from bench.fairness.nation import AGENCIES, COLUMNS, CUT_OFF, DAYS, FIRST_DAY, Nation, rows
from bench.night import REPOSITORY, environment_of
from warehouse.connection import dbt_environment
from warehouse.server import socket_dsn

# What is run on each nation, in this order. Everything else about it is the same for all.
MODELS = (
    "int_agency_month_case_mix", "int_agency_month_durations", "int_windows", "int_comparison_rules",
    "int_agency_windows", "int_comparison_counts", "int_comparison_priors", "int_comparison_shrunk",
    "int_comparison_ranks", "int_comparison_funnel_limits", "int_comparison_funnel", "int_comparison_case_mix",
    "rpt_agency_comparison", "int_survival_curves", "rpt_agency_timeliness",
)  # fmt: skip
OWN_RATE, SAME_RATE = "completion_within_limit_rate_of_due", "routing_accuracy_rate_of_routed"


@dataclass(frozen=True, slots=True)
class Scratch:
    """A warehouse whose marts are built and empty, and the models' SQL as dbt compiled it there."""

    connection: Connection
    statements: dict[str, str]  # model -> insert of its rows
    start_index: dict[date, int]
    date_of_index: dict[int, date]

    def compare(self, nation: Nation) -> tuple[pd.DataFrame, pd.DataFrame]:
        """What the models say: rpt_agency_comparison with the Beta parameters, and rpt_agency_timeliness."""
        cut_off_index = max(index for index, day in self.date_of_index.items() if day <= CUT_OFF)
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute("truncate marts.fct_assignments")
            cursor.copy_expert(
                SQL("copy marts.fct_assignments ({}) from stdin")
                .format(SQL(", ").join(map(Identifier, COLUMNS)))
                .as_string(cursor),
                rows(nation, self.start_index, self.date_of_index, cut_off_index),
            )
            cursor.execute("analyze marts.fct_assignments")
            for model, statement in self.statements.items():
                cursor.execute(statement)
                if model == "int_windows":
                    cursor.execute("delete from intermediate.int_windows where window_kind <> 'twelve_months'")
            comparison = _frame(
                cursor,
                "select report.*, shrunk.posterior_a, shrunk.posterior_b from marts.rpt_agency_comparison as report"
                " join intermediate.int_comparison_shrunk as shrunk using (agency_code, window_id, metric)",
            )
            timeliness = _frame(cursor, "select * from marts.rpt_agency_timeliness where clock = 'first_response'")
        return comparison, timeliness


def _frame(cursor: Any, statement: str) -> pd.DataFrame:
    cursor.execute(statement)
    names = [column.name for column in cursor.description]
    values = cursor.fetchall()
    frame = pd.DataFrame(values, columns=names)
    for name in names:
        if name not in {"is_comparable", "is_simulated"}:
            numbers = pd.to_numeric(frame[name], errors="coerce")
            # A column of numbers is one in which nothing else stands.
            if numbers.notna().sum() == frame[name].notna().sum():
                frame[name] = numbers.astype(float)
    return frame


@contextmanager
def scratch(directory: Path | None = None) -> Iterator[Scratch]:
    """A warehouse of its own under a temporary folder, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="lapor-bench-fairness-", dir=directory) as folder:
        state = Path(folder)
        state.chmod(0o755)  # PostgreSQL may run as a user of its own
        environment = environment_of(state)

        def call(*arguments: str) -> None:
            subprocess.run(arguments, cwd=REPOSITORY, env=environment, check=True, stdout=subprocess.DEVNULL)

        call(sys.executable, "-m", "warehouse", "up")
        try:
            dsn = socket_dsn(state)
            environment |= dbt_environment(dsn)
            target = state / "dbt"
            target.mkdir()
            dbt = [
                "--project-dir",
                "dbt_project",
                "--profiles-dir",
                "dbt_project",
                "--target-path",
                str(target),
                "--log-path",
                str(target),
            ]
            call("dbt", "-q", "seed", *dbt)
            call("dbt", "-q", "run", *dbt, "--select", "+rpt_agency_comparison", "+rpt_agency_timeliness")
            with closing(psycopg2.connect(dsn)) as connection:
                yield _prepared(connection, target / "compiled")
        finally:
            call(sys.executable, "-m", "warehouse", "down")


def _prepared(connection: Connection, compiled: Path) -> Scratch:
    """What is the same for all nations: agencies, the cut-off, complete deliveries, work lists of everything."""
    months = sorted({day.replace(day=1) for day in DAYS})
    with connection, connection.cursor() as cursor:
        cursor.execute("set search_path = ''; set client_min_messages = warning")
        cursor.execute("update intermediate.int_build_scope set night = %s", [CUT_OFF])
        execute_values(
            cursor,
            "insert into marts.dim_agencies"
            " (agency_code, valid_from, name, kind, connected_on, is_simulated, is_current) values %s",
            [(code, FIRST_DAY, code, kind, FIRST_DAY, True, True) for code, kind in AGENCIES],
        )
        work = [(code, month) for code, _ in AGENCIES for month in months]
        execute_values(
            cursor, "insert into intermediate.int_touched_agency_months (agency_code, month, is_covered) values %s",
            work, template="(%s, %s, true)",
        )  # fmt: skip
        execute_values(
            cursor, "insert into intermediate.int_agency_month_deliveries values %s",
            [(code, FIRST_DAY, 31, 31) for code, _ in AGENCIES],
        )  # fmt: skip
        cursor.execute("delete from staging.comparison_metrics where metric <> all(%s)", [[OWN_RATE, SAME_RATE]])
        # Nothing is looked up one by one here, and every nation is written anew.
        cursor.execute("select indexname from pg_indexes where schemaname = 'marts' and tablename = 'fct_assignments'")
        for (index,) in cursor.fetchall():
            cursor.execute(SQL("drop index marts.{}").format(Identifier(index)))
        cursor.execute("alter table marts.fct_assignments set unlogged; analyze")
        statements = {model: _insert(cursor, model, compiled) for model in MODELS}
        cursor.execute(
            "select calendar_date, clock_start_index, working_day_index, is_working_day"
            " from intermediate.int_calendar_days"
        )
        calendar = cursor.fetchall()
    return Scratch(
        connection,
        statements,
        start_index={day: start for day, start, _, _ in calendar},
        date_of_index={index: day for day, _, index, is_working_day in calendar if is_working_day},
    )


def _insert(cursor: Any, model: str, compiled: Path) -> str:
    """Replaces a model's rows by what its compiled SQL selects, and tells the planner of them, as dbt does."""
    (file,) = compiled.rglob(f"models/**/{model}.sql")
    schema = "marts" if "marts" in file.parts else "intermediate"
    cursor.execute(
        "select column_name from information_schema.columns where table_schema = %s and table_name = %s"
        " order by ordinal_position",
        [schema, model],
    )
    columns = ", ".join(name for (name,) in cursor.fetchall())
    table = f"{schema}.{model}"
    selected = f"insert into {table} ({columns}) select {columns} from (\n{file.read_text()}\n) as model"  # noqa: S608 (names of our own models)
    return f"truncate {table}; {selected}; analyze {table}"
