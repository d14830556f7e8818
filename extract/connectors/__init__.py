"""How to read one kind of source: fetch pages (bytes as the source sent them), and read records from a page.

Fetching and reading are apart so that a landed page can be read again years later. A connector knows nothing of
agencies, tables or privacy: what differs between source systems stands in the profile.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from extract.connectors.http import AgencyHttp
    from extract.profile import Profile
    from extract.records import Record

KINDS = ("rest", "open311", "tabular", "sql")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a source is: the base URL of its connection (from the environment) and the location below it."""

    connection: str
    base: str
    location: str
    credential: str | None = field(default=None, repr=False)
    host_key: str | None = None

    @property
    def url(self) -> str:
        """Base and location as one URL."""
        return f"{self.base.rstrip('/')}/{self.location}" if self.location else self.base


@dataclass(frozen=True, slots=True)
class Window:
    """Which changes are wanted: since (None = all there is) up to the night's cut-off, times with zone."""

    since: datetime | None
    until: datetime


@dataclass(frozen=True, slots=True)
class Ask:
    """What one delivery asks of its source.

    `after` is the position of the last page that is safely stored: only what follows it is wanted. `taken` are the
    files that earlier deliveries brought, with their fingerprints.
    """

    address: Address
    window: Window
    time_zone: str
    after: str | None = None
    taken: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileTaken:
    """The file a page was: its path, and what tells its states apart (size and time of change)."""

    path: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Page:
    """What came in one piece: an API page or a file. `decoded` spares a second parse; it is never landed.

    `position` is what `Ask.after` takes to go on behind this page; None when the source can only be read whole.
    """

    name: str
    content: bytes
    decoded: Any = None
    position: str | None = None
    file: FileTaken | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PageContent:
    """What a page says: its records; the total the source states for the whole delivery, or for this page alone.

    `total_is_void` says that rows were read twice, so that the total cannot be compared with what was read.
    """

    records: Iterator["Record"]
    stated_total: int | None = None
    stated_rows: int | None = None
    total_is_void: bool = False


class Connector(Protocol):
    """The interface; see rest.py, open311.py, tabular.py and sql.py."""

    def pages(self, ask: Ask) -> AsyncIterator[Page]:
        """Fetch the pages of a delivery in order. Raises DeliveryFailed or one of its kinds."""
        ...

    def read(self, page: Page) -> PageContent:
        """Read the records of a page. Raises DeliveryFailed when the page is not what the profile describes."""
        ...


def connector_for(kind: str, profile: "Profile", http: "AgencyHttp | None") -> Connector:
    """The connector of that kind, speaking as the profile says.

    Without `http` it can read pages, not fetch them by HTTP.
    """
    # What a kind needs is loaded when a source of that kind is met: most nights meet few, and drivers are heavy.
    match kind:
        case "rest":
            from extract.connectors.rest import RestConnector

            return RestConnector(profile, http)
        case "open311":
            from extract.connectors.open311 import Open311Connector

            return Open311Connector(profile, http)
        case "tabular":
            from extract.connectors.tabular import TabularConnector

            return TabularConnector(profile, http)
        case "sql":
            from extract.connectors.sql import SqlConnector

            return SqlConnector(profile)
    raise ValueError(f"no connector is called {kind!r}; there are {', '.join(KINDS)}")
