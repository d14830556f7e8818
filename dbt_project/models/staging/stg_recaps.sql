-- One row per accepted version of the totals an agency states about a subject and period.
with source as (
    select * from {{ source('raw', 'recaps') }}
),

accepted as (
    select delivery_id
    from {{ ref('stg_deliveries') }}
    where is_accepted and resource = 'recaps'
),

kept_out as (
    select row_id
    from {{ ref('stg_quarantined_rows') }}
    where table_name = 'recaps'
)

select
    source.night,
    source.agency_code,
    source.subject_code,
    source.subject_name,
    source.period_start,
    source.period_end,
    source.received_count,
    source.routed_count,
    source.unverified_count,
    source.unanswered_count,
    source.in_progress_count,
    source.completed_count,
    source.on_hold_count,
    source.archived_count
from source
inner join accepted on source.delivery_id = accepted.delivery_id
where not exists (
        select 1 from kept_out
        where kept_out.row_id = source.row_id
    )
