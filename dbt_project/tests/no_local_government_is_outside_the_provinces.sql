-- What the provinces of a month received is what all local governments received: none is placed in a province that was not there.
-- Governments that the registry places in no province (a city abroad whose data are read for comparison) are in no row of theirs.
with provinces as (
    select
        month,
        sum(received_count) as received_count,
        sum(agency_count) as agency_count
    from {{ ref('rpt_province_performance_monthly') }}
    group by month
),

governments as (
    select
        performance.month,
        sum(performance.received_count) as received_count,
        count(*) as agency_count
    from {{ ref('rpt_agency_performance_monthly') }} as performance
    where performance.kind in ('provinsi', 'kabupaten', 'kota') and performance.province_code is not null
    group by performance.month
)

select
    governments.*,
    provinces.received_count as province_received_count,
    provinces.agency_count as province_agency_count
from governments
left join provinces on governments.month = provinces.month
where
    governments.received_count is distinct from provinces.received_count
    or governments.agency_count is distinct from provinces.agency_count
