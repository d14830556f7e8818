"""A machine's token is taken when its provider signed it for us and it is still good; whatever else comes is refused."""

import base64
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import httpx
import pytest
from flask import Flask
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from werkzeug.serving import make_server

from reports.portal.settings import PortalSettings
from reports.portal.tokens import Provider as Verifier
from reports.portal.tokens import ProviderUnavailable, TokenRefused
from tests.reports.portal.conftest import AUDIENCE, CLAIMS, CLIENT, Provider, leave, problem

Machine = Callable[..., httpx.Client]


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def claims_of(provider: Provider, **claims: Any) -> dict[str, Any]:
    return {
        "iss": provider.issuer,
        "aud": AUDIENCE,
        "sub": "m",
        "exp": int(time.time()) + 300,
        **CLAIMS["panrb"],
        **claims,
    }


def test_a_token_of_the_provider_for_us_is_taken(machine: Machine) -> None:
    assert machine("ksp").get("/marts").status_code == 200


def test_a_real_token_of_the_demo_provider_for_the_api_is_taken(portal: str, provider: Provider) -> None:
    """The way a machine of the demo gets one: the provider signs whoever asks for the API's audience."""
    asked = {
        "response_type": "code",
        "client_id": AUDIENCE,
        "redirect_uri": "http://x/",
        "scope": "openid",
        "nonce": "n",
    }
    sent = httpx.post(f"{provider.issuer}/oauth2/authorize", params=asked, data={"sub": "ksp"})
    code = httpx.URL(sent.headers["location"]).params["code"]
    given = {"grant_type": "authorization_code", "code": code, "redirect_uri": "http://x/"}
    token = httpx.post(f"{provider.issuer}/oauth2/token", data=given, auth=(AUDIENCE, "demo")).json()["id_token"]
    assert httpx.get(f"{portal}/api/v1/marts", headers={"Authorization": f"Bearer {token}"}).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1_600_000_000},
        {"exp": None},
        {"nbf": 4_000_000_000},
        {"iat": 4_000_000_000},
        {"aud": "another-service"},
        {"aud": CLIENT},
        {"aud": None},
        {"aud": ""},
        {"iss": "https://jahat.example"},
        {"iss": None},
        {"sub": None},
        {"sub": ""},
        {"exp": "soon"},
    ],
    ids=str,
)
def test_a_token_that_is_stale_or_for_another_is_refused(machine: Machine, claims: dict[str, Any]) -> None:
    refused = machine("panrb", **claims).get("/marts")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert problem(refused)["title"] == "Unauthorized"


def forgeries(provider: Provider) -> dict[str, str]:
    """Tokens that say the right things and that the provider did not sign."""
    good = provider.token("panrb")
    header, body, signature = good.split(".")
    stranger = RSAKey.generate_key(2048, {"kid": provider.key.kid})
    claims, kid = claims_of(provider), provider.key.kid
    public = provider.key.as_pem(private=False)
    signed = f"{encoded({'alg': 'HS256', 'kid': kid})}.{encoded(claims)}"
    mac = base64.urlsafe_b64encode(hmac.digest(public, signed.encode(), "sha256")).rstrip(b"=").decode()
    own_key = {"alg": "RS256", "jwk": stranger.as_dict(private=False)}
    return {
        "no signature": f"{header}.{body}.",
        "alg none": f"{encoded({'alg': 'none'})}.{encoded(claims)}.",
        "alg None": f"{encoded({'alg': 'None', 'kid': kid})}.{encoded(claims)}.{signature}",
        "other claims": f"{header}.{encoded(claims_of(provider, lapor_role='ombudsman'))}.{signature}",
        "public key as a secret": f"{signed}.{mac}",
        "symmetric": jwt.encode({"alg": "HS256", "kid": kid}, claims, OctKey.import_key("0" * 64)),
        "stranger with our key id": jwt.encode({"alg": "RS256", "kid": kid}, claims, stranger),
        "stranger with a new key id": jwt.encode({"alg": "RS256", "kid": "new"}, claims, stranger),
        "brings its own key": jwt.encode(own_key, claims, stranger),
        "names its own key set": jwt.encode({"alg": "RS256", "kid": kid, "jku": "http://x/jwks"}, claims, stranger),
        "key id is a path": jwt.encode({"alg": "RS256", "kid": "../../../dev/null"}, claims, stranger),
        "unknown critical header": f"{encoded({'alg': 'RS256', 'kid': kid, 'crit': ['x'], 'x': 1})}.{body}.{signature}",
        "not base64": "a.b.c",
        "one part": "panrb",
        "deeply nested": f"{header}.{base64.urlsafe_b64encode(b'[' * 3000).decode()}.{signature}",
        "very long": f"{header}.{'A' * 12_000}.{signature}",
        "encrypted": "a.b.c.d.e",
        "sha of itself": sha256(good.encode()).hexdigest(),
    }


def test_a_forged_token_is_refused(portal: str, provider: Provider) -> None:
    tokens = forgeries(provider)
    assert len(tokens) == 18
    answers = {
        name: httpx.get(f"{portal}/api/v1/marts", headers={"Authorization": f"Bearer {token}"}).status_code
        for name, token in tokens.items()
    }
    assert {name: status for name, status in answers.items() if status != 401} == {}


@pytest.mark.parametrize("authorization", ["Basic cGFucmI6cGFucmI=", "Bearer", "Token x", "Bearer a b c", "Bearer,x"])
def test_another_authorization_than_a_bearer_token_is_refused(portal: str, authorization: str) -> None:
    assert httpx.get(f"{portal}/api/v1/marts", headers={"Authorization": authorization}).status_code == 401


def test_a_session_does_not_help_a_bad_token(browser: Callable[[str], httpx.Client]) -> None:
    client = browser("panrb")
    assert client.get("/api/v1/marts").status_code == 200
    assert client.get("/api/v1/marts", headers={"Authorization": "Bearer x"}).status_code == 401


def test_a_sign_in_is_no_token_and_a_token_is_no_sign_in(
    portal: str, provider: Provider, browser: Callable[[str], httpx.Client]
) -> None:
    code = httpx.URL(leave(browser(""), "panrb")).params["code"]
    given = {"grant_type": "authorization_code", "code": code, "redirect_uri": f"{portal}/masuk/kembali"}
    answer = httpx.post(f"{provider.issuer}/oauth2/token", data=given, auth=(CLIENT, "x")).json()
    for token in (answer["id_token"], answer["access_token"]):
        assert httpx.get(f"{portal}/api/v1/marts", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_a_token_that_names_no_reader_is_forbidden_not_unknown(machine: Machine) -> None:
    refused = machine("tamu").get("/marts")
    assert refused.status_code == 403
    assert "no role" in problem(refused)["detail"]


class Stub:
    """A provider whose keys and words can be changed, and that counts who asks for its keys."""

    def __init__(self) -> None:
        self.keys, self.asked, self.issuer, self.is_well = [RSAKey.generate_key(2048, {"kid": "one"})], 0, "", True
        web = Flask("stub")
        web.add_url_rule("/.well-known/openid-configuration", view_func=self.configuration)
        web.add_url_rule("/jwks", view_func=self.jwks)
        self.server = make_server("localhost", 0, web, threaded=True)
        self.url = self.issuer = f"http://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def configuration(self) -> Any:
        return {"issuer": self.issuer, "jwks_uri": f"{self.url}/jwks"} if self.is_well else ("", 500)

    def jwks(self) -> dict[str, Any]:
        self.asked += 1
        return {"keys": [key.as_dict(private=False) for key in self.keys]}

    def token(self, key: RSAKey) -> str:
        claims = {"iss": self.url, "aud": AUDIENCE, "sub": "m", "exp": int(time.time()) + 60}
        return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A provider of this test's own."""
    own = Stub()
    yield own
    own.server.shutdown()


def test_keys_are_asked_for_once_and_again_for_a_new_one_but_not_at_each_forged_id(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("reports.portal.tokens.time.monotonic", lambda: now)
    verifier = Verifier(PortalSettings(issuer=stub.url))
    for _ in range(3):
        assert verifier.verify(stub.token(stub.keys[0]), AUDIENCE)["sub"] == "m"
    assert stub.asked == 1
    fresh = RSAKey.generate_key(2048, {"kid": "two"})
    for _ in range(3):
        with pytest.raises(TokenRefused):
            verifier.verify(stub.token(fresh), AUDIENCE)
    assert stub.asked == 1
    stub.keys.append(fresh)
    now += 31
    assert verifier.verify(stub.token(fresh), AUDIENCE)["sub"] == "m"
    assert stub.asked == 2


def test_a_withdrawn_key_is_refused_within_the_hour(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("reports.portal.tokens.time.monotonic", lambda: now)
    verifier, leaked = Verifier(PortalSettings(issuer=stub.url)), stub.keys[0]
    assert verifier.verify(stub.token(leaked), AUDIENCE)
    stub.keys = [RSAKey.generate_key(2048, {"kid": "two"})]
    now += 3601
    with pytest.raises(TokenRefused):
        verifier.verify(stub.token(leaked), AUDIENCE)


def test_a_provider_that_is_another_or_does_not_answer_is_said_so(stub: Stub) -> None:
    token = stub.token(stub.keys[0])
    stub.issuer = "https://jahat.example"
    with pytest.raises(ProviderUnavailable, match=r"calls itself https://jahat\.example"):
        Verifier(PortalSettings(issuer=stub.url)).verify(token, AUDIENCE)
    stub.is_well = False
    with pytest.raises(ProviderUnavailable, match="does not answer"):
        Verifier(PortalSettings(issuer=stub.url)).verify(token, AUDIENCE)
    with pytest.raises(ProviderUnavailable, match="does not answer"):
        Verifier(PortalSettings(issuer="http://localhost:9")).verify(token, AUDIENCE)
