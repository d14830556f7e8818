-- One row per accepted version of a complaint as one agency delivered it on one night.
with source as (
    select * from {{ source('raw', 'complaints') }}
),

accepted as (
    select delivery_id
    from {{ ref('stg_deliveries') }}
    where is_accepted and resource = 'complaints'
),

kept_out as (
    select row_id
    from {{ ref('stg_quarantined_rows') }}
    where table_name = 'complaints'
)

select
    source.night,
    source.agency_code,
    source.source_system,
    source.tracking_id,
    source.report_class,
    source.category_main,
    nullif(source.category_label, source.category_main) as category_label, -- some sources repeat the main category
    source.channel as channel_code,
    source.input_method,
    source.is_anonymous,
    source.is_secret,
    source.kemendagri_code,
    source.unit_code,
    source.unit_name,
    source.supervision_level,
    source.status as status_code,
    source.received_at,
    source.completed_at,
    source.updated_at,
    source.reporter_key
from source
inner join accepted on source.delivery_id = accepted.delivery_id
where not exists (
        select 1 from kept_out
        where kept_out.row_id = source.row_id
    )
