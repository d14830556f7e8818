"""Files where agencies put them: SFTP, S3, HTTP, a folder; each described in YAML alone."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from aiohttp import web
from psycopg2.extensions import connection as Connection

from extract.connectors import Page
from extract.connectors.tabular import TabularConnector
from extract.profile import read_profile
from extract.runner import Outcome
from extract.storage import s3_filesystem
from tests.extract.servers import (
    NEXT,
    NIGHT,
    Sftp,
    ods,
    profiles_in,
    query,
    registry_of,
    run_night,
    serving,
    sftp_server,
    xlsx,
)

Change = Callable[..., None]
PROFILE = """
description: A flat file of the tests; an agency in cp1252 with semicolons, or a spreadsheet.
resource: complaints
time_zone: agency
formats: ["%d/%m/%Y %H:%M", iso]
fields:
  source_system: {constant: probe}
  tracking_id: {from: Nomor, required: true}
  report_class: {constant: PENGADUAN}
  is_anonymous: {constant: true}
  is_secret: {constant: false}
  unit_name: {from: Unit Kerja}
  status: {from: Status, required: true, words: {baru: TERDISPOSISI, selesai: SELESAI}}
  received_at: {from: Masuk, type: timestamp, required: true}
text: {body: Isi}
events: {columns: [{from: Masuk, event_type: MASUK}]}
"""
HEAD = ["Nomor", "Unit Kerja", "Status", "Masuk", "Isi"]
ROW = ["A-1", "Dinas Café «Sarana»", "baru", "01/06/2021 09:00", "Jalan – rusak"]
ROWS = "select tracking_id, unit_name, status, received_at::text from raw.complaints order by 1"
READ = [("A-1", "Dinas Café «Sarana»", "TERDISPOSISI", "2021-06-01 01:00:00+00")]  # 09:00 in Makassar


def csv_of(*rows: list[str]) -> str:
    return "".join(";".join(row) + "\r\n" for row in (HEAD, *rows))


@pytest.fixture
def write_profile(tmp_path: Path) -> Iterator[Callable[[str, str], str]]:
    with profiles_in(tmp_path / "profiles") as write:
        yield write


@pytest.fixture
def have(environment: Change, tmp_path: Path, write_profile: Any) -> Callable[..., Outcome]:
    """Run a night of one file source; `tabular` is the profile's section."""

    def run(
        base: str, location: str, *, tabular: str = "", auth: str = "", night: Any = NIGHT, **variables: str
    ) -> Outcome:
        write_profile(
            "probe", PROFILE + (f"tabular: {tabular}\n" if tabular else "") + (f"auth: {auth}\n" if auth else "")
        )
        environment(LAPOR_CONNECTION_PROBE=base, **variables)
        return run_night(
            registry_of(tmp_path / "registry", [f"A,complaints,tabular,probe,probe,{location},nightly"]), night
        )

    return run


@pytest.fixture
def sftp(tmp_path: Path) -> Iterator[Sftp]:
    folder = tmp_path / "sftp"
    folder.mkdir()
    with sftp_server(folder) as server:
        yield server


@pytest.fixture
def pinned(sftp: Sftp) -> dict[str, str]:
    return {"LAPOR_CREDENTIAL_PROBE": "secret", "LAPOR_HOST_KEY_PROBE": sftp.host_key}


# -- SFTP --------------------------------------------------------------------------------------------------------------


def test_a_folder_of_csv_in_cp1252_on_sftp(
    warehouse: Connection, sftp: Sftp, pinned: dict[str, str], have: Callable[..., Outcome]
) -> None:
    folder = sftp.folder / "keluar"
    folder.mkdir()
    (folder / "satu.csv").write_bytes(csv_of(ROW).encode("cp1252"))
    (folder / "dua.csv").write_bytes(csv_of(["A-2", *ROW[1:]]).encode("cp1252"))
    (folder / "lain.txt").write_text("x")
    (folder / "map.csv").mkdir()
    assert have(sftp.base("keluar"), "*.csv", **pinned).states == {"received": 1}
    assert query(warehouse, ROWS) == [*READ, ("A-2", *READ[0][1:])]
    assert query(warehouse, "select body from restricted.complaint_texts order by tracking_id")[0] == ("Jalan – rusak",)
    assert query(warehouse, "select path from ops.files order by 1") == [("dua.csv",), ("satu.csv",)]
    (folder / "tiga.csv").write_bytes(csv_of(["A-3", *ROW[1:]]).encode("cp1252"))
    assert have(sftp.base("keluar"), "*.csv", night=NEXT, **pinned).rows == 1


def test_a_dated_file_below_the_folder_of_the_night(
    warehouse: Connection, sftp: Sftp, pinned: dict[str, str], have: Callable[..., Outcome]
) -> None:
    (sftp.folder / "20210628").mkdir()
    (sftp.folder / "20210628" / "A.csv").write_bytes(csv_of(ROW).encode())
    assert have(sftp.base(), "{night_compact}/{agency_code}.csv", **pinned).states == {"received": 1}
    assert query(warehouse, ROWS) == READ


def test_a_private_key_opens_the_door_as_well(warehouse: Connection, have: Callable[..., Outcome], sftp: Sftp) -> None:
    (sftp.folder / "a.csv").write_bytes(csv_of(ROW).encode())
    outcome = have(sftp.base(), "a.csv", LAPOR_CREDENTIAL_PROBE=sftp.private_key, LAPOR_HOST_KEY_PROBE=sftp.host_key)
    assert outcome.states == {"received": 1}


def test_a_private_key_that_the_server_does_not_know_is_refused_by_name(
    warehouse: Connection, have: Callable[..., Outcome], sftp: Sftp
) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519").export_private_key("openssh").decode()
    outcome = have(sftp.base(), "a.csv", LAPOR_CREDENTIAL_PROBE=key, LAPOR_HOST_KEY_PROBE=sftp.host_key)
    assert "127.0.0.1 refuses user and secret. Check LAPOR_CREDENTIAL_PROBE" in outcome.messages[0]
    assert "OPENSSH" not in outcome.messages[0]


def test_a_file_larger_than_the_limit_is_not_even_fetched(
    warehouse: Connection, sftp: Sftp, pinned: dict[str, str], have: Callable[..., Outcome]
) -> None:
    (sftp.folder / "a.csv").write_bytes(b"x" * 2001)
    outcome = have(sftp.base(), "a.csv", LAPOR_EXTRACT_PAGE_BYTES="2000", **pinned)
    assert "a.csv has 2001 bytes, more than 2000" in outcome.messages[0]


# -- S3 ----------------------------------------------------------------------------------------------------------------


def test_a_bucket_of_workbooks(warehouse: Connection, s3: str, have: Callable[..., Outcome]) -> None:
    bucket, _ = s3_filesystem(f"s3://files?endpoint={s3}", "key:secret")
    cover = {"Sampul": [["Laporan bulanan"]]}
    bucket.pipe_file("files/masuk/a.xlsx", xlsx({**cover, "Data": [["Juni"], HEAD, ROW, ["TOTAL", 1]]}))
    bucket.pipe_file("files/masuk/b.xlsx", xlsx({**cover, "Data": [HEAD, ["A-2", *ROW[1:]], ["A-3", *ROW[1:]]]}))
    bucket.pipe_file("files/masuk/c.txt", b"x")
    base = f"s3://files/masuk?endpoint={s3}"
    assert have(base, "*.xlsx", LAPOR_CREDENTIAL_PROBE="key:secret").states == {"received": 1}
    assert query(warehouse, ROWS) == [*READ, ("A-2", *READ[0][1:]), ("A-3", *READ[0][1:])]
    assert query(warehouse, "select stated_total, received_rows from ops.deliveries") == [(3, 3)]
    bucket.pipe_file("files/masuk/b.xlsx", xlsx({"Data": [HEAD, ["A-2", ROW[1], "selesai", *ROW[3:]]]}))
    outcome = have(base, "*.xlsx", night=NEXT, LAPOR_CREDENTIAL_PROBE="key:secret")
    assert (outcome.rows, outcome.loaded_rows) == (1, 1)


# -- HTTP --------------------------------------------------------------------------------------------------------------


def test_a_file_on_a_web_server_behind_a_password(warehouse: Connection, have: Callable[..., Outcome]) -> None:
    async def respond(request: web.Request) -> web.StreamResponse:
        if "Authorization" not in request.headers:
            return web.Response(status=401)
        known = request.path == "/unduh/laporan 2021-06-28.csv"
        return web.Response(body=csv_of(ROW).encode("cp1252")) if known else web.Response(status=404)

    with serving(respond) as served:
        options = {"auth": "{style: basic}", "LAPOR_CREDENTIAL_PROBE": "u:p"}
        assert have(f"{served.base()}/unduh", "laporan {night}.csv", **options).states == {"received": 1}
        assert query(warehouse, ROWS) == READ
        late = have(f"{served.base()}/unduh", "laporan {night}.csv", night=NEXT, **options)
        assert late.states == {"late": 1}
        listed = have(f"{served.base()}/unduh", "*.csv", night=NEXT, **options)
    assert "HTTP servers list no folders. Name the file in sources.csv" in listed.messages[0]


# -- what a file may look like -----------------------------------------------------------------------------------------


def read(write_profile: Callable[[str, str], str], content: bytes, tabular: str = "{}") -> list[dict[str, Any]]:
    write_profile("probe", PROFILE + f"tabular: {tabular}\n")
    records = list(TabularConnector(read_profile("probe")).read(Page("a", content)).records)
    assert [record.problem for record in records] == [None] * len(records)
    return [record.data for record in records]


@pytest.mark.parametrize(
    ("content", "tabular"),
    [
        (csv_of(ROW).encode("utf-16"), "{}"),
        (csv_of(ROW).replace(";", "~").encode(), "{delimiter: '~'}"),
        (csv_of(ROW).encode("cp1250"), "{encoding: cp1250}"),
        (csv_of(ROW).replace("\r\n", "\r").encode(), "{}"),
        (csv_of(ROW).replace("Unit Kerja", " UNIT   kerja ").encode(), "{}"),
        (xlsx({"Lain": [HEAD], "Data": [HEAD, ROW]}), "{sheet: Data}"),
        (xlsx({"Data": [[None, None], [None, "Judul"], HEAD, ROW, [None] * 5, ["JUMLAH", 1]]}), "{}"),
        (ods([["Catatan"], HEAD, ROW]), "{sheet: Laporan}"),
    ],
    ids=["utf-16", "delimiter", "encoding", "old Mac lines", "headings", "sheet by name", "title and tail", "ods"],
)
def test_a_file_reads_the_same_in_every_dress(write_profile: Any, content: bytes, tabular: str) -> None:
    assert read(write_profile, content, tabular) == [dict(zip(HEAD, ROW, strict=True))]


def test_numbers_and_dates_of_a_workbook_keep_their_values(write_profile: Any) -> None:
    (row,) = read(write_profile, xlsx({"Data": [HEAD, [12, 1.5, True, "2021-06-01", 123456789012345]]}))
    assert list(row.values()) == [12, 1.5, True, "2021-06-01", 123456789012345]
