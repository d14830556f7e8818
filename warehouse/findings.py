"""What is found when the state of things is looked at: lines, and from where on something is no longer well."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from psycopg2.extensions import cursor as Cursor
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

WIB = ZoneInfo("Asia/Jakarta")
State = Literal["ok", "warning", "broken"]
STATES: tuple[State, ...] = ("ok", "warning", "broken")


class StatusSettings(BaseSettings):
    """From where on something is no longer well: environment variables with the prefix `LAPOR_STATUS_`."""

    model_config = SettingsConfigDict(env_prefix="LAPOR_STATUS_", extra="ignore", frozen=True)

    disk_free_percent: float = Field(default=15, ge=0, le=100, description="Less is a warning, a third of it broken.")
    replica_lag_seconds: float = Field(default=60, ge=0, description="A replica further behind is a warning.")
    replica_lag_mb: float = Field(default=256, ge=0, description="So many MB of changes not replayed are one too.")
    connections_percent: float = Field(default=80, ge=0, le=100, description="More connections are a warning.")
    quarantine_factor: float = Field(default=2, ge=1, description="So many times the usual quarantine is a warning.")
    quarantine_floor: int = Field(default=50, ge=0, description="Rows above the usual that are never a warning.")
    expiry_days: int = Field(default=30, ge=0, description="What expires sooner is a warning.")
    portal_url: str | None = Field(
        default=None, validation_alias="LAPOR_PORTAL_URL", description="Where the portal is; unset: it is not asked."
    )


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at: its state, what was seen, and what to do about it."""

    name: str
    state: State
    seen: str
    todo: str = ""


def one_row(cursor: Cursor) -> tuple[Any, ...]:
    """The one row that a query gives."""
    row = cursor.fetchone()
    assert row is not None
    return tuple(row)


def few(names: list[str]) -> str:
    """Some names, and how many more there are."""
    return ", ".join(names[:4]) + (f" and {len(names) - 4:,} more" if len(names) > 4 else "")


def size_in_words(size: Any) -> str:
    """Bytes as MB or GB."""
    return f"{float(size) / 1e6:,.0f} MB" if size < 1e10 else f"{float(size) / 1e9:,.0f} GB"


def clock(moment: datetime | None) -> str:
    """A moment as the clock in Jakarta shows it; now without one."""
    return f"{(moment or datetime.now(UTC)).astimezone(WIB):%Y-%m-%d %H:%M} WIB"
