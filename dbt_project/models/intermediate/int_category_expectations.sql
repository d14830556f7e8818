-- One row per main category, area and week that rpt_category_trends_weekly shows: what came in, and what was to be expected.
--
-- Expected: the median of the same weeks of earlier years, grown as the category has since; where the cell had too few complaints then, or
-- there are no earlier years, the median of the weeks before. Both as of ordinary weeks, then for this week's calendar.
with weighted as (
    select
        cells.cell_number,
        cells.received_counts,
        reference_weeks.week,
        true as is_recent,
        reference_weeks.reference_number,
        1 / reference_weeks.calendar_factor as weight
    from {{ ref('int_category_cells') }} as cells
    cross join {{ ref('int_reference_weeks') }} as reference_weeks
    where reference_weeks.years_back = 0
    union all
    select
        cells.cell_number,
        cells.received_counts,
        growth.week,
        false,
        reference_weeks.reference_number,
        growth.growth / reference_weeks.calendar_factor
    from {{ ref('int_category_growth') }} as growth
    inner join {{ ref('int_reference_weeks') }} as reference_weeks
        on growth.week = reference_weeks.week and growth.years_back = reference_weeks.years_back
    inner join {{ ref('int_category_cells') }} as cells on growth.category_main = cells.category_main
),

-- In thousandths of a complaint: whole numbers add up to the same in whatever order, and faster than numeric. Materialized, or the arrays
-- themselves are sorted.
compared as materialized (
    select
        cell_number,
        week,
        is_recent,
        received_counts[reference_number] as received_count,
        round(1000 * received_counts[reference_number] * weight)::bigint as adjusted_count
    from weighted
),

summarised as (
    select
        cell_number,
        week,
        is_recent,
        count(*) as week_count,
        sum(received_count) as received_count,
        (percentile_cont(0.5) within group (order by adjusted_count::double precision))::numeric / 1000 as median_count,
        avg(adjusted_count) / 1000 as mean_count,
        var_samp(adjusted_count) / 1000000 as variance
    from compared
    group by cell_number, week, is_recent
),

-- Eight weeks say little about how much one cell varies; all areas of its category together say more.
pooled as (
    select
        cells.category_main,
        summarised.week,
        summarised.is_recent,
        avg(summarised.variance / nullif(summarised.mean_count, 0)) as dispersion
    from summarised
    inner join {{ ref('int_category_cells') }} as cells on summarised.cell_number = cells.cell_number
    where cells.area_code <> 'NASIONAL'
    group by cells.category_main, summarised.week, summarised.is_recent
),

-- false comes first: earlier years, where they will do.
chosen as (
    select distinct on (summarised.cell_number, summarised.week)
        summarised.*,
        case when summarised.is_recent then '8-week median' else 'same weeks of earlier years' end as expected_basis
    from summarised
    inner join {{ ref('int_calendar_weeks') }} as weeks on summarised.week = weeks.week
    where
        (not summarised.is_recent and summarised.received_count >= weeks.min_change_base)
        or (summarised.is_recent and summarised.week_count >= weeks.min_reference_weeks)
    order by summarised.cell_number, summarised.week, summarised.is_recent
)

select
    cells.category_main,
    cells.area_code,
    weeks.week,
    cells.received_counts[weeks.week_number] as received_count,
    case when weeks_before.week is not null then cells.received_counts[weeks_before.week_number] end as year_before_count,
    chosen.expected_basis,
    chosen.median_count * weeks.calendar_factor as expected_count,
    -- greatest() skips nulls: 1 is Poisson.
    greatest(chosen.variance / nullif(chosen.mean_count, 0), pooled.dispersion, 1) as dispersion
from {{ ref('int_category_cells') }} as cells
cross join {{ ref('int_calendar_weeks') }} as weeks
left join {{ ref('int_calendar_weeks') }} as weeks_before on weeks.week - 364 = weeks_before.week and weeks_before.has_data
left join chosen on cells.cell_number = chosen.cell_number and weeks.week = chosen.week
left join pooled
    on cells.category_main = pooled.category_main and chosen.week = pooled.week and chosen.is_recent = pooled.is_recent
where weeks.is_shown
