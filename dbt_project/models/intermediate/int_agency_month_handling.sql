{{ config(
    materialized='incremental',
    incremental_strategy='replace_worked_on',
    pre_hook='{{ refuse_partial_refresh() }}',
    work_list='int_touched_agency_months',
    work_keys=['agency_code', 'month'],
    indexes=[{'columns': ['agency_code', 'month'], 'unique': true}],
) }}
-- One row per agency and month of receipt with complaints: what the oversight bodies ask beyond the measures of comparison.
select
    assignments.agency_code,
    assignments.received_month as month,
    count(*)::integer as received_count,
    (count(*) filter (where assignments.is_secret))::integer as secret_count,
    (count(*) filter (where assignments.reopened_count > 0))::integer as reopened_count,
    (count(*) filter (where assignments.is_open))::integer as open_count,
    -- Past the limit that runs now: that of the answer while there is none, then that of completion.
    (
        count(*) filter (
            where assignments.is_open and (
                assignments.completion_outcome = 'missed'
                or (assignments.first_response_outcome = 'missed' and assignments.followed_up_at is null)
            )
        )
    )::integer as open_over_limit_count,
    count(assignments.first_response_working_days)::integer as answered_count,
    coalesce(sum(assignments.first_response_working_days), 0)::integer as first_response_working_days_sum
from {{ ref('int_touched_agency_months') }} as worked_on
inner join {{ ref('int_recounted_assignments') }} as assignments
    on worked_on.agency_code = assignments.agency_code and worked_on.month = assignments.received_month
group by assignments.agency_code, assignments.received_month
