"""Signing in and out, and who sends a request: a person by session, a machine by bearer token.

People sign in at the identity provider (OpenID Connect, authorization code with PKCE, state and nonce). The session is
a signed cookie with a role, an agency's code and a pseudonym, nothing of the person; it begins anew at sign-in and ends
at sign-out, when unused, and after a working day. Who comes with a token is judged by the token alone.
"""

import hmac
import secrets
import time
from typing import Annotated, Any, cast
from urllib.parse import quote, urlsplit

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse

from reports.portal import limits
from reports.portal.errors import API, Refused
from reports.portal.keys import keyed
from reports.portal.readers import LABELS, NotAReader, Reader, reader_from
from reports.portal.settings import portal_settings
from reports.portal.tokens import TIMEOUT_SECONDS, ProviderUnavailable, TokenRefused, provider

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SIGN_IN_SECONDS = 600  # from leaving for the provider to coming back
SEEN_SECONDS = 60  # a session in use is signed again this often
LANDING, BEGIN, RETURN = "/masuk", "/masuk/mulai", "/masuk/kembali"
NEXT_CHARACTERS = 1000
NOT_ENTERED = ("Akun ini belum terdaftar", "This account is not entered yet")
NO_PROVIDER = (
    "Penyedia identitas sedang tidak menjawab. Coba lagi beberapa menit lagi.",
    "The identity provider does not answer at present. Try again in a few minutes.",
)

router = APIRouter(include_in_schema=False)


class SignInNeeded(Exception):
    """Nobody has signed in; a browser is to go to the sign-in page."""


class Ended:
    """Sessions that were signed out of before they ran out: a copy of their cookie is worth nothing to this process."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def add(self, session_id: str) -> None:
        """End a session for good."""
        now = time.time()
        self._until = {ended: until for ended, until in self._until.items() if until > now}
        self._until[session_id] = now + portal_settings().session_seconds

    def __contains__(self, session_id: object) -> bool:
        return session_id in self._until


ended = Ended()


async def reader(request: Request) -> Reader:
    """Who sends a request (FastAPI dependency): by bearer token if it carries one, else by session.

    Raises Refused (401, 403), SignInNeeded for a page without a session, TooManyRequests.
    """
    authorization = request.headers.get("authorization")
    if authorization is None:
        found = by_session(request)
    else:  # in a thread: the provider may have to be asked for its keys
        found = await run_in_threadpool(by_token, request, authorization)
    if found is None:
        if request.url.path.startswith(API):
            raise Refused(401, "Send a bearer token of the identity provider.", {"WWW-Authenticate": "Bearer"})
        raise SignInNeeded
    request.state.role = found.role
    limits.count(portal_settings().reader_limit, "reader", found.subject)
    return found


CurrentReader = Annotated[Reader, Depends(reader)]


def by_token(request: Request, authorization: str) -> Reader:
    """The reader whose bearer token a request carries; a refused token counts against the sender's address."""
    rules = portal_settings()
    scheme, _, token = authorization.partition(" ")
    try:
        if scheme.lower() != "bearer":
            raise TokenRefused("The Authorization header carries no bearer token.")
        return reader_from(provider().verify(token.strip(), rules.api_audience), rules)
    except TokenRefused as refused:
        limits.count(rules.sign_in_limit, "sign-in", address(request))
        raise Refused(401, str(refused), {"WWW-Authenticate": 'Bearer error="invalid_token"'}) from None
    except NotAReader as refused:
        raise Refused(403, refused.why) from None


def by_session(request: Request) -> Reader | None:
    """Who has signed in with the browser a request comes from; None when nobody, or not any more."""
    session, rules, now = request.session, portal_settings(), time.time()
    if "reader" not in session or session["id"] in ended:
        return None
    if now - session["since"] > rules.session_seconds or now - session["seen"] > rules.idle_seconds:
        session.clear()
        return None
    if now - session["seen"] > SEEN_SECONDS:
        session["seen"] = int(now)
    role, agency_code, subject = session["reader"]
    return Reader(role, agency_code, agency_code or LABELS[cast(Any, role)], subject)


async def optional_reader(request: Request) -> Reader | None:
    """Who is signed in by session, or None: for pages that nobody is refused."""
    return by_session(request)


def csrf_token(request: Request) -> str:
    """The token that a form of this session must carry, in a field `csrf_token`; empty without a session."""
    return str(request.session.get("csrf", ""))


async def guard(request: Request) -> None:
    """Refuse what could be changed from another site (FastAPI dependency of every route).

    Every method that may change something needs the session's token: field `csrf_token` or header `X-CSRF-Token`.
    """
    if request.method in SAFE_METHODS:
        return
    given = request.headers.get("x-csrf-token") or (await request.form()).get("csrf_token")
    expected = csrf_token(request)
    if not expected or not isinstance(given, str) or not hmac.compare_digest(given.encode(), expected.encode()):
        raise Refused(
            403,
            (
                "Formulir ini sudah kedaluwarsa. Muat ulang halamannya, lalu coba lagi.",
                "This form has expired. Load its page again, then try again.",
            ),
        )


def address(request: Request) -> str:
    """The sender's address, only ever counted."""
    return request.client.host if request.client else "unknown"


def local_path(text: str | None) -> str:
    """A path of this portal to go on to after sign-in: `text` if it is surely one, else the front page."""
    if not text or len(text) > NEXT_CHARACTERS or not text.isprintable() or "\\" in text:
        return "/"
    parts = urlsplit(text)
    if parts.scheme or parts.netloc or not text.startswith("/") or text.startswith("//"):
        return "/"
    return "/" if parts.path.startswith(LANDING) else text


def landing(request: Request) -> str:
    """Where a browser without a session is sent, so that it comes back to what it asked for."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return LANDING if asked == "/" else f"{LANDING}?next={quote(local_path(asked), safe='/')}"


@router.get(BEGIN)
def begin(request: Request, next_path: Annotated[str | None, Query(alias="next")] = None) -> RedirectResponse:
    """Send the browser to the identity provider."""
    limits.count(portal_settings().sign_in_limit, "sign-in", address(request))
    waiting = {name: secrets.token_urlsafe(32) for name in ("state", "nonce")} | {"verifier": secrets.token_urlsafe(48)}
    try:
        url, _ = _client().create_authorization_url(
            provider().address("authorization_endpoint"),
            state=waiting["state"],
            nonce=waiting["nonce"],
            code_verifier=waiting["verifier"],
        )
    except ProviderUnavailable:
        raise Refused(503, NO_PROVIDER) from None
    request.session["waiting"] = waiting | {"next": local_path(next_path), "at": int(time.time())}
    return RedirectResponse(url, 303)


@router.get(RETURN)
def return_from_provider(request: Request) -> RedirectResponse:
    """Take the code the provider gave, check who it is, and begin a session of which nothing was known before."""
    rules = portal_settings()
    limits.count(rules.sign_in_limit, "sign-in", address(request))
    waiting: dict[str, Any] = request.session.pop("waiting", None) or {}
    given, code = request.query_params.get("state", ""), request.query_params.get("code", "")
    if not waiting or time.time() - waiting["at"] > SIGN_IN_SECONDS or not _equal(given, waiting["state"]):
        raise Refused(
            400,
            (
                "Proses masuk ini sudah kedaluwarsa atau bukan dari peramban ini. Mulailah masuk lagi.",
                "This sign-in has expired, or is not this browser's. Begin to sign in again.",
            ),
        )
    if not code or request.query_params.get("error"):
        raise Refused(
            403,
            (
                "Penyedia identitas tidak mengizinkan. Mulailah masuk lagi bila itu tidak disengaja.",
                "The identity provider does not allow it. Begin to sign in again if that was not meant.",
            ),
        )
    try:
        token = _client().fetch_token(
            provider().address("token_endpoint"),
            grant_type="authorization_code",
            code=code,
            code_verifier=waiting["verifier"],
        )
        claims = provider().verify(str(token.get("id_token", "")), rules.client_id)
        if not _equal(str(claims.get("nonce", "")), waiting["nonce"]):
            raise TokenRefused("The token is of another sign-in.")
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != rules.client_id:
            raise TokenRefused("The token was given to another client.")
        found = reader_from(claims, rules)
    except NotAReader as refused:
        raise Refused(403, refused.why, heading=NOT_ENTERED) from None
    except (TokenRefused, AuthlibBaseError) as refused:
        request.state.reason = str(refused)[:200]
        raise Refused(
            403,
            (
                "Penyedia identitas memberi jawaban yang tidak sah. Mulailah masuk lagi.",
                "The identity provider's answer is not valid. Begin to sign in again.",
            ),
        ) from None
    except (ProviderUnavailable, httpx.HTTPError, ValueError):
        raise Refused(503, NO_PROVIDER) from None
    now = int(time.time())
    if "id" in request.session:
        ended.add(request.session["id"])
    request.session.clear()
    request.session.update(
        reader=[found.role, found.agency_code, found.subject],
        id=secrets.token_urlsafe(16),
        csrf=secrets.token_urlsafe(24),
        since=now,
        seen=now,
    )
    return RedirectResponse(waiting["next"], 303)


@router.post("/keluar")
def sign_out(request: Request) -> RedirectResponse:
    """End the session, also for whoever copied its cookie."""
    ended.add(request.session["id"])
    request.session.clear()
    return RedirectResponse(LANDING, 303)


def session_key() -> str:
    """What signs the session cookies."""
    return keyed("session", "cookie")


def _client() -> OAuth2Client:
    rules = portal_settings()
    return OAuth2Client(
        client_id=rules.client_id,
        client_secret=rules.client_secret.get_secret_value() if rules.client_secret else None,
        token_endpoint_auth_method="client_secret_basic" if rules.client_secret else "none",
        scope="openid",
        redirect_uri=f"{rules.url.rstrip('/')}{RETURN}",
        code_challenge_method="S256",
        timeout=TIMEOUT_SECONDS,
        trust_env=False,
    )


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
