"""Every way an agency can fail, seen from outside; and that its other nights are well."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import asyncssh
import pytest
from botocore.exceptions import ClientError
from python_calamine import CalamineError, CalamineWorkbook

import simulator.server
from simulator.connections import BUCKET, SECRETS
from simulator.drops import complaints_path
from simulator.faults import FaultPlan, FaultPlanInvalid, possible_faults
from simulator.registry import COMPLAINT_PROFILES, Agency, Way
from simulator.threads import Served, serve_all_in_thread
from simulator.world import World
from tests.simulator.client import Reply, ask, basic, bearer, new_token
from tests.simulator.conftest import FIRST, LAST, NIGHTS
from tests.simulator.test_ways import connect, over_sftp, s3

PATHS = {
    "lapor_v3": "v3/{}/laporan",
    "kanal_daerah": "kanal/{}/tickets",
    "offset_api": "aduan/{}/daftar",
    "link_api": "desk/{}/cases",
    "next_url_api": "portal/{}/cases",
    "graph_api": "graph/{}",
    "georeport_json": "georeport/{}/requests.json",
    "georeport_xml": "georeport/{}/requests.xml",
}
QUERY = json.dumps({"query": "query { reports { totalCount } }"})

# Profile -> the faults of its three agencies on the last night, in the order of the registry.
PLAN = {
    "lapor_v3": ("error_500", "wrong_total", "renamed_field"),
    "kanal_daerah": ("circular_paging", "error_429", "empty_page"),
    "offset_api": ("wrong_total", "unauthorized", "redirect_elsewhere"),
    "link_api": ("circular_paging", "hang", "slow"),
    "next_url_api": ("circular_paging", "truncated_json", "drip"),
    "graph_api": ("circular_paging", "wrong_total", "garbage_html"),
    "georeport_json": ("empty_page", "truncated_json", "renamed_field"),
    "georeport_xml": ("truncated_xml", "renamed_field", "error_429"),
}
FILE_PLAN = {
    (Way.FOLDER, "csv_drop"): ("half_file", "renamed_field", "garbage_html"),
    (Way.FOLDER, "xlsx_drop"): ("half_file", "renamed_field", "html_named_xlsx"),
    (Way.FOLDER, "ods_drop"): ("half_file", "renamed_field", "missing_file"),
    (Way.HTTP_FILE, "csv_drop"): ("half_file", "error_500", "garbage_html"),
    (Way.SFTP, "csv_drop"): ("sftp_refuses", "hang", "missing_file"),
    (Way.S3, "xlsx_drop"): ("html_named_xlsx", "error_500", "unauthorized"),
}


def agencies_of(world: World, profile: str, way: Way = Way.API) -> list[Agency]:
    return [agency for agency in world.agencies if (agency.profile, agency.way) == (profile, way)]


@pytest.fixture(scope="module")
def plan(variety: World) -> dict[tuple[str, str], Agency]:
    """Which agency has the fault, by profile and kind; files of others than the local folder by way and kind."""
    chosen = {}
    for profile, kinds in PLAN.items():
        chosen |= {(profile, kind): one for kind, one in zip(kinds, agencies_of(variety, profile), strict=False)}
    for (way, profile), kinds in FILE_PLAN.items():
        name = profile if way is Way.FOLDER else str(way)
        chosen |= {(name, kind): one for kind, one in zip(kinds, agencies_of(variety, profile, way), strict=False)}
    return chosen


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("broken")


@pytest.fixture(scope="module")
def broken(variety: World, plan: dict[tuple[str, str], Agency], folder: Path) -> Iterator[Served]:
    faults = FaultPlan.of({agency.code: (kind, [LAST]) for (_, kind), agency in plan.items()})
    with serve_all_in_thread(variety, folder, nights=NIGHTS, faults=faults) as everything:
        yield everything


def request(served: Served, agency: Agency, night: object = LAST, timeout: float = 10, **query: str | int) -> Reply:
    headers = {
        "offset_api": {"X-Api-Key": SECRETS["simulator_offset"]},
        "link_api": bearer(SECRETS["simulator_link"]),
        "graph_api": basic("simulator_graph"),
    }.get(agency.profile, {})
    if agency.profile == "next_url_api":
        headers = bearer(new_token(served.url))
    url = f"{served.url}/as-of/{night}/{PATHS[agency.profile].format(agency.code)}"
    return ask(url, query, headers, QUERY if agency.profile == "graph_api" else None, timeout)


@pytest.mark.parametrize(
    ("profile", "kind", "status"),
    [
        ("lapor_v3", "error_500", 500),
        ("offset_api", "unauthorized", 401),
        ("offset_api", "redirect_elsewhere", 302),
    ],
)
def test_a_refusal_is_of_one_night(
    broken: Served, plan: dict[tuple[str, str], Agency], profile: str, kind: str, status: int
) -> None:
    assert request(broken, plan[profile, kind]).status == status
    assert request(broken, plan[profile, kind], FIRST).status == 200


def test_a_redirect_leads_to_another_server(broken: Served, plan: dict[tuple[str, str], Agency]) -> None:
    reply = request(broken, plan["offset_api", "redirect_elsewhere"])
    assert urlsplit(reply.headers["Location"]).netloc == "elsewhere.example"


@pytest.mark.parametrize("profile", ["kanal_daerah", "georeport_xml"])
def test_who_asks_too_much_is_asked_for_patience_and_then_served(
    broken: Served, plan: dict[tuple[str, str], Agency], profile: str
) -> None:
    first, second = (request(broken, plan[profile, "error_429"]) for _ in range(2))
    assert (first.status, first.headers["Retry-After"], second.status) == (429, "1", 200)


def test_a_server_can_hang(broken: Served, plan: dict[tuple[str, str], Agency]) -> None:
    with pytest.raises((TimeoutError, socket.timeout)):
        request(broken, plan["link_api", "hang"], timeout=0.3)


def test_a_server_can_be_slow(
    broken: Served, plan: dict[tuple[str, str], Agency], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulator.server, "SLOW_SECONDS", 0.3)
    began = time.monotonic()
    assert request(broken, plan["link_api", "slow"]).status == 200
    assert time.monotonic() - began >= 0.3


def test_an_answer_can_drip_a_byte_a_second(broken: Served, plan: dict[tuple[str, str], Agency]) -> None:
    agency = plan["next_url_api", "drip"]
    token = new_token(broken.url)
    with socket.create_connection(("127.0.0.1", broken.ports.http), timeout=5) as connection:
        path = f"/as-of/{LAST}/portal/{agency.code}/cases"
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        received = b""
        while not received.partition(b"\r\n\r\n")[2]:
            received += connection.recv(4096)
    head, _, body = received.partition(b"\r\n\r\n")
    assert body == b"{"
    assert b"Content-Length: " in head, "the whole answer is promised"


@pytest.mark.parametrize(
    ("profile", "kind"), [("next_url_api", "truncated_json"), ("georeport_json", "truncated_json")]
)
def test_json_can_end_in_the_middle(
    broken: Served, plan: dict[tuple[str, str], Agency], profile: str, kind: str
) -> None:
    with pytest.raises(json.JSONDecodeError):
        json.loads(request(broken, plan[profile, kind]).body)


def test_xml_can_end_in_the_middle(broken: Served, plan: dict[tuple[str, str], Agency]) -> None:
    with pytest.raises(ElementTree.ParseError):
        ElementTree.fromstring(request(broken, plan["georeport_xml", "truncated_xml"]).body)  # noqa: S314


def test_a_page_can_be_one_of_html(broken: Served, plan: dict[tuple[str, str], Agency]) -> None:
    reply = request(broken, plan["graph_api", "garbage_html"])
    assert reply.status == 200
    assert b"<title>" in reply.body


@pytest.mark.parametrize(
    ("profile", "old"),
    [
        ("lapor_v3", b'"nomor_laporan"'),
        ("georeport_json", b'"service_request_id"'),
        ("georeport_xml", b"<service_request_id>"),
    ],
)
def test_a_field_can_get_another_name(
    broken: Served, plan: dict[tuple[str, str], Agency], profile: str, old: bytes
) -> None:
    agency = plan[profile, "renamed_field"]
    window: dict[str, str | int] = {"start_date": "2021-01-01T00:00:00Z"} if profile.startswith("georeport") else {}
    before, after = (request(broken, agency, night, **window).body for night in NIGHTS)
    assert old in before
    assert old not in after
    assert b"nomor_baru" in after


@pytest.mark.parametrize(
    ("profile", "total"),
    [
        ("lapor_v3", lambda reply: reply.content["meta"]["total"]),
        ("offset_api", lambda reply: int(reply.headers["X-Total-Count"])),
        ("graph_api", lambda reply: reply.content["data"]["reports"]["totalCount"]),
    ],
)
def test_a_stated_total_can_be_wrong(
    broken: Served, variety: World, plan: dict[tuple[str, str], Agency], profile: str, total: Any
) -> None:
    agency = plan[profile, "wrong_total"]
    has = [len(variety.listing(variety.position(agency.code), night)) for night in NIGHTS]
    assert [total(request(broken, agency, night)) for night in NIGHTS] == [has[0], has[1] + 7]


def test_pages_can_lead_in_a_circle(broken: Served, plan: dict[tuple[str, str], Agency]) -> None:
    kanal = plan["kanal_daerah", "circular_paging"]
    first = request(broken, kanal).content["result"]
    again = request(broken, kanal, cursor=first["next_cursor"]).content["result"]
    assert again == first
    link = request(broken, plan["link_api", "circular_paging"])
    following = link.headers["Link"].split("<")[-1].split(">")[0]
    assert ask(following, headers=bearer(SECRETS["simulator_link"])).body == link.body
    portal = request(broken, plan["next_url_api", "circular_paging"]).content
    assert ask(portal["next_url"], headers=bearer(new_token(broken.url))).content["cases"] == portal["cases"]
    graph = request(broken, plan["graph_api", "circular_paging"]).content["data"]["reports"]
    assert graph["pageInfo"]["hasNextPage"]


def test_a_page_can_be_empty_where_there_are_records(broken: Served, plan: dict[tuple[str, str], Agency]) -> None:
    result = request(broken, plan["kanal_daerah", "empty_page"]).content["result"]
    assert result["items"] == []
    assert result["count"] > 0
    assert request(broken, plan["georeport_json", "empty_page"]).content == []


def test_files_in_the_folder_can_be_broken(folder: Path, broken: Served, plan: dict[tuple[str, str], Agency]) -> None:
    def file(profile: str, kind: str) -> Path:
        return complaints_path(folder / "drops", LAST, plan[profile, kind])

    assert b"JUMLAH" not in file("csv_drop", "half_file").read_bytes()
    assert file("csv_drop", "renamed_field").read_bytes().lstrip(b"\xef\xbb\xbf").startswith(b"Nomor Registrasi;")
    assert file("csv_drop", "garbage_html").read_bytes().startswith(b"<!DOCTYPE html>")
    assert file("xlsx_drop", "html_named_xlsx").read_bytes().startswith(b"<!DOCTYPE html>")
    for profile in ("xlsx_drop", "ods_drop"):
        with pytest.raises(CalamineError):
            CalamineWorkbook.from_path(str(file(profile, "half_file")))
    sheet = CalamineWorkbook.from_path(str(file("ods_drop", "renamed_field"))).get_sheet_by_name("Laporan").to_python()
    assert sheet[0][0] == "Nomor Registrasi"
    assert not file("ods_drop", "missing_file").exists()
    assert complaints_path(folder / "drops", FIRST, plan["ods_drop", "missing_file"]).exists()


def test_files_over_http_can_be_broken(broken: Served, plan: dict[tuple[str, str], Agency]) -> None:
    def fetch(kind: str) -> Reply:
        return ask(f"{broken.url}/files/{LAST}/{plan['http_file', kind].code}/laporan.csv")

    assert b"JUMLAH" not in fetch("half_file").body
    assert fetch("error_500").status == 500
    assert fetch("garbage_html").body.startswith(b"<!DOCTYPE html>")


def test_sftp_can_refuse_hang_or_miss_a_file(broken: Served, plan: dict[tuple[str, str], Agency]) -> None:
    async def listed(client: asyncssh.SFTPClient, kind: str, night: object = LAST) -> list[str]:
        return [str(name) for name in await client.listdir(f"/{night}/{plan['sftp', kind].code}") if name[0] != "."]

    async def look(client: asyncssh.SFTPClient) -> None:
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await listed(client, "sftp_refuses")
        assert len(await listed(client, "sftp_refuses", FIRST)) == 1
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await listed(client, "missing_file")
        assert len(await listed(client, "hang", FIRST)) == 1

    async def hang() -> None:
        connection = await connect(broken, password=SECRETS["simulator_sftp"])
        waiting = asyncio.create_task(listed(await connection.start_sftp_client(), "hang"))
        assert await asyncio.wait({waiting}, timeout=0.3) == (set(), {waiting})
        # A hanging server does not agree to end politely either.
        connection.abort()
        await asyncio.wait({waiting}, timeout=5)
        assert waiting.done()
        assert waiting.exception() is not None

    over_sftp(broken, look, password=SECRETS["simulator_sftp"])
    asyncio.run(hang())


def test_s3_can_refuse_or_hold_a_page_of_html(broken: Served, plan: dict[tuple[str, str], Agency]) -> None:
    client = s3(broken)

    def fetch(kind: str, night: object = LAST) -> bytes:
        return bytes(
            client.get_object(Bucket=BUCKET, Key=f"{night}/{plan['s3', kind].code}/laporan.xlsx")["Body"].read()
        )

    assert fetch("html_named_xlsx").startswith(b"<!DOCTYPE html>")
    assert fetch("error_500", FIRST).startswith(b"PK")
    with pytest.raises(ClientError, match="InternalError"):
        fetch("error_500")
    with pytest.raises(ClientError, match="AccessDenied"):
        fetch("unauthorized")


def test_every_dialect_and_way_can_break_and_not_in_a_way_it_does_not_know(nation: World) -> None:
    kinds = {(agency.profile, agency.way): possible_faults(agency) for agency in nation.agencies}
    assert {profile for profile, _ in kinds} == COMPLAINT_PROFILES
    assert min(len(possible) for possible in kinds.values()) >= 2
    assert "hang" in kinds["sql_postgres", Way.POSTGRES] - kinds["sql_sqlite", Way.SQLITE]
    assert "truncated_xml" in kinds["georeport_xml", Way.API] - kinds["georeport_json", Way.API]
    assert "wrong_total" not in kinds["link_api", Way.API], "it states none"
    assert "sftp_refuses" in kinds["csv_drop", Way.SFTP] - kinds["csv_drop", Way.FOLDER]
    lite = next(agency.code for agency in nation.agencies if agency.way is Way.SQLITE)
    with pytest.raises(FaultPlanInvalid, match="speaks sql_sqlite by sqlite: it can only break by missing_table"):
        FaultPlan.of({lite: ("hang", [LAST])}).check(nation)
