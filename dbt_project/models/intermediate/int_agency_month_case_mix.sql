{{ config(
    materialized='incremental',
    incremental_strategy='replace_worked_on',
    pre_hook='{{ refuse_partial_refresh() }}',
    work_list='int_touched_agency_months',
    work_keys=['agency_code', 'month'],
    indexes=[{'columns': ['agency_code', 'month']}, {'columns': ['month']}],
) }}
-- One row per agency, month of receipt, report class and main category: what came in and how far it has got by the cut-off.
select
    worked_on.agency_code,
    worked_on.month,
    coalesce(assignments.report_class, 'TIDAK DIKETAHUI') as report_class,
    split_part(assignments.category_id, ' > ', 1) as category_main,
    count(*)::integer as received_count,
    (count(*) filter (where assignments.status_code <> 'DIARSIPKAN'))::integer as valid_count,
    count(assignments.routed_at)::integer as routed_count,
    (count(*) filter (where assignments.routed_at is not null and assignments.reassigned_count = 0))::integer as routed_once_count,
    count(assignments.followed_up_at)::integer as followed_up_count,
    count(assignments.completed_at)::integer as completed_count,
    (count(*) filter (where assignments.completion_mode = 'MANUAL'))::integer as completed_manual_count,
    (count(*) filter (where assignments.completion_mode = 'OTOMATIS'))::integer as completed_automatic_count,
    (count(*) filter (where assignments.status_code = 'TERTUNDA'))::integer as on_hold_count,
    (count(*) filter (where assignments.status_code = 'DIARSIPKAN'))::integer as archived_count,
    (count(*) filter (where assignments.reopened_count > 0))::integer as reopened_count,
    (count(*) filter (where assignments.reassigned_count > 0))::integer as reassigned_count,
    (count(*) filter (where assignments.is_first_response_due))::integer as first_response_due_count,
    (count(*) filter (where assignments.is_first_response_due and assignments.first_response_outcome = 'met'))::integer
        as first_response_within_limit_count,
    (count(*) filter (where assignments.is_completion_due))::integer as completion_due_count,
    (count(*) filter (where assignments.is_completion_due and assignments.completion_outcome = 'met'))::integer
        as completion_within_limit_count
from {{ ref('int_touched_agency_months') }} as worked_on
inner join {{ ref('int_recounted_assignments') }} as assignments
    on worked_on.agency_code = assignments.agency_code and worked_on.month = assignments.received_month
group by
    worked_on.agency_code,
    worked_on.month,
    coalesce(assignments.report_class, 'TIDAK DIKETAHUI'),
    split_part(assignments.category_id, ' > ', 1)
