-- One row per week that rpt_category_trends_weekly shows and week with data that it is compared with: the weeks before it (years_back 0),
-- and those around the same week of earlier years.
with spans as (
    select
        week,
        0 as years_back,
        week - 7 * reference_weeks as first_week,
        week - 7 as last_week
    from {{ ref('int_calendar_weeks') }}
    where is_shown
    union all
    select
        shown.week,
        years.years_back,
        shown.week - 364 * years.years_back - 7 * shown.same_weeks_span,
        shown.week - 364 * years.years_back + 7 * shown.same_weeks_span
    from {{ ref('int_calendar_weeks') }} as shown
    cross join lateral generate_series(1, shown.reference_years) as years (years_back)
    where shown.is_shown
)

select
    spans.week,
    spans.years_back,
    before.week as reference_week,
    before.week_number as reference_number,
    before.calendar_factor
from spans
inner join {{ ref('int_calendar_weeks') }} as before
    on before.week between spans.first_week and spans.last_week and before.has_data
