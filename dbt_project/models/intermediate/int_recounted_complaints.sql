{{ config(unlogged=true) }}
-- One row per complaint of the owners' months this build counts anew: what fct_complaints says of it, as far as it is counted.
select
    complaints.source_system,
    complaints.tracking_id,
    complaints.agency_code,
    complaints.night,
    complaints.received_month,
    complaints.report_class,
    complaints.category_id,
    complaints.channel_code,
    complaints.status_code,
    complaints.is_duplicate,
    complaints.agency_count,
    complaints.routed_at,
    complaints.followed_up_at,
    complaints.completed_at,
    complaints.completion_mode,
    complaints.reopened_count,
    complaints.reassigned_count
from {{ ref('int_touched_owner_months') }} as worked_on
inner join {{ ref('fct_complaints') }} as complaints
    on worked_on.agency_code = complaints.agency_code and worked_on.month = complaints.received_month
