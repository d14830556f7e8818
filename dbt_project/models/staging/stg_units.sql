-- One row per accepted version of an agency's unit (OPD).
with source as (
    select * from {{ source('raw', 'units') }}
),

accepted as (
    select delivery_id
    from {{ ref('stg_deliveries') }}
    where is_accepted and resource = 'units'
),

kept_out as (
    select row_id
    from {{ ref('stg_quarantined_rows') }}
    where table_name = 'units'
)

select
    source.night,
    source.agency_code,
    source.unit_code,
    source.unit_name,
    source.parent_unit_code,
    source.unit_kind,
    source.valid_from,
    source.valid_to
from source
inner join accepted on source.delivery_id = accepted.delivery_id
where not exists (
        select 1 from kept_out
        where kept_out.row_id = source.row_id
    )
