"""Settings of the portal: environment variables with the prefix `LAPOR_PORTAL_`, read once."""

from functools import lru_cache
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from warehouse.settings import settings

RULE = r"^[1-9][0-9]*/(second|minute|hour)$"
ReaderRole = Literal["panrb_analyst", "ombudsman_reader", "ksp_reader", "agency_reader"]


class PortalSettings(BaseSettings):
    """Configuration of the portal. ValueError if it could not be run safely with it."""

    model_config = SettingsConfigDict(env_prefix="LAPOR_PORTAL_", extra="ignore", frozen=True)

    url: str = Field(default="http://127.0.0.1:8600", description="Where readers find it; https outside the demo.")
    host: str = Field(default="127.0.0.1", description="Address it listens on; a proxy of another machine needs more.")
    port: int = Field(default=8600, ge=1, le=65535, description="Port it listens on.")
    proxies: str = Field(default="127.0.0.1", description="Whose X-Forwarded-For is believed: addresses with commas.")
    key: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="Signs sessions and keys subjects; without it each start makes its own and ends all sessions.",
    )
    dsn: SecretStr | None = Field(
        default=None, description="Login portal of the warehouse; default: that login at the warehouse's own address."
    )

    issuer: str = Field(default="http://127.0.0.1:8601", description="Identity provider (OpenID Connect).")
    client_id: str = Field(default="lapor-portal", min_length=1, description="The portal's name at the provider.")
    client_secret: SecretStr | None = Field(default=None, description="Its secret there; without one PKCE alone.")
    api_audience: str = Field(default="lapor-api", min_length=1, description="Audience a machine's token must name.")
    algorithms: tuple[Literal["RS256", "PS256", "ES256"], ...] = Field(
        default=("RS256", "ES256"), min_length=1, description="Signatures accepted; never symmetric ones."
    )
    leeway_seconds: int = Field(default=30, ge=0, le=120, description="How far the provider's clock may differ.")
    role_claim: str = Field(default="lapor_role", description="Claim that says what a reader is.")
    agency_claim: str = Field(default="lapor_agency", description="Claim with the agency code of an agency's reader.")
    roles: dict[str, ReaderRole] = Field(
        default={
            "panrb": "panrb_analyst",
            "ombudsman": "ombudsman_reader",
            "ksp": "ksp_reader",
            "instansi": "agency_reader",
        },
        description="Value of the role claim -> role in PostgreSQL.",
    )

    idle_seconds: int = Field(default=30 * 60, ge=60, description="A session unused for so long ends.")
    session_seconds: int = Field(default=8 * 3600, ge=60, description="A session ends after this, used or not.")
    connections: int = Field(default=3, ge=1, description="Connections to PostgreSQL at once.")
    wait_seconds: float = Field(default=5, gt=0, description="A request waits so long for a connection, then 503.")
    statement_seconds: float = Field(default=10, gt=0, description="A query that takes longer is cancelled.")
    reader_limit: str = Field(default="600/minute", pattern=RULE, description="Requests of one reader.")
    download_limit: str = Field(default="120/minute", pattern=RULE, description="Files and marts of one reader.")
    sign_in_limit: str = Field(
        default="60/minute", pattern=RULE, description="Sign-ins and refused tokens from one address."
    )
    address_limit: str = Field(
        default="3000/minute", pattern=RULE, description="Requests from one address, whoever sends them."
    )
    body_bytes: int = Field(default=64 * 1024, gt=0, description="A larger request is refused.")

    @model_validator(mode="after")
    def check(self) -> Self:
        """Refuse what would undo a protection, saying which variable to mend."""
        if urlsplit(self.url).path.strip("/") or not urlsplit(self.url).hostname:
            raise ValueError("LAPOR_PORTAL_URL must be scheme://host[:port] without a path")
        if self.api_audience == self.client_id:
            raise ValueError("LAPOR_PORTAL_API_AUDIENCE must differ from LAPOR_PORTAL_CLIENT_ID: a sign-in is no token")
        if self.is_https and self.key is None:
            raise ValueError("LAPOR_PORTAL_KEY is missing: a portal that people use keeps one, 32 characters or more")
        return self

    @property
    def is_https(self) -> bool:
        """Whether browsers reach it over TLS, so that cookies may insist on it."""
        return urlsplit(self.url).scheme == "https"

    @property
    def library(self) -> Path:
        """Root of the issued reports, as reports.library has it; to ask that module would load every renderer."""
        return settings().state_dir / "reports"


@lru_cache(maxsize=1)
def portal_settings() -> PortalSettings:
    """The process's portal settings, read once."""
    return PortalSettings()
