-- One row per comparable agency, window and metric: its place among its comparable peers, and the places that the data leave open.
--
-- The interval comes from the probability, pair by pair, that the other is better, each agency's logit taken as normal with the mean and
-- variance of its Beta distribution. If an agency stood at the good end of its own interval, its place would be 1 plus the peers better
-- than that: best_place, with a variance from not knowing the peers; likewise worst_place. Both spreads are added in squares around the
-- mean place. Checked against joint draws and true places: docs/fairness.md.
with comparable as (
    select
        shrunk.*,
        (count(*) over (partition by shrunk.window_id, shrunk.metric, shrunk.peer_group))::integer as ranked_count
    from {{ ref('int_comparison_shrunk') }} as shrunk
    where shrunk.unranked_reason is null and shrunk.shrunk_value is not null
),

placed as (
    select
        comparable.*,
        case when is_higher_better then 1 else -1 end * (statistics.digamma(posterior_a) - statistics.digamma(posterior_b)) as logit,
        statistics.trigamma(posterior_a) + statistics.trigamma(posterior_b) as logit_variance,
        (rank() over (
            partition by comparable.window_id, metric, peer_group
            order by case when is_higher_better then -shrunk_value else shrunk_value end
        ))::integer as rank
    from comparable
    inner join {{ ref('int_comparison_rules') }} as rules on comparable.window_id = rules.window_id
    where comparable.ranked_count >= rules.min_group_ranked
),

ends as (
    select
        placed.*,
        sqrt(logit_variance) as logit_spread,
        logit + 1.959964 * sqrt(logit_variance) as logit_best,
        logit - 1.959964 * sqrt(logit_variance) as logit_worst
    from placed
),

pairs as (
    select
        own.agency_code,
        own.window_id,
        own.metric,
        statistics.normal_cdf((peer.logit - own.logit) / sqrt(own.logit_variance + peer.logit_variance)) as is_better,
        statistics.normal_cdf((peer.logit - own.logit_best) / peer.logit_spread) as is_better_than_best,
        statistics.normal_cdf((peer.logit - own.logit_worst) / peer.logit_spread) as is_better_than_worst
    from ends as own
    inner join ends as peer
        on
            own.window_id = peer.window_id
            and own.metric = peer.metric
            and own.peer_group = peer.peer_group
            and own.agency_code <> peer.agency_code
),

-- Whole billionths: a sum of doubles would depend on the order in which the pairs come.
summed as (
    select
        agency_code,
        window_id,
        metric,
        1 + sum(round(is_better * 1e9)::bigint) / 1e9 as mean_place,
        1 + sum(round(is_better_than_best * 1e9)::bigint) / 1e9 as best_place,
        1 + sum(round(is_better_than_worst * 1e9)::bigint) / 1e9 as worst_place,
        sum(round(is_better_than_best * (1 - is_better_than_best) * 1e9)::bigint) / 1e9 as best_variance,
        sum(round(is_better_than_worst * (1 - is_better_than_worst) * 1e9)::bigint) / 1e9 as worst_variance
    from pairs
    group by agency_code, window_id, metric
)

select
    ends.agency_code,
    ends.window_id,
    ends.metric,
    ends.ranked_count,
    ends.rank,
    -- An agency's own place is always among those left open, also where two share it.
    least(
        greatest(
            round(summed.mean_place - sqrt((summed.mean_place - summed.best_place) ^ 2 + 1.959964 ^ 2 * summed.best_variance))::integer, 1
        ),
        ends.rank
    ) as rank_low,
    greatest(
        least(
            round(summed.mean_place + sqrt((summed.worst_place - summed.mean_place) ^ 2 + 1.959964 ^ 2 * summed.worst_variance))::integer,
            ends.ranked_count
        ),
        ends.rank
    ) as rank_high
from ends
inner join summed
    on ends.agency_code = summed.agency_code and ends.window_id = summed.window_id and ends.metric = summed.metric
