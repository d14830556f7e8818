{{ config(
    materialized='incremental',
    incremental_strategy='replace_worked_on',
    pre_hook='{{ refuse_partial_refresh() }}',
    work_list='int_stock_flow_restarts',
    work_keys=['agency_code'],
    work_from='business_date',
    indexes=[{'columns': ['agency_code', 'business_date'], 'unique': true}, {'columns': ['business_date']}],
) }}
-- One row per agency and date: open complaints at the start, what came in and went out, open complaints at the end.
with restarts as (
    select
        restarts.agency_code,
        restarts.business_date as restart_date,
        greatest(
            restarts.business_date,
            least(
                (
                    select min(flows.flow_date) from {{ ref('int_stock_flows') }} as flows
                    where flows.agency_code = restarts.agency_code
                ),
                (select min(night) from {{ ref('stg_nights') }})
            )
        ) as first_date,
        {% if is_incremental() %}
        coalesce(before.closing_count, 0) as opening_count
        {% else %}
        0 as opening_count
        {% endif %}
    from {{ ref('int_stock_flow_restarts') }} as restarts
    {% if is_incremental() %}
    left join {{ this }} as before
        on restarts.agency_code = before.agency_code and restarts.business_date - 1 = before.business_date
    {% endif %}
),

days as (
    select
        restarts.agency_code,
        restarts.opening_count,
        generate_series(restarts.first_date, scope.night, interval '1 day')::date as business_date
    from restarts
    cross join {{ ref('int_build_scope') }} as scope
),

moved as (
    select
        flows.agency_code,
        flows.flow_date as business_date,
        (count(*) filter (where flows.flow = 'RECEIVED'))::integer as received_count,
        (count(*) filter (where flows.flow = 'TRANSFERRED_IN'))::integer as transferred_in_count,
        (count(*) filter (where flows.flow = 'REOPENED'))::integer as reopened_count,
        (count(*) filter (where flows.flow = 'COMPLETED'))::integer as completed_count,
        (count(*) filter (where flows.flow = 'ARCHIVED'))::integer as archived_count,
        (count(*) filter (where flows.flow = 'TRANSFERRED_OUT'))::integer as transferred_out_count
    from restarts
    inner join {{ ref('int_stock_flows') }} as flows
        on restarts.agency_code = flows.agency_code and restarts.first_date <= flows.flow_date
    group by flows.agency_code, flows.flow_date
),

dense as (
    select
        days.agency_code,
        days.business_date,
        days.opening_count,
        coalesce(moved.received_count, 0) as received_count,
        coalesce(moved.transferred_in_count, 0) as transferred_in_count,
        coalesce(moved.reopened_count, 0) as reopened_count,
        coalesce(moved.completed_count, 0) as completed_count,
        coalesce(moved.archived_count, 0) as archived_count,
        coalesce(moved.transferred_out_count, 0) as transferred_out_count
    from days
    left join moved on days.agency_code = moved.agency_code and days.business_date = moved.business_date
),

running as (
    select
        dense.*,
        received_count + transferred_in_count + reopened_count - completed_count - archived_count - transferred_out_count as net_count,
        opening_count + sum(
            received_count + transferred_in_count + reopened_count - completed_count - archived_count - transferred_out_count
        ) over (partition by agency_code order by business_date) as closing_count
    from dense
)

select
    agency_code,
    business_date,
    (closing_count - net_count)::integer as opening_count,
    received_count,
    transferred_in_count,
    reopened_count,
    completed_count,
    archived_count,
    transferred_out_count,
    closing_count::integer as closing_count
from running
