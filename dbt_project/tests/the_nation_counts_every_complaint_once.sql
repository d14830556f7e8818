-- The months of the nation hold every complaint once: as many as the weeks of the categories do, which are counted by another way.
with months as (
    select sum(received_count) as received_count
    from {{ ref('rpt_national_performance_monthly') }}
),

weeks as (
    select sum(received_count) as received_count
    from {{ ref('int_category_weeks') }}
)

select
    months.received_count as by_month_count,
    weeks.received_count as by_week_count
from months
cross join weeks
where months.received_count is distinct from weeks.received_count
