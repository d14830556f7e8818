-- The stock an agency closes the last night with is the number of its open assignments, less what clocks ahead of ours date after
-- the night. Agencies this build touched.
with held_open as (
    select
        agency_code,
        count(*) as open_count
    from {{ ref('fct_assignments') }}
    where is_open and agency_code in (select agency_code from {{ ref('int_stock_flow_restarts') }})
    group by agency_code
),

-- One agency at a time, so that each reads its own last days by index.
dated_later as (
    select
        restarts.agency_code,
        counted.net_count
    from {{ ref('int_stock_flow_restarts') }} as restarts
    cross join {{ ref('int_build_scope') }} as scope
    cross join lateral (
        select sum(case when flows.flow in ('RECEIVED', 'TRANSFERRED_IN', 'REOPENED') then 1 else -1 end) as net_count
        from {{ ref('int_stock_flows') }} as flows
        where flows.agency_code = restarts.agency_code and flows.flow_date > scope.night
    ) as counted
)

select
    report.agency_code,
    report.closing_count,
    held_open.open_count,
    dated_later.net_count
from {{ ref('rpt_agency_stock_flow_daily') }} as report
inner join {{ ref('int_build_scope') }} as scope on report.business_date = scope.night
inner join {{ ref('int_stock_flow_restarts') }} as restarts on report.agency_code = restarts.agency_code
left join held_open on report.agency_code = held_open.agency_code
left join dated_later on report.agency_code = dated_later.agency_code
where report.closing_count + coalesce(dated_later.net_count, 0) <> coalesce(held_open.open_count, 0)
