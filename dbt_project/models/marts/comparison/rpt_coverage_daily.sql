{{ config(
    materialized='incremental',
    incremental_strategy='replace_worked_on',
    pre_hook='{{ refuse_partial_refresh() }}',
    work_list='int_worked_nights',
    work_keys=['night'],
) }}
-- depends_on: {{ ref('int_worked_nights') }}
-- One row per night, kind of agency and province: who was expected to deliver complaints, and who did.
with deliveries as (
    select *
    from {{ ref('fct_deliveries') }}
    where {{ in_worked_nights('night') }} and resource = 'complaints'
),

placed as (
    select
        deliveries.*,
        agencies.kind,
        coalesce(agencies.province_code, '00') as province_code,
        agencies.is_simulated
    from deliveries
    inner join {{ ref('dim_agencies') }} as agencies
        on
            deliveries.agency_code = agencies.agency_code
            and deliveries.night >= agencies.valid_from
            and (agencies.valid_to is null or deliveries.night < agencies.valid_to)
)

select
    night,
    kind,
    province_code,
    bool_or(is_simulated) as is_simulated,
    count(*)::integer as expected_count,
    (count(*) filter (where state = 'received' and gate_verdict like 'pass%'))::integer as delivered_count,
    (count(*) filter (where state = 'empty'))::integer as empty_count,
    (count(*) filter (where state in ('late', 'expected')))::integer as late_count,
    (count(*) filter (where state = 'failed'))::integer as failed_count,
    (count(*) filter (where state = 'received' and gate_verdict not like 'pass%'))::integer as held_count,
    (count(*) filter (where state = 'not_connected'))::integer as not_connected_count,
    {{ rate("count(*) filter (where state = 'empty' or (state = 'received' and gate_verdict like 'pass%'))", "count(*)") }} as coverage
from placed
group by night, kind, province_code
