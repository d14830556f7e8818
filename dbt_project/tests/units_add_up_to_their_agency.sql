-- The units of an agency's month, with what names no unit, are all of the agency's complaints. Months this build wrote.
with units as (
    select
        units.agency_code,
        units.month,
        sum(units.received_count) as received_count,
        sum(units.completed_count) as completed_count,
        sum(units.first_response_due_count) as first_response_due_count
    from {{ ref('int_touched_agency_months') }} as worked_on
    inner join {{ ref('rpt_unit_performance_monthly') }} as units
        on worked_on.agency_code = units.agency_code and worked_on.month = units.month
    group by units.agency_code, units.month
)

select
    worked_on.agency_code,
    worked_on.month,
    agencies.received_count as agency_count,
    units.received_count as unit_count
from {{ ref('int_touched_agency_months') }} as worked_on
left join {{ ref('rpt_agency_performance_monthly') }} as agencies
    on worked_on.agency_code = agencies.agency_code and worked_on.month = agencies.month
left join units on worked_on.agency_code = units.agency_code and worked_on.month = units.month
where
    coalesce(agencies.received_count, 0) <> coalesce(units.received_count, 0)
    or coalesce(agencies.completed_count, 0) <> coalesce(units.completed_count, 0)
    or coalesce(agencies.first_response_due_count, 0) <> coalesce(units.first_response_due_count, 0)
