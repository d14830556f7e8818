"""Rows kept out: one record each, its history by content, and the ways it is cleared.

A record stands for one row of raw. Records with the same agency, table, source key and content are the same bad thing:
they share first_seen, last_seen and times_seen (the number of nights), and a steward's decision on one holds for its
return. A record is superseded when a later night brings an accepted version under the same key.
"""

from collections.abc import Sequence
from datetime import date

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values
from psycopg2.sql import SQL, Identifier

from quality.decisions import RowDecisions

# What makes two rows of a table versions of one thing (the loader's keys), as columns and as a readable text.
KEYS = {
    "complaints": ("source_system", "tracking_id"),
    "complaint_events": ("source_system", "tracking_id", "event_seq"),
    "survey_responses": ("survey_code", "respondent_key"),
    "recaps": ("subject_code", "period_start", "period_end"),
    "ratings": ("source_system", "tracking_id"),
    "units": ("unit_code",),
    "agency_activity": ("as_of_date",),
}


def write_quarantine(cursor: Cursor, night: date, rows: Sequence[RowDecisions]) -> None:
    """Bring the records of the night to what `rows` says; decisions by name and note stay with the same content."""
    cursor.execute(
        "create temporary table failing (table_name text, row_id bigint, rule_ids text[], texts text[]) on commit drop"
    )
    execute_values(
        cursor,
        "insert into failing values %s",
        [
            (
                decisions.table,
                row_id,
                [rule.rule_id for rule in rules],
                [f"{rule.column}: {rule.text_en} ({rule.rule_id})" for rule in rules],
            )
            for decisions in rows
            for row_id, rules in decisions.quarantined.items()
        ],
        page_size=5000,
    )
    cursor.execute(
        "create temporary table bad on commit drop as select * from quality.quarantined_record with no data;"
        # Whose history may change: everything in quarantine from this night, before and after.
        "create temporary table touched on commit drop as"
        " select distinct agency_code, table_name, source_key from quality.quarantined_record where night = %s",
        [night],
    )
    for decisions in rows:
        cursor.execute(_COLLECT.format(table=Identifier(decisions.table), source_key=_source_key(decisions.table)),
                       {"night": night, "table": decisions.table})  # fmt: skip
    cursor.execute("analyze bad")
    cursor.execute(_UPSERT)
    cursor.execute(_REMOVE, {"night": night})
    cursor.execute("insert into touched select distinct agency_code, table_name, source_key from bad")
    cursor.execute(_COUNT_SIGHTINGS)


def clear_superseded(cursor: Cursor, night: date) -> None:
    """Mark records whose key has an accepted version of a later night, and reopen those that lost theirs.

    Looks at the records of the night and at those of the keys the night delivers.
    """
    for table, key in KEYS.items():
        same = SQL(" and ").join(
            SQL("newer.{0} = old.{0}").format(Identifier(column)) for column in ("agency_code", *key)
        )
        cursor.execute(
            _SUPERSEDE.format(table=Identifier(table), source_key=_source_key(table), same=same),
            {"night": night, "table": table},
        )


def _source_key(table: str) -> SQL:
    parts = [f"coalesce(version.{column}::text, '?')" for column in KEYS[table]]
    return SQL(f"concat_ws('/', {', '.join(parts)}, version.agency_code)")


_COLLECT = SQL("""
insert into bad (night, agency_code, table_name, row_id, source_key, source_position, row_hash, rule_ids, reasons)
select
    %(night)s, version.agency_code, failing.table_name, version.row_id, {source_key},
    version.source_position, version.content_hash,
    failing.rule_ids,
    -- The loader's own words say what it could not read; they carry no personal data by contract.
    failing.texts || version._problems
from failing
inner join raw.{table} as version using (row_id)
where failing.table_name = %(table)s
""")

_UPSERT = """
insert into quality.quarantined_record as record
    (night, agency_code, table_name, row_id, source_key, source_position, row_hash, rule_ids, reasons,
     status, first_seen, last_seen, decided_by, note)
select
    bad.night, bad.agency_code, bad.table_name, bad.row_id, bad.source_key, bad.source_position, bad.row_hash,
    bad.rule_ids, bad.reasons, coalesce(decision.status, 'open'), bad.night, bad.night,
    decision.decided_by, decision.note
from bad
left join lateral (
    select earlier.status, earlier.decided_by, earlier.note
    from quality.quarantined_record as earlier
    where
        earlier.agency_code = bad.agency_code and earlier.table_name = bad.table_name
        and earlier.source_key = bad.source_key and earlier.row_hash = bad.row_hash
        and earlier.status in ('released', 'waived', 'discarded')
    order by earlier.night desc, earlier.record_id desc
    limit 1
) as decision on true
order by bad.table_name, bad.row_id
on conflict (night, table_name, row_id) do update
    set rule_ids = excluded.rule_ids, reasons = excluded.reasons
    where (record.rule_ids, record.reasons) is distinct from (excluded.rule_ids, excluded.reasons)
"""

# A decision on content that is not there tonight is kept in case it returns.
_REMOVE = """
delete from quality.quarantined_record as record
where
    record.night = %(night)s
    and not exists (select from bad where bad.table_name = record.table_name and bad.row_id = record.row_id)
    and (
        record.status in ('open', 'superseded')
        or exists (
            select from bad
            where
                bad.agency_code = record.agency_code and bad.table_name = record.table_name
                and bad.source_key = record.source_key and bad.row_hash = record.row_hash
        )
    )
"""

_COUNT_SIGHTINGS = """
update quality.quarantined_record as record
set first_seen = sightings.first_night, last_seen = sightings.last_night, times_seen = sightings.nights
from (
    select
        agency_code, table_name, source_key, row_hash,
        min(night) as first_night, max(night) as last_night, count(distinct night) as nights
    from quality.quarantined_record
    inner join (select distinct * from touched) as things using (agency_code, table_name, source_key)
    group by agency_code, table_name, source_key, row_hash
) as sightings
where
    record.agency_code = sightings.agency_code and record.table_name = sightings.table_name
    and record.source_key = sightings.source_key and record.row_hash = sightings.row_hash
    and (record.first_seen, record.last_seen, record.times_seen)
        is distinct from (sightings.first_night, sightings.last_night, sightings.nights)
"""

_SUPERSEDE = SQL("""
with candidates as (
    select record.record_id, record.night, record.row_id, record.status
    from quality.quarantined_record as record
    where record.table_name = %(table)s and record.night = %(night)s and record.status in ('open', 'superseded')
    union
    select record.record_id, record.night, record.row_id, record.status
    from quality.quarantined_record as record
    inner join (
        select distinct version.agency_code, {source_key} as source_key
        from raw.{table} as version
        inner join ops.deliveries as delivery using (delivery_id)
        where delivery.night = %(night)s
    ) as delivered using (agency_code, source_key)
    where record.table_name = %(table)s and record.night < %(night)s and record.status in ('open', 'superseded')
),

judged as (
    select
        candidates.record_id,
        candidates.status,
        exists (
            select
            from raw.{table} as newer
            inner join ops.deliveries as delivery using (delivery_id)
            inner join quality.agency_verdict as verdict
                on
                    verdict.night = delivery.night and verdict.agency_code = delivery.agency_code
                    and verdict.resource = delivery.resource and verdict.attempt = delivery.attempt
            where
                {same} and newer.night > candidates.night
                and delivery.state = 'received' and verdict.verdict in ('pass', 'pass_with_quarantine')
                and not exists (
                    select
                    from quality.quarantined_record as kept_out
                    where
                        kept_out.table_name = %(table)s and kept_out.row_id = newer.row_id
                        and kept_out.status in ('open', 'superseded', 'discarded')
                )
        ) as is_fixed
    from candidates
    inner join raw.{table} as old using (row_id)
)

update quality.quarantined_record as record
set status = case when judged.is_fixed then 'superseded' else 'open' end
from judged
where judged.record_id = record.record_id and (record.status = 'superseded') <> judged.is_fixed
""")
