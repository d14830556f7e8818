-- One row per agency, window and metric with a denominator: how far its rate lies from its peers', by chance alone and with the variance
-- that agencies have between them (Spiegelhalter 2005).
with scored as (
    select
        counts.*,
        limits.agency_count,
        limits.target,
        limits.lowest_z,
        limits.highest_z,
        counts.numerator_count::numeric / counts.denominator_count - limits.target as distance,
        -- Null where all complaints of all peers end alike: nobody is off.
        nullif(limits.target * (1 - limits.target), 0) / counts.denominator_count as variance,
        {{ funnel_z('counts.numerator_count::numeric / counts.denominator_count', 'limits.target', 'counts.denominator_count') }} as z
    from {{ ref('int_comparison_counts') }} as counts
    inner join {{ ref('int_comparison_funnel_limits') }} as limits
        on
            counts.window_id = limits.window_id
            and counts.metric = limits.metric
            and counts.peer_group = limits.peer_group
    where counts.denominator_count > 0
),

dispersed as (
    select
        scored.*,
        -- greatest() and least() skip nulls: small groups stay as they are.
        avg(case when z is not null then least(greatest(z, lowest_z), highest_z) ^ 2 end) over peers as dispersion,
        sum(1 / variance) over peers as weight,
        sum(1 / variance ^ 2) over peers as squared_weight
    from scored
    window peers as (partition by window_id, metric, peer_group)
),

estimated as (
    select
        dispersed.*,
        coalesce(
            greatest((agency_count * dispersion - (agency_count - 1)) / nullif(weight - squared_weight / weight, 0), 0), 0
        ) as tau_squared
    from dispersed
),

adjusted as (
    select
        estimated.*,
        distance / sqrt(variance + tau_squared) as z_adjusted
    from estimated
)

select
    adjusted.agency_code,
    adjusted.window_id,
    adjusted.metric,
    adjusted.target,
    adjusted.z,
    adjusted.dispersion,
    adjusted.tau_squared,
    adjusted.z_adjusted,
    -- Only who can be judged has a position.
    case
        when adjusted.incomplete_reason is not null then null
        when adjusted.denominator_count < rules.min_count_shown or adjusted.agency_count < rules.min_group_size then null
        when adjusted.z_adjusted <= -rules.funnel_alarm_z then 'below 99.8'
        when adjusted.z_adjusted <= -rules.funnel_warning_z then 'below 95'
        when adjusted.z_adjusted >= rules.funnel_alarm_z then 'above 99.8'
        when adjusted.z_adjusted >= rules.funnel_warning_z then 'above 95'
        else 'within'
    end as position
from adjusted
inner join {{ ref('int_comparison_rules') }} as rules on adjusted.window_id = rules.window_id
