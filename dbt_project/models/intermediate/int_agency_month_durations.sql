{{ config(
    materialized='incremental',
    incremental_strategy='replace_worked_on',
    pre_hook='{{ refuse_partial_refresh() }}',
    work_list='int_touched_agency_months',
    work_keys=['agency_code', 'month'],
    indexes=[{'columns': ['agency_code', 'month']}, {'columns': ['month']}],
) }}
-- One row per agency, month of receipt, clock, fate and length: how many routed complaints took so long, in working days net of pauses.
--
-- A case whose time still runs has its start instead: its length is the working-day index of any cut-off less net_start_index, so that
-- nothing has to be written anew as days pass.
with started as (
    select
        assignments.*,
        start_day.clock_start_index,
        -- The day on which the clock stood still for good, or stands still now.
        case
            when assignments.status_code = 'DIARSIPKAN' then 'archived'
            when assignments.transferred_out_date is not null or assignments.returned_date is not null then 'passed_on'
            when assignments.status_code = 'TERTUNDA' then 'on_hold'
            when assignments.is_open then 'open'
        end as fate,
        stop_day.working_day_index as stop_index
    from {{ ref('int_touched_agency_months') }} as worked_on
    inner join {{ ref('int_recounted_assignments') }} as assignments
        on worked_on.agency_code = assignments.agency_code and worked_on.month = assignments.received_month
    -- An answer without a routing in the log is counted from receipt, as in int_assignment_clocks.
    inner join {{ ref('int_calendar_days') }} as start_day
        on
            {{ business_date('coalesce(
                assignments.routed_at, case when assignments.followed_up_at is not null then assignments.received_at end
            )') }} = start_day.calendar_date
    left join {{ ref('int_calendar_days') }} as stop_day
        on
            case
                when assignments.status_code = 'DIARSIPKAN' then assignments.closed_date
                else coalesce(assignments.transferred_out_date, assignments.returned_date, assignments.on_hold_date)
            end = stop_day.calendar_date
),

timed as (
    select
        started.agency_code,
        started.received_month as month,
        clocks.clock,
        case when clocks.working_days is not null then 'ended' else started.fate end as fate,
        coalesce(
            clocks.working_days,
            case
                when started.fate = 'open' then 0
                -- greatest() skips nulls: what stopped outside the calendar has no length.
                when started.stop_index is not null
                    then greatest(started.stop_index - started.clock_start_index - clocks.pause_working_days, 0)
            end
        ) as working_days,
        case
            when clocks.working_days is null and started.fate = 'open' then started.clock_start_index + clocks.pause_working_days
            else 0
        end as net_start_index
    from started
    cross join
        lateral (
            values
            ('first_response', started.followed_up_at, started.first_response_working_days, started.response_pause_working_days),
            ('completion', started.completed_at, started.completion_working_days, started.completion_pause_working_days)
        ) as clocks (clock, ended_at, working_days, pause_working_days)
    -- Ended, but outside the calendar: nobody knows after how long.
    where clocks.ended_at is null or clocks.working_days is not null
)

select
    agency_code,
    month,
    clock,
    fate,
    working_days,
    net_start_index,
    count(*)::integer as assignment_count
from timed
where fate is not null and working_days is not null
group by agency_code, month, clock, fate, working_days, net_start_index
