"""The one place that reads the environment.

Every setting is an environment variable listed in `.env.example`; secrets live nowhere else.
"""

import os
from functools import lru_cache
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Configuration of every command; values come from the environment (prefix `LAPOR_`)."""

    model_config = SettingsConfigDict(env_prefix="LAPOR_", extra="ignore", frozen=True)

    warehouse_dsn: SecretStr | None = Field(
        default=None, validation_alias="WAREHOUSE_DSN", description="A real server; empty means the embedded one."
    )
    state_dir: Path = Field(default=REPOSITORY / ".state", description="Everything the system writes to disk.")
    registry_dir: Path = Field(
        default=REPOSITORY / "extract" / "registry", description="Folder of registry.yml, agencies.csv, sources.csv."
    )
    landing_dir: Path | None = Field(default=None, description="Sealed originals; default: landing in the state dir.")
    landing_key: SecretStr | None = Field(default=None, description="Base64 of 32 bytes; seals the landing files.")
    landing_key_id: str = Field(default="k1", description="Name of the landing key, written in each file's header.")
    identity_key: SecretStr | None = Field(default=None, description="Base64 of 32 bytes; keys reporters' identities.")

    extract_shards: int = Field(default=4, ge=1, description="Mapped extraction tasks of a night.")
    extract_connections: int = Field(default=32, ge=1, description="Open requests of one extraction process.")
    extract_connections_per_agency: int = Field(default=2, ge=1)
    extract_request_timeout_seconds: float = Field(default=20.0, gt=0)
    extract_agency_deadline_seconds: float = Field(default=120.0, gt=0, description="All requests of one delivery.")
    extract_attempts: int = Field(default=3, ge=1, description="Tries of one request before the delivery fails.")
    extract_page_bytes: int = Field(default=64 * 1024 * 1024, gt=0, description="A larger page or file is refused.")

    @property
    def landing(self) -> Path:
        """Folder of the sealed originals."""
        return self.landing_dir or self.state_dir / "landing"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The process's settings, read once."""
    return Settings()


def connection_variable(connection_id: str) -> str:
    """Name of the environment variable that holds the base URL of a source's connection."""
    return f"LAPOR_CONNECTION_{connection_id.upper()}"


def connection_base(connection_id: str) -> str | None:
    """Base URL (http://host, file:///folder) of a connection that sources.csv names; None when there is none."""
    return os.environ.get(connection_variable(connection_id)) or None
