-- One row per day of 2019 to 2026 with the running count of working days, which makes "working days between" a subtraction.
--
-- The calendar as it was known on the night the build looks up to: a rebuild of the past counts the joint leave of then.
with days as (
    select generate_series('2019-01-01'::date, '2026-12-31'::date, interval '1 day')::date as calendar_date
),

holidays as (
    select
        holiday_date,
        string_agg(name, '; ' order by name) as holiday_name,
        min(kind) as holiday_kind
    from {{ ref('calendar') }}
    where {{ calendar_is_known(on="(select night from " ~ ref('int_build_scope') ~ ")") }}
    group by holiday_date
),

classified as (
    select
        days.calendar_date,
        extract(isodow from days.calendar_date)::integer as iso_weekday,
        holidays.holiday_name,
        holidays.holiday_kind,
        extract(isodow from days.calendar_date) < 6 and holidays.holiday_date is null as is_working_day
    from days
    left join holidays on days.calendar_date = holidays.holiday_date
),

counted as (
    select
        classified.*,
        (count(*) filter (where is_working_day) over (order by calendar_date))::integer as working_day_index
    from classified
)

select
    counted.*,
    -- Day 0 of a clock that starts on this day: the day itself, or the next working day.
    working_day_index + case when is_working_day then 0 else 1 end as clock_start_index
from counted
