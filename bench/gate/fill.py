"""A night of any size, written straight into raw as the loader would have left it: the gate cannot tell the difference.

657 agencies by Zipf's law, one delivery each, every hundredth complaint unusable in one of six ways, a few more worth a
flag. Made up by arithmetic on the row's number: the same on every run.
"""

from collections.abc import Mapping
from contextlib import closing
from datetime import date

import psycopg2

from simulator.attributes import CHANNELS, CLASSES, categories
from simulator.lifecycle import STATUSES
from simulator.registry import read_agencies

NIGHT = date(2021, 6, 30)
AGENCIES = 657
EVENTS = ("MASUK", "VERIFIKASI", "DISPOSISI", "TINDAK_LANJUT", "SELESAI_MANUAL")
DEFECTS = 6
SENTENCES = (
    "Jalan di depan permukiman kami berlubang dan membahayakan pengendara, terutama saat hujan deras.",
    "Nama keluarga kami terdaftar sebagai penerima bantuan, tetapi sampai bulan ini belum pernah menerima.",
    "Sampah di tempat penampungan sementara tidak diangkut dan baunya mengganggu warga sekitar setiap hari.",
    "Air dari perusahaan daerah sering mati pada pagi dan malam hari tanpa pemberitahuan kepada pelanggan.",
    "Kami mohon agar petugas meninjau lokasi dan memberikan penjelasan kepada warga secepatnya.",
)
ENGLISH = "The street lights along our road have been dark for three weeks. Please send somebody to repair them."

_NIGHT = """
    insert into ops.nights (night, cut_off_at, registry, is_simulated)
    values (%(night)s, (%(night)s + 1)::timestamp at time zone 'Asia/Jakarta', 'bench', true);
    create table size as select * from unnest(%(agencies)s::text[], %(counts)s::int[]) as size (agency_code, row_count);
    insert into raw.agencies (night, registry, is_simulated, agency_code, name, kind, time_zone, content_hash)
    select %(night)s, 'bench', true, agency_code, 'Badan ' || agency_code, 'kota', 'Asia/Jakarta', ''::bytea from size;
    insert into ops.deliveries
        (night, agency_code, resource, connector, profile, state, attempt, received_rows, loaded_rows,
         received_events, loaded_events, content_sha256)
    select %(night)s, agency_code, 'complaints', 'rest', 'lapor_v3', 'received', 1, row_count, row_count,
        row_count * %(events)s, row_count * %(events)s, md5(agency_code)
    from size;
    create table word as select
        %(classes)s::text[] as classes, %(statuses)s::text[] as statuses, %(channels)s::text[] as channels,
        %(regions)s::text[] as regions, %(categories)s::text[] as categories, %(sentences)s::text[] as sentences
"""
# Every complaint with its number in the nation, when it was received, and its defect: 1 to 6, none for 99 of 100.
_NUMBERED = """
    create table numbered as
    select
        *,
        %(night)s::timestamptz - (6 + number %% 150) * interval '1 day'
            - number %% 86400 * interval '1 second' as received,
        case when number %% 100 = 7 then 1 + number / 100 %% %(defects)s else 0 end as defect
    from (
        select delivery_id, agency_code, place, row_number() over (order by agency_code, place) as number
        from size
        inner join ops.deliveries using (agency_code)
        cross join lateral generate_series(1, row_count) as place
    ) as counted;
    analyze numbered
"""
_COMPLAINTS = """
    insert into raw.complaints
        (delivery_id, night, agency_code, source_position, source_system, tracking_id, report_class, category_main,
         category_label, channel, input_method, is_anonymous, is_secret, kemendagri_code, unit_name, status,
         received_at, completed_at, updated_at, reporter_key, content_hash, _problems)
    select
        delivery_id, %(night)s, agency_code, 'page 1, row ' || place, 'lapor',
        case when defect <> 2 then (5000000 + number)::text end,
        classes[1 + number %% cardinality(classes)],
        case when number %% 1000 = 1 then 'TIDAK ADA' else split_part(category, ' > ', 1) end,
        case when number %% 1000 <> 1 then nullif(split_part(category, ' > ', 2), '') end,
        channels[1 + number %% cardinality(channels)],
        case when number %% 20 = 0 then 'PETUGAS' else 'MANDIRI' end,
        number %% 4 = 0,
        number %% 7 = 0,
        case when number %% 1000 = 2 then '99.71' else regions[1 + number %% cardinality(regions)] end,
        'Dinas Pekerjaan Umum',
        case when defect <> 1 then statuses[1 + number %% cardinality(statuses)] end,
        case defect when 5 then received - interval '18 years' when 6 then null else received end,
        case
            when defect = 3 then received - interval '2 days'
            when number %% 2 = 0 then received + interval '5 days'
        end,
        received + interval '6 days',
        case when number %% 4 <> 0 then md5('reporter' || number) end,
        decode(md5(number::text), 'hex'),
        case defect
            when 1 then array['status: ''Selesai Bersyarat'' is not a word of profile lapor_v3']
            when 2 then array['tracking_id: missing']
            when 6 then array['received_at: a value of shape 99/99/9999 99:99:99 is no time']
            else '{}'
        end
    from numbered
    cross join word
    cross join lateral (select categories[1 + number %% cardinality(categories)] as category) as chosen
    where defect <> 4
    union all
    select
        delivery_id, %(night)s, agency_code, 'page 1, row ' || place, null, null, null, null,
        null, null, null, null, null, null, null, null,
        null, null, null, null, decode(md5(number::text), 'hex'), array['row: 30 cells, the heading has 28']
    from numbered
    where defect = 4
"""
_TEXTS = """
    insert into restricted.complaint_texts (delivery_id, night, agency_code, source_system, tracking_id, title, body)
    select
        delivery_id, %(night)s, agency_code, 'lapor', (5000000 + number)::text,
        case number %% 500 when 3 then 'test' when 4 then 'Broken street lights' else 'Laporan warga' end,
        case number %% 500
            when 3 then 'test'
            when 4 then %(english)s
            else concat_ws(
                ' ',
                sentences[1 + number %% 5],
                sentences[1 + (number / 5 + 1) %% 5],
                'Kejadian ini sudah berlangsung ' || number %% 40 || ' hari di RT ' || number %% 12 || '.',
                sentences[1 + (number / 25 + 2) %% 5]
            )
        end
    from numbered
    cross join word
    where defect not in (2, 4)
"""
_EVENTS = """
    insert into raw.complaint_events
        (delivery_id, night, agency_code, source_position, source_system, tracking_id, event_seq, event_type,
         occurred_at, unit_name, actor_level, content_hash, _problems)
    select
        delivery_id, %(night)s, agency_code, 'page 1, row ' || place || ', event ' || step, 'lapor',
        case when defect <> 2 then (5000000 + number)::text end,
        step,
        (%(kinds)s::text[])[step],
        received + (step - 1) * interval '1 day',
        'Dinas Pekerjaan Umum', 'ADMIN_INSTANSI',
        decode(md5(number || '/' || step), 'hex'),
        case when defect = 2 then array['tracking_id: missing'] else '{}' end
    from numbered
    cross join generate_series(1, %(events)s) as step
    where defect <> 4
"""


def fill(dsn: str, rows: int, events: int) -> None:
    """Write a night of so many complaints, each with so many events (at most five), into an empty warehouse.

    Raises ValueError when there are fewer complaints than agencies or more events than steps.
    """
    if rows < AGENCIES or not 0 <= events <= len(EVENTS):
        raise ValueError(f"at least {AGENCIES} complaints, and up to {len(EVENTS)} events each")
    values = _values(rows, events)
    with closing(psycopg2.connect(dsn, options="-c timezone=UTC")) as connection:
        with connection, connection.cursor() as cursor:
            for statement in (_NIGHT, _NUMBERED, _COMPLAINTS, _TEXTS, *([_EVENTS] if events else [])):
                cursor.execute(statement, values)
            cursor.execute("drop table numbered, size, word")
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("vacuum analyze")
            cursor.execute("checkpoint")


def _values(rows: int, events: int) -> Mapping[str, object]:
    return {
        "night": NIGHT,
        "agencies": [f"KAB-B{number:03d}" for number in range(AGENCIES)],
        "counts": zipf(rows),
        "events": events,
        "defects": DEFECTS,
        "kinds": list(EVENTS),
        "sentences": list(SENTENCES),
        "english": ENGLISH,
        "classes": list(CLASSES),
        "statuses": list(STATUSES),
        "channels": list(CHANNELS),
        "regions": sorted({agency.regency_code for agency in read_agencies() if agency.regency_code}),
        "categories": [f"{main} > {label}" if label else main for main, label in categories()],
    }


def zipf(rows: int) -> list[int]:
    """So many rows shared among the agencies, the n-th having an n-th of the first's, at least one each."""
    total = sum(1 / number for number in range(1, AGENCIES + 1))
    sizes = [max(1, int(rows / number / total)) for number in range(1, AGENCIES + 1)]
    sizes[0] += rows - sum(sizes)
    return sizes
