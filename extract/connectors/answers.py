"""What an HTTP answer says: data, or why there is none, in words for the ledger."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import ClientResponse

from extract.errors import DeliveryFailed
from extract.privacy import redact

Decode = Callable[[bytes], Any]
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


def decode_json(body: bytes) -> Any:
    """A JSON body with or without a byte order mark.

    One byte that is no UTF-8, one half of a surrogate pair or one NaN does not cost a delivery: the first is replaced
    by the sign for that, the second is no text, the third is null. Raises ValueError for anything else, also for
    nesting deeper than Python can hold.
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        return msgspec.json.decode(body)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if not body.lstrip().startswith((b"{", b"[")):
            raise ValueError(str(error)) from None
        try:
            return json.loads(body.decode("utf-8", "replace"), parse_constant=lambda _: None)
        except (ValueError, RecursionError):
            raise ValueError(str(error)) from None


class Refused(DeliveryFailed):
    """An answer other than 200."""

    status: int = 0


def refusal(answer: ClientResponse) -> DeliveryFailed:
    """The failure of an answer that is not 200; retryable when it may pass."""
    status = answer.status
    retryable = status >= 500 or status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT)
    failure = Refused(
        f"answered {status} {answer.reason or ''}".rstrip(), _remedy(status), retryable=retryable,
        retry_after=_retry_after(answer.headers.get("Retry-After", "")) if retryable else None,
    )  # fmt: skip
    failure.status = status
    return failure


def _remedy(status: int) -> str:
    if status in (401, 403):
        return "Check the credential of its connection (LAPOR_CREDENTIAL_...) with the agency."
    if status in (404, 410):
        return "The address is gone: ask the agency for the new one and change sources.csv."
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "Ask less at once: LAPOR_EXTRACT_CONNECTIONS_PER_HOST."
    if status < 500:
        return "It does not understand what the profile asks: compare both with the agency's documentation."
    return "The agency's system is in trouble; it is asked again tonight and tomorrow."


def _retry_after(text: str) -> float | None:
    """Seconds to wait, from either form of the Retry-After header (RFC 9110, 10.2.3)."""
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds(), 0.0)
    except (TypeError, ValueError):
        return None


def decoded(body: bytes, decode: Decode | None) -> Any:
    """What `decode` makes of a body. Raises DeliveryFailed, retryable, saying what came instead of data."""
    if decode is None:
        return None
    try:
        return decode(body)
    except ValueError as error:
        raise DeliveryFailed(
            _not_what_was_asked(body, str(error)),
            "Ask the agency what its system answers; it is asked again tonight.",
            retryable=True,
        ) from None


def _not_what_was_asked(body: bytes, error: str) -> str:
    start = body.lstrip()[:200].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        found = _TITLE.search(body[:20_000])
        title = redact(found[1].decode("utf-8", "replace").strip()[:80]) if found else "without title"
        return f"answered 200 with an HTML page ({title}) instead of data"
    return f"answered 200 with {len(body)} bytes that cannot be read ({error:.120})"
