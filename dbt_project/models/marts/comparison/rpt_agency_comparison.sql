-- One row per agency, window and metric: the rate, what its peers say about it, and how sure that is.
select
    agencies.agency_code,
    agencies.window_id,
    counts.metric,
    agencies.window_kind,
    agencies.first_date,
    agencies.last_date,
    agencies.agency_name,
    agencies.kind,
    agencies.province_code,
    agencies.volume_band,
    agencies.peer_group,
    agencies.is_simulated,
    ranks.rank is not null as is_comparable,
    case when ranks.rank is null then coalesce(counts.unranked_reason, 'too_few_peers') end as not_comparable_reason,
    counts.numerator_count,
    counts.denominator_count,
    {{ rate('counts.numerator_count', 'counts.denominator_count') }} as value,
    {{ wilson('counts.numerator_count', 'counts.denominator_count', 'low') }} as value_low,
    {{ wilson('counts.numerator_count', 'counts.denominator_count', 'high') }} as value_high,
    agencies.agencies_expected as group_agency_count,
    shrunk.group_mean,
    shrunk.group_strength,
    shrunk.prior_basis,
    shrunk.shrunk_value,
    shrunk.shrunk_low,
    shrunk.shrunk_high,
    ranks.rank,
    ranks.rank_low,
    ranks.rank_high,
    ranks.ranked_count,
    funnel.target as funnel_target,
    funnel.z as funnel_z,
    funnel.dispersion as funnel_dispersion,
    funnel.tau_squared as funnel_tau_squared,
    funnel.z_adjusted as funnel_z_adjusted,
    funnel.position as funnel_position,
    case_mix.expected_count,
    case_mix.observed_expected_ratio,
    case_mix.observed_expected_ratio_low,
    case_mix.observed_expected_ratio_high,
    agencies.agencies_delivered,
    agencies.agencies_expected,
    {{ rate('agencies.agencies_delivered', 'agencies.agencies_expected') }} as coverage,
    agencies.agency_coverage
from {{ ref('int_comparison_counts') }} as counts
inner join {{ ref('int_agency_windows') }} as agencies
    on counts.agency_code = agencies.agency_code and counts.window_id = agencies.window_id
inner join {{ ref('int_comparison_shrunk') }} as shrunk
    on
        counts.agency_code = shrunk.agency_code
        and counts.window_id = shrunk.window_id
        and counts.metric = shrunk.metric
left join {{ ref('int_comparison_ranks') }} as ranks
    on
        counts.agency_code = ranks.agency_code
        and counts.window_id = ranks.window_id
        and counts.metric = ranks.metric
left join {{ ref('int_comparison_funnel') }} as funnel
    on
        counts.agency_code = funnel.agency_code
        and counts.window_id = funnel.window_id
        and counts.metric = funnel.metric
left join {{ ref('int_comparison_case_mix') }} as case_mix
    on
        counts.agency_code = case_mix.agency_code
        and counts.window_id = case_mix.window_id
        and counts.metric = case_mix.metric
