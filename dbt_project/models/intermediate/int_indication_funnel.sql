-- One row per peer group, quarter and indication: what is usual among peers, and how far they lie apart beyond chance.
--
-- Spiegelhalter (2005): z = (p - theta) / s with s^2 = theta (1 - theta) / n; phi = mean z^2, the outermost drawn in; tau^2 by
-- DerSimonian and Laird.
-- Only agencies with enough complaints to be judged tell what is usual.
with peers as (
    select
        counts.*,
        counts.case_count::numeric / counts.base_count as share,
        count(*) over same_group as agency_count,
        sum(counts.case_count) over same_group as peer_case_count,
        sum(counts.base_count) over same_group as peer_base_count
    from {{ ref('int_agency_quarter_indications') }} as counts
    where counts.base_count >= {{ rule_value('comparison_rules', 'min_count_shown', 'counts.quarter') }}
    window same_group as (partition by counts.peer_group, counts.quarter, counts.indication)
),

targeted as (
    select
        peers.*,
        {{ rate('peer_case_count', 'peer_base_count') }} as target
    from peers
),

scored as (
    select
        targeted.*,
        base_count / nullif(target * (1 - target), 0) as weight,
        {{ funnel_z('share', 'target', 'base_count') }} as z
    from targeted
),

bounds as (
    select
        peer_group,
        quarter,
        indication,
        percentile_cont({{ rule_value('comparison_rules', 'funnel_winsor_share', 'quarter') }}::double precision)
        within group (order by z::double precision)::numeric as z_lowest,
        percentile_cont(1 - {{ rule_value('comparison_rules', 'funnel_winsor_share', 'quarter') }}::double precision)
        within group (order by z::double precision)::numeric as z_highest
    from scored
    where agency_count >= {{ rule_value('comparison_rules', 'funnel_winsor_min_group', 'quarter') }}
    group by peer_group, quarter, indication
),

dispersed as (
    select
        scored.peer_group,
        scored.quarter,
        scored.indication,
        scored.agency_count::integer as agency_count,
        scored.target,
        avg(power(least(greatest(scored.z, bounds.z_lowest), bounds.z_highest), 2)) as dispersion,
        sum(scored.weight) as total_weight,
        sum(scored.weight * scored.weight) as total_squared_weight
    from scored
    left join bounds
        on
            scored.peer_group = bounds.peer_group
            and scored.quarter = bounds.quarter
            and scored.indication = bounds.indication
    group by scored.peer_group, scored.quarter, scored.indication, scored.agency_count, scored.target
)

select
    peer_group,
    quarter,
    indication,
    agency_count,
    target,
    dispersion,
    greatest(
        (agency_count * dispersion - (agency_count - 1)) / nullif(total_weight - total_squared_weight / nullif(total_weight, 0), 0), 0
    ) as tau_squared
from dispersed
