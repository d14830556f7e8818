-- One row per accepted version of how an agency keeps its side running on a day.
with source as (
    select * from {{ source('raw', 'agency_activity') }}
),

accepted as (
    select delivery_id
    from {{ ref('stg_deliveries') }}
    where is_accepted and resource = 'activity'
),

kept_out as (
    select row_id
    from {{ ref('stg_quarantined_rows') }}
    where table_name = 'agency_activity'
)

select
    source.night,
    source.agency_code,
    source.as_of_date,
    source.decree_number,
    source.decree_date,
    source.last_login_at,
    source.action_plan_stated,
    source.action_plan_date,
    source.liaison_officer_count,
    source.admin_count
from source
inner join accepted on source.delivery_id = accepted.delivery_id
where not exists (
        select 1 from kept_out
        where kept_out.row_id = source.row_id
    )
