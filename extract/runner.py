"""Fetch, read and load the deliveries of one shard. One agency's trouble ends in its own ledger row.

Requests run concurrently within limits (overall, per agency, a deadline per delivery); reading and loading run in one
worker thread over one database connection, so that waiting for the database never stops the fetching.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import aiohttp
from psycopg2.extensions import connection as Connection

from extract.connectors import Connector, Page, Window, connector_for
from extract.connectors.rest import HttpLimits, HttpSession
from extract.errors import DeliveryFailed, DeliveryLate
from extract.landing import LandingFile, decode_key, read_landing
from extract.ledger import Planned, cut_off
from extract.load import Delivery, Loader
from extract.mapping import Mapper
from extract.profile import Profile, read_profile
from warehouse.settings import Settings

_USER_AGENT = "lapor-warehouse/0.1 (nightly extraction)"


@dataclass(slots=True)
class Outcome:
    """What a shard did, for the last line a person reads."""

    states: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    events: int = 0
    loaded_rows: int = 0
    messages: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Keys:
    """The two secrets extraction needs; see `python -m extract new-keys`."""

    landing: bytes
    landing_id: str
    identity: bytes

    @classmethod
    def from_settings(cls, settings: Settings) -> "Keys":
        """Read both keys. Raises ValueError naming the missing variable and how to make one."""
        found = {}
        for name, secret in (
            ("LAPOR_LANDING_KEY", settings.landing_key),
            ("LAPOR_IDENTITY_KEY", settings.identity_key),
        ):
            if secret is None:
                raise ValueError(f"{name} is not set; make keys with: python -m extract new-keys")
            found[name] = decode_key(secret.get_secret_value(), name)
        return cls(found["LAPOR_LANDING_KEY"], settings.landing_key_id, found["LAPOR_IDENTITY_KEY"])


class Shard:
    """One extraction process: its part of a night's deliveries."""

    def __init__(self, connection: Connection | None, night: date, settings: Settings) -> None:
        """`connection` is None for a dry run: everything is fetched and read, nothing is written."""
        self._night = night
        self._settings = settings
        self._keys = Keys.from_settings(settings)
        self._loader = Loader(connection, night) if connection else None
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="load")
        self.outcome = Outcome()

    def run(self, planned: Sequence[Planned]) -> Outcome:
        """Have every planned delivery; never raises for one agency. Failed ones are tried once more at the end."""
        asyncio.run(self._run(planned))
        return self.outcome

    def replay(self, planned: Sequence[Planned]) -> Outcome:
        """Read the landed originals of these deliveries again and load them anew, without asking any agency."""
        for item in planned:
            if item.landing_path is None:
                continue
            profile = read_profile(item.source.profile)
            path = self._settings.landing / item.landing_path
            pages = list(read_landing(path, self._keys.landing))
            delivery = self._finish(
                item, profile, connector_for(item.source.connector, profile, None), pages, datetime.now(UTC)
            )
            delivery.landing_path = item.landing_path
            self._load(item, profile, delivery)
        return self.outcome

    async def _run(self, planned: Sequence[Planned]) -> None:
        settings = self._settings
        pool = aiohttp.TCPConnector(
            limit=settings.extract_connections, limit_per_host=0, enable_cleanup_closed=True, ttl_dns_cache=300
        )
        async with aiohttp.ClientSession(connector=pool, headers={"User-Agent": _USER_AGENT}) as client:
            session = HttpSession(client, HttpLimits.from_settings(settings))
            gate = asyncio.Semaphore(settings.extract_connections)
            spent: dict[int, float] = {}

            async def have(items: Sequence[Planned], *, last: bool) -> list[Planned]:
                results = await asyncio.gather(*(self._one(item, session, gate, spent, last=last) for item in items))
                return [item for item, again in zip(items, results, strict=True) if again]

            again = await have(planned, last=False)
            await have(again, last=True)

    async def _one(
        self, planned: Planned, session: HttpSession, gate: asyncio.Semaphore, spent: dict[int, float], *, last: bool
    ) -> bool:
        """Fetch and load one delivery; True when it failed in a way that may pass and is to be tried again."""
        profile = read_profile(planned.source.profile)
        connector = connector_for(planned.source.connector, profile, session)
        async with gate:
            started_at, clock = datetime.now(UTC), asyncio.get_running_loop().time()
            # Both passes share one deadline, so that a hanging agency costs the night no more than that.
            budget = self._settings.extract_agency_deadline_seconds - spent.get(planned.delivery_id, 0.0)
            pages: list[Page] = []
            try:
                async with asyncio.timeout(max(budget, 1.0)):
                    delivery = await self._fetch(planned, profile, connector, pages, started_at)
            except TimeoutError:
                delivery = Delivery("failed", reason=self._deadline_reason(len(pages)), started_at=started_at)
            except DeliveryFailed as failure:
                spent[planned.delivery_id] = (
                    spent.get(planned.delivery_id, 0.0) + asyncio.get_running_loop().time() - clock
                )
                if failure.retryable and not last:
                    return True
                delivery = _failed(planned, failure, started_at)
        await asyncio.get_running_loop().run_in_executor(self._worker, self._load, planned, profile, delivery)
        return False

    async def _fetch(
        self, planned: Planned, profile: Profile, connector: Connector, pages: list[Page], started_at: datetime
    ) -> Delivery:
        overlap = timedelta(minutes=profile.overlap_minutes)
        window = Window(since=planned.since - overlap if planned.since else None, until=cut_off(self._night))
        zone = profile.zone_for(planned.agency.time_zone)
        async for page in connector.pages(planned.source.address(self._night), window, zone):
            pages.append(page)
        return await asyncio.get_running_loop().run_in_executor(
            self._worker, self._land_and_finish, planned, profile, connector, pages, started_at
        )

    def _land_and_finish(
        self, planned: Planned, profile: Profile, connector: Connector, pages: list[Page], started_at: datetime
    ) -> Delivery:
        landing_path = self._land(planned, pages) if self._loader else None
        delivery = self._finish(planned, profile, connector, pages, started_at)
        delivery.landing_path = landing_path
        return delivery

    def _land(self, planned: Planned, pages: list[Page]) -> str:
        source = planned.source
        name = f"{self._night}/{source.agency_code}.{source.resource}.{planned.attempt + 1}.sealed"
        facts = {
            "night": self._night.isoformat(), "agency_code": source.agency_code, "resource": source.resource,
            "connector": source.connector, "profile": source.profile, "attempt": planned.attempt + 1,
        }  # fmt: skip
        with LandingFile(self._settings.landing / Path(name), self._keys.landing, self._keys.landing_id, facts) as file:
            for page in pages:
                file.write(page)
            file.commit()
        return name

    def _finish(
        self, planned: Planned, profile: Profile, connector: Connector, pages: list[Page], started_at: datetime
    ) -> Delivery:
        """Read the pages into rows. Raises DeliveryFailed when they are not what the profile describes."""
        digest = hashlib.sha256()
        for page in pages:
            digest.update(page.content)
        delivery = Delivery(
            "empty",
            page_count=len(pages),
            byte_count=sum(len(page.content) for page in pages),
            content_sha256=digest.hexdigest(),
            watermark_to=min(cut_off(self._night), datetime.now(UTC)),
            started_at=started_at,
        )
        if planned.source.frequency == "irregular" and planned.last_content_sha256 == delivery.content_sha256:
            delivery.reason = "the same file as on an earlier night"
            return delivery
        mapper = Mapper(profile, planned.agency.agency_code, planned.agency.time_zone, self._keys.identity)
        for page in pages:
            content = connector.read(page)
            if content.stated_total is not None:
                delivery.stated_total = content.stated_total
            for record in content.records:
                row, events = mapper.rows(record)
                delivery.rows.append(row)
                delivery.events.extend(events)
        delivery.unknown_fields = sorted(mapper.unknown_fields)
        if delivery.rows:
            delivery.state = "received"
        return delivery

    def _load(self, planned: Planned, profile: Profile, delivery: Delivery) -> None:
        delivery.finished_at = datetime.now(UTC)
        loaded = self._loader.load(planned, delivery, profile.table)[0] if self._loader else 0
        outcome = self.outcome
        outcome.states[delivery.state] = outcome.states.get(delivery.state, 0) + 1
        outcome.rows += len(delivery.rows)
        outcome.events += len(delivery.events)
        outcome.loaded_rows += loaded
        if delivery.state in ("failed", "late"):
            source = planned.source
            outcome.messages.append(
                f"{source.agency_code} {source.resource}, night {self._night}: {delivery.state}: {delivery.reason}"
            )

    def _deadline_reason(self, page_count: int) -> str:
        return (
            f"not complete after {self._settings.extract_agency_deadline_seconds:g} s ({page_count} pages read); "
            "LAPOR_EXTRACT_AGENCY_DEADLINE_SECONDS sets the limit"
        )


def _failed(planned: Planned, failure: DeliveryFailed, started_at: datetime) -> Delivery:
    if isinstance(failure, DeliveryLate) and planned.source.frequency == "irregular":
        return Delivery("empty", reason="nothing handed over; this source delivers irregularly", started_at=started_at)
    state = "late" if isinstance(failure, DeliveryLate) else "failed"
    return Delivery(state, reason=failure.reason, started_at=started_at)
