"""What the identity provider signed: its keys, and whether a token is one of its own, for us, and still good.

The same check serves the ID token of a person's sign-in and the access token of a machine; they differ in the
audience, so that neither passes for the other. Only signatures by public key are accepted: a provider's public key
cannot be made into the secret of a symmetric one, and `none` is no signature.
"""

import threading
import time
from functools import lru_cache
from typing import Any

import httpx
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from reports.portal.settings import PortalSettings, portal_settings

TIMEOUT_SECONDS = 5.0
KEYS_SECONDS = 3600  # a key the provider withdraws is refused after this
REFRESH_SECONDS = 30  # forged key ids must not make us ask the provider at each request
TOKEN_CHARACTERS = 8192


class TokenRefused(Exception):
    """Not a token to act on; the message says why, without quoting the token."""


class ProviderUnavailable(RuntimeError):
    """The identity provider does not answer as one should."""


class Provider:
    """One identity provider: its addresses and keys, asked for when first needed and kept for KEYS_SECONDS."""

    def __init__(self, rules: PortalSettings) -> None:
        self._rules = rules
        self._lock = threading.Lock()
        self._addresses: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._asked_at = 0.0

    def address(self, name: str) -> str:
        """A URL of the provider's discovery document, e.g. "token_endpoint". Raises ProviderUnavailable."""
        self._key_set()
        value = self._addresses.get(name)
        if not isinstance(value, str):
            raise ProviderUnavailable(f"The provider {self._rules.issuer} states no {name}.")
        return value

    def verify(self, token: str, audience: str) -> dict[str, Any]:
        """The claims of a token of this provider for this audience, whose signature and times hold.

        Raises TokenRefused, or ProviderUnavailable when its keys cannot be had.
        """
        if len(token) > TOKEN_CHARACTERS:
            raise TokenRefused("The token is too long.")
        try:
            claims = self._decode(token)
            jwt.JWTClaimsRegistry(
                leeway=self._rules.leeway_seconds,
                iss={"essential": True, "value": self._rules.issuer},
                aud={"essential": True, "value": audience},
                exp={"essential": True},
                sub={"essential": True},
            ).validate(claims)
        except (JoseError, ValueError, RecursionError) as error:
            raise TokenRefused(f"The token is refused ({type(error).__name__}).") from None
        return claims

    def _decode(self, token: str) -> dict[str, Any]:
        algorithms = list(self._rules.algorithms)
        try:
            return jwt.decode(token, self._key_set(), algorithms=algorithms).claims
        except InvalidKeyIdError:
            return jwt.decode(token, self._key_set(REFRESH_SECONDS), algorithms=algorithms).claims

    def _key_set(self, older_than: float = KEYS_SECONDS) -> KeySet:
        with self._lock:
            if self._keys is None or time.monotonic() - self._asked_at > older_than:
                self._fetch()
            assert self._keys is not None
            return self._keys

    def _fetch(self) -> None:
        issuer = self._rules.issuer
        try:
            with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
                addresses = (
                    client.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration").raise_for_status().json()
                )
                if addresses["issuer"] != issuer:
                    raise ProviderUnavailable(f"The provider {issuer} calls itself {addresses['issuer']}.")
                stated = client.get(addresses["jwks_uri"]).raise_for_status().json()["keys"]
            keys = KeySet.import_key_set({"keys": [key for key in stated if key.get("kty") in {"RSA", "EC"}]})
        except (httpx.HTTPError, JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProviderUnavailable(f"The provider {issuer} does not answer ({type(error).__name__}).") from error
        self._addresses, self._keys, self._asked_at = addresses, keys, time.monotonic()


@lru_cache(maxsize=1)
def provider() -> Provider:
    """The identity provider of LAPOR_PORTAL_ISSUER."""
    return Provider(portal_settings())
