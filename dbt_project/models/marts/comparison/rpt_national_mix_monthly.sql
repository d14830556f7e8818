-- One row per month of receipt and class, channel or main category: the nation's complaints, each once, and how far they have got.
with counted as (
    select
        month,
        dimension,
        value,
        sum(received_count)::integer as received_count,
        sum(followed_up_count)::integer as followed_up_count,
        sum(completed_count)::integer as completed_count
    from {{ ref('int_owner_month_mix') }}
    group by month, dimension, value
)

select
    counted.month,
    counted.dimension,
    counted.value,
    nation.is_simulated,
    counted.received_count,
    counted.followed_up_count,
    counted.completed_count,
    {{ rate('counted.followed_up_count', 'counted.received_count') }} as followed_up_rate,
    {{ rate('counted.completed_count', 'counted.received_count') }} as completed_rate,
    nation.coverage_night,
    nation.agencies_delivered,
    nation.agencies_expected,
    nation.coverage
from counted
inner join {{ ref('rpt_national_performance_monthly') }} as nation on counted.month = nation.month
