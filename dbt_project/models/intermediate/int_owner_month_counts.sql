{{ config(
    materialized='incremental',
    incremental_strategy='replace_worked_on',
    pre_hook='{{ refuse_partial_refresh() }}',
    work_list='int_touched_owner_months',
    work_keys=['agency_code', 'month'],
    indexes=[{'columns': ['agency_code', 'month'], 'unique': true}],
) }}
-- depends_on: {{ ref('int_touched_owner_months') }}
-- One row per present owner and month of receipt: its complaints, each once however many agencies had it. What the nation is added up from.
select
    complaints.agency_code,
    complaints.received_month as month,
    count(*)::integer as received_count,
    (count(*) filter (where not complaints.is_duplicate))::integer as unique_count,
    sum(complaints.agency_count)::integer as agency_assignment_count,
    (count(*) filter (where complaints.status_code <> 'DIARSIPKAN'))::integer as valid_count,
    count(complaints.routed_at)::integer as routed_count,
    count(complaints.followed_up_at)::integer as followed_up_count,
    count(complaints.completed_at)::integer as completed_count,
    (count(*) filter (where complaints.completion_mode = 'MANUAL'))::integer as completed_manual_count,
    (count(*) filter (where complaints.completion_mode = 'OTOMATIS'))::integer as completed_automatic_count,
    (count(*) filter (where complaints.status_code = 'TERTUNDA'))::integer as on_hold_count,
    (count(*) filter (where complaints.status_code = 'DIARSIPKAN'))::integer as archived_count,
    (count(*) filter (where complaints.reopened_count > 0))::integer as reopened_count,
    (count(*) filter (where complaints.reassigned_count > 0))::integer as reassigned_count,
    (count(*) filter (where complaints.reassigned_count > 0 and complaints.routed_at is not null))::integer as rerouted_count
from {{ ref('int_recounted_complaints') }} as complaints
group by complaints.agency_code, complaints.received_month
