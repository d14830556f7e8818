"""Each role tries to read what is not its own, in a warehouse built by dbt: two secret complaints of two kinds, two agencies, reports issued."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from typing import Any

import psycopg2
import pytest
from psycopg2.errors import InsufficientPrivilege, InvalidParameterValue
from psycopg2.extensions import connection as Connection

from tests.dbt_project.conftest import Dbt
from tests.dbt_project.dbt_runs import REPOSITORY
from tests.dbt_project.raw_world import BATAM, PUPR, RawWorld
from warehouse.access import matrix
from warehouse.connection import Role, connect, warehouse_dsn

NIGHT = date(2021, 6, 30)
OPEN, SECRET = {"#1", "#4"}, {"#2", "#3"}
READERS: tuple[Role, ...] = ("panrb_analyst", "ombudsman_reader", "ksp_reader", "agency_reader")
READ_COMPLAINTS: tuple[Role, ...] = ("panrb_analyst", "ombudsman_reader", "reporter", "data_engineer")
COMPLAINT_MARTS = ("fct_complaints", "fct_assignments", "fct_complaint_events", "fct_ratings")
AGENCY_MARTS = ("rpt_agency_performance_monthly", "rpt_agency_comparison", "rpt_agency_timeliness", "fct_deliveries")
REASON = "LM-0123/2021: laporan ke Ombudsman"
PAGE = REPOSITORY / "docs" / "security.md"
LOGINS = {
    "analyst_login": "panrb_analyst",
    "ombudsman_login": "ombudsman_reader",
    "other_ombudsman": "ombudsman_reader",
}


@pytest.fixture(scope="module")
def built(world: RawWorld, dbt: Dbt) -> Iterator[RawWorld]:
    """One night built and published; an issue of every report, and a preview."""
    routed = [("MASUK", "2021-06-07 09:00"), ("DISPOSISI", "2021-06-08 09:00"), ("SELESAI_MANUAL", "2021-06-09 09:00")]
    world.open(NIGHT)
    world.delivery(NIGHT, BATAM)
    world.complaint(NIGHT, BATAM, "#1", routed, unit_name="Dinas Perhubungan")
    world.complaint(NIGHT, BATAM, "#2", routed, is_secret=True, unit_name="Dinas Sosial")
    world.complaint(NIGHT, BATAM, "#3", routed, report_class="WBS", unit_name="Inspektorat")
    world.delivery(NIGHT, BATAM, "ratings")
    for tracking_id in ("#1", "#2", "#3"):
        world.rating(NIGHT, BATAM, tracking_id, 5)
    world.delivery(NIGHT, PUPR)
    world.complaint(NIGHT, PUPR, "#4", routed)
    world.run(
        "insert into restricted.complaint_texts (delivery_id, night, agency_code, source_system, tracking_id, title)"
        " select delivery_id, night, agency_code, source_system, tracking_id, 'judul' from raw.complaints"
    )
    dbt("build", "--exclude-resource-type", "unit_test")
    world.publish()
    issue = (
        "with issue as (insert into library.issues (body, period, agency_code, version, title, night, cut_off_at, is_preview,"
        " is_simulated, coverage_delivered, coverage_expected, code_version, manifest_sha256, folder)"
        " values (%s, '2021-06', %s, 1, 'Laporan', %s, now(), %s, true, 3, 3, 'test', '', '') returning issue_id)"
        " insert into library.files select issue_id, 'laporan.pdf', 'application/pdf', 1, '' from issue"
    )
    with closing(connect("reporter", "lapor/test")) as connection, connection, connection.cursor() as cursor:
        for body, agency, is_preview in (
            ("panrb", None, False),
            ("ksp", None, False),
            ("ombudsman", None, False),
            ("agency", BATAM, False),
            ("agency", PUPR, False),
        ):
            cursor.execute(issue, (body, agency, NIGHT, is_preview))
        cursor.execute(issue.replace("'2021-06'", "'2021-05'"), ("panrb", None, NIGHT, True))
    for login, role in LOGINS.items():
        world.run(f"create role {login} login noinherit; grant {role} to {login}")
    yield world
    for login in LOGINS:
        world.run(f"drop owned by {login}; drop role {login}")
    world.run("truncate library.issues, library.files, library.cells")


def as_role(role: Role, query: str, values: Any = None, *, agency: str | None = None) -> list[tuple[Any, ...]]:
    """The answer to a query asked in a session that acts as the role, for an agency if one is named."""
    with closing(connect(role, "lapor/test")) as connection, connection, connection.cursor() as cursor:
        if agency is not None:
            cursor.execute("select set_config('app.agency_code', %s, true)", [agency])
        cursor.execute(query, values)
        return cursor.fetchall() if cursor.description else []


def logged_in(login: str, role: str | None = None) -> Connection:
    """A session of a login that is nobody's superuser, acting as one of its roles."""
    options = f"-c role={role}" if role else ""
    return psycopg2.connect(warehouse_dsn(), user=login, options=options)


def ids(rows: list[tuple[Any, ...]]) -> set[Any]:
    return {row[0] for row in rows}


# Secret complaints


@pytest.mark.parametrize("role", READ_COMPLAINTS)
@pytest.mark.parametrize("mart", COMPLAINT_MARTS)
def test_nobody_reads_rows_of_secret_complaints(built: RawWorld, role: Role, mart: str) -> None:
    assert ids(built.run(f"select tracking_id from marts.{mart}")) >= SECRET
    seen = ids(as_role(role, f"select tracking_id from marts.{mart}"))
    assert "#1" in seen
    assert seen <= OPEN


@pytest.mark.parametrize("role", ["ksp_reader", "agency_reader", "portal", "loader", "gate"])
@pytest.mark.parametrize("mart", [*COMPLAINT_MARTS, "fct_survey_responses"])
def test_who_has_no_business_with_single_complaints_reads_none(built: RawWorld, role: Role, mart: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        as_role(role, f"select 1 from marts.{mart}", agency=BATAM)


@pytest.mark.parametrize(
    "relation",
    [
        "raw.complaints",
        "raw.complaint_events",
        "raw.ratings",
        "staging.stg_complaints",
        "staging.stg_complaint_events",
        "staging.stg_ratings",
        "staging.stg_delivered_keys",
    ],
)
def test_an_engineer_does_not_meet_secret_complaints_on_their_way(built: RawWorld, relation: str) -> None:
    assert ids(built.run(f"select tracking_id from {relation}")) >= SECRET
    seen = ids(as_role("data_engineer", f"select tracking_id from {relation}"))
    assert "#1" in seen
    assert seen <= OPEN


def test_a_complaint_is_secret_when_one_version_of_it_was_or_none_says(built: RawWorld) -> None:
    ask = "select raw.is_secret_complaint('lapor', %s)"
    assert [as_role("data_engineer", ask, [each])[0][0] for each in ("#1", "#2", "#3", "#999", None)] == [
        False, True, True, True, True,
    ]  # fmt: skip


def test_between_staging_and_marts_no_row_of_a_complaint_is_open(built: RawWorld) -> None:
    with_rows = built.run(
        "select distinct attrelid::regclass::text from pg_attribute inner join pg_class on pg_class.oid = attrelid"
        " where relnamespace = 'intermediate'::regnamespace and relkind in ('r', 'v')"
        " and attname in ('tracking_id', 'reporter_key', 'duplicate_of')"
    )
    assert len(with_rows) > 10
    for (relation,) in with_rows:
        with pytest.raises(InsufficientPrivilege):
            as_role("data_engineer", f"select 1 from {relation}")
    assert as_role("data_engineer", "select count(*) from intermediate.int_worked_nights") == [(1,)]


@pytest.mark.parametrize("role", [*READERS, "data_engineer", "reporter", "gate", "transformer", "portal"])
def test_texts_are_read_by_nobody_who_reads(built: RawWorld, role: Role) -> None:
    for relation in ("restricted.complaint_texts", "restricted.erasures"):
        with pytest.raises(InsufficientPrivilege):
            as_role(role, f"select 1 from {relation}")


@pytest.mark.parametrize("role", READERS)
def test_readers_stay_in_the_marts_and_the_library(built: RawWorld, role: Role) -> None:
    for relation in ("raw.complaints", "raw.complaint_text_shapes", "staging.stg_complaints", "ops.deliveries",
                     "quality.quarantined_record", "library.cells", "library.access_log"):  # fmt: skip
        with pytest.raises(InsufficientPrivilege):
            as_role(role, f"select 1 from {relation}", agency=BATAM)


# Ways around row security


def test_a_function_that_tells_what_it_is_given_is_given_no_secret_row(built: RawWorld) -> None:
    with closing(logged_in("analyst_login", "panrb_analyst")) as session, session, session.cursor() as cursor:
        cursor.execute(
            "create function pg_temp.tell(told text) returns boolean language plpgsql cost 0.0000001"
            " as $$ begin raise notice '%', told; return true; end $$"
        )
        cursor.execute("select count(*) from marts.fct_complaints where pg_temp.tell(tracking_id)")
        assert cursor.fetchone() == (2,)
        # An error that depends on a value tells the value as well.
        cursor.execute("select count(*) from marts.fct_complaints where 1 / (tracking_id <> '#2')::integer = 1")
        assert cursor.fetchone() == (2,)
    told = " ".join(session.notices)
    assert "#1" in told
    assert not [each for each in SECRET if each in told]


@pytest.mark.parametrize(
    ("role", "relation"),
    [("panrb_analyst", "marts.fct_complaints"), ("agency_reader", "marts.rpt_agency_comparison"),
     ("data_engineer", "raw.complaints"), ("ksp_reader", "library.issues")],
)  # fmt: skip
def test_row_security_is_not_switched_off_by_who_it_is_for(built: RawWorld, role: Role, relation: str) -> None:
    with pytest.raises(InsufficientPrivilege, match="row-level security"):
        as_role(role, f"set row_security = off; select * from {relation}")


@pytest.mark.parametrize("role", READERS)
def test_a_reader_changes_nothing_and_makes_nothing(built: RawWorld, role: Role) -> None:
    for statement in (
        "update marts.rpt_coverage_daily set expected_count = 0",
        "delete from library.issues",
        "insert into library.issues (body, period) values ('ksp', '2021-06')",
        "insert into library.access_log (role, subject, action, object) values ('x', 'x', 'x', 'x')",
        "create table marts.mine (number integer)",
        "alter table marts.fct_complaints disable row level security",
        "drop policy not_secret on marts.fct_complaints",
        "select ops.set_access('marts.fct_complaints', array['ksp_reader'])",
    ):
        with pytest.raises(InsufficientPrivilege):
            as_role(role, statement)


def test_functions_that_read_for_others_do_not_follow_the_callers_path(built: RawWorld) -> None:
    functions = built.run(
        "select proname, proconfig from pg_proc inner join pg_namespace on pronamespace = pg_namespace.oid"
        " where prosecdef and nspname in ('raw', 'ops', 'quality', 'library', 'marts', 'statistics')"
    )
    assert len(functions) >= 4
    assert {tuple(config) for _, config in functions} == {("search_path=pg_catalog, pg_temp",)}


# One agency


@pytest.mark.parametrize("mart", AGENCY_MARTS)
def test_an_agency_sees_its_own_rows(built: RawWorld, mart: str) -> None:
    everybody = ids(built.run(f"select agency_code from marts.{mart}"))
    assert {BATAM, PUPR} <= everybody
    for agency in (BATAM, PUPR):
        assert ids(as_role("agency_reader", f"select agency_code from marts.{mart}", agency=agency)) == {agency}


@pytest.mark.parametrize("agency", [None, "", " ", "KOTA-21", "%", f"{BATAM}' or '1'='1", BATAM.lower()])
def test_no_agency_or_one_that_is_not_there_sees_no_row(built: RawWorld, agency: str | None) -> None:
    for relation in (*(f"marts.{mart}" for mart in AGENCY_MARTS), "marts.dim_units", "library.issues", "library.files"):
        assert as_role("agency_reader", f"select 1 from {relation}", agency=agency) == []


def test_an_agency_sees_its_peers_without_their_names(built: RawWorld) -> None:
    columns = built.run(
        "select column_name from information_schema.columns where table_schema = 'marts' and table_name = 'rpt_peer_distribution'"
    )
    assert ids(columns).isdisjoint({"agency_code", "agency_name", "province_code"})
    rows = as_role("agency_reader", "select agency_count, p50 from marts.rpt_peer_distribution", agency=BATAM)
    assert rows
    assert {(count >= 5, median is not None) for count, median in rows} <= {(True, True), (False, False)}


@pytest.mark.parametrize("role", ["panrb_analyst", "ombudsman_reader"])
def test_naming_an_agency_changes_nothing_for_who_reads_them_all(built: RawWorld, role: Role) -> None:
    query = "select count(*), count(distinct agency_code) from marts.rpt_agency_performance_monthly"
    assert as_role(role, query, agency=BATAM) == as_role(role, query) == built.run(query)
    assert as_role(role, "select tracking_id from marts.fct_complaints where is_secret", agency=BATAM) == []


def test_ksp_reads_no_agency_but_in_its_own_reports(built: RawWorld) -> None:
    by_agency = built.run(
        "select relname from pg_class inner join pg_attribute on attrelid = pg_class.oid"
        " where relnamespace = 'marts'::regnamespace and relkind = 'r' and attname = 'agency_code'"
        " and has_table_privilege('ksp_reader', pg_class.oid, 'select')"
    )
    assert ids(by_agency) == {"dim_agencies", "dim_units", "rpt_ksp_strategic_issues_weekly", "rpt_ksp_longest_open"}


# The portal


def test_the_portal_as_itself_reads_nothing(built: RawWorld) -> None:
    relations = built.run(
        "select relation.oid::regclass::text from pg_class as relation inner join pg_namespace as room on relnamespace = room.oid"
        " where nspname in ('raw', 'restricted', 'quality', 'ops', 'staging', 'intermediate', 'marts', 'library') and relkind in ('r', 'v')"
    )
    assert len(relations) > 150
    with closing(logged_in("portal")) as session, session.cursor() as cursor:
        for (relation,) in relations:
            with pytest.raises(InsufficientPrivilege):
                cursor.execute(f"select 1 from {relation}")
            session.rollback()


@pytest.mark.parametrize("role", ["reporter", "data_engineer", "loader", "gate", "transformer", "postgres"])
def test_the_portal_becomes_none_but_its_readers(built: RawWorld, role: str) -> None:
    with closing(logged_in("portal")) as session, session.cursor() as cursor:
        with pytest.raises(InsufficientPrivilege, match="permission denied to set role"):
            cursor.execute(f"set role {role}")
        session.rollback()
        with pytest.raises(InsufficientPrivilege):
            cursor.execute(f"set session authorization {role}")


def test_a_request_ends_with_its_transaction(built: RawWorld) -> None:
    with closing(logged_in("portal")) as session, session.cursor() as cursor:
        cursor.execute("set transaction read only; set local role agency_reader")
        cursor.execute("select set_config('app.agency_code', %s, true)", [BATAM])
        cursor.execute("select distinct agency_code from marts.rpt_agency_performance_monthly")
        assert cursor.fetchall() == [(BATAM,)]
        session.commit()
        cursor.execute("select current_user, current_setting('app.agency_code', true)")
        assert cursor.fetchone() == ("portal", "")
        with pytest.raises(InsufficientPrivilege):
            cursor.execute("select 1 from marts.rpt_agency_performance_monthly")


def test_a_login_acts_as_no_role_it_was_not_given(built: RawWorld) -> None:
    with closing(logged_in("analyst_login")) as session, session.cursor() as cursor:
        with pytest.raises(InsufficientPrivilege):
            cursor.execute("select 1 from marts.rpt_coverage_daily")
        session.rollback()
        for role in ("ombudsman_reader", "agency_reader", "portal", "data_engineer"):
            with pytest.raises(InsufficientPrivilege):
                cursor.execute(f"set role {role}")
            session.rollback()


# The library


@pytest.mark.parametrize(
    ("role", "seen"),
    [
        ("panrb_analyst", {("panrb", None), ("agency", BATAM), ("agency", PUPR)}),
        ("ombudsman_reader", {("ombudsman", None), ("agency", BATAM), ("agency", PUPR)}),
        ("ksp_reader", {("ksp", None)}),
        ("agency_reader", {("agency", BATAM)}),
    ],
)
def test_a_reader_sees_the_issues_made_for_it_and_no_draft(
    built: RawWorld, role: Role, seen: set[tuple[str, str | None]]
) -> None:
    assert built.value("select count(*) from library.issues where is_preview") == 1
    assert set(as_role(role, "select body, agency_code from library.issues", agency=BATAM)) == seen
    files = as_role(role, "select name from library.files", agency=BATAM)
    assert len(files) == len(seen)


def test_an_issue_is_not_rewritten(built: RawWorld) -> None:
    for statement in (
        "update library.issues set title = 'lain'",
        "delete from library.files",
        "update library.cells set is_hidden = false",
    ):
        with pytest.raises(InsufficientPrivilege):
            as_role("reporter", statement)


# The Ombudsman's reading of secret complaints, and what is written down


def announced(login: str, reason: str = REASON, *, commits: bool = True) -> int:
    with closing(logged_in(login, "ombudsman_reader")) as session, session.cursor() as cursor:
        cursor.execute("select library.announce_secret_reading(%s)", [reason])
        row = cursor.fetchone()
        assert row is not None
        if commits:
            session.commit()
        return int(row[0])


def secret_read(login: str, number: int) -> set[Any]:
    with closing(logged_in(login, "ombudsman_reader")) as session, session.cursor() as cursor:
        cursor.execute("select tracking_id from marts.secret_complaints(%s)", [number])
        return ids(cursor.fetchall())


def test_the_ombudsman_reads_secret_complaints_after_saying_why(built: RawWorld) -> None:
    number = announced("ombudsman_login")
    assert secret_read("ombudsman_login", number) == SECRET
    [(role, subject, action, what, details)] = as_role(
        "data_engineer",
        "select role, subject, action, object, details from library.access_log where access_id = %s",
        [number],
    )
    assert (role, subject, action, what) == (
        "ombudsman_reader", "ombudsman_login", "restricted_read", "marts.secret_complaints",
    )  # fmt: skip
    assert details["reason"] == REASON


@pytest.mark.parametrize("reason", ["", "   ", "perlu", None])
def test_a_reading_without_a_reason_is_not_announced(built: RawWorld, reason: str) -> None:
    before = built.value("select count(*) from library.access_log")
    with pytest.raises(InvalidParameterValue, match="needs its reason"):
        announced("ombudsman_login", reason)
    assert built.value("select count(*) from library.access_log") == before


def test_a_reading_leaves_its_trace_even_when_it_is_rolled_back(built: RawWorld) -> None:
    with closing(logged_in("ombudsman_login", "ombudsman_reader")) as session, session.cursor() as cursor:
        cursor.execute("savepoint earlier; select library.announce_secret_reading(%s)", [REASON])
        row = cursor.fetchone()
        with pytest.raises(InsufficientPrivilege, match="not announced"):
            cursor.execute("select * from marts.secret_complaints(%s)", row)
        session.rollback()
    with pytest.raises(InsufficientPrivilege, match="not announced"):
        secret_read("ombudsman_login", announced("ombudsman_login", commits=False))


def test_an_announcement_is_ones_own_and_lasts_an_hour(built: RawWorld) -> None:
    with pytest.raises(InsufficientPrivilege, match="not announced"):
        secret_read("other_ombudsman", announced("ombudsman_login"))
    # Saying to be somebody else is for the portal alone.
    with closing(logged_in("other_ombudsman", "ombudsman_reader")) as session, session.cursor() as cursor:
        cursor.execute("set app.subject = 'ombudsman_login'")
        with pytest.raises(InsufficientPrivilege, match="not announced"):
            cursor.execute("select * from marts.secret_complaints(%s)", [announced("ombudsman_login")])
    old = built.run(
        "insert into library.access_log (at, role, subject, action, object, details) values"
        " (now() - interval '61 minutes', 'ombudsman_reader', 'ombudsman_login', 'restricted_read', 'marts.secret_complaints',"
        " jsonb_build_object('transaction', pg_current_xact_id()::text)) returning access_id"
    )
    with pytest.raises(InsufficientPrivilege, match="not announced"):
        secret_read("ombudsman_login", old[0][0])


@pytest.mark.parametrize(
    "role", ["panrb_analyst", "ksp_reader", "agency_reader", "reporter", "data_engineer", "portal"]
)
def test_nobody_but_the_ombudsman_is_asked_for_a_reason(built: RawWorld, role: Role) -> None:
    for statement in (
        "select * from marts.secret_complaints(1)",
        f"select library.announce_secret_reading('{REASON}')",
        "select library.is_announced(1)",
    ):
        with pytest.raises(InsufficientPrivilege):
            as_role(role, statement)


@pytest.mark.parametrize("role", ["portal", "reporter", "data_engineer", "owner"])
@pytest.mark.parametrize("statement", ["update {} set subject = 'x'", "delete from {}", "truncate {}"])
def test_what_was_written_down_stays(built: RawWorld, role: Role, statement: str) -> None:
    announced("ombudsman_login")
    before = built.value("select count(*) from library.access_log")
    with pytest.raises(InsufficientPrivilege):
        as_role(role, statement.format("library.access_log"))
    assert built.value("select count(*) from library.access_log") == before > 0


def test_the_portal_writes_down_what_it_cannot_read_back(built: RawWorld) -> None:
    with closing(logged_in("portal")) as session, session, session.cursor() as cursor:
        cursor.execute(
            "insert into library.access_log (role, subject, action, object, details) values ('ksp_reader', 'k-1', 'download', 'x', %s)",
            [json.dumps({"name": "laporan.pdf"})],
        )
        with pytest.raises(InsufficientPrivilege):
            cursor.execute("select * from library.access_log")


# What the macros made, and keep while marts are built anew


def test_every_mart_carries_its_access_for_programs_that_hand_rows_on(built: RawWorld) -> None:
    comments = dict(
        built.run(
            "select relname, obj_description(oid, 'pg_class')::jsonb from pg_class"
            " where relnamespace = 'marts'::regnamespace and relkind = 'r'"
        )
    )
    assert len(comments) > 30
    assert comments["rpt_agency_performance_monthly"]["count_columns"] == ["received_count"]
    assert comments["fct_complaints"]["level"] == "complaint"
    assert {access["level"] for access in comments.values()} == {"complaint", "person", "aggregate", "reference"}


def test_set_access_takes_away_what_is_not_said(built: RawWorld) -> None:
    built.run(
        "set role transformer; create table marts.trial as select 1 as number; grant all on marts.trial to ksp_reader"
    )
    try:
        query = "select array_agg(grantee::regrole::text || ' ' || privilege_type order by 1) from pg_class, aclexplode(relacl) where oid = 'marts.trial'::regclass and grantee <> relowner"
        policy = '[{"name": "odd", "command": "select", "roles": ["panrb_analyst"], "condition": "number = 2"}]'
        built.run("select ops.set_access('marts.trial', array['panrb_analyst'], %s)", [policy])
        assert built.value(query) == ["panrb_analyst SELECT"]
        assert as_role("panrb_analyst", "select * from marts.trial") == []
        built.run("select ops.set_access('marts.trial', array['panrb_analyst'], %s)", [policy.replace("= 2", "= 1")])
        assert as_role("panrb_analyst", "select * from marts.trial") == [(1,)]
        first = built.value("select xmin::text from pg_policy where polname = 'odd'")
        built.run("select ops.set_access('marts.trial', array['panrb_analyst'], %s)", [policy.replace("= 2", "= 1")])
        assert built.value("select xmin::text from pg_policy where polname = 'odd'") == first, "made again for nothing"
        built.run("select ops.set_access('marts.trial', array[]::text[], '[]')")
        assert built.value(query) is None
        assert built.value("select relrowsecurity from pg_class where oid = 'marts.trial'::regclass") is False
    finally:
        built.run("reset role; drop table marts.trial")


def test_while_everything_is_built_anew_readers_read_on_and_see_no_more(built: RawWorld, dbt: Dbt) -> None:
    done, reads = threading.Event(), [0]
    wrong: list[str] = []

    def read_on() -> None:
        with (
            closing(connect("agency_reader", "lapor/test")) as own,
            closing(connect("panrb_analyst", "lapor/test")) as all_,
        ):
            own.autocommit = all_.autocommit = True
            with own.cursor() as agency, all_.cursor() as analyst:
                agency.execute("select set_config('app.agency_code', %s, false)", [BATAM])
                while not done.is_set():
                    agency.execute("select distinct agency_code from marts.rpt_agency_performance_monthly")
                    wrong.extend({code for (code,) in agency.fetchall()} - {BATAM})
                    analyst.execute("select tracking_id from marts.fct_complaints")
                    wrong.extend({tracking_id for (tracking_id,) in analyst.fetchall()} - OPEN)
                    reads[0] += 1

    failure: list[BaseException] = []

    def watched() -> None:
        try:
            read_on()
        except psycopg2.Error as error:
            failure.append(error)

    reader = threading.Thread(target=watched)
    reader.start()
    try:
        dbt("run", "--full-refresh")
    finally:
        done.set()
        reader.join()
    assert failure == []
    assert wrong == []
    assert reads[0] > 100
    assert ids(as_role("panrb_analyst", "select tracking_id from marts.fct_complaints")) == OPEN


def test_the_matrix_in_the_document_is_that_of_the_catalog(built: RawWorld) -> None:
    with built.connection, built.connection.cursor() as cursor:
        made = matrix(cursor)
    assert made.count("\n") > 50
    written = PAGE.read_text(encoding="utf-8").split("<!-- matrix -->\n")[1].split("<!-- end of matrix -->")[0]
    assert written == made, (
        "run: python -m warehouse matrix, and put it between the marks of docs/security.md (after a build)"
    )
