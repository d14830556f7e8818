-- One row per main category and area: its complaints of every week of int_calendar_weeks, as an array. Seventy thousand cells and weeks
-- are compared with up to 23 weeks each; from an array a week is read without a join.
with counts as (
    select
        category_weeks.category_main,
        category_weeks.area_code,
        weeks.week_number,
        category_weeks.received_count
    from {{ ref('int_category_weeks') }} as category_weeks
    inner join {{ ref('int_calendar_weeks') }} as weeks on category_weeks.week = weeks.week
),

-- What nobody has categorised or placed is always in sight, and so is every province of today.
categories as (
    select category_main from counts
    union
    select 'BELUM DIKATEGORIKAN'
),

areas as (
    select area_code from counts
    union
    select without_region.area_code from (values ('NASIONAL'), ('TIDAK DIKETAHUI')) as without_region (area_code)
    union
    select regions.kemendagri_code
    from {{ ref('dim_regions') }} as regions
    inner join {{ ref('int_build_scope') }} as scope
        on regions.valid_from <= scope.night and (regions.valid_to is null or regions.valid_to > scope.night)
    where regions.kind = 'provinsi'
),

all_counts as (
    select * from counts
    union all
    select
        category_main,
        'NASIONAL',
        week_number,
        received_count
    from counts
    union all
    select
        categories.category_main,
        areas.area_code,
        weeks.week_number,
        0
    from categories
    cross join areas
    cross join {{ ref('int_calendar_weeks') }} as weeks
),

summed as (
    select
        category_main,
        area_code,
        week_number,
        sum(received_count)::integer as received_count
    from all_counts
    group by category_main, area_code, week_number
)

select
    category_main,
    area_code,
    (row_number() over (order by category_main, area_code))::integer as cell_number,
    array_agg(received_count order by week_number) as received_counts
from summed
group by category_main, area_code
