"""Fetch, read and load the deliveries of one shard. One agency's trouble ends in its own ledger row.

Requests run concurrently within limits (overall, per agency, per host, a deadline per delivery); reading and loading
run in one worker thread over one database connection, so that waiting for the database never stops the fetching.
"""

import asyncio
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from psycopg2 import InterfaceError, OperationalError
from psycopg2.extensions import connection as Connection

from extract.connectors import Ask, Connector, Window, connector_for
from extract.connectors.files import is_pattern
from extract.connectors.http import Http
from extract.errors import (
    DeliveryFailed,
    DeliveryLate,
    DeliveryTaken,
    LandingUnavailable,
    ProfileInvalid,
    RegistryInvalid,
    SealBroken,
)
from extract.intake import Desk, Intake, replay
from extract.landing import LandingKeys, decode_key, landing_store, read_segment, segment_paths
from extract.ledger import Planned, refreshed, taken_files
from extract.load import Loader
from extract.profile import read_profile
from warehouse.settings import Settings

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")

# What ends the shard: whoever is asked next would fare no better.
_OURS = (OperationalError, InterfaceError, LandingUnavailable)


class Message(str):
    """What became of one delivery, in words that a person reads; whose it was stands beside them."""

    agency_code: str
    resource: str
    night: date

    def __new__(cls, planned: Planned, words: str) -> "Message":
        """The words, with agency, resource and night before them."""
        source = planned.source
        told = super().__new__(cls, f"{source.agency_code} {source.resource}, night {planned.night}: {words}")
        told.agency_code, told.resource, told.night = source.agency_code, source.resource, planned.night
        return told


@dataclass(slots=True)
class Outcome:
    """What a shard did, for the last line a person reads."""

    states: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    events: int = 0
    loaded_rows: int = 0
    messages: list[Message] = field(default_factory=list)


class Shard:
    """One extraction process: its part of a night's deliveries."""

    def __init__(self, connection: Connection | None, night: date, settings: Settings) -> None:
        """`connection` is None for a dry run: everything is fetched and read, nothing is written.

        Raises ValueError naming a missing key and how to make one.
        """
        self._night = night
        self._settings = settings
        self._connection = connection
        if settings.identity_key is None:
            raise ValueError("LAPOR_IDENTITY_KEY is not set; make keys with: python -m extract new-keys")
        self._desk = Desk(
            settings=settings,
            landing_keys=LandingKeys.from_settings(settings),
            identity_key=decode_key(settings.identity_key.get_secret_value(), "LAPOR_IDENTITY_KEY"),
            loader=Loader(connection) if connection else None,
            store=landing_store(settings) if connection else None,
        )
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="load")
        self.outcome = Outcome()

    def run(self, planned: Sequence[Planned]) -> Outcome:
        """Have every planned delivery; never raises for one agency. Failed ones are tried once more at the end."""
        asyncio.run(self._run(planned))
        return self.outcome

    def replay(self, planned: Sequence[Planned]) -> Outcome:
        """Read the landed originals of these deliveries again and load them anew, without asking any agency.

        A delivery whose original is gone or cannot be opened stays as it is, with a message.
        """
        store = self._desk.store
        assert store is not None
        for item in planned:
            if item.landing_path is None:
                continue
            try:
                profile = read_profile(item.source.profile)
                connector = connector_for(item.source.connector, profile, None)
                paths = segment_paths(item.landing_path, item.part_count)
                for path in paths:  # all of them open, before the first one takes the place of what is loaded
                    for _ in read_segment(store.get(path), self._desk.landing_keys, path):
                        pass
                segments = (read_segment(store.get(path), self._desk.landing_keys, path) for path in paths)
                intake = replay(self._desk, replace(item, is_replayed=True), profile, connector, segments)
                self._note(item, intake.finish(), intake)
            except (DeliveryFailed, SealBroken) as error:
                self._tell(item, "not replayed", str(error))
        return self.outcome

    async def _run(self, planned: Sequence[Planned]) -> None:
        async with Http(self._settings) as http:
            room = asyncio.Semaphore(self._settings.extract_connections)
            spent: dict[int, float] = {}
            not_before: dict[int, float] = {}

            async def have(items: Sequence[Planned], *, last: bool) -> list[Planned]:
                results = await asyncio.gather(
                    *(self._one(item, http, room, spent, not_before, last=last) for item in items)
                )
                return [item for item, again in zip(items, results, strict=True) if again]

            again = await have(planned, last=False)
            http.forgive()
            await have([await self._in_thread(self._as_it_is_now, item) for item in again], last=True)

    async def _one(
        self,
        planned: Planned,
        http: Http,
        room: asyncio.Semaphore,
        spent: dict[int, float],
        not_before: dict[int, float],
        *,
        last: bool,
    ) -> bool:
        """Fetch and load one delivery; True when it failed in a way that may pass and is to be tried again.

        `spent` are the seconds each delivery has had, `not_before` when its server wants to be asked again.
        """
        clock = asyncio.get_running_loop().time
        if planned.delivery_id in not_before:
            await asyncio.sleep(not_before.pop(planned.delivery_id) - clock())
        async with room:
            began = clock()
            attempt: _Attempt | None = None
            try:
                attempt = await self._in_thread(self._prepare, planned, http)
                if http.is_broken(attempt.ask.address):
                    if not last:
                        return True
                    raise DeliveryFailed(http.broken_reason(attempt.ask.address))
                # Both passes share one deadline, so that a hanging agency costs the night no more than that.
                limit = max(self._deadline(planned) - spent.get(planned.delivery_id, 0.0), 1.0)
                state = await self._have(attempt, limit)
                http.worked(attempt.ask.address)
                self._note(planned, state, attempt.intake)
                return False
            except TimeoutError:
                failure = self._too_slow(planned, attempt)
            except (DeliveryFailed, RegistryInvalid, ProfileInvalid) as error:
                failure = error if isinstance(error, DeliveryFailed) else DeliveryFailed(str(error))
            except _OURS:
                raise  # the warehouse or the landing itself: no agency's trouble
            except Exception as error:
                failure = _unforeseen(error)
            spent[planned.delivery_id] = spent.get(planned.delivery_id, 0.0) + clock() - began
            if attempt is not None and failure.retryable:
                http.failed(attempt.ask.address)
            wait = failure.retry_after or 0.0
            if failure.retryable and not last and wait <= self._settings.extract_agency_deadline_seconds:
                if wait:
                    not_before[planned.delivery_id] = clock() + wait
                await self._in_thread(_release, attempt)
                return True
            try:
                await self._in_thread(self._fail, planned, attempt, failure)
            except _OURS:
                raise
            except Exception as error:  # as above; at least its kind is written down
                await self._in_thread(self._fail, planned, None, _unforeseen(error))
            return False

    async def _have(self, attempt: "_Attempt", limit: float) -> str:
        """Fetch and take all pages within so many seconds; the state of the delivery then."""
        async with asyncio.timeout(limit):
            async for page in attempt.connector.pages(attempt.ask):
                await self._in_thread(attempt.intake.take, page)
        return await self._in_thread(attempt.intake.finish)

    async def _in_thread(
        self, function: Callable[_Given, _Result], *given: _Given.args, **named: _Given.kwargs
    ) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._worker, partial(function, *given, **named))

    # -- in the worker thread ---------------------------------------------------------------------------------------

    def _prepare(self, planned: Planned, http: Http) -> "_Attempt":
        profile = read_profile(planned.source.profile)
        connector = connector_for(planned.source.connector, profile, http.for_agency(planned.agency.agency_code))
        since = planned.since
        if since is not None and not planned.keeps_rows:
            since -= timedelta(minutes=profile.overlap_minutes)
            if profile.trailing_days is not None:
                since = min(since, planned.until - timedelta(days=profile.trailing_days))
        ask = Ask(
            address=planned.source.address(planned.night),
            window=Window(since, planned.until),
            time_zone=profile.zone_for(planned.agency.time_zone),
            after=planned.checkpoint.after if planned.checkpoint else None,
            taken=taken_files(self._connection, planned) if self._connection and _lists_files(planned) else {},
        )
        # What the checkpoint keeps is the window that is asked for, overlap and all.
        intake = Intake(self._desk, replace(planned, since=since), profile, connector)
        return _Attempt(ask, connector, intake)

    def _as_it_is_now(self, planned: Planned) -> Planned:
        """The delivery for the retry pass: what its first try has stored is gone on behind."""
        return refreshed(self._connection, planned) if self._connection else planned

    def _fail(self, planned: Planned, attempt: "_Attempt | None", failure: DeliveryFailed) -> None:
        _release(attempt)
        if isinstance(failure, DeliveryTaken):
            self._tell(planned, "left", failure.reason)
            return
        late = isinstance(failure, DeliveryLate)
        if late and planned.source.frequency == "irregular":
            state, reason = "empty", "nothing handed over; this source delivers irregularly"
        else:
            state, reason = "late" if late else "failed", failure.reason
            if planned.failed_nights and planned.night == self._night:
                reason += f" ({planned.failed_nights + 1} nights in a row without a delivery)"
            if attempt is not None and attempt.intake.parts_stored:
                reason += f" ({attempt.intake.parts_stored} parts are stored; the next run goes on behind them)"
        if self._desk.loader:
            self._desk.loader.record_failure(planned, state, reason, datetime.now(UTC))
        if planned.night != self._night:
            return  # still late for an earlier night: its own night has said so
        self.outcome.states[state] = self.outcome.states.get(state, 0) + 1
        if state != "empty":
            self._tell(planned, state, reason)

    def _deadline(self, planned: Planned) -> float:
        is_history = planned.since is None or planned.extends or planned.is_resumed
        settings = self._settings
        return settings.extract_history_deadline_seconds if is_history else settings.extract_agency_deadline_seconds

    def _too_slow(self, planned: Planned, attempt: "_Attempt | None") -> DeliveryFailed:
        pages = attempt.intake.page_count if attempt else 0
        return DeliveryFailed(
            f"not complete after {self._deadline(planned):g} s ({pages} pages read)",
            "If it is only slow, raise LAPOR_EXTRACT_AGENCY_DEADLINE_SECONDS.",
        )

    def _note(self, planned: Planned, state: str, intake: Intake) -> None:
        outcome = self.outcome
        outcome.states[state] = outcome.states.get(state, 0) + 1
        outcome.rows += intake.row_count
        outcome.events += intake.event_count
        outcome.loaded_rows += intake.loaded_rows
        if planned.night != self._night:
            self._tell(planned, "arrived late", f"{intake.row_count:,} rows; gate and build that night again")

    def _tell(self, planned: Planned, what: str, reason: str) -> None:
        self.outcome.messages.append(Message(planned, f"{what}: {reason}"))


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One try at a delivery."""

    ask: Ask
    connector: Connector
    intake: Intake


def _release(attempt: "_Attempt | None") -> None:
    if attempt is not None:
        attempt.intake.release()


def _lists_files(planned: Planned) -> bool:
    return planned.source.connector == "tabular" and is_pattern(planned.source.location)


def _unforeseen(error: Exception) -> DeliveryFailed:
    """A fault of ours in reading what came: where it happened, and nothing of what was read."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "extract" in Path(frame.filename).parts]
    place = f"{Path(frames[-1].filename).name} line {frames[-1].lineno}" if frames else "outside of our code"
    return DeliveryFailed(
        f"reading it failed in a way nobody foresaw: {type(error).__name__} in {place}",
        "Its original is not lost: report this line, mend the reader, extract the night again.",
    )
