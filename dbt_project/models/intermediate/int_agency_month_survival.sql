-- One row per agency and month of receipt this build reports on, with routed complaints: Kaplan-Meier median and 90th percentile of both
-- clocks, and whether they are settled.
with scope as (
    select
        cut_off.working_day_index as cut_off_index,
        {{ rule_value('comparison_rules', 'survival_horizon_working_days', 'scope.night') }}::integer as horizon
    from {{ ref('int_build_scope') }} as scope
    inner join {{ ref('int_calendar_days') }} as cut_off on scope.night = cut_off.calendar_date
),

lengths as (
    select
        durations.agency_code,
        durations.month,
        durations.clock,
        durations.fate,
        durations.assignment_count,
        scope.horizon,
        case
            when durations.fate = 'open' then greatest(scope.cut_off_index - durations.net_start_index, 0)
            else durations.working_days
        end as working_days
    from {{ ref('int_reported_agency_months') }} as worked_on
    inner join {{ ref('int_agency_month_durations') }} as durations
        on worked_on.agency_code = durations.agency_code and worked_on.month = durations.month
    cross join scope
),

observed as (
    select
        agency_code,
        month,
        clock,
        least(working_days, horizon) as working_days,
        coalesce(sum(assignment_count) filter (where fate = 'ended' and working_days <= horizon), 0)::integer as ended_count,
        coalesce(sum(assignment_count) filter (where fate <> 'ended' or working_days > horizon), 0)::integer as censored_count,
        bool_or(fate = 'open' and working_days < horizon) as has_running
    from lengths
    group by agency_code, month, clock, least(working_days, horizon)
),

curves as (
    {{ kaplan_meier('observed', ['agency_code', 'month', 'clock']) }}
),

reached as (
    select
        agency_code,
        month,
        clock,
        {{ day_reached(0.5) }} as median_working_days,
        {{ day_reached(0.1) }} as p90_working_days,
        bool_or(has_running) as has_running
    from curves
    group by agency_code, month, clock
)

select
    agency_code,
    month,
    max(median_working_days) filter (where clock = 'first_response') as first_response_working_days_median,
    max(p90_working_days) filter (where clock = 'first_response') as first_response_working_days_p90,
    max(median_working_days) filter (where clock = 'completion') as completion_working_days_median,
    max(p90_working_days) filter (where clock = 'completion') as completion_working_days_p90,
    not bool_or(has_running) as is_settled
from reached
group by agency_code, month
