-- One row per agency, window and clock with routed complaints: how long first follow-up and completion took, open cases counted in.
with limits as (
    select
        rules.window_id,
        clocks.clock,
        clocks.limit_working_days::integer as limit_working_days
    from {{ ref('int_comparison_rules') }} as rules
    cross join lateral (
        values
        ('first_response', rules.survival_limit_first_response),
        ('completion', rules.survival_limit_completion)
    ) as clocks (clock, limit_working_days)
),

summed as (
    select
        curves.agency_code,
        curves.window_id,
        curves.clock,
        limits.limit_working_days,
        sum(curves.ended_count + curves.censored_count)::integer as routed_count,
        sum(curves.ended_count)::integer as ended_count,
        sum(curves.archived_count)::integer as archived_count,
        sum(curves.passed_on_count)::integer as passed_on_count,
        sum(curves.on_hold_count)::integer as on_hold_count,
        sum(curves.open_count)::integer as open_count,
        sum(curves.beyond_horizon_count)::integer as beyond_horizon_count,
        sum(curves.ever_ended_count) as ever_ended_count,
        sum(curves.ever_ended_working_days) as ever_ended_working_days,
        {{ day_reached(0.5) }} as working_days_median,
        {{ day_reached(0.1) }} as working_days_p90,
        -- The curve at the limit: that of the last day up to it, 1 before the first.
        coalesce(min(curves.survival) filter (where curves.working_days <= limits.limit_working_days), 1) as survival_at_limit,
        max(curves.greenwood) filter (where curves.working_days <= limits.limit_working_days) as greenwood_at_limit,
        coalesce(sum(curves.ended_count) filter (where curves.working_days <= limits.limit_working_days), 0) as ended_by_limit_count,
        coalesce(sum(curves.ended_count + curves.censored_count) filter (where curves.working_days >= limits.limit_working_days), 0)
            as followed_to_limit_count
    from {{ ref('int_survival_curves') }} as curves
    inner join limits on curves.window_id = limits.window_id and curves.clock = limits.clock
    group by curves.agency_code, curves.window_id, curves.clock, limits.limit_working_days
),

read_off as (
    select
        summed.*,
        survival_at_limit = 0 or followed_to_limit_count > 0 as is_known,
        case when survival_at_limit = 0 then ended_by_limit_count else 0 end as wilson_ended,
        case when survival_at_limit = 0 then ended_by_limit_count else followed_to_limit_count end as wilson_at_risk
    from summed
)

select
    read_off.agency_code,
    read_off.window_id,
    read_off.clock,
    agencies.window_kind,
    agencies.agency_name,
    agencies.kind,
    agencies.volume_band,
    agencies.peer_group,
    agencies.is_simulated,
    read_off.routed_count,
    read_off.ended_count,
    read_off.archived_count,
    read_off.passed_on_count,
    read_off.on_hold_count,
    read_off.open_count,
    read_off.beyond_horizon_count,
    read_off.working_days_median,
    read_off.working_days_p90,
    read_off.limit_working_days,
    case when read_off.is_known then (1 - read_off.survival_at_limit)::numeric end as ended_by_limit_rate,
    case
        when read_off.is_known
            then {{ ended_share_bound(
                'read_off.survival_at_limit', 'read_off.greenwood_at_limit', 'read_off.wilson_ended', 'read_off.wilson_at_risk', 'low'
            ) }}
    end as ended_by_limit_rate_low,
    case
        when read_off.is_known
            then {{ ended_share_bound(
                'read_off.survival_at_limit', 'read_off.greenwood_at_limit', 'read_off.wilson_ended', 'read_off.wilson_at_risk', 'high'
            ) }}
    end as ended_by_limit_rate_high,
    {{ rate('read_off.ever_ended_working_days', 'read_off.ever_ended_count') }} as ended_only_working_days_mean
from read_off
inner join {{ ref('int_agency_windows') }} as agencies
    on read_off.agency_code = agencies.agency_code and read_off.window_id = agencies.window_id
