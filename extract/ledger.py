"""The ledger of nights and deliveries: what was expected, what came, why not.

The ledger alone decides what a rerun still has to do: a delivery that is received or empty is final, everything else is
tried again. Watermarks are read from it too, so there is no second memory to disagree with.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
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


@dataclass(frozen=True, slots=True)
class Planned:
    """A delivery still to be had tonight: its ledger row, its source, and since when changes are wanted."""

    delivery_id: int
    attempt: int
    agency: Agency
    source: Source
    since: datetime | None
    last_content_sha256: str | None
    landing_path: str | None


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
        execute_values(
            cursor,
            "insert into ops.deliveries (night, agency_code, resource, connector, profile, frequency) values %s"
            " on conflict (night, agency_code, resource) do nothing",
            [
                (night, source.agency_code, source.resource, source.connector, source.profile, source.frequency)
                for source in registry.sources.values()
            ],
        )
        if changed:
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
) -> list[Planned]:
    """The deliveries this shard still has to have, largest first; with `redo` also those that are final.

    Shards are balanced by what each source delivered on recent nights; every shard computes the same split, because
    it rests on earlier nights only. Raises RegistryInvalid for a name that the registry does not know.
    """
    if unknown := [code for code in agencies if code not in registry.agencies]:
        raise RegistryInvalid(f"agencies {unknown} are not in registry {registry.name!r}")
    if unknown := [name for name in resources if name not in TABLE_OF_RESOURCE]:
        raise RegistryInvalid(f"resources {unknown} are unknown; known: {sorted(TABLE_OF_RESOURCE)}")
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            select
                deliveries.delivery_id, deliveries.agency_code, deliveries.resource, deliveries.state,
                deliveries.attempt, deliveries.landing_path, earlier.watermark, earlier.content_sha256,
                coalesce(volumes.row_count, 0)
            from ops.deliveries as deliveries
            left join lateral (
                select watermark_to as watermark, content_sha256
                from ops.deliveries as before
                where before.agency_code = deliveries.agency_code and before.resource = deliveries.resource
                    and before.night < %(night)s and before.state in ('received', 'empty')
                order by before.night desc
                limit 1
            ) as earlier on true
            left join (
                select agency_code, resource, avg(received_rows) as row_count
                from ops.deliveries
                where night < %(night)s and night >= %(volume_from)s
                group by agency_code, resource
            ) as volumes using (agency_code, resource)
            where deliveries.night = %(night)s
            """,
            {"night": night, "volume_from": night - timedelta(days=_VOLUME_NIGHTS)},
        )
        found = cursor.fetchall()
    if not found:
        raise RegistryInvalid(f"night {night} is not open; run: python -m extract open --night {night}")
    index, count = shard
    loads = [0.0] * count
    planned = []
    for row in sorted(found, key=lambda row: (-row[8], row[1], row[2])):
        delivery_id, agency_code, resource, state, attempt, landing_path, since, sha256, volume = row
        mine = min(range(count), key=loads.__getitem__)
        loads[mine] += 1.0 + float(volume) / 10
        source = registry.sources.get((agency_code, resource))
        if mine != index or source is None:
            continue
        if (agencies and agency_code not in agencies) or (resources and resource not in resources):
            continue
        if state in FINAL_STATES and not redo:
            continue
        planned.append(
            Planned(delivery_id, attempt, registry.agencies[agency_code], source, since, sha256, landing_path)
        )
    return planned


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
