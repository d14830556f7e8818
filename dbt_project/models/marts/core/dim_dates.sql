-- One row per day of the business calendar, 2019 to 2026.
select
    calendar_date,
    date_trunc('month', calendar_date)::date as month,
    extract(year from calendar_date)::integer as year,
    iso_weekday,
    holiday_name,
    holiday_kind,
    is_working_day,
    working_day_index,
    clock_start_index
from {{ ref('int_calendar_days') }}
