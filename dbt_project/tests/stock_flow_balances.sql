-- opening + in - out = closing on every date, each date opens with what the one before closed with, and no date is missing.
-- Rows this build wrote.
with days as (
    select
        report.*,
        lag(report.closing_count) over in_order as closing_before,
        lag(report.business_date) over in_order as date_before
    from {{ ref('rpt_agency_stock_flow_daily') }} as report
    inner join {{ ref('int_stock_flow_restarts') }} as restarts
        -- One day more than was written, so that the seam between old and new is looked at too.
        on report.agency_code = restarts.agency_code and report.business_date >= restarts.business_date - 1
    window in_order as (partition by report.agency_code order by report.business_date)
)

select *
from days
where
    closing_count <> opening_count + received_count + transferred_in_count + reopened_count
    - completed_count - archived_count - transferred_out_count
    or (closing_before is not null and (opening_count <> closing_before or business_date <> date_before + 1))
