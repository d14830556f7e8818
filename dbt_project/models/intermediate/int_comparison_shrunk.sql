-- One row per agency, window and metric: the rate drawn towards that of its peers, the more so the fewer its complaints.
with posteriors as (
    select
        counts.agency_code,
        counts.window_id,
        counts.metric,
        counts.peer_group,
        counts.is_higher_better,
        counts.unranked_reason,
        priors.informative_agency_count,
        priors.prior_basis,
        priors.group_mean,
        priors.group_strength,
        case
            when counts.denominator_count > 0
                then
                    (counts.numerator_count + priors.group_mean * priors.group_strength)
                    / (counts.denominator_count + priors.group_strength)
        end as shrunk_value,
        -- Where all complaints of all peers end alike, half a complaint of the other end keeps the distribution proper.
        case
            when counts.denominator_count > 0 and priors.group_mean is not null
                then coalesce(nullif(counts.numerator_count + priors.group_mean * priors.group_strength, 0), 0.5)
        end::double precision as posterior_a,
        case
            when counts.denominator_count > 0 and priors.group_mean is not null
                then coalesce(
                        nullif(counts.denominator_count - counts.numerator_count + (1 - priors.group_mean) * priors.group_strength, 0), 0.5
                    )
        end::double precision as posterior_b
    from {{ ref('int_comparison_counts') }} as counts
    inner join {{ ref('int_comparison_priors') }} as priors
        on
            counts.window_id = priors.window_id
            and counts.metric = priors.metric
            and counts.peer_group = priors.peer_group
)

select
    posteriors.*,
    statistics.beta_quantile(0.025, posterior_a, posterior_b)::numeric as shrunk_low,
    statistics.beta_quantile(0.975, posterior_a, posterior_b)::numeric as shrunk_high
from posteriors
