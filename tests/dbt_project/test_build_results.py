"""What a run of dbt leaves for whoever looks in the morning: one row per run and node in ops, and the rows a failed test found."""

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, get_args

import jinja2
import psycopg2
import pytest

from tests.dbt_project.conftest import Dbt
from tests.dbt_project.dbt_runs import REPOSITORY
from tests.dbt_project.raw_world import BATAM, KARIMUN, RawWorld
from warehouse.connection import Role, connect

PROJECT = REPOSITORY / "dbt_project"
NIGHT = date(2021, 6, 30)
QUICK = ("--exclude-resource-type", "unit_test")
SEAM = "staging_holds_what_the_gate_accepted"
RECORDS = ("complaints", "surveys", "recaps", "ratings", "units", "activity")
READERS = set(get_args(Role)) - {"owner", "transformer", "data_engineer"}


@dataclass(frozen=True)
class Builds:
    """A night whose ledger was wrong, built, put right and built again."""

    world: RawWorld
    red: str
    green: str
    output: str
    table: str
    found: list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def builds(world: RawWorld, dbt: Dbt) -> Builds:
    """One red build and the green one after it."""
    delivered(world)
    for resource in RECORDS:
        world.misstate(NIGHT, BATAM, resource, records=1)
    world.misstate(NIGHT, BATAM, "complaints", events=-1)
    output = dbt("build", *QUICK, check=False).stdout
    red = latest(world)
    table = world.run("select failing_rows_in from ops.build_results where build_id = %s and name = %s", (red, SEAM))[
        0
    ][0]
    found = as_role("data_engineer", f"select resource, kind, staged_count, accepted_count from {table}")

    for resource in RECORDS:
        world.misstate(NIGHT, BATAM, resource, records=-1)
    world.misstate(NIGHT, BATAM, "complaints", events=1)
    world.run("set role transformer; create table test_failures.a_test_since_renamed as select 1 as row; reset role")
    dbt("build", *QUICK)
    return Builds(world, red, latest(world), output, table, found)


def delivered(world: RawWorld) -> None:
    """Every resource: complaints clean, released and quarantined, one row of the others, and a held delivery."""
    world.open(NIGHT)
    for resource in RECORDS:
        world.delivery(NIGHT, BATAM, resource)
    routed = [("MASUK", "2021-06-07 09:00"), ("DISPOSISI", "2021-06-08 09:00")]
    world.complaint(NIGHT, BATAM, "#1", routed)
    world.quarantine(NIGHT, BATAM, "complaints", world.complaint(NIGHT, BATAM, "#2", routed), status="released")
    world.quarantine(NIGHT, BATAM, "complaints", world.complaint(NIGHT, BATAM, "#3", []), status="open")
    world.response(NIGHT, BATAM, "respondent-7", {"kemudahan_mendaftar": 4})
    world.recap(NIGHT, BATAM, BATAM, date(2021, 6, 1), NIGHT, received_count=2)
    world.rating(NIGHT, BATAM, "#1", 5)
    world.unit(NIGHT, BATAM, "DINKES")
    world.activity(NIGHT, BATAM)
    world.delivery(NIGHT, KARIMUN, verdict="held")
    world.complaint(NIGHT, KARIMUN, "#4", routed)


def latest(world: RawWorld) -> str:
    """The build that began last."""
    return str(world.value("select build_id from ops.builds order by started_at desc limit 1"))


def as_role(role: Role, query: str) -> list[tuple[Any, ...]]:
    """Rows of a query as a role sees them."""
    with closing(connect(role, "lapor/test")) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def counts(builds: Builds, build_id: str) -> tuple[Any, ...]:
    """What ops.builds says of a build's nodes."""
    return builds.world.run(
        "select is_successful, model_count, seed_count, test_count, passed_count, warned_count, failed_count, skipped_count"
        " from ops.builds where build_id = %s",
        (build_id,),
    )[0]


def test_the_seam_sees_each_kind_of_row_that_is_not_where_the_ledger_says(builds: Builds) -> None:
    assert sorted(builds.found) == [
        ("activity", "records", 1, 2),
        ("complaints", "events", 4, 3),
        ("complaints", "records", 2, 3),  # one clean, one released; the quarantined and the held are not staged
        ("ratings", "records", 1, 2),
        ("recaps", "records", 1, 2),
        ("surveys", "records", 1, 2),
        ("units", "records", 1, 2),
    ]


def test_the_seam_knows_every_model_that_keeps_quarantined_rows_out() -> None:
    kept_apart = {
        path.stem
        for path in (PROJECT / "models" / "staging").glob("*.sql")
        if "ref('stg_quarantined_rows')" in path.read_text(encoding="utf-8")
    }
    seam = (PROJECT / "tests" / f"{SEAM}.sql").read_text(encoding="utf-8")
    assert len(kept_apart) == 7
    assert kept_apart == set(re.findall(r"'(stg_\w+)'", seam))


def test_a_good_build_is_written_down(builds: Builds) -> None:
    models, seeds = len(list(PROJECT.glob("models/**/*.sql"))), len(list(PROJECT.glob("seeds/*.csv")))
    successful, model_count, seed_count, test_count, passed, *others = counts(builds, builds.green)
    assert (successful, model_count, seed_count) == (True, models, seeds)
    assert test_count > 40
    assert (passed, *others) == (models + seeds + test_count, 0, 0, 0)
    assert builds.world.run(
        "select command, selection, schema_prefix, as_of, is_full_refresh, finished_at > started_at from ops.builds where build_id = %s",
        (builds.green,),
    ) == [("build", "exclude_resource_types unit_test", "", None, False, True)]
    assert builds.world.run(
        "select resource_type, status, row_count, failure_count, seconds > 0 from ops.build_results"
        " where build_id = %s and name in ('fct_complaints', 'statuses', %s) order by name",
        (builds.green, SEAM),
    ) == [("model", "success", 2, None, True), ("test", "pass", None, 0, True), ("seed", "success", 6, None, True)]


def test_a_failed_test_is_written_down_and_said_where_its_rows_are(builds: Builds) -> None:
    successful, models, seeds, tests, passed, warned, failed, skipped = counts(builds, builds.red)
    assert (successful, passed, warned, failed, skipped) == (False, models + seeds + tests - 1, 0, 1, 0)
    assert builds.world.run(
        "select name, status, failure_count, failing_rows_in, message from ops.build_results where build_id = %s and status not in ('pass', 'success', 'skipped')",
        (builds.red,),
    ) == [(SEAM, "fail", 7, f"test_failures.{SEAM}", "Got 7 results, configured to fail if != 0")]
    assert f'"test_failures"."{SEAM}"' in builds.output


def test_nothing_stale_is_left_after_the_repair(builds: Builds) -> None:
    assert as_role("data_engineer", f"select count(*) from {builds.table}") == [(0,)]
    assert builds.world.value("select to_regclass('test_failures.a_test_since_renamed')") is None
    names = {name for (name,) in builds.world.run("select tablename from pg_tables where schemaname = 'test_failures'")}
    assert len(names) > 40
    assert sum(as_role("data_engineer", f'select count(*) from test_failures."{name}"')[0][0] for name in names) == 0


@pytest.mark.parametrize("role", sorted(READERS))
def test_nobody_but_an_engineer_reads_what_tests_found(builds: Builds, role: Role) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        as_role(role, f"select * from {builds.table}")


def test_tests_read_what_dbt_made_and_keep_nothing_of_a_person(builds: Builds) -> None:
    files = list((PROJECT / "tests").rglob("*.sql"))
    assert len(files) > 5
    for file in files:
        assert not re.search(r"source\(|\b(raw|restricted|ops|quality)\.", file.read_text(encoding="utf-8")), file.name
    assert "data_tests" not in (PROJECT / "models" / "staging" / "sources.yml").read_text(encoding="utf-8")
    columns = {
        name
        for (name,) in builds.world.run(
            "select column_name from information_schema.columns where table_schema = 'test_failures'"
        )
    }
    assert {"tracking_id", "agency_code"} < columns
    assert columns.isdisjoint({"title", "body", "reporter_key"})


def test_recording_a_build_leaves_publication_alone(builds: Builds) -> None:
    assert builds.world.run("select published_seq, built_seq = changed_seq, published_at from ops.nights") == [
        (0, True, None)
    ]


def test_a_rebuild_of_the_past_is_told_apart(builds: Builds, dbt: Dbt) -> None:
    dbt("build", "--select", "stg_nights", "--vars", f"{{as_of: {NIGHT}, schema_prefix: as_of_}}")
    assert builds.world.run(
        "select command, selection, schema_prefix, as_of, model_count, test_count, is_successful from ops.builds where build_id = %s",
        (latest(builds.world),),
    ) == [("build", "select stg_nights", "as_of_", NIGHT, 1, 1, True)]
    # Its tests keep their rows beside, where an engineer may look and others may not.
    query = "select count(*) from as_of_test_failures.primary_key_stg_nights_night"
    assert as_role("data_engineer", query) == [(0,)]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        as_role("panrb_analyst", query)


def test_an_error_is_told_without_values_and_outlives_a_record_that_fails(builds: Builds, dbt: Dbt) -> None:
    world = builds.world
    world.run("update raw.survey_responses set survey_code = null")
    failed = dbt("build", "--select", "fct_survey_responses", check=False)
    assert failed.returncode == 1
    assert "respondent-7" in failed.stdout  # PostgreSQL's DETAIL: dbt says it and the warehouse does not keep it
    assert counts(builds, latest(world)) == (False, 1, 0, 1, 0, 0, 1, 1)
    assert world.run(
        "select resource_type, status, message from ops.build_results where build_id = %s order by 1", (latest(world),)
    ) == [
        (
            "model",
            "error",
            "Database Error in model fct_survey_responses (models/marts/core/fct_survey_responses.sql): "
            'null value in column "survey_code" of relation "fct_survey_responses__dbt_tmp" violates not-null constraint',
        ),
        ("test", "skipped", None),
    ]

    world.run("alter table ops.builds rename to builds_elsewhere")
    try:
        failed = dbt("build", "--select", "fct_survey_responses", check=False)
    finally:
        world.run("alter table ops.builds_elsewhere rename to builds")
    assert failed.returncode == 1
    assert "violates not-null constraint" in failed.stdout
    assert 'relation "ops.builds" does not exist' in failed.stdout


@pytest.fixture(scope="module")
def message_without_values() -> Callable[[str | None], str | None]:
    """The macro of that name, outside dbt."""

    class Returned(Exception):
        pass

    def return_(value: str | None) -> None:
        raise Returned(value)

    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)  # noqa: S701
    source = Path(PROJECT / "macros" / "build_results.sql").read_text(encoding="utf-8")
    macros = environment.from_string(source, globals={"modules": {"re": re}, "return": return_}).module

    def call(message: str | None) -> str | None:
        with pytest.raises(Returned) as returned:
            macros.message_without_values(message)  # type: ignore[attr-defined]
        result: str | None = returned.value.args[0]
        return result

    return call


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        pytest.param(None, None, id="none"),
        pytest.param("INSERT 0 5", "INSERT 0 5", id="success"),
        pytest.param(
            'Database Error in model a (models/a.sql)\n  duplicate key value violates unique constraint "a_pkey"\n  DETAIL:  Key (nik)=(3171) already exists.',
            'Database Error in model a (models/a.sql): duplicate key value violates unique constraint "a_pkey"',
            id="detail is left out",
        ),
        pytest.param(
            "Database Error in model a (models/a.sql)\n  invalid input syntax for type date: \"Siti\"\n  LINE 1: select 'Siti'::date",
            'Database Error in model a (models/a.sql): invalid input syntax for type date: "..."',
            id="a value PostgreSQL quotes",
        ),
        pytest.param(
            'Database Error in test a (tests/a.sql)\n  invalid input syntax for type integer: "Siti "column "x"\n081234"\n  CONTEXT:  JSON data',
            'Database Error in test a (tests/a.sql): invalid input syntax for type integer: "..."',
            id="a value with quotes and lines of its own",
        ),
        pytest.param(
            "lapor.on-run-start.1 failed, error:\n permission denied for table nights\n",
            "lapor.on-run-start.1 failed, error: permission denied for table nights",
            id="hook",
        ),
        pytest.param(
            "\n\nactual differs from expected:\n\n@@ ,tracking_id\n→ ,#1",
            "actual differs from expected:",
            id="unit test",
        ),
        pytest.param(
            "Compilation Error in model a\n  " + "x" * 400, "Compilation Error in model a: " + "x" * 270, id="long"
        ),
    ],
)
def test_a_message_tells_what_happened_and_no_value(
    message_without_values: Callable[[str | None], str | None], message: str | None, kept: str | None
) -> None:
    assert message_without_values(message) == kept
