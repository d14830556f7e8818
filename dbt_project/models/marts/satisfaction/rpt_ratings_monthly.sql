-- One row per agency and month in which complaints were rated or completed: what reporters thought of them, and how many said so.
with given as (
    select
        agency_code,
        rated_month as month,
        count(*)::integer as rating_count,
        (count(*) filter (where stars = 1))::integer as one_star_count,
        (count(*) filter (where stars = 2))::integer as two_stars_count,
        (count(*) filter (where stars = 3))::integer as three_stars_count,
        (count(*) filter (where stars = 4))::integer as four_stars_count,
        (count(*) filter (where stars = 5))::integer as five_stars_count,
        avg(stars) as mean_stars
    from {{ ref('int_rated_completions') }}
    where rated_month is not null
    group by agency_code, rated_month
),

rated as (
    select
        agency_code,
        completed_month as month,
        count(*)::integer as rated_completion_count
    from {{ ref('int_rated_completions') }}
    where completed_month is not null
    group by agency_code, completed_month
),

completed as (
    select
        agency_code,
        date_trunc('month', business_date)::date as month,
        sum(completed_count)::integer as completion_count
    from {{ ref('rpt_agency_stock_flow_daily') }}
    group by agency_code, date_trunc('month', business_date)::date
),

agency_months as (
    select
        agency_code,
        month
    from completed
    where completion_count > 0
    union
    select
        agency_code,
        month
    from given
    union
    select
        agency_code,
        month
    from rated
),

joined as (
    select
        agency_months.agency_code,
        agency_months.month,
        given.rating_count,
        given.one_star_count,
        given.two_stars_count,
        given.three_stars_count,
        given.four_stars_count,
        given.five_stars_count,
        given.mean_stars,
        completed.completion_count,
        rated.rated_completion_count
    from agency_months
    left join given on agency_months.agency_code = given.agency_code and agency_months.month = given.month
    left join completed on agency_months.agency_code = completed.agency_code and agency_months.month = completed.month
    left join rated on agency_months.agency_code = rated.agency_code and agency_months.month = rated.month
)

select
    joined.agency_code,
    joined.month,
    agencies.name as agency_name,
    agencies.kind,
    agencies.province_code,
    agencies.is_simulated,
    'RATING' as metric_kind,
    coalesce(joined.rating_count, 0) as rating_count,
    coalesce(joined.one_star_count, 0) as one_star_count,
    coalesce(joined.two_stars_count, 0) as two_stars_count,
    coalesce(joined.three_stars_count, 0) as three_stars_count,
    coalesce(joined.four_stars_count, 0) as four_stars_count,
    coalesce(joined.five_stars_count, 0) as five_stars_count,
    coalesce(joined.completion_count, 0) as completion_count,
    coalesce(joined.rated_completion_count, 0) as rated_completion_count,
    joined.mean_stars as value,
    {{ rate('coalesce(joined.rated_completion_count, 0)', 'joined.completion_count') }} as rated_rate_of_completions
from joined
left join {{ ref('dim_agencies') }} as agencies on joined.agency_code = agencies.agency_code and agencies.is_current
