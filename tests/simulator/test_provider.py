"""The pretended identity provider: tokens that verify by its own keys, for readers it knows."""

import time

import pytest
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import KeySet

from simulator.provider import AUDIENCE, READERS, create_provider

PORT = 8601


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    return create_provider(PORT).test_client()


@pytest.mark.parametrize("reader", READERS)
def test_a_machine_gets_a_token_that_says_who_it_reads_for(client: FlaskClient, reader: str) -> None:
    token = client.post("/machine-token", data={"reader": reader}).text.strip()
    keys = KeySet.import_key_set(client.get("/jwks").get_json())
    claims = jwt.decode(token, keys, algorithms=["RS256"]).claims
    assert (claims["aud"], claims["iss"]) == (AUDIENCE, f"http://localhost:{PORT}")
    assert READERS[reader].items() <= claims.items()
    assert claims["exp"] > time.time()


def test_nobody_else_gets_one_and_is_told_who_would(client: FlaskClient) -> None:
    answer = client.post("/machine-token", data={"reader": "bupati"})
    assert answer.status_code == 400
    assert "kota-batam" in answer.text
