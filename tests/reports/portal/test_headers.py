"""What every answer says to the browser, what the log says of it, and what neither ever says."""

import json
import logging
import logging.handlers
import queue
from collections.abc import Callable, Iterator

import httpx
import pytest
from fastapi.testclient import TestClient

from reports.portal.app import create_app
from reports.portal.headers import HEADERS, POLICY
from reports.portal.log import LOGGER
from tests.dbt_project.raw_world import KARIMUN
from tests.reports.portal.conftest import SignIn, settings_of


def every_kind_of_answer(portal: str) -> dict[str, httpx.Response]:
    """One answer of each kind that the portal gives nobody."""
    return {
        "health": httpx.get(f"{portal}/sehat"),
        "sent to sign in": httpx.get(f"{portal}/kamus"),
        "sign-in page": httpx.get(f"{portal}/masuk"),
        "stylesheet": httpx.get(f"{portal}/static/portal.css"),
        "description": httpx.get(f"{portal}/api/v1/openapi.json"),
        "no token": httpx.get(f"{portal}/api/v1/marts"),
        "bad token": httpx.get(f"{portal}/api/v1/marts", headers={"Authorization": "Bearer x"}),
        "not found": httpx.get(f"{portal}/nowhere"),
        "not found in the API": httpx.get(f"{portal}/api/v1/nowhere"),
        "other method": httpx.delete(f"{portal}/masuk"),
        "no form token": httpx.post(f"{portal}/keluar"),
        "too large": httpx.post(f"{portal}/keluar", content=b"x" * 100_000),
        "another host": httpx.get(f"{portal}/masuk", headers={"Host": "jahat.example"}),
    }


def test_every_answer_carries_the_secure_headers(portal: str) -> None:
    answers = every_kind_of_answer(portal)
    assert {name: answer.status_code for name, answer in answers.items()} == {
        "health": 200,
        "sent to sign in": 303,
        "sign-in page": 200,
        "stylesheet": 200,
        "description": 200,
        "no token": 401,
        "bad token": 401,
        "not found": 404,
        "not found in the API": 404,
        "other method": 405,
        "no form token": 403,
        "too large": 413,
        "another host": 400,
    }
    lacking = [
        (name, header)
        for name, answer in answers.items()
        for header, value in HEADERS.items()
        if answer.headers.get(header) != value
    ]
    assert lacking == []
    public = {name for name, answer in answers.items() if "private" not in answer.headers["cache-control"]}
    assert public <= {"stylesheet"}
    assert {answer.headers.get("server") for answer in answers.values()} == {None}


def test_the_policy_lets_nothing_in_from_elsewhere_and_no_script_of_the_page_itself() -> None:
    assert POLICY == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
        " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )


def test_pages_of_readers_are_kept_by_nobody_else(browser: SignIn) -> None:
    answer = browser("batam").get("/instansi-saya")
    assert answer.status_code == 200
    assert "private" in answer.headers["cache-control"]
    assert "Cookie" in answer.headers["vary"]


def test_no_other_origin_is_let_in(browser: SignIn) -> None:
    client = browser("ksp")
    answers = [
        client.get("/api/v1/marts", headers={"Origin": "https://jahat.example"}),
        client.options(
            "/api/v1/marts", headers={"Origin": "https://jahat.example", "Access-Control-Request-Method": "GET"}
        ),
    ]
    assert [name for answer in answers for name in answer.headers if name.startswith("access-control")] == []


def test_the_cookie_of_a_session_is_kept_from_scripts_and_other_sites(portal: str) -> None:
    flags = httpx.get(f"{portal}/masuk/mulai").headers["set-cookie"].lower()
    assert flags.startswith("lapor=")
    assert {"httponly", "samesite=lax", "path=/"} <= set(flags.split("; "))
    assert "domain" not in flags


def test_over_tls_browsers_keep_to_it(portal: str) -> None:
    with settings_of(url="https://lapor.example"):
        client = TestClient(create_app(), base_url="https://lapor.example", follow_redirects=False)
        answer = client.get("/masuk/mulai")
        assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
        assert answer.headers["set-cookie"].startswith("__Host-lapor=")
        assert "secure" in answer.headers["set-cookie"]
        assert "redirect_uri=https%3A%2F%2Flapor.example%2Fmasuk%2Fkembali" in answer.headers["location"]
    assert "strict-transport-security" not in httpx.get(f"{portal}/sehat").headers


Lines = Callable[[int], list[dict[str, object]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """lines(2): the next two lines of the request log, which come when an answer is out.

    Not those of the asking whether the portal has started, the last of which may come late.
    """
    written: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    handler = logging.handlers.QueueHandler(written)
    handler.addFilter(lambda record: '"route": "/sehat"' not in record.getMessage())
    before = LOGGER.level
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    yield lambda count: [json.loads(written.get(timeout=30).getMessage()) for _ in range(count)]
    LOGGER.setLevel(before)
    LOGGER.removeHandler(handler)


def test_a_request_is_logged_by_template_without_who_and_what(browser: SignIn, lines: Lines) -> None:
    client = browser("panrb")
    lines(2)  # to the provider and back
    client.get(f"/instansi/{KARIMUN}?jendela=rahasia")
    client.get(f"/api/v1/marts/rpt_agency_comparison?agency_code={KARIMUN}&limit=1")
    client.get("/tidak/ada")
    httpx.get(f"{client.base_url}/api/v1/marts", headers={"Authorization": "Bearer rahasia"})
    logged = lines(4)
    assert {frozenset(line) for line in logged} <= {
        frozenset({"at", "method", "route", "status", "ms", "role"}),
        frozenset({"at", "method", "route", "status", "ms", "role", "reason"}),
    }
    assert [(line["method"], line["route"], line["status"], line["role"]) for line in logged] == [
        ("GET", "/instansi/{code}", 200, "panrb_analyst"),
        ("GET", "/api/v1/marts/{mart}", 200, "panrb_analyst"),
        ("GET", "-", 404, "nobody"),
        ("GET", "/api/v1/marts", 401, "nobody"),
    ]
    text = json.dumps(logged)
    for kept in ("rahasia", KARIMUN, "127.0.0.1", "panrb\\n", client.cookies["lapor"][:20]):
        assert kept not in text


def test_a_failure_nobody_foresaw_tells_the_reader_nothing_and_the_log_where(portal: str, lines: Lines) -> None:
    app = create_app()

    @app.get("/rusak")
    @app.get("/api/v1/rusak")
    def broken() -> None:
        raise RuntimeError("NIK 3171234567890123")

    client = TestClient(app, base_url=portal, raise_server_exceptions=False)
    for path in ("/rusak", "/api/v1/rusak"):
        answer = client.get(path)
        assert answer.status_code == 500
        assert answer.headers["content-security-policy"] == POLICY
        assert "3171234567890123" not in answer.text
        line = lines(1)[0]
        assert (line["status"], line["error"]) == (500, "RuntimeError")
        assert "test_headers.py" in str(line["where"])
        assert "3171234567890123" not in json.dumps(line)


@pytest.mark.parametrize(
    "path", ["/kamus", "/static/portal.css", "/api/v1/marts", "/laporan?halaman=x", "/nowhere", "/sehat"]
)
def test_head_is_answered_as_get_is_without_the_body(path: str, browser: SignIn) -> None:
    client = browser("panrb")
    whole, head = client.get(path), client.head(path)
    assert whole.content
    assert (head.status_code, head.content) == (whole.status_code, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    assert {name: head.headers.get(name) for name in ("content-type", "etag")} == {
        name: whole.headers.get(name) for name in ("content-type", "etag")
    }


def test_head_is_logged_as_head(browser: SignIn, lines: Lines) -> None:
    client = browser("ksp")
    lines(2)  # to the provider and back
    client.head("/kamus")
    (line,) = lines(1)
    assert (line["method"], line["route"], line["status"]) == ("HEAD", "/kamus", 200)
