"""The one place that reads the environment.

Every setting is an environment variable listed in `.env.example`; secrets live nowhere else.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal

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
    backup_dir: Path | None = Field(
        default=None, description="Backups of the embedded server, on another disk; default: in the state dir."
    )
    registry_dir: Path = Field(
        default=REPOSITORY / "extract" / "registry", description="Folder of registry.yml, agencies.csv, sources.csv."
    )
    landing_url: str | None = Field(
        default=None,
        description="Sealed originals: a folder or s3://bucket/prefix?endpoint=...; default: in the state dir.",
    )
    landing_credential: SecretStr | None = Field(default=None, description="key:secret of an S3 landing.")
    landing_old_keys: SecretStr | None = Field(
        default=None, description="Earlier landing keys, as id=base64 with commas, until python -m extract rekey."
    )
    landing_key: SecretStr | None = Field(default=None, description="Base64 of 32 bytes; seals the landing files.")
    landing_key_id: str = Field(default="k1", description="Name of the landing key, written in each file's header.")
    identity_key: SecretStr | None = Field(default=None, description="Base64 of 32 bytes; keys reporters' identities.")

    extract_shards: int = Field(default=4, ge=1, description="Mapped extraction tasks of a night.")
    extract_connections: int = Field(default=32, ge=1, description="Open requests of one extraction process.")
    extract_connections_per_agency: int = Field(default=2, ge=1, description="Open requests to one agency.")
    extract_connections_per_host: int = Field(
        default=16, ge=1, description="Open requests to one server, which may be the gateway of many agencies."
    )
    extract_ca_file: Path | None = Field(default=None, description="PEM of a private authority to trust as well.")
    extract_request_timeout_seconds: float = Field(default=20.0, gt=0)
    extract_agency_deadline_seconds: float = Field(default=120.0, gt=0, description="All requests of one delivery.")
    extract_history_deadline_seconds: float = Field(
        default=3600.0, gt=0, description="The same for a first load or a backfill."
    )
    extract_checkpoint_pages: int = Field(default=20, ge=1, description="Pages stored and committed at once, at most.")
    extract_delivery_rows: int = Field(default=5_000_000, ge=1, description="A longer delivery is refused.")
    extract_attempts: int = Field(default=3, ge=1, description="Tries of one request before the delivery fails.")
    extract_page_bytes: int = Field(default=64 * 1024 * 1024, gt=0, description="A larger page or file is refused.")

    report_shards: int = Field(
        default=1, ge=1, description="Mapped tasks of a morning's scorecards; one per worker machine."
    )

    log_format: Literal["text", "json"] = Field(default="text", description="Lines for people, or for a program.")
    run_id: str | None = Field(
        default=None, validation_alias="AIRFLOW_CTX_DAG_RUN_ID", description="Airflow's run, as it tells its tasks."
    )
    # Names of OpenLineage's own, which Airflow and its clients read as well.
    openlineage_url: str | None = Field(
        default=None,
        validation_alias="OPENLINEAGE_URL",
        description="Who is told what dbt read and wrote.",
    )
    openlineage_transport: str | None = Field(
        default=None, validation_alias="OPENLINEAGE__TRANSPORT__TYPE", description="The same by another way, e.g. file."
    )
    openlineage_namespace: str = Field(
        default="lapor", validation_alias="OPENLINEAGE_NAMESPACE", description="What our jobs are called under."
    )

    @property
    def backups(self) -> Path:
        """Folder of the embedded server's backups and of its archive of changes."""
        return self.backup_dir or self.state_dir / "backups"

    @property
    def landing(self) -> str:
        """Folder or URL of the sealed originals."""
        return self.landing_url or str(self.state_dir / "landing")


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


def credential_variable(connection_id: str) -> str:
    """Name of the environment variable that holds the secret of a source's connection."""
    return f"LAPOR_CREDENTIAL_{connection_id.upper()}"


def host_key_variable(connection_id: str) -> str:
    """Name of the environment variable that holds the public key of an SFTP server."""
    return f"LAPOR_HOST_KEY_{connection_id.upper()}"


def connection_credential(connection_id: str) -> str | None:
    """The secret of a connection, if it has one."""
    return os.environ.get(credential_variable(connection_id)) or None


def connection_host_key(connection_id: str) -> str | None:
    """The pinned public key of an SFTP connection, if it has one."""
    return os.environ.get(host_key_variable(connection_id)) or None
