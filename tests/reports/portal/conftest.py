"""A built nation of three agencies, an identity provider and the portal between them: real servers on free ports.

The nation has a database of its own on the session's server, so that no other test takes its marts away.
"""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import flask
import httpx
import oidc_provider_mock
import psycopg2
import pytest
import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from psycopg2.extensions import make_dsn
from werkzeug.serving import make_server

from reports.portal import database, keys, limits, sign_in, tokens
from reports.portal.app import create_app
from reports.portal.pages import frame
from reports.portal.settings import portal_settings
from tests.dbt_project.dbt_runs import run_dbt
from tests.dbt_project.raw_world import BATAM, KARIMUN, PUPR, RawWorld
from warehouse.connection import dbt_environment
from warehouse.server import socket_dsn

REPOSITORY = Path(__file__).resolve().parent.parent.parent.parent
NIGHT = date(2021, 6, 30)
DATABASE = "portal_tests"
AUDIENCE, CLIENT = "lapor-api", "lapor-portal"
CLAIMS: dict[str, dict[str, Any]] = {
    "ombudsman": {"lapor_role": "ombudsman"},
    "ksp": {"lapor_role": "ksp"},
    "panrb": {"lapor_role": "panrb"},
    "batam": {"lapor_role": "instansi", "lapor_agency": BATAM},
    "karimun": {"lapor_role": "instansi", "lapor_agency": KARIMUN},
    "tamu": {"email": "tamu@example.go.id"},
}
# Received per month of 2021: Karimun always few, Batam never.
RECEIVED = {BATAM: (9, 8, 12, 10, 7, 25), KARIMUN: (3, 0, 2, 6, 4, 1), PUPR: (6, 0, 5, 11, 5, 8)}
# What an agency calls itself and its category, and what a complaint to it says: HTML, Typst, SQL, and a formula.
HOSTILE = """=1+1 <script>alert(1)</script> #eval("1+1") $x$ \\u{41} '; drop table library.issues; --"""


@dataclass
class Nation:
    """dsn: of the owner. issues: body, agency code or "" -> the issue's id in the library."""

    dsn: str
    library: Path
    issues: dict[tuple[str, str], UUID] = field(default_factory=dict)

    def rows(self, query: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """What the owner sees."""
        with closing(psycopg2.connect(self.dsn)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    def value(self, query: str, parameters: tuple[Any, ...] = ()) -> Any:
        """The single value of a query."""
        return self.rows(query, parameters)[0][0]


@pytest.fixture(scope="session")
def nation(server: Path, tmp_path_factory: pytest.TempPathFactory) -> Nation:
    """The night of 30 June 2021 as built by dbt, and one issue per body in the library."""
    with closing(psycopg2.connect(socket_dsn(server))) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"create database {DATABASE}")
    dsn = socket_dsn(server, DATABASE)
    _run([sys.executable, "-m", "warehouse", "init"], {**os.environ, "WAREHOUSE_DSN": dsn})
    with closing(psycopg2.connect(dsn)) as connection:
        deliver(RawWorld(connection))
    no_tests = ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")
    done = run_dbt("build", *no_tests, target=tmp_path_factory.mktemp("portal_dbt"), environment=dbt_environment(dsn))
    assert done.returncode == 0, done.stdout[-6000:]
    built = Nation(dsn, server / "reports")
    with closing(psycopg2.connect(dsn)) as connection:
        RawWorld(connection).publish()
    built.rows("update ops.nights set published_at = now()")
    for body, agency in (("panrb", ""), ("ksp", ""), ("ombudsman", ""), ("agency", BATAM), ("agency", KARIMUN)):
        built.issues[body, agency] = issue(built, body, agency)
    built.issues["ksp", "preview"] = issue(built, "ksp", "", is_preview=True, period="2021-Q1")
    return built


def deliver(world: RawWorld) -> None:
    """Complaints as RECEIVED says, each answered on its day; HOSTILE is whatever PUPR may write itself."""
    world.open(NIGHT)
    world.run("update raw.agencies set name = %s where agency_code = %s", (HOSTILE, PUPR))
    words = {"category_main": HOSTILE, "category_label": HOSTILE}
    for agency, months in RECEIVED.items():
        world.delivery(NIGHT, agency)
        for month, count in enumerate(months, start=1):
            for number in range(count):
                day = f"2021-{month:02d}-{5 + number % 20:02d}"
                world.complaint(
                    NIGHT,
                    agency,
                    f"{agency}/{month}/{number}",
                    [("MASUK", f"{day} 08:00"), ("DISPOSISI", f"{day} 10:00"), ("TINDAK_LANJUT", f"{day} 15:00")],
                    is_secret=number == 0 and agency == BATAM,
                    **(words if agency == PUPR else {"category_main": "KESEHATAN"}),
                )
    world.run(
        "insert into restricted.complaint_texts"
        " select delivery_id, night, agency_code, source_system, tracking_id, %s, %s from raw.complaints"
        " where agency_code = %s",
        (f"judul {HOSTILE}", f"isi {HOSTILE}", PUPR),
    )


def issue(nation: Nation, body: str, agency: str, *, is_preview: bool = False, period: str = "2021-Q2") -> UUID:
    """An issue with a page and a table, as the library keeps them."""
    issue_id = uuid4()
    folder = Path(body, period, agency, "v1")
    files = {
        "laporan.pdf": ("application/pdf", f"%PDF-1.7 {body} {agency}".encode()),
        "ringkasan.csv": ("text/csv; charset=utf-8", b"angka\r\n1\r\n"),
    }
    (nation.library / folder).mkdir(parents=True)
    nation.rows(
        "insert into library.issues (issue_id, body, period, agency_code, version, title, night, cut_off_at, is_preview, is_simulated,"
        " coverage_delivered, coverage_expected, code_version, manifest_sha256, folder)"
        " values (%s, %s, %s, nullif(%s, ''), 1, 'Laporan', %s, '2021-07-01 00:00+07', %s, true, 3, 3, 'x', 'x', %s)",
        (str(issue_id), body, period, agency, NIGHT, is_preview, str(folder)),
    )
    for name, (media_type, content) in files.items():
        (nation.library / folder / name).write_bytes(content)
        nation.rows(
            "insert into library.files values (%s, %s, %s, %s, %s)",
            (str(issue_id), name, media_type, len(content), sha256(content).hexdigest()),
        )
    return issue_id


@dataclass
class Provider:
    """The identity provider of the demo and its key: it gives no tokens to machines, so that the tests sign them."""

    issuer: str
    key: RSAKey

    def token(self, who: str = "panrb", **claims: Any) -> str:
        """An access token for a machine; claims replace or, when None, remove the usual ones."""
        now = int(time.time())
        usual = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": f"mesin-{who}",
            "iat": now,
            "exp": now + 300,
            **CLAIMS[who],
        }
        stated = {name: value for name, value in (usual | claims).items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, stated, self.key)


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    """oidc-provider-mock with the readers of CLAIMS."""
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # the mock speaks http here
    users = [oidc_provider_mock.User(sub=name, claims=claims) for name, claims in CLAIMS.items()]
    mock = oidc_provider_mock.app(require_nonce=True, user_claims=users)
    with mock.test_request_context():
        mock.preprocess_request()
        key = RSAKey.import_key(flask.g.oidc_provider_mock_storage.jwk.as_dict(is_private=True))
    web = make_server("localhost", 0, mock, threaded=True)
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield Provider(f"http://localhost:{web.server_port}", key)
    web.shutdown()


def forget() -> None:
    """Let the portal read its settings anew, and forget what followed from the old ones."""
    if database._slots.cache_info().currsize:
        database.close()
    for kept in (portal_settings, database._slots, keys._key, tokens.provider):
        kept.cache_clear()
    limits.forget()
    frame.forget()


@contextmanager
def settings_of(**values: object) -> Iterator[None]:
    """The portal's settings changed for a while: settings_of(reader_limit="2/minute")."""
    names = {f"LAPOR_PORTAL_{name.upper()}": str(value) for name, value in values.items()}
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    forget()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        forget()


@pytest.fixture(scope="session")
def portal(nation: Nation, provider: Provider) -> Iterator[str]:
    """Base URL of the portal, served as `python -m reports.portal` serves it."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    facts = {
        "url": url,
        "dsn": make_dsn(nation.dsn, user="portal"),
        "issuer": provider.issuer,
        "client_secret": "of the tests",
        "key": "a key of the tests, long enough for them",
        "reader_limit": "100000/minute",
        "download_limit": "100000/minute",
        "sign_in_limit": "100000/minute",
        "address_limit": "100000/minute",
    }
    with settings_of(**facts):
        web = uvicorn.Server(uvicorn.Config(create_app(), access_log=False, log_level="warning", server_header=False))
        thread = threading.Thread(target=web.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        with httpx.Client(transport=httpx.HTTPTransport(retries=5)) as client:
            assert client.get(f"{url}/sehat").json() == {"status": "ok"}
        yield url
        web.should_exit = True
        thread.join(10)


SignIn = Callable[[str], httpx.Client]


@pytest.fixture
def browser(portal: str) -> Iterator[SignIn]:
    """browser("ksp"): a client that has signed in as the provider's user of that name; browser(""): nobody."""
    clients = []

    def sign_in_as(name: str) -> httpx.Client:
        client = httpx.Client(base_url=portal, timeout=300)  # the first page of a kind draws its charts
        clients.append(client)
        if name:
            returned = come_back(client, name)
            assert returned.status_code == 303, returned.text
        return client

    yield sign_in_as
    for client in clients:
        client.close()


def come_back(client: httpx.Client, name: str, begin: str = sign_in.BEGIN) -> httpx.Response:
    """Go to the provider, sign in there as `name`, and give the portal what the provider gave."""
    return client.get(leave(client, name, begin))


def leave(client: httpx.Client, name: str, begin: str = sign_in.BEGIN) -> str:
    """Go to the provider and sign in there as `name`; where it sends the browser then."""
    gone = client.get(begin)
    assert gone.status_code == 303, gone.text
    agreed = httpx.post(gone.headers["location"], data={"sub": name}, timeout=60)
    assert agreed.status_code == 302, agreed.text
    return agreed.headers["location"]


def csrf_of(client: httpx.Client) -> str:
    """The token in the session's own sign-out form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/kamus").text)
    assert found, "the page has a form to sign out"
    return found.group(1)


@pytest.fixture
def machine(portal: str, provider: Provider) -> Iterator[Callable[..., httpx.Client]]:
    """machine("ksp"): a client that pulls with that reader's bearer token."""
    clients = []

    def of(name: str = "panrb", **claims: Any) -> httpx.Client:
        token = provider.token(name, **claims)
        client = httpx.Client(base_url=f"{portal}/api/v1", timeout=60, headers={"Authorization": f"Bearer {token}"})
        clients.append(client)
        return client

    yield of
    for client in clients:
        client.close()


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def problem(response: httpx.Response) -> dict[str, Any]:
    """The problem document of a refusal."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    told: dict[str, Any] = json.loads(response.text)
    assert told["status"] == response.status_code
    assert told["detail"]
    return told
