-- One row per peer group, window and metric: how the comparable agencies of the group are spread, without naming any.
with comparable as (
    select
        peer_group,
        window_id,
        metric,
        window_kind,
        first_date,
        last_date,
        kind,
        volume_band,
        is_simulated,
        case when is_comparable then shrunk_value end as estimate
    from {{ ref('rpt_agency_comparison') }}
),

spread as (
    select
        peer_group,
        window_id,
        metric,
        min(window_kind) as window_kind,
        min(first_date) as first_date,
        max(last_date) as last_date,
        min(kind) as kind,
        min(volume_band) as volume_band,
        bool_or(is_simulated) as is_simulated,
        count(estimate)::integer as agency_count,
        percentile_cont(array[0.10, 0.25, 0.50, 0.75, 0.90]) within group (order by estimate) as quantiles
    from comparable
    where peer_group is not null
    group by peer_group, window_id, metric
)

select
    peer_group,
    window_id,
    metric,
    window_kind,
    first_date,
    last_date,
    kind,
    volume_band,
    is_simulated,
    agency_count,
    -- Of fewer than five agencies a quantile is nearly one agency's figure.
    case when agency_count >= 5 then quantiles[1]::numeric end as p10,
    case when agency_count >= 5 then quantiles[2]::numeric end as p25,
    case when agency_count >= 5 then quantiles[3]::numeric end as p50,
    case when agency_count >= 5 then quantiles[4]::numeric end as p75,
    case when agency_count >= 5 then quantiles[5]::numeric end as p90
from spread
