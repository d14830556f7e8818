-- One row per accepted version of an event of a complaint as one agency delivered it on one night.
with source as (
    select * from {{ source('raw', 'complaint_events') }}
),

accepted as (
    select delivery_id
    from {{ ref('stg_deliveries') }}
    where is_accepted and resource = 'complaints'
),

kept_out as (
    select row_id
    from {{ ref('stg_quarantined_rows') }}
    where table_name = 'complaint_events'
)

select
    source.night,
    source.agency_code,
    source.source_system,
    source.tracking_id,
    source.event_seq,
    source.event_type,
    source.occurred_at,
    source.unit_code,
    source.unit_name,
    source.actor_level
from source
inner join accepted on source.delivery_id = accepted.delivery_id
where not exists (
        select 1 from kept_out
        where kept_out.row_id = source.row_id
    )
