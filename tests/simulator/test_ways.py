"""SFTP, S3, files over HTTP, ODS and databases: what lies there, read by tools that are not ours."""

import asyncio
import csv
import io
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncssh
import boto3
import psycopg2
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from python_calamine import CalamineWorkbook

from simulator.connections import BUCKET, SECRETS, SFTP_USER
from simulator.databases import SCHEMA, write_postgres, write_sqlite
from simulator.dialects.spreadsheets import CSV_COLUMNS, ODS_COLUMNS
from simulator.drops import complaints_path
from simulator.faults import FaultPlan
from simulator.process import REPOSITORY
from simulator.registry import Agency, Way
from simulator.sftp import CLIENT_KEY
from simulator.threads import Served
from simulator.truth import expected_deliveries
from simulator.world import World
from tests.simulator.client import ask
from tests.simulator.conftest import FIRST, LAST, NIGHTS


def on_way(world: World, way: Way, profile: str | None = None) -> list[Agency]:
    found = [one for one in world.agencies if one.way is way and profile in (None, one.profile)]
    assert found, way
    return found


def connect(served: Served, **secret: Any) -> Any:
    server = f"[127.0.0.1]:{served.ports.sftp} {served.environment['LAPOR_HOST_KEY_SIMULATOR_SFTP']}\n"
    return asyncssh.connect(
        "127.0.0.1",
        served.ports.sftp,
        username=SFTP_USER,
        known_hosts=asyncssh.import_known_hosts(server),
        config=None,
        agent_path=None,
        **{"client_keys": None} | secret,
    )


def over_sftp(served: Served, do: Any, **secret: Any) -> Any:
    """What `do` returns for an SFTP client of the server, whose key must be the one it published."""

    async def run() -> Any:
        connection = await connect(served, **secret)
        try:
            return await do(await connection.start_sftp_client())
        finally:
            # A server that hangs would never agree to end politely.
            connection.abort()

    return asyncio.run(run())


def s3(served: Served, key: str = SECRETS["simulator_s3"]) -> Any:
    key_id, _, secret = key.partition(":")
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{served.ports.s3}",
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


def csv_rows(content: bytes, encoding: str) -> list[list[str]]:
    header, *rows, total = list(csv.reader(io.StringIO(content.decode(encoding), newline=""), delimiter=";"))
    assert header == list(CSV_COLUMNS)
    assert total[:2] == ["JUMLAH", str(len(rows))]
    return rows


def test_sftp_holds_one_file_a_night_and_agency(served: Served, variety: World) -> None:
    expected = expected_deliveries(variety, NIGHTS)

    async def read_all(client: asyncssh.SFTPClient) -> dict[tuple[str, date], bytes]:
        files = {}
        for agency in on_way(variety, Way.SFTP):
            for night in NIGHTS:
                folder = f"/{night}/{agency.code}"
                assert sorted(await client.listdir(folder)) == [".", "..", f"laporan_{night:%Y%m%d}.csv"]
                async with client.open(f"{folder}/laporan_{night:%Y%m%d}.csv", "rb") as file:
                    files[agency.code, night] = bytes(await file.read())
        return files

    files = over_sftp(served, read_all, password=SECRETS["simulator_sftp"])
    total = 0
    for (code, night), content in files.items():
        rows = csv_rows(content, "cp1252")
        assert len(rows) == expected[night][code].records
        total += len(rows)
    assert total > 50


def test_sftp_takes_the_password_or_the_key_and_nothing_else(
    served: Served, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async def look(client: asyncssh.SFTPClient) -> list[str]:
        return [str(name) for name in await client.listdir("/")]

    database = urlsplit(served.environment["LAPOR_CONNECTION_SIMULATOR_SQLITE"]).path
    key = Path(database).parent / CLIENT_KEY
    assert key.stat().st_mode & 0o077 == 0, "for its owner only"
    assert str(LAST) in over_sftp(served, look, client_keys=[str(key)])
    with pytest.raises(asyncssh.PermissionDenied):
        over_sftp(served, look, password="guessed")


def test_sftp_is_for_reading_below_its_folder_only(served: Served, variety: World) -> None:
    path = f"/{LAST}/{on_way(variety, Way.SFTP)[0].code}/laporan_{LAST:%Y%m%d}.csv"

    async def remove(client: asyncssh.SFTPClient) -> None:
        await client.remove(path)

    async def write(client: asyncssh.SFTPClient) -> None:
        async with client.open(path, "wb") as file:
            await file.write(b"x")

    async def climb(client: asyncssh.SFTPClient) -> list[str]:
        return [str(name) for name in await client.listdir("/../../..")]

    for attempt in (remove, write):
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            over_sftp(served, attempt, password=SECRETS["simulator_sftp"])
    assert str(LAST) in over_sftp(served, climb, password=SECRETS["simulator_sftp"])


def test_files_carry_the_time_of_their_night(served: Served, variety: World) -> None:
    path = f"/{LAST}/{on_way(variety, Way.SFTP)[0].code}/laporan_{LAST:%Y%m%d}.csv"

    async def stat(client: asyncssh.SFTPClient) -> int | None:
        return (await client.stat(path)).mtime

    assert over_sftp(served, stat, password=SECRETS["simulator_sftp"]) == 1_625_072_400  # 30 June 2021, 24:00 WIB


def test_s3_holds_a_workbook_a_night_and_agency(served: Served, variety: World) -> None:
    expected = expected_deliveries(variety, NIGHTS)
    client = s3(served)
    total = 0
    for agency in on_way(variety, Way.S3):
        body = client.get_object(Bucket=BUCKET, Key=f"{FIRST}/{agency.code}/laporan.xlsx")["Body"].read()
        rows = CalamineWorkbook.from_filelike(io.BytesIO(body)).get_sheet_by_name("Data Laporan").to_python()
        assert rows[-1][:2] == ["JUMLAH", expected[FIRST][agency.code].records]
        total += len(rows) - 4
    assert total > 50
    listed = client.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert len(listed) == len(NIGHTS) * len(on_way(variety, Way.S3))


def test_s3_lets_nobody_in_with_another_key(served: Served) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        s3(served, "SOMEBODY:else").list_objects_v2(Bucket=BUCKET)


def test_http_hands_out_files_and_404_where_there_is_none(served: Served, variety: World) -> None:
    expected = expected_deliveries(variety, NIGHTS)
    total = 0
    for agency in on_way(variety, Way.HTTP_FILE):
        for night in NIGHTS:
            reply = ask(f"{served.url}/files/{night}/{agency.code}/laporan.csv")
            assert reply.status == 200
            encoding = "utf-8-sig" if reply.body.startswith(b"\xef\xbb\xbf") else "cp1252"
            rows = csv_rows(reply.body, encoding)
            assert len(rows) == expected[night][agency.code].records
            total += len(rows)
        assert ask(f"{served.url}/files/2021-06-28/{agency.code}/laporan.csv").status == 404
    assert total > 50
    assert ask(f"{served.url}/files/{LAST}/..%2f..%2fsftp_host_key/x").status == 404


def test_an_opendocument_file_is_one(served: Served, variety: World) -> None:
    drops = Path(urlsplit(served.environment["LAPOR_CONNECTION_SIMULATOR_DROPS"]).path)
    expected = expected_deliveries(variety, NIGHTS)
    dates = 0
    for agency in on_way(variety, Way.FOLDER, "ods_drop"):
        path = complaints_path(drops, FIRST, agency)
        assert path.read_bytes()[30:84] == b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", (
            "how a reader knows it"
        )
        workbook = CalamineWorkbook.from_path(str(path))
        assert workbook.sheet_names == ["Petunjuk", "Laporan"]
        heading, *rows, total = workbook.get_sheet_by_name("Laporan").to_python()
        assert heading == list(ODS_COLUMNS)
        assert total[:2] == ["JUMLAH", len(rows)]
        assert len(rows) == expected[FIRST][agency.code].records
        dates += sum(isinstance(row[ODS_COLUMNS.index("Diterima")], datetime) for row in rows)
    assert dates > 20


def test_sqlite_has_a_table_for_each_agency_and_night(served: Served, variety: World) -> None:
    path = urlsplit(served.environment["LAPOR_CONNECTION_SIMULATOR_SQLITE"]).path[1:]
    total = 0
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        for agency in on_way(variety, Way.SQLITE):
            for night in NIGHTS:
                expected = expected_deliveries(variety, [night])[night][agency.code]
                table = agency.complaints.place(agency.code, night)
                rows = connection.execute(f"select id, diubah, riwayat from {table} order by id").fetchall()
                assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
                assert [row[1] for row in rows] == sorted(row[1] for row in rows)
                assert len(rows) == expected.records
                logs = {row[2]: len(json.loads(row[2])) for row in rows}
                assert sum(logs.values()) == expected.events
                total += len(rows)
    assert total > 100


def test_postgres_has_a_table_for_each_agency_and_night_and_is_filled_anew(variety: World, server: Path) -> None:
    dsn = f"postgresql://postgres@/sumber?host={server}/postgres"
    tables = len(on_way(variety, Way.POSTGRES)) * len(NIGHTS)
    assert write_postgres(variety, NIGHTS, dsn, FaultPlan()) == tables
    assert write_postgres(variety, NIGHTS, dsn, FaultPlan()) == tables
    total = 0
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_tables where schemaname = %s", (SCHEMA,))
        assert cursor.fetchone() == (tables,)
        for agency in on_way(variety, Way.POSTGRES):
            expected = expected_deliveries(variety, [LAST])[LAST][agency.code]
            cursor.execute(f"select count(*), max(diubah) from {agency.complaints.place(agency.code, LAST)}")
            ((count, changed),) = cursor.fetchall()
            assert count == expected.records
            assert changed.timestamp() < 1_625_072_400
            total += count
    assert total > 50


def test_a_table_can_be_missing_renamed_or_hang(variety: World, server: Path, tmp_path: Path) -> None:
    lite, other = (agency for agency in on_way(variety, Way.SQLITE)[:2])
    plan = FaultPlan.of({lite.code: ("missing_table", [LAST]), other.code: ("renamed_field", [LAST])})
    write_sqlite(variety, [LAST], tmp_path / "sumber.sqlite", plan)
    with closing(sqlite3.connect(tmp_path / "sumber.sqlite")) as connection:
        names = {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
        assert lite.complaints.place(lite.code, LAST) not in names
        columns = connection.execute(f"pragma table_info({other.complaints.place(other.code, LAST)})").fetchall()
    assert "nomor_baru" in {column[1] for column in columns}

    slow = on_way(variety, Way.POSTGRES)[0]
    dsn = f"postgresql://postgres@/sumber_faults?host={server}/postgres"
    write_postgres(variety, [LAST], dsn, FaultPlan.of({slow.code: ("hang", [LAST])}))
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("set statement_timeout = 100")
        with pytest.raises(psycopg2.errors.QueryCanceled):
            cursor.execute(f"select * from {slow.complaints.place(slow.code, LAST)}")


def test_the_environment_names_every_connection_of_the_registry(tmp_path: Path) -> None:
    with (REPOSITORY / "extract" / "registry" / "sources.csv").open(newline="") as file:
        connections = {row["connection"] for row in csv.DictReader(file)}
    printed = subprocess.run(
        [sys.executable, "-m", "simulator", "env", "--port", "9100", "--postgres", "postgresql://x/sumber"],
        cwd=REPOSITORY,
        env={"LAPOR_STATE_DIR": str(tmp_path), "LAPOR_CONNECTION_SIMULATOR_HTTP": "http://elsewhere"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    named = {line.split("=")[0].removeprefix("export LAPOR_CONNECTION_").lower() for line in printed.splitlines()}
    assert connections - named == {"simulator_http"}, "what is set already stays"
    assert "export LAPOR_CONNECTION_SIMULATOR_SFTP=sftp://lapor@127.0.0.1:9101/" in printed
    assert "export LAPOR_CONNECTION_SIMULATOR_S3='s3://lapor-drops?endpoint=http://127.0.0.1:9102'" in printed
    assert (
        f"export LAPOR_HOST_KEY_SIMULATOR_SFTP='{(tmp_path / 'simulator' / 'sftp_host_key.pub').read_text().strip()}'"
        in printed
    )
