{{ config(
    materialized='incremental',
    incremental_strategy='replace_worked_on',
    pre_hook='{{ refuse_partial_refresh() }}',
    work_list='int_reported_agency_months',
    work_keys=['agency_code', 'month'],
    indexes=[{'columns': ['month']}],
) }}
-- One row per agency and month of receipt: what came in and how far it has got by the cut-off. Months without complaints are here too.
with counted as (
    select
        worked_on.agency_code,
        worked_on.month,
        worked_on.is_covered,
        coalesce(sum(case_mix.received_count), 0)::integer as received_count,
        coalesce(sum(case_mix.valid_count), 0)::integer as valid_count,
        coalesce(sum(case_mix.routed_count), 0)::integer as routed_count,
        coalesce(sum(case_mix.routed_count - case_mix.routed_once_count), 0)::integer as rerouted_count,
        coalesce(sum(case_mix.followed_up_count), 0)::integer as followed_up_count,
        coalesce(sum(case_mix.completed_count), 0)::integer as completed_count,
        coalesce(sum(case_mix.completed_manual_count), 0)::integer as completed_manual_count,
        coalesce(sum(case_mix.completed_automatic_count), 0)::integer as completed_automatic_count,
        coalesce(sum(case_mix.on_hold_count), 0)::integer as on_hold_count,
        coalesce(sum(case_mix.archived_count), 0)::integer as archived_count,
        coalesce(sum(case_mix.reopened_count), 0)::integer as reopened_count,
        coalesce(sum(case_mix.reassigned_count), 0)::integer as reassigned_count,
        coalesce(sum(case_mix.first_response_due_count), 0)::integer as first_response_due_count,
        coalesce(sum(case_mix.first_response_within_limit_count), 0)::integer as first_response_within_limit_count,
        coalesce(sum(case_mix.completion_due_count), 0)::integer as completion_due_count,
        coalesce(sum(case_mix.completion_within_limit_count), 0)::integer as completion_within_limit_count
    from {{ ref('int_reported_agency_months') }} as worked_on
    left join {{ ref('int_agency_month_case_mix') }} as case_mix
        on worked_on.agency_code = case_mix.agency_code and worked_on.month = case_mix.month
    group by worked_on.agency_code, worked_on.month, worked_on.is_covered
)

select
    counted.agency_code,
    counted.month,
    agencies.name as agency_name,
    agencies.kind,
    agencies.province_code,
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
    counted.first_response_due_count,
    counted.first_response_within_limit_count,
    counted.completion_due_count,
    counted.completion_within_limit_count,
    {{ handling_rates('counted') }},
    survival.first_response_working_days_median,
    survival.first_response_working_days_p90,
    survival.completion_working_days_median,
    survival.completion_working_days_p90,
    coalesce(survival.is_settled, true) as is_settled
from counted
left join {{ ref('int_agency_month_survival') }} as survival
    on counted.agency_code = survival.agency_code and counted.month = survival.month
left join {{ ref('dim_agencies') }} as agencies on counted.agency_code = agencies.agency_code and agencies.is_current
where counted.is_covered or counted.received_count > 0
