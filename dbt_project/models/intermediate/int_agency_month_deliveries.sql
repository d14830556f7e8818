{{ config(
    materialized='incremental',
    incremental_strategy='replace_worked_on',
    pre_hook='{{ refuse_partial_refresh() }}',
    work_list='int_worked_months',
    work_keys=['month'],
    indexes=[{'columns': ['month']}],
) }}
-- One row per agency and month: on how many nights complaints were expected of it, and on how many they came or it said there were none.
select
    deliveries.agency_code,
    worked_on.month,
    (count(*) filter (where deliveries.state <> 'not_connected'))::integer as expected_night_count,
    (count(*) filter (
        where deliveries.state = 'empty' or (deliveries.state = 'received' and deliveries.gate_verdict like 'pass%')
    ))::integer as delivered_night_count
from {{ ref('int_worked_months') }} as worked_on
inner join {{ ref('fct_deliveries') }} as deliveries
    on worked_on.month <= deliveries.night and worked_on.month + interval '1 month' > deliveries.night
where deliveries.resource = 'complaints'
group by deliveries.agency_code, worked_on.month
