{{ config(
    materialized='incremental',
    incremental_strategy='replace_worked_on',
    pre_hook='{{ refuse_partial_refresh() }}',
    work_list='int_touched_agency_months',
    work_keys=['agency_code', 'month'],
    indexes=[{'columns': ['agency_code', 'month']}, {'columns': ['month']}],
) }}
-- One row per agency, unit and month of receipt: what came in and how far it has got by the cut-off.
with assignments as (
    select
        assignments.*,
        case
            when assignments.unit_code is not null then 'code'
            when assignments.unit_name is not null then 'name'
            else 'not_told'
        end as unit_basis,
        -- One unit in upper and lower case and with odd blanks is one unit.
        coalesce(
            assignments.unit_code,
            upper(btrim(regexp_replace(assignments.unit_name, '[\s\u00a0]+', ' ', 'g'))),
            'TIDAK DISEBUTKAN'
        ) as unit_key
    from {{ ref('int_touched_agency_months') }} as worked_on
    inner join {{ ref('int_recounted_assignments') }} as assignments
        on worked_on.agency_code = assignments.agency_code and worked_on.month = assignments.received_month
),

counted as (
    select
        agency_code,
        received_month as month,
        unit_basis,
        unit_key,
        -- As its latest complaint names it.
        coalesce(
            (array_agg(unit_name order by received_at desc, source_system, tracking_id) filter (where unit_name is not null))[1],
            unit_key
        ) as unit_name,
        count(*)::integer as received_count,
        (count(*) filter (where status_code <> 'DIARSIPKAN'))::integer as valid_count,
        count(routed_at)::integer as routed_count,
        count(followed_up_at)::integer as followed_up_count,
        count(completed_at)::integer as completed_count,
        (count(*) filter (where completion_mode = 'MANUAL'))::integer as completed_manual_count,
        (count(*) filter (where completion_mode = 'OTOMATIS'))::integer as completed_automatic_count,
        (count(*) filter (where status_code = 'TERTUNDA'))::integer as on_hold_count,
        (count(*) filter (where status_code = 'DIARSIPKAN'))::integer as archived_count,
        (count(*) filter (where reopened_count > 0))::integer as reopened_count,
        (count(*) filter (where reassigned_count > 0))::integer as reassigned_count,
        (count(*) filter (where reassigned_count > 0 and routed_at is not null))::integer as rerouted_count,
        (count(*) filter (where is_first_response_due))::integer as first_response_due_count,
        (count(*) filter (where is_first_response_due and first_response_outcome = 'met'))::integer as first_response_within_limit_count,
        (count(*) filter (where is_completion_due))::integer as completion_due_count,
        (count(*) filter (where is_completion_due and completion_outcome = 'met'))::integer as completion_within_limit_count
    from assignments
    group by agency_code, received_month, unit_basis, unit_key
)

select
    counted.agency_code,
    counted.unit_basis,
    counted.unit_key,
    counted.month,
    agencies.name as agency_name,
    counted.unit_name,
    agencies.is_simulated,
    counted.received_count,
    counted.valid_count,
    counted.routed_count,
    counted.followed_up_count,
    counted.completed_count,
    counted.completed_manual_count,
    counted.completed_automatic_count,
    counted.on_hold_count,
    counted.archived_count,
    counted.reopened_count,
    counted.reassigned_count,
    counted.rerouted_count,
    counted.first_response_due_count,
    counted.first_response_within_limit_count,
    counted.completion_due_count,
    counted.completion_within_limit_count,
    {{ handling_rates('counted') }}
from counted
left join {{ ref('dim_agencies') }} as agencies on counted.agency_code = agencies.agency_code and agencies.is_current
