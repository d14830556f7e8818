-- One row per month in which complaints came in or an agency was connected: the night whose deliveries say how complete the month is.
with months as (
    select distinct month from {{ ref('rpt_agency_performance_monthly') }}
    union
    select distinct month from {{ ref('int_owner_month_counts') }}
)

select
    months.month,
    (months.month + interval '1 month' - interval '1 day')::date as last_date,
    -- Its last night; of a month before the first night the first, which brought it; of one after the last (a clock ahead) the last.
    coalesce(
        max(nights.night) filter (where nights.night >= months.month and nights.night < months.month + interval '1 month'),
        min(nights.night) filter (where nights.night >= months.month),
        max(nights.night)
    ) as coverage_night,
    max(nights.night) >= months.month + interval '1 month' - interval '1 day' as is_complete,
    bool_or(nights.is_simulated) as is_simulated
from months
cross join {{ ref('stg_nights') }} as nights
group by months.month
