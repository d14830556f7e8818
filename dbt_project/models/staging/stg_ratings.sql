-- One row per accepted version of a reporter's rating of a closed complaint.
with source as (
    select * from {{ source('raw', 'ratings') }}
),

accepted as (
    select delivery_id
    from {{ ref('stg_deliveries') }}
    where is_accepted and resource = 'ratings'
),

kept_out as (
    select row_id
    from {{ ref('stg_quarantined_rows') }}
    where table_name = 'ratings'
)

select
    source.night,
    source.source_system,
    source.tracking_id,
    source.agency_code,
    source.stars,
    source.rated_at,
    source.reporter_key
from source
inner join accepted on source.delivery_id = accepted.delivery_id
where not exists (
        select 1 from kept_out
        where kept_out.row_id = source.row_id
    )
