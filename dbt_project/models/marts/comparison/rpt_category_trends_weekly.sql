-- One row per main category, area and week: what came in, what was to be expected, and how surprising it is.
with nights as (
    select
        weeks.week,
        coalesce(max(nights.night) filter (where nights.night < weeks.week + 7), min(nights.night)) as coverage_night
    from {{ ref('int_calendar_weeks') }} as weeks
    inner join {{ ref('stg_nights') }} as nights on weeks.week <= nights.night
    where weeks.is_shown
    group by weeks.week
),

coverage as (
    select
        nights.week,
        sum(coverage.delivered_count + coverage.empty_count)::integer as agencies_delivered,
        sum(coverage.expected_count)::integer as agencies_expected,
        bool_or(coverage.is_simulated) as is_simulated
    from nights
    inner join {{ ref('rpt_coverage_daily') }} as coverage on nights.coverage_night = coverage.night
    group by nights.week
),

area_names as (
    select distinct on (kemendagri_code)
        kemendagri_code as area_code,
        name
    from {{ ref('dim_regions') }}
    where kind = 'provinsi'
    order by kemendagri_code, valid_from desc
),

ruled as (
    select
        expectations.*,
        weeks.working_day_count,
        weeks.min_change_base,
        weeks.rising_score,
        weeks.min_cases,
        greatest(expectations.expected_count, weeks.min_expected)::double precision as judged_against
    from {{ ref('int_category_expectations') }} as expectations
    inner join {{ ref('int_calendar_weeks') }} as weeks on expectations.week = weeks.week
),

scored as (
    select
        ruled.*,
        case
            when received_count >= min_cases and expected_count is not null
                then statistics.surprise_score(received_count, judged_against, dispersion::double precision)::numeric
        end as surprise_score
    from ruled
)

select
    scored.category_main,
    scored.area_code,
    scored.week,
    case scored.area_code
        when 'NASIONAL' then 'Nasional'
        when 'TIDAK DIKETAHUI' then 'Tidak diketahui'
        else area_names.name
    end as area_name,
    coverage.is_simulated,
    scored.working_day_count,
    scored.received_count,
    scored.year_before_count,
    case
        when scored.year_before_count >= scored.min_change_base
            then {{ rate('(scored.received_count - scored.year_before_count)', 'scored.year_before_count') }}
    end as received_change,
    scored.expected_count,
    scored.expected_basis,
    scored.surprise_score,
    case when scored.expected_count is not null then coalesce(scored.surprise_score >= scored.rising_score, false) end as is_rising,
    coverage.agencies_delivered,
    coverage.agencies_expected,
    {{ rate('coverage.agencies_delivered', 'coverage.agencies_expected') }} as coverage
from scored
left join area_names on scored.area_code = area_names.area_code
left join coverage on scored.week = coverage.week
