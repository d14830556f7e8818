-- One row per window over which agencies are compared: the twelve months to the last night, the present half-year and the one before.
--
-- Figures begin with the first complaint or, if later, with the first agency's connection: a stray old date of receipt would
-- otherwise count as months of nothing. Windows that end before that are left out.
with scope as (
    select
        night,
        date_trunc('month', night)::date as night_month,
        -- Months since the beginning of the half-year.
        (extract(month from night)::integer - 1) % 6 as months_into_semester
    from {{ ref('int_build_scope') }}
),

began as (
    select
        greatest(
            (select min(assignments.received_month) from {{ ref('fct_assignments') }} as assignments),
            (select date_trunc('month', min(agencies.connected_on))::date from {{ ref('dim_agencies') }} as agencies)
        ) as first_covered_month
),

bounds as (
    select
        kinds.window_kind,
        kinds.first_month::date as first_month,
        (kinds.first_month + make_interval(months => kinds.month_count - 1))::date as last_month,
        scope.night
    from scope
    cross join lateral (
        values
        ('twelve_months', scope.night_month - interval '11 months', 12),
        ('semester', scope.night_month - make_interval(months => scope.months_into_semester), 6),
        ('previous_semester', scope.night_month - make_interval(months => scope.months_into_semester + 6), 6)
    ) as kinds (window_kind, first_month, month_count)
),

dated as (
    select
        bounds.*,
        least((bounds.last_month + interval '1 month' - interval '1 day')::date, bounds.night) as last_date,
        greatest(bounds.first_month, began.first_covered_month) as first_date,
        -- The year to the end of the window tells how large an agency is.
        (bounds.last_month - interval '11 months')::date as first_volume_month,
        greatest((bounds.last_month - interval '11 months')::date, began.first_covered_month) as first_volume_date
    from bounds
    cross join began
)

select
    case
        when window_kind = 'twelve_months' then '12M-' || to_char(last_month, 'YYYY-MM')
        else 'S' || case when extract(month from first_month) = 1 then 1 else 2 end || '-' || extract(year from first_month)
    end as window_id,
    window_kind,
    first_month,
    last_month,
    first_date,
    last_date,
    first_volume_month,
    (
        extract(year from age(date_trunc('month', last_date), first_date)) * 12
        + extract(month from age(date_trunc('month', last_date), first_date)) + 1
    )::integer as months_covered,
    last_date - first_date + 1 as days_covered,
    last_date - first_volume_date + 1 as volume_days_covered
from dated
where first_date <= last_date
