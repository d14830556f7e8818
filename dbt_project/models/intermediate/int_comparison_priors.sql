-- One row per window, metric and peer group: what its agencies have in common (mean) and how much they differ (strength), by the method of
-- moments for beta-binomial counts.
with informative as (
    select *
    from {{ ref('int_comparison_counts') }}
    where denominator_count > 0
),

-- A kind and its bands have names of their own: both are groups.
grouped as (
    select
        informative.window_id,
        informative.metric,
        groups.group_name,
        count(*) as agency_count,
        sum(informative.numerator_count)::numeric as numerator,
        sum(informative.denominator_count)::numeric as denominator,
        sum(informative.denominator_count::numeric ^ 2) as squared_denominators,
        sum(informative.numerator_count::numeric ^ 2 / informative.denominator_count) as weighted_squares
    from informative
    cross join lateral (values ('peer_group: ' || informative.peer_group), ('kind: ' || informative.kind)) as groups (group_name)
    group by informative.window_id, informative.metric, groups.group_name
),

centred as (
    select
        grouped.*,
        numerator / denominator as mean,
        weighted_squares - numerator ^ 2 / denominator as spread,
        -- How much of the spread a variance of 1 between agencies would make; 0 where every agency has one complaint.
        denominator - squared_denominators / denominator - (agency_count - 1) as spread_per_variance
    from grouped
),

estimated as (
    select
        centred.*,
        coalesce(
            greatest((spread - (agency_count - 1) * mean * (1 - mean)) / nullif(greatest(spread_per_variance, 0), 0), 0), 0
        ) as variance
    from centred
),

weighed as (
    select
        estimated.window_id,
        estimated.metric,
        estimated.group_name,
        estimated.agency_count,
        estimated.mean,
        -- Where agencies do not differ beyond chance the formula is infinite: all complaints of the group together are what is known.
        case
            when estimated.variance = 0 then estimated.denominator
            else least(
                    greatest(estimated.mean * (1 - estimated.mean) / estimated.variance - 1, rules.min_group_strength),
                    estimated.denominator
                )
        end as strength,
        estimated.agency_count >= rules.min_group_size as is_enough
    from estimated
    inner join {{ ref('int_comparison_rules') }} as rules on estimated.window_id = rules.window_id
),

peer_groups as (
    select distinct
        window_id,
        metric,
        kind,
        peer_group
    from {{ ref('int_comparison_counts') }}
)

select
    peer_groups.window_id,
    peer_groups.metric,
    peer_groups.peer_group,
    coalesce(peers.agency_count, 0)::integer as informative_agency_count,
    case when peers.is_enough then 'peer_group' when kinds.is_enough then 'kind' else 'none' end as prior_basis,
    case when peers.is_enough then peers.mean when kinds.is_enough then kinds.mean end as group_mean,
    case when peers.is_enough then peers.strength when kinds.is_enough then kinds.strength end as group_strength
from peer_groups
left join weighed as peers
    on
        peer_groups.window_id = peers.window_id
        and peer_groups.metric = peers.metric
        and 'peer_group: ' || peer_groups.peer_group = peers.group_name
left join weighed as kinds
    on
        peer_groups.window_id = kinds.window_id
        and peer_groups.metric = kinds.metric
        and 'kind: ' || peer_groups.kind = kinds.group_name
