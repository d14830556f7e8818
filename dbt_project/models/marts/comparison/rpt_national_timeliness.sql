-- One row per window and clock with routed complaints: how long first follow-up and completion took at all agencies together, open cases
-- counted in.
with observed as (
    select
        window_id,
        clock,
        working_days,
        sum(ended_count)::integer as ended_count,
        sum(censored_count)::integer as censored_count,
        sum(ever_ended_count) as ever_ended_count,
        sum(ever_ended_working_days) as ever_ended_working_days
    from {{ ref('int_survival_curves') }}
    group by window_id, clock, working_days
),

curves as (
    {{ kaplan_meier('observed', ['window_id', 'clock']) }}
),

summed as (
    select
        window_id,
        clock,
        sum(ended_count + censored_count)::integer as routed_count,
        sum(ever_ended_count) as ever_ended_count,
        sum(ever_ended_working_days) as ever_ended_working_days,
        {{ day_reached(0.5) }} as working_days_median,
        {{ day_reached(0.1) }} as working_days_p90
    from curves
    group by window_id, clock
),

simulated as (
    select bool_or(is_simulated) as is_simulated
    from {{ ref('int_agency_windows') }}
)

select
    summed.window_id,
    summed.clock,
    windows.window_kind,
    windows.first_date,
    windows.last_date,
    simulated.is_simulated,
    summed.routed_count,
    summed.working_days_median,
    summed.working_days_p90,
    {{ rate('summed.ever_ended_working_days', 'summed.ever_ended_count') }} as ended_only_working_days_mean
from summed
inner join {{ ref('int_windows') }} as windows on summed.window_id = windows.window_id
cross join simulated
