-- One row per complete week since complaints come in: its working days, how much of a usual week's complaints it brings, and the rules by
-- which topics are judged in it.
with totals as (
    select
        week,
        sum(received_count)::integer as received_count
    from {{ ref('int_category_weeks') }}
    group by week
),

calendar as (
    select
        date_trunc('week', calendar_date)::date as week,
        (count(*) filter (where is_working_day))::integer as working_day_count
    from {{ ref('dim_dates') }}
    group by week
),

first_week as (
    select min(week) as week
    from totals
),

weeks as (
    select
        days.week,
        days.working_day_count,
        coalesce(totals.received_count, 0) as received_count,
        days.week = first_week.week as is_first_week
    from calendar as days
    cross join first_week
    cross join {{ ref('int_build_scope') }} as scope
    left join totals on days.week = totals.week
    where days.week >= first_week.week and days.week + 6 <= scope.night
),

ruled as (
    select
        weeks.week,
        max(rules.value) filter (where rules.rule = 'rising_score') as rising_score,
        max(rules.value) filter (where rules.rule = 'min_cases') as min_cases,
        max(rules.value) filter (where rules.rule = 'min_expected') as min_expected,
        max(rules.value) filter (where rules.rule = 'min_change_base') as min_change_base,
        (max(rules.value) filter (where rules.rule = 'shown_weeks'))::integer as shown_weeks,
        (max(rules.value) filter (where rules.rule = 'reference_weeks'))::integer as reference_weeks,
        (max(rules.value) filter (where rules.rule = 'min_reference_weeks'))::integer as min_reference_weeks,
        (max(rules.value) filter (where rules.rule = 'reference_years'))::integer as reference_years,
        (max(rules.value) filter (where rules.rule = 'same_weeks_span'))::integer as same_weeks_span,
        max(rules.value) filter (where rules.rule = 'min_week_share') as min_week_share
    from weeks
    inner join {{ ref('topic_rules') }} as rules
        on weeks.week >= rules.valid_from and (rules.valid_to is null or weeks.week < rules.valid_to)
    group by weeks.week
),

median_week as (
    select (percentile_cont(0.5) within group (order by received_count))::numeric as received_count
    from weeks
    where received_count > 0
),

-- The first week began before the data did.
judged as (
    select
        weeks.*,
        not weeks.is_first_week and weeks.received_count >= ruled.min_week_share * median_week.received_count as has_data
    from weeks
    inner join ruled on weeks.week = ruled.week
    cross join median_week
),

-- Weeks of five working days among the weeks before: what a week brings without a holiday.
ordinary as (
    select
        judged.week,
        count(before.week) as week_count,
        (percentile_cont(0.5) within group (order by before.received_count))::numeric as received_count
    from judged
    inner join ruled on judged.week = ruled.week
    left join judged as before
        on
            judged.week > before.week
            and judged.week - 7 * ruled.reference_weeks <= before.week
            and before.has_data
            and before.working_day_count = 5
    group by judged.week
)

select
    judged.week,
    (row_number() over (order by judged.week))::integer as week_number,
    judged.working_day_count,
    judged.received_count,
    judged.has_data,
    judged.week > max(judged.week) over () - 7 * ruled.shown_weeks as is_shown,
    -- Citizens write on holidays too, and before Lebaran they stop early: the country's own count tells how quiet the week was. A
    -- holiday never lets more be expected. Where the history is too short for that, by the working days.
    case
        when judged.working_day_count = 5 then 1
        when ordinary.week_count >= ruled.min_reference_weeks / 2 then least(judged.received_count / nullif(ordinary.received_count, 0), 1)
        else greatest(judged.working_day_count, 1) / 5.0
    end as calendar_factor,
    ruled.rising_score,
    ruled.min_cases,
    ruled.min_expected,
    ruled.min_change_base,
    ruled.reference_weeks,
    ruled.min_reference_weeks,
    ruled.reference_years,
    ruled.same_weeks_span
from judged
inner join ruled on judged.week = ruled.week
inner join ordinary on judged.week = ordinary.week
