"""A history of any length, written straight into raw as the loader and the gate would have left it.

657 agencies with lognormal volumes, about 3,700 complaints a day (ten times the nation's), four and a half events each:
the longer the history, the further back it reaches. Nights after it bring new complaints and news of old ones. Made up
by arithmetic on the complaint's number: the same on every run.

How old the few pieces of news are that concern no recent complaint is a choice, and decides how many months of long ago
a night touches: from anywhere in the history (`anywhere`: the longer it is, the more months), or ever fewer the older a
complaint is, however long the history (`ageing`).
"""

from collections.abc import Mapping
from contextlib import closing
from datetime import date

import numpy as np
import psycopg2

from simulator.attributes import CHANNELS, categories
from simulator.registry import read_agencies

HISTORY_NIGHT = date(2026, 6, 27)
DAILY = 3_700
NEW_SHARE = 0.1  # of a night's changes; the others are news of what is there, nearly all of the last four months
NEWS_DAYS = 120
OLD_NEWS_SHARE = 0.02
OLD_NEWS_MEAN_DAYS = 365  # past NEWS_DAYS, where old news is ageing
OLD_NEWS = {
    "anywhere": "bench.share(draw, %(salt)s + 1) * (%(first)s - 2)",
    "ageing": "mod((%(recent)s - ln(bench.share(draw, %(salt)s + 1)) * %(mean)s)::bigint, %(first)s - 1)",
}
SIGMA = 1.45  # of the logarithm of an agency's volume

_NIGHT = """
    insert into ops.nights (night, cut_off_at, registry, is_simulated)
    values (%(night)s, (%(night)s + 1)::timestamp at time zone 'Asia/Jakarta', 'bench', true);
    insert into ops.deliveries (night, agency_code, resource, connector, profile, state, attempt)
    select %(night)s, agency_code, resource, 'rest', 'lapor_v3', 'received', 1
    from bench.agencies cross join unnest(array['complaints', 'ratings']) as resource;
    insert into quality.agency_verdict (night, agency_code, resource, attempt, verdict)
    select night, agency_code, resource, 1, 'pass' from ops.deliveries where night = %(night)s
"""
_WORDS = """
    create schema bench;
    create table bench.agencies as
    select * from unnest(%(codes)s::text[], %(shares)s::float8[]) with ordinality as agency (agency_code,
        share_below, place);
    create table bench.words as select %(shares)s::float8[] as shares, %(codes)s::text[] as codes,
        %(channels)s::text[] as channels,
        %(regions)s::text[] as regions, %(mains)s::text[] as mains, %(labels)s::text[] as labels
"""
_REGISTRY = """
    insert into raw.agencies
        (night, registry, is_simulated, agency_code, name, kind, province_code, regency_code, time_zone,
            connected_on, content_hash)
    values (%s, 'bench', true, %s, %s, %s, %s, %s, %s, %s, '')
"""
# Numbers from one to the last are the complaints in the order in which they came in; a share of one (0..1) is drawn
# by hash.
_FUNCTIONS = """
    create function bench.share(number bigint, salt integer) returns float8 language sql immutable parallel safe as
    'select ((hashint8extended(number, salt) & 1073741823) + 0.5) / 1073741824.0';
    create function bench.received_at(number bigint, last bigint,
        night date) returns timestamptz language sql immutable parallel safe as
    $$select (night + 1)::timestamp at time zone 'Asia/Jakarta' - (last - number + 0.5) * interval '1 day' / {daily}$$
"""
_LIVES = """
    create table bench.lives as
    select
        number,
        codes[width_bucket(bench.share(number, 1), shares) + 1] as agency_code,
        received_at,
        routed_at,
        case when fate < 0.93 then answered_at end as answered_at,
        case when fate < 0.86 then completed_at end as completed_at,
        case when fate >= 0.97 then routed_at + interval '1 day' end as archived_at,
        (number - case when bench.share(number, 7) < 0.03 then 900 else 0 end) %% 5000000 as reporter,
        bench.share(number, 8) < 0.25 as is_anonymous,
        bench.share(number, 9) < 0.02 as is_reopened
    from bench.words
    cross join generate_series(%(first)s::bigint, %(last)s::bigint) as number
    cross join lateral (
        select bench.received_at(number, %(last)s, %(night)s) as received_at, bench.share(number, 2) as fate
    ) as arrival
    cross join lateral (select received_at + bench.share(number, 3) * interval '3 days' as routed_at) as routing
    cross join lateral (select routed_at - ln(bench.share(number, 4)) * interval '6 days' as answered_at) as answer
    cross join lateral (select answered_at - ln(bench.share(number,
        5)) * interval '8 days' as completed_at) as completion
"""
_COMPLAINTS = """
    insert into raw.complaints
        (delivery_id, night, agency_code, source_position, source_system, tracking_id, report_class, category_main,
         category_label, channel, input_method, is_anonymous, is_secret, kemendagri_code, unit_code, unit_name,
             supervision_level, status,
         received_at, completed_at, updated_at, reporter_key, content_hash)
    select
        delivery_id, night, agency_code, 'row', 'lapor', number::text,
        case when bench.share(number, 11) < 0.92 then 'PENGADUAN' when bench.share(number, 11) < 0.97 then 'ASPIRASI'
            else 'PERMINTAAN_INFORMASI' end,
        case when category is not null then mains[category] end,
        case when category is not null then nullif(labels[category], '') end,
        channels[1 + number %% cardinality(channels)], 'MANDIRI', is_anonymous, bench.share(number, 12) < 0.15,
        regions[1 + (bench.share(number, 13) * (cardinality(regions) - 1))::integer],
        'U-0' || 1 + number %% 9, 'Dinas ' || 1 + number %% 9,
        case when bench.share(number, 14) < 0.7 then 'TIDAK_BERKADAR' end,
        case when completed_at < until_at then 'SELESAI' when archived_at < until_at then 'DIARSIPKAN'
            when answered_at < until_at then 'DIPROSES'
            when routed_at < until_at then 'TERDISPOSISI' else 'BELUM_TERVERIFIKASI' end,
        received_at,
        case when completed_at < until_at then completed_at end,
        received_at,
        case when not is_anonymous then md5('reporter' || reporter) end,
        decode(md5(number || ' ' || night), 'hex')
    from told
    inner join ops.deliveries using (night, agency_code)
    cross join bench.words
    cross join lateral (
        select case when bench.share(number, 10) > 0.37 then 1 + (bench.share(number,
            10) * (cardinality(mains) - 1))::integer end as category
    ) as about
    where resource = 'complaints'
"""
_EVENTS = """
    insert into raw.complaint_events
        (delivery_id, night, agency_code, source_position, source_system, tracking_id, event_seq, event_type,
         occurred_at, unit_code, actor_level, content_hash)
    select
        delivery_id, night, agency_code, 'row', 'lapor', number::text, event_seq, event_type, occurred_at,
        'U-0' || 1 + number %% 9, 'ADMIN_INSTANSI', decode(md5(number || '/' || event_seq), 'hex')
    from told
    inner join ops.deliveries using (night, agency_code)
    cross join lateral (
        values (1, 'MASUK', received_at), (2, 'VERIFIKASI', received_at + interval '1 hour'), (3, 'DISPOSISI',
            routed_at),
            (4, 'TINDAK_LANJUT', answered_at), (5, 'SELESAI_MANUAL', completed_at), (6, 'ARSIP', archived_at),
            (7, 'BUKA_KEMBALI', case when is_reopened then completed_at + interval '3 days' end),
            (8, 'SELESAI_MANUAL', case when is_reopened then completed_at + interval '9 days' end),
            (9, 'TINDAK_LANJUT', news_at)
    ) as step (event_seq, event_type, occurred_at)
    where resource = 'complaints' and occurred_at < until_at and (is_new or event_seq = 9)
"""
_RATINGS = """
    insert into raw.ratings
        (delivery_id, night, agency_code, source_position, source_system, tracking_id, stars, rated_at, content_hash)
    select delivery_id, night, agency_code, 'row', 'lapor', number::text, 1 + number %% 5,
        completed_at + interval '1 day',
        decode(md5(number::text), 'hex')
    from told
    inner join ops.deliveries using (night, agency_code)
    where resource = 'ratings' and is_new and completed_at + interval '1 day' < until_at and number %% 8 = 0
"""
_TOLD_HISTORY = """
    create temporary view told as
    select *, %(night)s::date as night, (%(night)s::date + 1)::timestamp at time zone 'Asia/Jakarta' as until_at,
        true as is_new,
        null::timestamptz as news_at
    from bench.lives
"""
# A night's complaints: the new ones with their whole log, and old ones with one more step in it.
_TOLD_NIGHT = """
    create temporary table told as
    select *, %(night)s::date as night, (%(night)s::date + 1)::timestamp at time zone 'Asia/Jakarta' as until_at,
        number >= %(first)s as is_new,
        case when number < %(first)s then %(night)s::timestamp at time zone 'Asia/Jakarta' + bench.share(number,
            20) * interval '23 hours' end as news_at
    from bench.lives
    where number >= %(first)s or number in (
        select %(first)s - 1 - case
            when bench.share(draw, %(salt)s) >= %(old_share)s then bench.share(draw, %(salt)s + 1) * %(recent)s
            else {old}
        end::bigint
        from generate_series(1, %(news)s::bigint) as draw
    )
"""
_COUNTS = """
    update ops.deliveries set received_rows = counted.row_count, loaded_rows = counted.row_count
    from (select delivery_id, count(*)
        as row_count from raw.{table} where night = %(night)s group by delivery_id) as counted
    where deliveries.delivery_id = counted.delivery_id
"""
_EVENT_COUNTS = """
    update ops.deliveries set received_events = counted.row_count, loaded_events = counted.row_count
    from (select delivery_id, count(*)
        as row_count from raw.complaint_events where night = %(night)s group by delivery_id) as counted
    where deliveries.delivery_id = counted.delivery_id;
    update ops.deliveries set state = 'empty' where night = %(night)s and loaded_rows = 0
"""
_INDEXES = """
    select format('%I.%I', schemaname, indexname), indexdef from pg_indexes
    where schemaname = 'raw' and tablename in ('complaints', 'complaint_events', 'ratings')
        and indexname not like '%pkey'
"""


def fill_history(dsn: str, complaints: int) -> None:
    """Write the first night into an empty warehouse: so many complaints, the last received on it. Gated,
    not built."""
    with closing(_connect(dsn)) as connection, connection.cursor() as cursor:
        # As a bulk load is done: no look at foreign keys row by row, indexes afterwards, no waiting for the disk.
        cursor.execute(
            "set session_replication_role = replica; set maintenance_work_mem = '1GB'; set synchronous_commit = off"
        )
        values = {**_words(), "night": HISTORY_NIGHT, "first": 1, "last": complaints}
        cursor.execute(_WORDS, values)
        cursor.execute(_FUNCTIONS.format(daily=DAILY))
        for agency in read_agencies():
            since = date(2019, 1, 1)
            cursor.execute(
                _REGISTRY,
                (
                    HISTORY_NIGHT,
                    agency.code,
                    agency.name,
                    agency.kind,
                    agency.province_code,
                    agency.regency_code,
                    "Asia/Jakarta",
                    since,
                ),
            )
        cursor.execute(_NIGHT, values)
        cursor.execute(_LIVES, values)
        # Without statistics the planner meets every complaint with every delivery.
        cursor.execute("analyze bench.lives, ops.deliveries")
        cursor.execute(_TOLD_HISTORY, values)
        cursor.execute(_INDEXES)
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f"drop index {name}")
        for statement in (_COMPLAINTS, _EVENTS, _RATINGS):
            cursor.execute(statement, values)
        for _, definition in indexes:
            cursor.execute(definition)
        _count(cursor, values)
        cursor.execute("alter table bench.lives add primary key (number)")
        cursor.execute("vacuum analyze")
        cursor.execute("checkpoint")


def fill_night(dsn: str, night: date, changes: int, old_news: str = "anywhere") -> None:
    """Write the next night: a tenth of the changes are new complaints, the others news of old ones.

    old_news: how old the news of no recent complaint is, of OLD_NEWS.
    """
    with closing(_connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("select max(number) from bench.lives")
        (known,) = cursor.fetchone() or (0,)
        new = round(changes * NEW_SHARE)
        values = {
            **_words(),
            "night": night,
            "first": known + 1,
            "last": known + new,
            "news": changes - new,
            "recent": min(known - 1, DAILY * NEWS_DAYS),
            "old_share": OLD_NEWS_SHARE,
            "mean": DAILY * OLD_NEWS_MEAN_DAYS,
            "salt": 100 + (night - HISTORY_NIGHT).days * 2,
        }
        cursor.execute(_NIGHT, values)
        cursor.execute(_LIVES.replace("create table bench.lives as", "insert into bench.lives"), values)
        cursor.execute(_TOLD_NIGHT.format(old=OLD_NEWS[old_news]), values)
        for statement in (_COMPLAINTS, _EVENTS, _RATINGS):
            cursor.execute(statement, values)
        _count(cursor, values)
        cursor.execute("drop table told")
        cursor.execute("analyze raw.complaints, raw.complaint_events")


def publish(dsn: str) -> None:
    """What `python -m extract close` writes down after a good build."""
    with closing(_connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("update ops.nights set published_seq = built_seq, published_at = now()")


def _count(cursor: psycopg2.extensions.cursor, values: Mapping[str, object]) -> None:
    for table in ("complaints", "ratings"):
        cursor.execute(_COUNTS.format(table=table), values)
    cursor.execute(_EVENT_COUNTS, values)


def _connect(dsn: str) -> psycopg2.extensions.connection:
    connection = psycopg2.connect(dsn, options="-c timezone=UTC")
    connection.autocommit = True
    return connection


def _words() -> Mapping[str, object]:
    """Lists the statements pick from; `shares` are the upper bounds of the agencies' shares of the volume."""
    agencies = read_agencies()
    volumes = np.random.default_rng(2021).lognormal(0, SIGMA, len(agencies))
    shares = np.cumsum(volumes) / volumes.sum()
    pairs = categories()
    return {
        "codes": [agency.code for agency in agencies],
        "shares": [*map(float, shares[:-1]), 1.0],
        "channels": list(CHANNELS),
        "regions": sorted({agency.regency_code for agency in agencies if agency.regency_code}),
        "mains": [main for main, _ in pairs],
        "labels": [label for _, label in pairs],
    }
