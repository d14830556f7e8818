"""One delivery in the making: its pages landed, read and mapped as they come, stored part by part.

Everything here runs in the shard's worker thread. A part ends behind a page that the source can go on after, when
enough has gathered; it is landed first and then stored in one transaction with its checkpoint, so a crash costs no more
than the open part and nothing is stored twice.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from extract.connectors import Connector, FileTaken, Page
from extract.errors import DeliveryFailed, LandingUnavailable
from extract.landing import LandingKeys, Segment, Store
from extract.ledger import Planned, cut_off
from extract.load import Loader, Part
from extract.mapping import Mapper
from extract.profile import Profile
from extract.records import Line, Row
from warehouse.settings import Settings

_RECORDS_AT_ONCE = 256  # what is read column by column; a file is not held twice
_MAX_STATED = 2**31 - 1  # what the ledger can hold: an absurd total is kept as one that nothing can match


@dataclass(slots=True)
class Budget:
    """Bytes of pages that all open parts of the shard hold together: the delivery that goes over it stores its part."""

    limit: int = 16 * 1024 * 1024
    held: int = 0


@dataclass(frozen=True, slots=True)
class Desk:
    """What every delivery of a shard shares. `loader` and `store` are None for a dry run."""

    settings: Settings
    landing_keys: LandingKeys
    identity_key: bytes
    loader: Loader | None
    store: Store | None
    budget: Budget = field(default_factory=Budget)


class Intake:
    """Takes the pages of one delivery: `take` for each, then `finish`, or `release` when it breaks off."""

    def __init__(self, desk: Desk, planned: Planned, profile: Profile, connector: Connector) -> None:
        self._desk, self._planned, self._profile, self._connector = desk, planned, profile, connector
        self._mapper = Mapper(
            profile, planned.agency.agency_code, planned.agency.time_zone, desk.identity_key, planned.field_types
        )
        self._part_number = planned.part_count if planned.keeps_rows else 0
        self._parts_stored = self._part_number
        self._landing_path = planned.landing_path if planned.keeps_rows else None
        self._digest = (planned.content_sha256 or "") if planned.keeps_rows else ""
        self._started_at = datetime.now(UTC)
        self._waiting: list[Page] = []
        self._taken_rows = planned.received_rows if planned.keeps_rows else 0
        self._segment: Segment | None = None
        self._stated_total: int | None = None
        self._total_is_void = False
        # A backfill's source states the total of its own window: what the delivery had before comes on top of it.
        self._stated_before = _before_the_backfill(planned)
        self._rows_stated_by_files = self._taken_rows
        self._some_file_states_its_rows = planned.keeps_rows and planned.stated_total is not None
        self._begins = not planned.is_resumed
        self._byte_count = 0
        self.row_count = 0
        self.event_count = 0
        self.loaded_rows = 0
        self.page_count = 0
        self._begin_part()

    @property
    def parts_stored(self) -> int:
        """Parts of this delivery that are safe, of this run and of the one it goes on from."""
        return self._parts_stored

    def take(self, page: Page) -> None:
        """Land, read and map one page; store the part when it is large enough. Raises DeliveryFailed."""
        self.page_count += 1
        self._digest = hashlib.sha256(
            self._digest.encode() + hashlib.sha256(page.content).hexdigest().encode()
        ).hexdigest()
        if self._planned.source.frequency == "irregular":
            self._waiting.append(page)  # whether it is the same as last time is known at its end
            return
        self._read(page)
        checkpoint_pages = self._desk.settings.extract_checkpoint_pages
        if page.position is not None and (
            self._page_count_of_part >= checkpoint_pages or self._desk.budget.held > self._desk.budget.limit
        ):
            self._store("expected", page.position)

    def _read(self, page: Page) -> None:
        if self._segment is not None:
            self._segment.write(page)
        content = self._connector.read(page)
        if content.stated_total is not None:
            self._stated_total = content.stated_total
        self._total_is_void |= content.total_is_void
        before = len(self._rows)
        records = iter(content.records)
        while some := list(islice(records, _RECORDS_AT_ONCE)):
            rows, events = self._mapper.take(some)
            self._rows += rows
            self._events += events
        self._mapper.require_fields(page.name)
        count = len(self._rows) - before
        self._rows_stated_by_files += count if content.stated_rows is None else content.stated_rows
        self._some_file_states_its_rows |= content.stated_rows is not None
        self._taken_rows += count
        if self._taken_rows > self._desk.settings.extract_delivery_rows:
            raise DeliveryFailed(
                f"more than {self._desk.settings.extract_delivery_rows:,} rows",
                "See whether the source repeats itself; if it is that large, raise LAPOR_EXTRACT_DELIVERY_ROWS.",
            )
        self._page_count_of_part += 1
        self._byte_count += len(page.content)
        self._desk.budget.held += len(page.content)
        if page.file is not None:
            self._files.append(page.file)

    def end_part(self) -> None:
        """Store what has been read so far as a part; the delivery goes on."""
        self._store("expected", None)

    def finish(self) -> str:
        """Store what is left; the delivery is complete. Returns its state: received or empty."""
        if self._waiting:
            if self._planned.last_content_sha256 == self._digest:
                self._store("empty", None, reason="the same file as on an earlier night")
                return "empty"
            for page in self._waiting:
                self._read(page)
        state = "received" if self._taken_rows else "empty"
        self._store(state, None)
        return state

    def release(self) -> None:
        """Give up what is open: what is stored stays, and the next run goes on behind it."""
        self._desk.budget.held -= self._byte_count
        self._byte_count = 0

    def _store(self, state: str, position: str | None, reason: str | None = None) -> None:
        self._part_number += 1
        path = self._land()
        part = Part(
            number=self._part_number,
            begins=self._begins,
            state=state,
            rows=self._rows,
            events=self._events,
            files=self._files,
            checkpoint=self._planned.checkpoint_at(position, self._stated_before) if position is not None else None,
            reason=reason,
            stated_total=self._stated(),
            page_count=self._page_count_of_part,
            byte_count=self._byte_count,
            content_sha256=self._digest,
            landing_path=path,
            watermark_to=min(cut_off(self._planned.night), datetime.now(UTC)) if state != "expected" else None,
            unknown_fields=sorted(self._mapper.unknown_fields),
            missing_fields=sorted(self._mapper.missing_fields()),
            retyped_fields=sorted(self._mapper.retyped_fields()),
            field_types=self._mapper.field_types(),
            started_at=self._started_at,
        )
        self.row_count += len(self._rows)
        self.event_count += len(self._events)
        if self._desk.loader:
            self.loaded_rows += self._desk.loader.store(self._planned, part, self._profile.table)
        self._parts_stored = self._part_number
        self._begins = False
        self.release()
        self._begin_part()

    def _stated(self) -> int | None:
        total = self._rows_stated_by_files if self._some_file_states_its_rows else None
        if self._stated_total is not None:
            total = self._stated_total + self._stated_before
        return None if total is None or self._total_is_void else max(-_MAX_STATED, min(total, _MAX_STATED))

    def _land(self) -> str | None:
        if self._segment is None or self._desk.store is None:
            return self._planned.landing_path  # read again from there, or a dry run
        if not self._segment.page_count:
            self._part_number -= 1  # nothing came (after the last part): no segment, and no part of its own
            return self._landing_path
        planned = self._planned
        base = (
            self._landing_path
            or f"{planned.night}/{planned.source.agency_code}.{planned.source.resource}.{planned.attempt + 1}"
        )
        self._landing_path = base
        try:
            self._desk.store.put(f"{base}.{self._part_number:04d}.sealed", self._segment.sealed())
        except OSError as error:
            raise LandingUnavailable(
                f"originals cannot be written to {self._desk.settings.landing}: {error}"
            ) from error
        return base

    def _begin_part(self) -> None:
        self._rows: list[Row | Line] = []
        self._events: list[Row | Line] = []
        self._files: list[FileTaken] = []
        self._page_count_of_part = 0
        self._byte_count = 0
        if self._desk.store is not None:
            source = self._planned.source
            facts: dict[str, Any] = {
                "night": self._planned.night.isoformat(), "agency_code": source.agency_code,
                "resource": source.resource, "connector": source.connector, "profile": source.profile,
            }  # fmt: skip
            self._segment = Segment(self._desk.landing_keys, facts)


def _before_the_backfill(planned: Planned) -> int:
    if planned.extends:
        return planned.received_rows if planned.stated_total is None else planned.stated_total
    return planned.checkpoint.stated_before if planned.checkpoint else 0


def replay(
    desk: Desk, planned: Planned, profile: Profile, connector: Connector, segments: Iterable[Iterable[Page]]
) -> Intake:
    """Read landed segments again as a new attempt of the delivery, part by part as they were;

    they are not landed anew.
    """
    intake = Intake(replace(desk, store=None), planned, profile, connector)
    for number, pages in enumerate(segments):
        if number:
            intake.end_part()
        for page in pages:
            intake.take(page)
    return intake
