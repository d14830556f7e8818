"""One secret, and what is made of it: the signature of sessions, of page cursors, and readers' pseudonyms."""

import hmac
import secrets
from functools import lru_cache

from reports.portal.settings import portal_settings


@lru_cache(maxsize=1)
def _key() -> bytes:
    """LAPOR_PORTAL_KEY, or one that lives as long as this process."""
    configured = portal_settings().key
    return configured.get_secret_value().encode() if configured else secrets.token_bytes(32)


def keyed(purpose: str, text: str) -> str:
    """HMAC-SHA-256 of a text as 32 hexadecimal digits; of different purposes never the same."""
    return hmac.digest(_key(), f"{purpose}\n{text}".encode(), "sha256").hex()[:32]
