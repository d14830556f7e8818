"""How to read one kind of source: fetch pages (bytes as the source sent them), and read records from a page.

Fetching and reading are apart so that a landed page can be read again years later. A connector knows nothing of
agencies, tables or privacy: what differs between source systems stands in the profile.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from extract.profile import Profile
    from extract.records import Record


@dataclass(frozen=True, slots=True)
class Page:
    """What came in one piece: an API page or a file. `decoded` spares a second parse; it is never landed."""

    name: str
    content: bytes
    decoded: Any = None


@dataclass(frozen=True, slots=True)
class Window:
    """Which changes are wanted: since (None = all there is) up to the night's cut-off, times with zone."""

    since: datetime | None
    until: datetime


@dataclass(frozen=True, slots=True)
class PageContent:
    """What a page says: its records, the total the source states (None if it does not), the fields it carries."""

    records: Iterator["Record"]
    stated_total: int | None = None


class Connector(Protocol):
    """The interface; see rest.py and tabular.py."""

    def pages(self, address: str, window: Window, time_zone: str) -> AsyncIterator[Page]:
        """Fetch all pages of a delivery. Raises DeliveryFailed or one of its kinds."""
        ...

    def read(self, page: Page) -> PageContent:
        """Read the records of a page. Raises DeliveryFailed when the page is not what the profile describes."""
        ...


def connector_for(kind: str, profile: "Profile", session: Any) -> Connector:
    """The connector of that kind, speaking as the profile says. `session` is the shard's HTTP session."""
    from extract.connectors.rest import RestConnector
    from extract.connectors.tabular import TabularConnector

    match kind:
        case "rest":
            return RestConnector(profile, session)
        case "tabular":
            return TabularConnector(profile)
    raise ValueError(f"no connector is called {kind!r}: rest, tabular")
