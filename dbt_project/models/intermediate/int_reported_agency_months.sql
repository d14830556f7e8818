-- One row per agency and month of receipt that rpt_agency_performance_monthly computes anew: those touched, and those in which a case
-- still runs: their times change as days pass, although nothing happens.
{% set report = mart_before_this_build('rpt_agency_performance_monthly') %}
select
    agency_code,
    month,
    is_covered
from {{ ref('int_touched_agency_months') }}
{% if report and not is_full_build() %}
union all
select
    published.agency_code,
    published.month,
    -- What runs was received: the row stands in any case.
    true as is_covered
from {{ report }} as published
where
    not published.is_settled
    and not exists (
        select from {{ ref('int_touched_agency_months') }} as touched
        where published.agency_code = touched.agency_code and published.month = touched.month
    )
{% endif %}
