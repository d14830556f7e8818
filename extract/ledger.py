"""The ledger of nights and deliveries: what was expected, what came, why not.

The ledger alone decides what a rerun still has to do: a delivery that is received or empty is final, everything else is
tried again. Watermarks are read from it too, so there is no second memory to disagree with.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from extract.errors import RegistryInvalid
from extract.records import TABLE_OF_RESOURCE
from extract.sources import Agency, Registry, Source

BUSINESS_ZONE = ZoneInfo("Asia/Jakarta")
FINAL_STATES = ("received", "empty")
_VOLUME_NIGHTS = 14
_LATE_NIGHTS = 7


class Checkpoint(msgspec.Struct, frozen=True):
    """Where a delivery that broke off goes on:

    behind which page, of which window, and whether it extends a finished one, which had so many rows by its source.
    """

    after: str
    since: datetime | None
    until: datetime
    extends: bool = False
    stated_before: int = 0


@dataclass(frozen=True, slots=True)
class Planned:
    """A delivery still to be had: its ledger row as it is, its source, and which changes are wanted.

    `keeps_rows` is true when what is loaded of it stays: it goes on behind a checkpoint, or a backfill extends it.
    """

    delivery_id: int
    night: date
    attempt: int
    agency: Agency
    source: Source
    since: datetime | None
    until: datetime
    last_content_sha256: str | None = None
    landing_path: str | None = None
    part_count: int = 0
    received_rows: int = 0
    stated_total: int | None = None
    content_sha256: str | None = None
    field_types: Mapping[str, str] = field(default_factory=dict)
    failed_nights: int = 0
    checkpoint: Checkpoint | None = None
    extends: bool = False
    is_replayed: bool = False

    @property
    def is_resumed(self) -> bool:
        """Whether an attempt that broke off goes on."""
        return self.checkpoint is not None

    @property
    def keeps_rows(self) -> bool:
        """Whether what is loaded of the delivery stays."""
        return self.is_resumed or self.extends

    @property
    def attempt_now(self) -> int:
        """The attempt that is running."""
        return self.attempt if self.is_resumed else self.attempt + 1

    def checkpoint_at(self, position: str, stated_before: int = 0) -> str:
        """The ledger's text for going on behind a page."""
        extends = self.extends or (self.checkpoint is not None and self.checkpoint.extends)
        return msgspec.json.encode(Checkpoint(position, self.since, self.until, extends, stated_before)).decode()


def cut_off(night: date) -> datetime:
    """24:00 WIB of the night, as a UTC time."""
    return datetime.combine(night + timedelta(days=1), time(), tzinfo=BUSINESS_ZONE).astimezone(UTC)


def open_night(connection: Connection, night: date, registry: Registry) -> int:
    """Open a night: its row, the registry's new versions, one expected delivery per source. Returns the deliveries.

    Safe to repeat; what is already known stays. Raises RegistryInvalid if the night was opened with another registry,
    because simulated and real figures must never meet in one warehouse.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("select registry from ops.nights where registry <> %s limit 1", [registry.name])
        if other := cursor.fetchone():
            raise RegistryInvalid(
                f"this warehouse holds nights of registry {other[0]!r}; registry {registry.name!r} needs "
                "a warehouse of its own (another LAPOR_STATE_DIR or WAREHOUSE_DSN)"
            )
        cursor.execute(
            "insert into ops.nights (night, cut_off_at, registry, is_simulated) values (%s, %s, %s, %s)"
            " on conflict (night) do nothing",
            [night, cut_off(night), registry.name, registry.is_simulated],
        )
        changed = _record_agencies(cursor, night, registry)
        expected = execute_values(
            cursor,
            "insert into ops.deliveries (night, agency_code, resource, connector, profile, frequency) values %s"
            " on conflict (night, agency_code, resource) do nothing returning 1",
            [
                (night, source.agency_code, source.resource, source.connector, source.profile, source.frequency)
                for source in registry.sources.values()
            ],
            fetch=True,
        )
        if changed or expected:
            cursor.execute("update ops.nights set changed_seq = changed_seq + 1 where night = %s", [night])
    return len(registry.sources)


def _record_agencies(cursor: Cursor, night: date, registry: Registry) -> int:
    """Append the registry rows that differ from the latest version known before or on this night."""
    cursor.execute(
        "select distinct on (agency_code) agency_code, content_hash from raw.agencies where night <= %s"
        " order by agency_code, night desc",
        [night],
    )
    known = {code: bytes(content) for code, content in cursor.fetchall()}
    rows = []
    for agency in registry.agencies.values():
        content = msgspec.json.encode((registry.name, registry.is_simulated, agency))
        digest = hashlib.blake2b(content, digest_size=16).digest()
        if known.get(agency.agency_code) != digest:
            rows.append(
                (night, registry.name, registry.is_simulated, agency.agency_code, agency.name, agency.kind,
                 agency.province_code, agency.regency_code, agency.time_zone, agency.connected_on, agency.certainty,
                 digest)
            )  # fmt: skip
    execute_values(
        cursor,
        "insert into raw.agencies (night, registry, is_simulated, agency_code, name, kind, province_code, regency_code,"
        " time_zone, connected_on, certainty, content_hash) values %s"
        " on conflict (agency_code, night) do update set name = excluded.name, kind = excluded.kind,"
        " province_code = excluded.province_code, regency_code = excluded.regency_code, time_zone = excluded.time_zone,"
        " connected_on = excluded.connected_on, certainty = excluded.certainty, content_hash = excluded.content_hash",
        rows,
    )
    return len(rows)


def plan(
    connection: Connection,
    night: date,
    registry: Registry,
    *,
    shard: tuple[int, int] = (0, 1),
    agencies: Sequence[str] = (),
    resources: Sequence[str] = (),
    redo: bool = False,
    extend: bool = False,
) -> list[Planned]:
    """The deliveries this shard still has to have, largest first; with `redo` also those that are final.

    Besides the night's own these are the files that were late in the nights before: they lie at their own night's place
    and belong to it. Shards are balanced by what each source delivered on recent nights; every shard computes the same
    split, because it rests on earlier nights only. With `extend` (a backfill) they are the night's finished ones, and
    those whose backfill broke off. Raises RegistryInvalid for a name that the registry does not know.
    """
    if unknown := [code for code in agencies if code not in registry.agencies]:
        raise RegistryInvalid(f"agencies {unknown} are not in registry {registry.name!r}")
    if unknown := [name for name in resources if name not in TABLE_OF_RESOURCE]:
        raise RegistryInvalid(f"resources {unknown} are unknown; known: {sorted(TABLE_OF_RESOURCE)}")
    with connection, connection.cursor() as cursor:
        cursor.execute("select 1 from ops.nights where night = %s", [night])
        if cursor.fetchone() is None:
            raise RegistryInvalid(f"night {night} is not open; run: python -m extract open --night {night}")
        cursor.execute(_PLAN, {"night": night, "recent": night - timedelta(days=_VOLUME_NIGHTS),
                               "late_from": night - timedelta(days=_LATE_NIGHTS)})  # fmt: skip
        names = [column.name for column in cursor.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    index, count = shard
    loads = [0.0] * count
    planned = []
    for row in sorted(found, key=lambda row: (-row["volume"], row["agency_code"], row["resource"], row["night"])):
        source = registry.sources.get((row["agency_code"], row["resource"]))
        if row["night"] != night and (source is None or not source.is_dated or redo):
            continue
        mine = min(range(count), key=loads.__getitem__)
        loads[mine] += 1.0 + float(row["volume"]) / 10
        if mine != index or source is None:
            continue
        if (agencies and source.agency_code not in agencies) or (resources and source.resource not in resources):
            continue
        if extend:
            if row["night"] != night or not (row["state"] in FINAL_STATES or _is_extension(row)):
                continue
        elif row["state"] in FINAL_STATES and not redo:
            continue
        planned.append(_planned(row, registry, source, redo=redo))
    return planned


_PLAN = """
    select
        deliveries.delivery_id, deliveries.night, deliveries.agency_code, deliveries.resource, deliveries.state,
        deliveries.attempt, deliveries.landing_path, deliveries.part_count, deliveries.received_rows,
        deliveries.stated_total, deliveries.content_sha256, deliveries.checkpoint,
        earlier.watermark, earlier.content_sha256 as last_content_sha256, earlier.field_types,
        coalesce(volumes.row_count, 0) as volume, coalesce(failures.night_count, 0) as failed_nights
    from ops.deliveries as deliveries
    left join lateral (
        select before.night, before.watermark_to as watermark, before.content_sha256, before.field_types
        from ops.deliveries as before
        where before.agency_code = deliveries.agency_code and before.resource = deliveries.resource
            and before.night < deliveries.night and before.state in ('received', 'empty')
        order by before.night desc
        limit 1
    ) as earlier on true
    left join lateral (
        select count(*) as night_count
        from ops.deliveries as before
        where before.agency_code = deliveries.agency_code and before.resource = deliveries.resource
            and before.night < deliveries.night and before.night > coalesce(earlier.night, '-infinity')
            and before.state in ('failed', 'late')
    ) as failures on true
    left join (
        select agency_code, resource, avg(received_rows) as row_count
        from ops.deliveries
        where night < %(night)s and night >= %(recent)s
        group by agency_code, resource
    ) as volumes using (agency_code, resource)
    where deliveries.night = %(night)s
        or (deliveries.night < %(night)s and deliveries.night >= %(late_from)s
            and deliveries.state in ('late', 'failed') and deliveries.connector = 'tabular')
"""


def _planned(row: Mapping[str, Any], registry: Registry, source: Source, *, redo: bool) -> Planned:
    checkpoint = msgspec.json.decode(row["checkpoint"], type=Checkpoint) if row["checkpoint"] and not redo else None
    return Planned(
        delivery_id=row["delivery_id"],
        night=row["night"],
        attempt=row["attempt"],
        agency=registry.agencies[source.agency_code],
        source=source,
        since=checkpoint.since if checkpoint else row["watermark"],
        until=checkpoint.until if checkpoint else cut_off(row["night"]),
        last_content_sha256=row["last_content_sha256"],
        landing_path=row["landing_path"],
        part_count=row["part_count"],
        received_rows=row["received_rows"],
        stated_total=row["stated_total"],
        content_sha256=row["content_sha256"],
        field_types=row["field_types"] or {},
        failed_nights=row["failed_nights"],
        checkpoint=checkpoint,
    )


def _is_extension(row: Mapping[str, Any]) -> bool:
    return bool(row["checkpoint"]) and msgspec.json.decode(row["checkpoint"], type=Checkpoint).extends


def refreshed(connection: Connection, planned: Planned) -> Planned:
    """The delivery as its ledger row is now, after a try that may have stored parts of it."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select attempt, landing_path, part_count, received_rows, stated_total, content_sha256, checkpoint"
            " from ops.deliveries where delivery_id = %s",
            [planned.delivery_id],
        )
        row = cursor.fetchone()
    assert row is not None
    *facts, text = row
    checkpoint = msgspec.json.decode(text, type=Checkpoint) if text else None
    names = ("attempt", "landing_path", "part_count", "received_rows", "stated_total", "content_sha256")
    changes: dict[str, Any] = dict(zip(names, facts, strict=True))
    if checkpoint:
        changes |= {"since": checkpoint.since, "until": checkpoint.until}
    return replace(planned, **changes, checkpoint=checkpoint)


def extended(planned: Planned, first: date, last: date) -> Planned:
    """The finished delivery, to be extended by what changed from `first` to `last` (business dates, both included).

    A backfill that broke off goes on where it was.
    """
    if planned.is_resumed:
        return planned
    return replace(
        planned,
        extends=True,
        since=cut_off(first - timedelta(days=1)),
        until=min(cut_off(last), cut_off(planned.night)),
    )


def taken_files(connection: Connection, planned: Planned) -> dict[str, str]:
    """The files of a source that other deliveries took:

    path -> fingerprint. A new attempt takes its own files again.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select path, fingerprint from ops.files"
            " where agency_code = %s and resource = %s and (delivery_id <> %s or %s)",
            [planned.agency.agency_code, planned.source.resource, planned.delivery_id, planned.keeps_rows],
        )
        return dict(cursor.fetchall())


def close_night(connection: Connection, night: date) -> dict[str, int]:
    """Mark what the last build built as published and return the night's deliveries by state.

    Call it only after the build and its tests have passed.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "update ops.nights set published_seq = built_seq, published_at = now() where built_seq > published_seq"
        )
        cursor.execute(
            "select state, count(*) from ops.deliveries where night = %s group by state order by state", [night]
        )
        return dict(cursor.fetchall())
