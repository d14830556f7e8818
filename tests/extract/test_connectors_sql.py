"""A database is a profile in YAML: PostgreSQL, MariaDB and SQLite, by table and by query, only ever read."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from extract.runner import Outcome
from tests.extract.servers import (
    NEXT,
    NIGHT,
    MariaDb,
    mariadb_server,
    mariadbd,
    profiles_in,
    query,
    registry_of,
    run_night,
)
from warehouse.server import SUPERUSER, socket_dsn

Change = Callable[..., None]
needs_mariadb = pytest.mark.skipif(
    mariadbd() is None, reason="mariadbd is not on this machine: apt-get install mariadb-server"
)
PROFILE = """
description: A database of the tests; times in the agency's own zone (Makassar).
resource: complaints
time_zone: agency
formats: ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f", iso]
sql: {updated_from: diubah, key_from: nomor, page_size: 3, timeout_seconds: 1@QUERY@}
fields:
  source_system: {constant: probe}
  tracking_id: {from: nomor, required: true}
  report_class: {constant: PENGADUAN}
  is_anonymous: {from: anonim, type: boolean, required: true}
  is_secret: {constant: false}
  unit_name: {from: unit}
  status: {from: status, required: true, words: {baru: TERDISPOSISI, selesai: SELESAI}}
  received_at: {from: masuk, type: timestamp, required: true}
  updated_at: {from: diubah, type: timestamp}
text: {body: isi}
ignore: [bobot]
"""
COLUMNS = "nomor varchar(20) primary key, status varchar(10), unit varchar(40), anonim {flag}, masuk {time}, isi text, bobot decimal(6, 2), diubah {time}"
# Three rows of one moment stand on the border between two pages.
CHANGED = ["2021-06-01 10:00:00"] * 2 + ["2021-06-02 10:00:00"] * 4 + ["2021-06-03 10:00:00", "2021-06-28 23:59:59"]
IDS = [f"A-{number}" for number in range(len(CHANGED))]


def inserts(first: int = 0, changed: list[str] = CHANGED, status: str = "baru") -> list[str]:
    return [
        f"insert into laporan values ('A-{first + number}', '{status}', 'Dinas', '1', '2021-06-01 09:00:00', 'isi', 1.50, '{time}')"
        for number, time in enumerate(changed)
    ]


def ids(warehouse: Connection, night: date = NIGHT) -> list[str]:
    return [
        row[0] for row in query(warehouse, "select tracking_id from raw.complaints where night = %s order by 1", night)
    ]


@pytest.fixture
def have(environment: Change, tmp_path: Path) -> Iterator[Callable[..., Outcome]]:
    """Run a night of one database."""
    with profiles_in(tmp_path / "profiles") as write:

        def run(base: str, table: str = "laporan", *, sql: str = "", night: date = NIGHT, **variables: str) -> Outcome:
            write("probe", PROFILE.replace("@QUERY@", f', query: "{sql}"' if sql else ""))
            environment(LAPOR_CONNECTION_PROBE=base, LAPOR_EXTRACT_CHECKPOINT_PAGES="1", **variables)
            return run_night(
                registry_of(tmp_path / "registry", [f"A,complaints,sql,probe,probe,{table},nightly"]), night
            )

        yield run


# -- each kind of database ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def postgres_running(server: Path) -> Iterator[Connection]:
    """An agency's own database, its clock in Makassar."""
    administrator = psycopg2.connect(socket_dsn(server, SUPERUSER))
    administrator.autocommit = True
    with administrator.cursor() as cursor:
        cursor.execute("create database aduan_sql")
        cursor.execute("alter database aduan_sql set timezone = 'Asia/Makassar'")
    own = psycopg2.connect(socket_dsn(server, "aduan_sql"))
    own.autocommit = True
    yield own
    own.close()
    with administrator.cursor() as cursor:
        cursor.execute("drop database aduan_sql with (force)")
    administrator.close()


@pytest.fixture
def postgres(postgres_running: Connection) -> Callable[[str], None]:
    """What executes a statement in the agency's empty database."""

    def execute(statement: str) -> None:
        with postgres_running.cursor() as cursor:
            cursor.execute(statement)

    execute("drop table if exists laporan")
    return execute


@pytest.fixture
def mariadb(mariadb_running: MariaDb) -> MariaDb:
    mariadb_running.execute("drop table if exists laporan")
    return mariadb_running


@pytest.fixture(scope="module")
def mariadb_running() -> Iterator[MariaDb]:
    with mariadb_server() as running:
        yield running


class Source:
    """A database of an agency: its URL, its secret, what writes to it."""

    def __init__(self, base: str, execute: Callable[[str], None], secret: str = "") -> None:
        self.base, self.execute = base, execute
        self.secret = {"LAPOR_CREDENTIAL_PROBE": secret} if secret else {}


@pytest.fixture(params=["postgres", "postgres with zone", "sqlite", pytest.param("mariadb", marks=needs_mariadb)])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    kinds = {"flag": "varchar(5)", "time": "timestamp"}
    match request.param:
        case "sqlite":
            database = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
            found = Source(f"sqlite:///{tmp_path}/a.db", lambda statement: (database.execute(statement), None)[1])
            kinds["time"] = "datetime"
        case "mariadb":
            mariadb: MariaDb = request.getfixturevalue("mariadb")
            found = Source(mariadb.base, mariadb.execute, "agency:secret")
            kinds["time"] = "datetime"
        case name:
            execute = request.getfixturevalue("postgres")
            if "zone" in name:
                kinds["time"] = "timestamptz"
            found = Source(socket_dsn(request.getfixturevalue("server"), "aduan_sql"), execute)
    found.execute(f"create table laporan ({COLUMNS.format(**kinds)})")
    return found


def test_a_table_is_read_to_its_end_in_pages_of_a_few_rows(
    warehouse: Connection, source: Source, have: Callable[..., Outcome]
) -> None:
    for statement in inserts():
        source.execute(statement)
    assert have(source.base, **source.secret).states == {"received": 1}
    assert ids(warehouse) == IDS
    assert query(warehouse, "select received_rows, loaded_rows, page_count from ops.deliveries") == [(8, 8, 3)]
    first = query(
        warehouse,
        "select received_at::text, updated_at::text, is_anonymous, unit_name, _problems from raw.complaints where tracking_id = 'A-0'",
    )
    assert first == [("2021-06-01 01:00:00+00", "2021-06-01 02:00:00+00", True, "Dinas", [])]


def test_the_next_night_reads_what_changed_up_to_its_cut_off(
    warehouse: Connection, source: Source, have: Callable[..., Outcome]
) -> None:
    # The night ends at 24:00 in Jakarta, which is 01:00 in Makassar.
    for statement in inserts(
        0, ["2021-06-01 10:00:00", "2021-06-29 00:59:59", "2021-06-29 01:00:00", "2021-06-30 01:00:00"]
    ):
        source.execute(statement)
    have(source.base, **source.secret)
    assert ids(warehouse) == ["A-0", "A-1"]
    source.execute("update laporan set status = 'selesai', diubah = '2021-06-29 12:00:00' where nomor = 'A-0'")
    outcome = have(source.base, night=NEXT, **source.secret)
    assert ids(warehouse, NEXT) == ["A-0", "A-2"]
    assert (outcome.rows, outcome.loaded_rows) == (3, 2)  # A-1 lies in the overlap


def test_a_query_takes_the_window(warehouse: Connection, source: Source, have: Callable[..., Outcome]) -> None:
    for statement in inserts():
        source.execute(statement)
    sql = "select * from laporan where diubah >= :since and diubah < :until and nomor <> 'A-3'"
    assert have(source.base, "", sql=sql, **source.secret).states == {"received": 1}
    assert ids(warehouse) == [known for known in IDS if known != "A-3"]


def test_a_reader_cannot_write(warehouse: Connection, source: Source, have: Callable[..., Outcome]) -> None:
    for statement in inserts():
        source.execute(statement)
    sql = "delete from laporan returning nomor, diubah"
    assert have(source.base, "", sql=sql, **source.secret).states == {"failed": 1}
    assert have(source.base, night=NEXT, **source.secret).rows == len(IDS)


def test_a_delivery_that_broke_off_goes_on_behind_its_last_row(
    warehouse: Connection, source: Source, have: Callable[..., Outcome], environment: Change
) -> None:
    for statement in inserts():
        source.execute(statement)
    assert have(source.base, LAPOR_EXTRACT_DELIVERY_ROWS="5", **source.secret).states == {"failed": 1}
    assert ids(warehouse) == IDS[:3]
    # Meanwhile a row that is stored changes, and leaves the window.
    source.execute("update laporan set diubah = '2021-06-30 12:00:00' where nomor = 'A-0'")
    assert have(source.base, LAPOR_EXTRACT_DELIVERY_ROWS="500", **source.secret).states == {"received": 1}
    assert ids(warehouse) == IDS


def test_a_statement_that_takes_too_long_is_ended(
    warehouse: Connection, have: Callable[..., Outcome], postgres: Callable[[str], None], server: Path
) -> None:
    sql = "select '1' as nomor, now()::timestamp as diubah from (select pg_sleep(20)) as wait"
    outcome = have(socket_dsn(server, "aduan_sql"), "", sql=sql)
    assert "QueryCanceled 57014. It took too long: raise timeout_seconds in the profile" in outcome.messages[0]


@needs_mariadb
def test_a_statement_that_takes_too_long_for_mariadb_is_ended(
    warehouse: Connection, mariadb: MariaDb, have: Callable[..., Outcome]
) -> None:
    sql = "select '1' as nomor, now() as diubah from (select benchmark(2000000000, md5('x')) as n) as wait"
    outcome = have(mariadb.base, "", sql=sql, LAPOR_CREDENTIAL_PROBE="agency:secret")
    assert "OperationalError 1969. It took too long: raise timeout_seconds in the profile" in outcome.messages[0]


@needs_mariadb
@pytest.mark.parametrize(
    ("credential", "table", "says"),
    [
        ("agency:wrong", "laporan", "OperationalError 1045. Check address, credential and whether it is up"),
        ("agency:secret", "tidak_ada", "ProgrammingError 1146. Compare the profile's columns with the table"),
        ("agency:secret", "laporan; drop table laporan", "its location is no table name"),
        ("agency:secret", "mysql.user", "1142"),
    ],
)
def test_what_mariadb_refuses_is_said_by_its_number(
    warehouse: Connection, mariadb: MariaDb, have: Callable[..., Outcome], credential: str, table: str, says: str
) -> None:
    outcome = have(mariadb.base, table, LAPOR_CREDENTIAL_PROBE=credential)
    assert says in outcome.messages[0]
    assert "secret" not in outcome.messages[0]


def test_a_database_file_that_is_not_there_is_not_made(
    warehouse: Connection, tmp_path: Path, have: Callable[..., Outcome]
) -> None:
    outcome = have(f"sqlite:///{tmp_path}/absent.db")
    assert "there is no database file absent.db" in outcome.messages[0]
    assert not (tmp_path / "absent.db").exists()


def test_what_a_database_says_is_not_told_with_its_values(
    warehouse: Connection, tmp_path: Path, have: Callable[..., Outcome]
) -> None:
    database = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    database.execute("create table laporan (nomor text, diubah text)")
    database.execute("insert into laporan values (cast(x'42756469ff' as text), '2021-06-01')")  # Budi, and no UTF-8
    outcome = have(f"sqlite:///{tmp_path}/a.db")
    assert outcome.states == {"failed": 1}
    assert "Budi" not in outcome.messages[0]


def test_values_of_every_kind_arrive_as_text(
    warehouse: Connection, have: Callable[..., Outcome], postgres: Callable[[str], None], server: Path
) -> None:
    postgres(
        "create table laporan (nomor uuid, status text, unit bytea, anonim boolean, masuk date, isi jsonb,"
        " bobot numeric, lama interval, jam time, diubah timestamp)"
    )
    postgres(
        "insert into laporan values ('6f9619ff-8b86-d011-b42d-00cf4fc964ff', 'baru', 'Dinas', true, '2021-06-01',"
        " '{\"a\": 1}', 'NaN', '1 day', '10:00', '2021-06-01 10:00:00.5')"
    )
    assert have(socket_dsn(server, "aduan_sql")).states == {"received": 1}
    assert query(warehouse, "select tracking_id, unit_name, is_anonymous, updated_at::text from raw.complaints") == [
        ("6f9619ff-8b86-d011-b42d-00cf4fc964ff", "Dinas", True, "2021-06-01 02:00:00.5+00")
    ]


def test_a_query_without_the_column_of_change_is_named(
    warehouse: Connection, source: Source, have: Callable[..., Outcome]
) -> None:
    outcome = have(source.base, "", sql="select nomor from laporan", **source.secret)
    assert outcome.states == {"failed": 1}
    assert "the database refused" in outcome.messages[0]
