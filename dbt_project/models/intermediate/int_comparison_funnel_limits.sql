-- One row per window, metric and peer group with complaints: the target of its funnel, and the scores beyond which extremes are drawn in
-- before over-dispersion is measured (winsorising; null in small groups).
with scored as (
    select
        counts.window_id,
        counts.metric,
        counts.peer_group,
        counts.numerator_count::numeric / counts.denominator_count as value,
        counts.denominator_count,
        (sum(counts.numerator_count) over peers)::numeric / sum(counts.denominator_count) over peers as target
    from {{ ref('int_comparison_counts') }} as counts
    where counts.denominator_count > 0
    window peers as (partition by counts.window_id, counts.metric, counts.peer_group)
),

limited as (
    select
        scored.window_id,
        scored.metric,
        scored.peer_group,
        scored.target,
        count(*)::integer as agency_count,
        max(rules.funnel_winsor_min_group) as winsor_min_group,
        percentile_cont(rules.funnel_winsor_share::double precision) within group (
            order by {{ funnel_z('scored.value', 'scored.target', 'scored.denominator_count') }}::double precision
        )::numeric as lowest,
        percentile_cont(1 - rules.funnel_winsor_share::double precision) within group (
            order by {{ funnel_z('scored.value', 'scored.target', 'scored.denominator_count') }}::double precision
        )::numeric as highest
    from scored
    inner join {{ ref('int_comparison_rules') }} as rules on scored.window_id = rules.window_id
    group by scored.window_id, scored.metric, scored.peer_group, scored.target, rules.funnel_winsor_share
)

select
    window_id,
    metric,
    peer_group,
    agency_count,
    target,
    case when agency_count >= winsor_min_group then lowest end as lowest_z,
    case when agency_count >= winsor_min_group then highest end as highest_z
from limited
