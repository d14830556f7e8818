-- One row per local government and month of rpt_agency_performance_monthly: the province of its territory on the month's last day, whether
-- its complaints of the month are in, and what it received a year before.
with agency_periods as (
    select
        agency_code,
        kemendagri_code,
        province_code,
        valid_to,
        -- Complaints from before an agency was connected are placed where it was first.
        case
            when row_number() over (partition by agency_code order by valid_from) = 1 then '-infinity'::date
            else valid_from
        end as valid_from
    from {{ ref('dim_agencies') }}
),

-- Central agencies have no region.
placed as (
    select
        performance.agency_code,
        performance.month,
        coalesce(places.province_code, agencies.province_code) as province_code,
        performance.received_count,
        months.coverage_night,
        months.is_complete
    from {{ ref('rpt_agency_performance_monthly') }} as performance
    inner join {{ ref('int_coverage_months') }} as months on performance.month = months.month
    inner join agency_periods as agencies
        on
            performance.agency_code = agencies.agency_code
            and months.last_date >= agencies.valid_from
            and (agencies.valid_to is null or months.last_date < agencies.valid_to)
    left join {{ ref('int_region_provinces') }} as places
        on
            agencies.kemendagri_code = places.kemendagri_code
            and months.last_date >= places.valid_from
            and (places.valid_to is null or months.last_date < places.valid_to)
    where agencies.kemendagri_code is not null
),

rerouted as (
    select
        agency_code,
        month,
        sum(rerouted_count)::integer as rerouted_count
    from {{ ref('rpt_unit_performance_monthly') }}
    group by agency_code, month
)

select
    placed.agency_code,
    placed.month,
    placed.province_code,
    coalesce(rerouted.rerouted_count, 0) as rerouted_count,
    deliveries.agency_code is not null as is_expected,
    coalesce(
        deliveries.state = 'empty' or (deliveries.state = 'received' and deliveries.gate_verdict like 'pass%'), false
    ) as has_delivered,
    -- A month that is not over is not compared with one that was.
    case when placed.is_complete then year_before.received_count end as year_before_count
from placed
left join rerouted on placed.agency_code = rerouted.agency_code and placed.month = rerouted.month
left join {{ ref('fct_deliveries') }} as deliveries
    on
        placed.agency_code = deliveries.agency_code
        and placed.coverage_night = deliveries.night
        and deliveries.resource = 'complaints'
left join {{ ref('rpt_agency_performance_monthly') }} as year_before
    on
        placed.agency_code = year_before.agency_code
        and (placed.month - interval '1 year')::date = year_before.month
