-- One row per main category, week shown and earlier year that can be compared: by how much the category has grown in the country, the weeks
-- before against the same weeks of that year.
with nationally as (
    select
        week,
        category_main,
        sum(received_count)::integer as received_count
    from {{ ref('int_category_weeks') }}
    group by week, category_main
),

earlier as (
    select distinct
        week,
        years_back
    from {{ ref('int_reference_weeks') }}
    where years_back > 0
),

categories as (
    select distinct category_main
    from nationally
),

pairs as (
    select
        now_weeks.week,
        earlier.years_back,
        now_weeks.reference_week as now_week,
        now_weeks.calendar_factor as now_factor,
        before.week as before_week,
        before.calendar_factor as before_factor
    from {{ ref('int_reference_weeks') }} as now_weeks
    inner join earlier on now_weeks.week = earlier.week
    inner join {{ ref('int_calendar_weeks') }} as before
        on now_weeks.reference_week - 364 * earlier.years_back = before.week and before.has_data
    where now_weeks.years_back = 0
),

summed as (
    select
        categories.category_main,
        pairs.week,
        pairs.years_back,
        count(*) as pair_count,
        sum(coalesce(before_counts.received_count, 0)) as before_count,
        sum(coalesce(now_counts.received_count, 0) / pairs.now_factor) as now_adjusted,
        sum(coalesce(before_counts.received_count, 0) / pairs.before_factor) as before_adjusted
    from pairs
    cross join categories
    left join nationally as now_counts
        on pairs.now_week = now_counts.week and categories.category_main = now_counts.category_main
    left join nationally as before_counts
        on pairs.before_week = before_counts.week and categories.category_main = before_counts.category_main
    group by categories.category_main, pairs.week, pairs.years_back
)

select
    summed.category_main,
    summed.week,
    summed.years_back,
    summed.now_adjusted / summed.before_adjusted as growth
from summed
inner join {{ ref('int_calendar_weeks') }} as weeks on summed.week = weeks.week
-- A category that hardly existed then (MBG, Corona) says nothing about what to expect now.
where summed.before_count >= weeks.min_change_base and summed.pair_count >= weeks.min_reference_weeks
