-- One row per agency, window, clock and length in working days: how many routed complaints ended, or were last seen, after so long,
-- and the share not ended by then (Kaplan-Meier).
--
-- Open cases are last seen at the cut-off; archived, passed on and paused ones when that happened; whoever went on longer than the
-- horizon, there.
with scopes as (
    select
        windows.window_id,
        windows.first_month,
        windows.last_month,
        rules.survival_horizon_working_days::integer as horizon,
        cut_off.working_day_index as cut_off_index
    from {{ ref('int_windows') }} as windows
    inner join {{ ref('int_comparison_rules') }} as rules on windows.window_id = rules.window_id
    cross join {{ ref('int_build_scope') }} as scope
    inner join {{ ref('int_calendar_days') }} as cut_off on scope.night = cut_off.calendar_date
),

lengths as (
    select
        durations.agency_code,
        scopes.window_id,
        durations.clock,
        durations.fate,
        durations.assignment_count,
        scopes.horizon,
        case
            when durations.fate = 'open' then greatest(scopes.cut_off_index - durations.net_start_index, 0)
            else durations.working_days
        end as working_days
    from {{ ref('int_agency_month_durations') }} as durations
    inner join scopes on durations.month between scopes.first_month and scopes.last_month
),

observed as (
    select
        agency_code,
        window_id,
        clock,
        least(working_days, horizon) as working_days,
        coalesce(sum(assignment_count) filter (where fate = 'ended' and working_days <= horizon), 0)::integer as ended_count,
        coalesce(sum(assignment_count) filter (where fate <> 'ended' or working_days > horizon), 0)::integer as censored_count,
        coalesce(sum(assignment_count) filter (where fate = 'archived' and working_days <= horizon), 0)::integer as archived_count,
        coalesce(sum(assignment_count) filter (where fate = 'passed_on' and working_days <= horizon), 0)::integer as passed_on_count,
        coalesce(sum(assignment_count) filter (where fate = 'on_hold' and working_days <= horizon), 0)::integer as on_hold_count,
        coalesce(sum(assignment_count) filter (where fate = 'open' and working_days <= horizon), 0)::integer as open_count,
        coalesce(sum(assignment_count) filter (where working_days > horizon), 0)::integer as beyond_horizon_count,
        coalesce(sum(assignment_count) filter (where fate = 'ended'), 0)::integer as ever_ended_count,
        coalesce(sum(assignment_count * working_days) filter (where fate = 'ended'), 0)::integer as ever_ended_working_days
    from lengths
    group by agency_code, window_id, clock, least(working_days, horizon)
)

{{ kaplan_meier('observed', ['agency_code', 'window_id', 'clock']) }}
