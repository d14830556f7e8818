"""A client that knows nothing of ours: what an agency's server says, as it says it."""

import base64
import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from simulator.connections import SECRETS


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def content(self) -> Any:
        """The body as JSON."""
        assert self.status == 200, self.body
        return json.loads(self.body)


def ask(
    url: str,
    query: dict[str, str | int] | None = None,
    headers: dict[str, str] | None = None,
    body: str | None = None,
    timeout: float = 10,
) -> Reply:
    """Send a GET, or a POST where there is a body; redirects are not followed."""
    parts = urlsplit(url)
    asked = "&".join(filter(None, (parts.query, urlencode(query or {}))))
    connection = http.client.HTTPConnection(parts.netloc, timeout=timeout)
    try:
        connection.request("GET" if body is None else "POST", f"{parts.path}?{asked}", body, headers or {})
        response = connection.getresponse()
        return Reply(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def basic(connection: str) -> dict[str, str]:
    """The header for that connection's user and password."""
    return {"Authorization": "Basic " + base64.b64encode(SECRETS[connection].encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    """The header for that token."""
    return {"Authorization": f"Bearer {token}"}


def new_token(url: str) -> str:
    """A token of the server's OAuth2 endpoint."""
    form = basic("simulator_oauth") | {"Content-Type": "application/x-www-form-urlencoded"}
    answer = ask(f"{url}/oauth/token", headers=form, body="grant_type=client_credentials").content
    return str(answer["access_token"])
