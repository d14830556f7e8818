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
with published as (
    {% if is_incremental() %}
    select
        agency_code,
        business_date,
        closing_count
    from {{ this }}
    {% else %}
    select
        null::text as agency_code,
        null::date as business_date,
        null::integer as closing_count
    where false
    {% endif %}
),

restarts as (
    select
        restarts.agency_code,
        coalesce(day_before.closing_count, 0) as opening_count,
        -- Looking for the first movement of all is only needed where nothing stands before.
        case
            when day_before.agency_code is not null then restarts.business_date
            else greatest(restarts.business_date, {{ first_stock_date('restarts.agency_code') }})
        end as first_date
    from {{ ref('int_stock_flow_restarts') }} as restarts
    left join published as day_before
        on restarts.agency_code = day_before.agency_code and restarts.business_date - 1 = day_before.business_date
),

days as (
    select
        restarts.agency_code,
        restarts.opening_count,
        generate_series(restarts.first_date, scope.night, interval '1 day')::date as business_date
    from restarts
    cross join {{ ref('int_build_scope') }} as scope
),

-- One agency at a time, so that each reads its own last days by index.
moved as (
    select
        restarts.agency_code,
        counted.*
    from restarts
    cross join lateral (
        select
            flows.flow_date as business_date,
            (count(*) filter (where flows.flow = 'RECEIVED'))::integer as received_count,
            (count(*) filter (where flows.flow = 'TRANSFERRED_IN'))::integer as transferred_in_count,
            (count(*) filter (where flows.flow = 'REOPENED'))::integer as reopened_count,
            (count(*) filter (where flows.flow = 'COMPLETED'))::integer as completed_count,
            (count(*) filter (where flows.flow = 'ARCHIVED'))::integer as archived_count,
            (count(*) filter (where flows.flow = 'TRANSFERRED_OUT'))::integer as transferred_out_count
        from {{ ref('int_stock_flows') }} as flows
        where flows.agency_code = restarts.agency_code and flows.flow_date >= restarts.first_date
        group by flows.flow_date
    ) as counted
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
