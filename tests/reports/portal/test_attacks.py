"""What an attacker would try, against the real portal, database and provider: each is refused or does nothing."""

import base64
import csv
import io
import json
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID, uuid4

import httpx
import itsdangerous
import pytest
from fastapi.routing import APIRoute
from markupsafe import escape

from reports.portal import api, pages, sign_in
from tests.dbt_project.raw_world import BATAM, KARIMUN, PUPR
from tests.reports.portal.conftest import (
    HOSTILE,
    NIGHT,
    RECEIVED,
    Nation,
    Provider,
    SignIn,
    come_back,
    csrf_of,
    issue,
    settings_of,
)

Machine = Callable[..., httpx.Client]

SQL = (
    "'",
    "' or '1'='1",
    "' or 1=1 --",
    "'; drop table library.issues; --",
    "'; reset role; --",
    "'; set role postgres; select pg_sleep(5); --",
    f"{BATAM}' union select reporter_key from raw.complaints --",
    '"; select 1; --',
    "%' or %(body)s",
    "%s",
    "{0.__class__}",
    "$$; select 1; $$",
    "\\'; select 1; --",
    "1); select set_config('app.agency_code', 'KAB-21.02', true); --",
    "\x00",
    "\ud7ff\U0010ffff",
    "NaN",
    "-1",
    "9" * 30,
)
USUAL = {
    "issue_id": str(uuid4()),
    "name": "laporan.pdf",
    "mart": "rpt_agency_performance_monthly",
    "code": KARIMUN,
    "style": "Bold",
}


def requests_with(text: str) -> Iterator[str]:
    """The address of every route that reads, with the text in one of its parameters and usual values in the others."""
    sent = quote(text, safe="")
    for router in (sign_in.router, api.router, pages.router):
        for route in router.routes:
            assert isinstance(route, APIRoute)
            if "GET" not in route.methods:
                continue
            for parameter in route.dependant.path_params:
                yield route.path.format(**{**USUAL, parameter.alias: sent})
            for parameter in route.dependant.query_params:
                yield f"{route.path.format(**USUAL)}?{parameter.alias}={sent}"
    for name in ("state", "code", "error"):
        yield f"{sign_in.RETURN}?{name}={sent}"
    yield f"/kamus?bahasa={sent}"


@pytest.mark.parametrize("text", SQL, ids=range(len(SQL)))
def test_sql_in_any_parameter_is_a_text_like_any_other(browser: SignIn, nation: Nation, text: str) -> None:
    agency, analyst = browser("batam"), browser("panrb")
    before = nation.rows("select count(*), (select count(*) from marts.fct_complaints) from library.issues")
    asked = list(requests_with(text))
    assert len(asked) >= 40
    answers = {address: agency.get(address) for address in asked}
    statuses = [(address, client.get(address).status_code) for client in (agency, analyst) for address in asked]
    assert [(address, status) for address, status in statuses if status >= 500] == []
    told = {address for address, answer in answers.items() if f'"{KARIMUN}"' in answer.text or PUPR in answer.text}
    assert told == set()
    assert nation.rows("select count(*), (select count(*) from marts.fct_complaints) from library.issues") == before


def test_markup_in_an_agency_s_name_and_category_is_text_on_every_page(browser: SignIn, machine: Machine) -> None:
    shown = set()
    for who in ("panrb", "ombudsman", "ksp"):
        client = browser(who)
        for path in (
            "/",
            "/provinsi",
            "/instansi",
            f"/instansi/{PUPR}",
            "/isu",
            "/indikasi",
            "/kepuasan",
            "/kelengkapan",
        ):
            page = client.get(path).text
            assert "<script" not in page, path
            shown |= {path} if str(escape(HOSTILE)) in page else set()
    assert {"/instansi", f"/instansi/{PUPR}"} <= shown
    table = machine("panrb").get("/marts/rpt_agency_performance_monthly", params={"format": "csv"}).text
    names = {row["agency_name"] for row in csv.DictReader(io.StringIO(table.removeprefix("\ufeff")))}
    assert f"'{HOSTILE}" in names  # an apostrophe before what a spreadsheet would compute
    assert HOSTILE not in names


def test_what_a_complaint_says_is_nowhere(browser: SignIn, machine: Machine, nation: Nation) -> None:
    told = nation.value("select count(*) from restricted.complaint_texts where body = %s", (f"isi {HOSTILE}",))
    assert told == sum(RECEIVED[PUPR])
    for who in ("panrb", "ombudsman", "ksp"):
        pull = machine(who)
        answers = [browser(who).get(f"/instansi/{PUPR}").text] + [
            pull.get(f"/marts/{mart['name']}", params={"limit": 10_000}).text
            for mart in pull.get("/marts").json()["marts"]
        ]
        assert [text for text in answers if "judul =1" in text or "isi =1" in text] == []


def test_sql_in_a_token_is_a_text_like_any_other(machine: Machine) -> None:
    for agency in ("KOTA-21.71' or true --", "KAB-21.02'; set role postgres; --"):
        assert machine("batam", lapor_agency=agency).get("/marts").status_code == 403
    for subject in SQL[:8]:
        rows = machine("batam", sub=subject).get("/marts/rpt_agency_performance_monthly").json()["rows"]
        assert {row["agency_code"] for row in rows} == {BATAM}


def test_what_a_request_set_ends_with_it(machine: Machine, nation: Nation) -> None:
    """Two readers on one connection, one after the other: the second is never taken for the first."""
    agency, analyst = machine("karimun"), machine("panrb")
    with settings_of(connections="1"):
        for _ in range(3):
            own = agency.get("/marts/rpt_agency_performance_monthly").json()["rows"]
            assert {row["agency_code"] for row in own} == {KARIMUN}
            everyone = analyst.get("/marts/rpt_agency_performance_monthly").json()["rows"]
            assert {row["agency_code"] for row in everyone} == {BATAM, KARIMUN, PUPR}


# Body and agency of an issue -> who may have it.
DUE = {
    ("panrb", ""): {"panrb"},
    ("ksp", ""): {"ksp"},
    ("ombudsman", ""): {"ombudsman"},
    ("agency", BATAM): {"batam", "panrb", "ombudsman"},
    ("agency", KARIMUN): {"karimun", "panrb", "ombudsman"},
    ("ksp", "preview"): set(),
}


@pytest.mark.parametrize("who", ["panrb", "ksp", "ombudsman", "batam", "karimun"])
def test_the_id_of_another_s_issue_opens_nothing(machine: Machine, nation: Nation, who: str) -> None:
    client = machine(who)
    assert set(DUE) == set(nation.issues)
    for key, issue_id in nation.issues.items():
        expected = 200 if who in DUE[key] else 404
        paths = (
            f"/reports/{issue_id}",
            f"/reports/{issue_id}/files/laporan.pdf",
            f"/reports/{issue_id}/files/ringkasan.csv",
        )
        assert [(key, client.get(path).status_code) for path in paths] == [(key, expected)] * 3


def test_what_is_another_s_and_what_is_not_there_look_the_same(machine: Machine, nation: Nation) -> None:
    client = machine("batam")
    for path in ("/reports/{}", "/reports/{}/files/laporan.pdf"):
        others, nobodys = (client.get(path.format(one)) for one in (nation.issues["ksp", ""], uuid4()))
        assert (others.status_code, others.text) == (nobodys.status_code, nobodys.text)
    forbidden, missing = (client.get(f"/marts/{name}") for name in ("rpt_national_performance_monthly", "rpt_nothing"))
    assert (forbidden.status_code, forbidden.text) == (missing.status_code, missing.text)


@pytest.mark.parametrize("page", ["/instansi", f"/instansi/{KARIMUN}", "/provinsi", "/isu", "/indikasi", "/kepuasan"])
def test_pages_of_others_are_refused_to_an_agency(browser: SignIn, page: str) -> None:
    answer = browser("batam").get(page)
    assert answer.status_code in {403, 404}
    assert "Karimun" not in answer.text


def changing_routes() -> list[tuple[str, str]]:
    """Method and path of every route that may change something."""
    found = [
        (method, route.path)
        for router in (sign_in.router, api.router, pages.router)
        for route in router.routes
        for method in getattr(route, "methods", None) or ()
        if method not in sign_in.SAFE_METHODS
    ]
    assert found
    return found


@pytest.mark.parametrize(("method", "path"), changing_routes())
def test_another_site_can_change_nothing(browser: SignIn, method: str, path: str) -> None:
    client, other = browser("ksp"), browser("panrb")
    stolen = csrf_of(other)
    tries: list[dict[str, Any]] = [
        {},
        {"data": {"csrf_token": ""}},
        {"data": {"csrf_token": stolen}},
        {"headers": {"X-CSRF-Token": stolen}},
        {"headers": {"X-CSRF-Token": "é".encode("latin-1")}},
        {"json": {"csrf_token": csrf_of(client)}},
        {"params": {"csrf_token": csrf_of(client)}},
        {"files": {"csrf_token": ("a", b"b")}},
        {"headers": {"Authorization": "Bearer x"}},
    ]
    assert [client.request(method, path, **one).status_code for one in tries] == [403] * len(tries)
    assert client.get("/api/v1/marts").status_code == 200


def test_reading_changes_nothing_whatever_the_method_pretends(browser: SignIn) -> None:
    client = browser("ksp")
    for answer in (
        client.get("/keluar"),
        client.get("/keluar", params={"csrf_token": csrf_of(client), "_method": "post"}),
        client.get("/keluar", headers={"X-HTTP-Method-Override": "POST"}),
    ):
        assert answer.status_code == 405
    assert client.get("/api/v1/marts").status_code == 200


@pytest.mark.parametrize(
    "name",
    ["..%2f..%2f..%2fetc%2fpasswd", "%2e%2e%2flaporan.pdf", "..", "%2e%2e", "laporan.pdf%00.csv", "..%5claporan.pdf", "%2fetc%2fpasswd",
     "....//laporan.pdf", "laporan.pdf/../../v1/laporan.pdf", "C:%5cwindows", "~", ".", "manifest.json%0a"],
)  # fmt: skip
def test_a_file_s_name_is_never_a_way_out_of_the_library(
    portal: str, provider: Provider, nation: Nation, name: str
) -> None:
    """Sent as it stands: a client library would tidy the path up first."""
    path = f"/api/v1/reports/{nation.issues['ksp', '']}/files/{name}"
    answer = raw(portal, f"GET {path} HTTP/1.1", f"Authorization: Bearer {provider.token('ksp')}")
    assert answer.split(b" ", 2)[1] in {b"404", b"422", b"400"}
    assert b"root:" not in answer


@pytest.mark.parametrize(
    "path", ["/static/..%2fapp.py", "/static/../app.py", "/static/%2e%2e/%2e%2e/settings.py", "/static//etc/passwd"]
)
def test_the_static_files_are_the_static_files(portal: str, path: str) -> None:
    answer = raw(portal, f"GET {path} HTTP/1.1")
    assert answer.split(b" ", 2)[1] in {b"404", b"303"}
    assert b"import" not in answer


def test_a_folder_or_a_link_that_leads_out_of_the_library_is_not_followed(machine: Machine, nation: Nation) -> None:
    outside = nation.library.parent / "outside"
    outside.mkdir()
    (outside / "laporan.pdf").write_bytes(b"%PDF-1.7 ksp ")  # as issued, so that nothing but its place is wrong
    (nation.library / "link").symlink_to(outside)
    for folder in ("../outside", "link", str(outside), "ksp/../../outside"):
        issue_id = stray(nation, folder)
        refused = machine("ksp").get(f"/reports/{issue_id}/files/laporan.pdf")
        assert refused.status_code == 503
        assert b"PDF" not in refused.content
        nation.rows("delete from library.files where issue_id = %s", (str(issue_id),))
        nation.rows("delete from library.issues where issue_id = %s", (str(issue_id),))


def stray(nation: Nation, folder: str) -> UUID:
    """An issue whose folder somebody has set to another place."""
    issue_id = issue(nation, "ksp", "", period=f"stray-{uuid4()}")
    nation.rows("update library.issues set folder = %s where issue_id = %s", (folder, str(issue_id)))
    return issue_id


@pytest.mark.parametrize(
    "text", ["%0d%0aSet-Cookie:%20lapor=x", "%0aX-Injected:%201", "%E5%98%8A%E5%98%8DX-Injected:1", "%00"]
)
def test_a_line_break_in_a_parameter_starts_no_header(portal: str, provider: Provider, text: str) -> None:
    token = f"Authorization: Bearer {provider.token('panrb')}"
    for path in (
        f"/kamus?bahasa={text}",
        f"/{text}",
        f"/masuk/mulai?next=/{text}",
        f"/api/v1/marts/{text}",
        f"/api/v1/marts?x={text}",
    ):
        head = raw(portal, f"GET {path} HTTP/1.1", token).partition(b"\r\n\r\n")[0].lower()
        assert b"\r\nx-injected" not in head
        assert b"set-cookie: lapor=x" not in head


@pytest.mark.parametrize(
    "host", ["jahat.example", "127.0.0.1.jahat.example", "127.0.0.1@jahat.example", "", "localhost"]
)
def test_another_host_s_name_is_refused(portal: str, host: str) -> None:
    answer = raw(portal, "GET /masuk/mulai HTTP/1.1", host=host)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"jahat" not in answer


def test_headers_of_a_proxy_do_not_change_where_the_provider_sends_people(portal: str) -> None:
    forged = {"X-Forwarded-Host": "jahat.example", "Forwarded": "host=jahat.example", "X-Forwarded-Proto": "https"}
    sent = httpx.get(f"{portal}/masuk/mulai", headers=forged).headers["location"]
    assert "jahat" not in sent
    assert f"redirect_uri={quote(portal, safe='')}" in sent


@pytest.mark.parametrize(
    "target", ["https://jahat.example/", "//jahat.example", "/%5Cjahat.example", "/%09/jahat.example"]
)
def test_signing_in_leads_to_no_other_site(browser: SignIn, portal: str, target: str) -> None:
    sent = come_back(browser(""), "ksp", f"{sign_in.BEGIN}?next={target}").headers["location"]
    assert sent == "/"
    landing = httpx.get(f"{portal}/masuk?next={target}")
    assert [link for link in _links(landing.text) if urlsplit(link).netloc] == []


def _links(html: str) -> list[str]:
    return re.findall(r'(?:href|action|src)="([^"]*)"', html)


def test_a_body_too_large_is_refused_before_it_is_read(portal: str, browser: SignIn) -> None:
    client = browser("ksp")
    assert client.post("/keluar", content=b"x" * 70_000).status_code == 413
    assert client.post("/keluar", content=(b"x" * 10_000 for _ in range(10))).status_code == 413
    assert client.post("/api/v1/marts", content=b"x" * 70_000).status_code == 413
    stated = raw(portal, "POST /keluar HTTP/1.1", "Content-Length: 99999999999")
    assert stated.startswith(b"HTTP/1.1 413")
    assert client.get("/api/v1/marts").status_code == 200


def test_headers_too_large_are_refused(portal: str) -> None:
    answer = raw(portal, "GET /masuk HTTP/1.1", f"Cookie: lapor={'x' * 200_000}")
    assert answer[:12] in {b"HTTP/1.1 400", b"HTTP/1.1 431", b""}
    assert httpx.get(f"{portal}/masuk").status_code == 200


@pytest.mark.parametrize("cookie", ["", "x", "bnVsbA==.x.y", "e30=.aaaaaa.bbbb", "null", "%00", "a" * 5000])
def test_a_cookie_nobody_signed_is_no_session(portal: str, cookie: str) -> None:
    assert httpx.get(f"{portal}/api/v1/marts", headers={"Cookie": f"lapor={cookie}"}).status_code == 401


def test_a_cookie_signed_by_another_key_is_no_session(browser: SignIn) -> None:
    client = browser("batam")
    value, _, _ = client.cookies["lapor"].rsplit(".", 2)
    session = json.loads(base64.b64decode(value))
    session["reader"] = ["ombudsman_reader", None, "x"]
    forged = base64.b64encode(json.dumps(session).encode())
    for key in ("", "secret", "a key of the tests, long enough for them"):
        cookie = itsdangerous.TimestampSigner(key or " ").sign(forged).decode()
        assert httpx.get(f"{client.base_url}/api/v1/marts", headers={"Cookie": f"lapor={cookie}"}).status_code == 401
    changed = f"{forged.decode()}.{'.'.join(client.cookies['lapor'].rsplit('.', 2)[1:])}"
    assert httpx.get(f"{client.base_url}/api/v1/marts", headers={"Cookie": f"lapor={changed}"}).status_code == 401


def test_nobody_gets_no_figure(portal: str, nation: Nation) -> None:
    paths = ["/", "/provinsi", "/instansi", f"/instansi/{BATAM}", "/instansi-saya", "/isu", "/indikasi", "/kepuasan", "/kelengkapan",
             "/laporan", "/kamus", "/api", "/api/v1/reports", "/api/v1/marts", "/api/v1/metrics",
             f"/api/v1/reports/{nation.issues['ksp', '']}/files/laporan.pdf"]  # fmt: skip
    answers = {path: httpx.get(f"{portal}{path}") for path in paths}
    assert {path: answer.status_code for path, answer in answers.items() if answer.status_code not in {303, 401}} == {}
    assert {path for path, answer in answers.items() if str(NIGHT) in answer.text or "Batam" in answer.text} == set()


def raw(portal: str, line: str, *headers: str, host: str | None = None) -> bytes:
    """Send a request exactly so and read the answer until the server closes."""
    place = urlsplit(portal)
    assert place.hostname
    with socket.create_connection((place.hostname, place.port or 80), timeout=10) as connection:
        text = "\r\n".join(
            [line, f"Host: {place.netloc if host is None else host}", "Connection: close", *headers, "", ""]
        )
        connection.sendall(text.encode("latin-1"))
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
        except ConnectionResetError:
            pass
        return answer
