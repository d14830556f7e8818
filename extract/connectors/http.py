"""Asking agencies over HTTP: limits, patience and suspicion, the same for every connector that uses it.

What may pass (5xx, 429, time-outs, a page that does not decode) is asked again with growing pauses or after the time
the server names; what will not (4xx, a redirect to another server) fails at once. Two limits keep shared gateways
alive: open requests per agency and per host. A host that failed a number of deliveries in a row is left alone until the
retry pass.
"""

import asyncio
import base64
import random
import ssl
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
import msgspec
from multidict import CIMultiDictProxy

from extract.connectors import Address
from extract.connectors.answers import Decode, Refused, decoded, refusal
from extract.errors import DeliveryFailed
from extract.profile import AuthSpec
from warehouse.settings import Settings, credential_variable

_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 30.0
_CHUNK_BYTES = 64 * 1024
_MAX_REDIRECTS = 5
_TOKEN_MARGIN_SECONDS = 30
_BREAK_AFTER = 5
USER_AGENT = "lapor-warehouse/0.1 (nightly extraction)"


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """How long, how often and how much."""

    timeout_seconds: float
    attempts: int
    page_bytes: int
    per_agency: int
    per_host: int

    @classmethod
    def from_settings(cls, settings: Settings) -> "HttpLimits":
        """The limits that the environment sets."""
        return cls(
            settings.extract_request_timeout_seconds,
            settings.extract_attempts,
            settings.extract_page_bytes,
            settings.extract_connections_per_agency,
            settings.extract_connections_per_host,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of status 200: where it came from in the end, its headers, its body."""

    url: str
    headers: CIMultiDictProxy[str]
    body: bytes


@dataclass(slots=True)
class _Host:
    """What a shard knows of one server: how many may ask at once, how many deliveries failed in a row."""

    limit: asyncio.Semaphore
    failures: int = 0


@dataclass(slots=True)
class _Token:
    value: str
    good_until: float


class Http:
    """The HTTP side of one shard: one pool of connections, shared by all its deliveries. Use as a context manager."""

    def __init__(self, settings: Settings) -> None:
        self.limits = HttpLimits.from_settings(settings)
        self._pool = settings.extract_connections
        self._ca_file = settings.extract_ca_file
        self._client: aiohttp.ClientSession | None = None
        self._hosts: dict[str, _Host] = defaultdict(lambda: _Host(asyncio.Semaphore(self.limits.per_host)))
        self._agencies: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(self.limits.per_agency))
        self._tokens: dict[str, _Token] = {}
        self._token_locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __aenter__(self) -> "Http":
        # Certificates are always verified; a private authority is added by LAPOR_EXTRACT_CA_FILE.
        trust = ssl.create_default_context()
        if self._ca_file:
            trust.load_verify_locations(self._ca_file)
        pool = aiohttp.TCPConnector(limit=self._pool, limit_per_host=0, ttl_dns_cache=300, ssl=trust)
        self._client = aiohttp.ClientSession(
            connector=pool, headers={"User-Agent": USER_AGENT}, cookie_jar=aiohttp.DummyCookieJar()
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._client is not None
        await self._client.close()

    def for_agency(self, agency_code: str) -> "AgencyHttp":
        """What the deliveries of one agency ask through."""
        return AgencyHttp(self, self._agencies[agency_code])

    def failed(self, address: Address) -> None:
        """Note that a delivery from this server failed in a way that may pass."""
        self._hosts[_host(address.base)].failures += 1

    def worked(self, address: Address) -> None:
        """Note that a delivery from this server was had."""
        self._hosts[_host(address.base)].failures = 0

    def is_broken(self, address: Address) -> bool:
        """Whether so many deliveries from this server failed in a row that asking it for more only costs the night."""
        return self._hosts[_host(address.base)].failures >= _BREAK_AFTER

    def forgive(self) -> None:
        """Begin the retry pass: every server may have recovered meanwhile."""
        for host in self._hosts.values():
            host.failures = 0

    def broken_reason(self, address: Address) -> str:
        """What to write into the ledger for a delivery that was not even asked for."""
        failures = self._hosts[_host(address.base)].failures
        return (
            f"not asked: {failures} deliveries from {_host(address.base)} failed in a row. "
            "Find out with its operator what ails the server; the next run asks again."
        )

    async def once(
        self, agency: asyncio.Semaphore, method: str, url: str, timeout_seconds: float | None = None, **options: Any
    ) -> Answer:
        """One request within the limits. Raises DeliveryFailed."""
        assert self._client is not None
        timeout = aiohttp.ClientTimeout(total=timeout_seconds or self.limits.timeout_seconds)
        async with agency, self._hosts[_host(url)].limit:
            try:
                for _ in range(_MAX_REDIRECTS + 1):
                    async with self._client.request(
                        method, url, timeout=timeout, allow_redirects=False, **options
                    ) as answer:
                        if answer.status in (301, 302, 303, 307, 308):
                            url = _redirected(url, answer)
                            options.pop("params", None)
                            continue
                        if answer.status != HTTPStatus.OK:
                            raise refusal(answer)
                        return Answer(url, answer.headers, await self._body(answer))
            except TimeoutError:
                raise DeliveryFailed(
                    f"no answer within {timeout.total:g} s",
                    "If the agency's system is only slow, raise LAPOR_EXTRACT_REQUEST_TIMEOUT_SECONDS.",
                    retryable=True,
                ) from None
            except aiohttp.ClientConnectorCertificateError as error:
                raise DeliveryFailed(
                    f"the certificate of {_host(url)} is not to be trusted ({error.certificate_error!s:.120})",
                    "Ask the agency to renew it; a private authority goes into LAPOR_EXTRACT_CA_FILE.",
                ) from None
            except aiohttp.InvalidURL:
                raise DeliveryFailed("the address is no URL", "Correct its connection or location.") from None
            except (aiohttp.ClientError, OSError) as error:
                raise DeliveryFailed(
                    f"connection to {_host(url)} failed: {type(error).__name__}",
                    "See whether the server is up and reachable from here.",
                    retryable=True,
                ) from None
        raise DeliveryFailed(f"redirects more than {_MAX_REDIRECTS} times", "Put the final address into sources.csv.")

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        chunks, size = [], 0
        async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
            size += len(chunk)
            if size > self.limits.page_bytes:
                raise DeliveryFailed(
                    f"a page is larger than {self.limits.page_bytes} bytes",
                    "Ask for smaller pages in the profile, or raise LAPOR_EXTRACT_PAGE_BYTES.",
                )
            chunks.append(chunk)
        return b"".join(chunks)

    async def token(self, agency: asyncio.Semaphore, address: Address, auth: AuthSpec, *, refused: str = "") -> str:
        """The connection's access token; a new one when it is about to expire or was refused. Raises DeliveryFailed."""
        async with self._token_locks[address.connection]:
            known = self._tokens.get(address.connection)
            clock = asyncio.get_running_loop().time()
            if known and known.good_until > clock and known.value != refused:
                return known.value
            url = _on_the_server_of(address.base, auth.token_path or "")
            form = {"grant_type": "client_credentials"} | ({"scope": auth.scope} if auth.scope else {})
            answer = await self.once(
                agency, "POST", url, data=form, headers={"Authorization": _basic(_credential(address))}
            )
            try:
                content = msgspec.json.decode(answer.body)
                token, seconds = content["access_token"], float(content.get("expires_in", 300))
                if not isinstance(token, str) or not token.isprintable() or not token:
                    raise ValueError
            except (msgspec.DecodeError, KeyError, TypeError, ValueError):
                raise DeliveryFailed(
                    f"the token endpoint of {_host(url)} gave no access_token", "Check token_path in the profile."
                ) from None
            self._tokens[address.connection] = _Token(token, clock + max(seconds - _TOKEN_MARGIN_SECONDS, 1))
            return token


@dataclass(frozen=True, slots=True)
class AgencyHttp:
    """How the deliveries of one agency ask: the shard's pool within the agency's own limit."""

    http: Http
    limit: asyncio.Semaphore

    async def ask(
        self,
        address: Address,
        auth: AuthSpec,
        url: str,
        *,
        decode: Decode | None = None,
        method: str = "GET",
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> tuple[Answer, Any]:
        """The answer and what `decode` makes of it, asked for again while that may help.

        `decode` raises ValueError for a body that is not what was asked for. Raises DeliveryFailed with the last
        reason; retryable when the trouble may pass.
        """
        attempts = self.http.limits.attempts
        for attempt in range(1, attempts + 1):
            try:
                answer = await self._authorised(address, auth, url, method, query, headers, body)
                return answer, decoded(answer.body, decode)
            except DeliveryFailed as failure:
                if not failure.retryable or attempt == attempts:
                    raise
                wanted = failure.retry_after
                if wanted is not None and wanted > _LONGEST_PAUSE_SECONDS:
                    raise
                await asyncio.sleep(_pause(attempt) if wanted is None else wanted)
        raise AssertionError("the loop returns or raises")

    async def _authorised(
        self,
        address: Address,
        auth: AuthSpec,
        url: str,
        method: str,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        body: Any,
    ) -> Answer:
        refused = ""
        while True:
            sent, parameters = dict(headers or {}), dict(query or {})
            match auth.style:
                case "api_key":
                    (sent if auth.header else parameters)[auth.header or auth.query or ""] = _credential(address)
                case "basic":
                    sent["Authorization"] = _basic(_credential(address))
                case "bearer":
                    sent["Authorization"] = f"Bearer {_credential(address)}"
                case "oauth2":
                    token = await self.http.token(self.limit, address, auth, refused=refused)
                    sent["Authorization"] = f"Bearer {token}"
            options: dict[str, Any] = {"headers": sent, "params": parameters}
            if body is not None:
                options["data"] = msgspec.json.encode(body)
                sent["Content-Type"] = "application/json"
            try:
                return await self.http.once(self.limit, method, url, **options)
            except Refused as failure:
                if failure.status != HTTPStatus.UNAUTHORIZED or auth.style != "oauth2" or refused:
                    raise
                refused = token  # it may have been withdrawn before its time: one new one


def same_server(address: Address, current: str, following: str) -> str:
    """The absolute address of a next page. Raises DeliveryFailed when it leaves the connection's own server."""
    url = _joined(current, following)
    if _origin(url) != _origin(address.base):
        raise DeliveryFailed(
            f"points to {_host(url)}, which is not the server of connection {address.connection}",
            "Addresses elsewhere are not followed: if the agency has moved, change the connection's base URL.",
        )
    return url


def _joined(current: str, following: str) -> str:
    """The address that a source names, without a user of its own; empty when it is no address."""
    try:
        parts = urlsplit(urljoin(current, following))
    except ValueError:
        return ""  # no address, and so on no server that we know
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _redirected(url: str, answer: aiohttp.ClientResponse) -> str:
    target = _joined(url, answer.headers.get("Location", ""))
    if _origin(target) != _origin(url):
        raise DeliveryFailed(
            f"answered {answer.status}: it redirects to {_host(target)}",
            "Redirects to other servers are not followed: put the new address into the connection.",
        )
    return target


def _on_the_server_of(base: str, path: str) -> str:
    parts = urlsplit(base)
    return urljoin(f"{parts.scheme}://{parts.netloc}/", path.lstrip("/"))


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        return (parts.scheme, parts.hostname, -1)
    return (parts.scheme, parts.hostname, port or {"http": 80, "https": 443}.get(parts.scheme))


def _host(url: str) -> str:
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or "?"


def _credential(address: Address) -> str:
    if not address.credential:
        raise DeliveryFailed(
            f"no credential for connection {address.connection}", f"Set {credential_variable(address.connection)}."
        )
    return address.credential


def _basic(credential: str) -> str:
    return "Basic " + base64.b64encode(credential.encode()).decode()


def _pause(attempt: int) -> float:
    # A random share keeps agencies behind one gateway from knocking in step.
    return float(min(_FIRST_PAUSE_SECONDS * 2**attempt, _LONGEST_PAUSE_SECONDS) * random.uniform(0.5, 1.0))  # noqa: S311
