{#
  Precision of the mean over attributes of a survey, from strata and weights (Taylor linearisation, strata without replacement ignored).

  answers: a CTE with the keys, respondent_key, stratum, sampling_weight, attribute and measure (not null).
  Gives one row per keys: respondent_count, design_effect, design_effect_basis, standard_error (of the mean, in units of measure).

  Where every respondent has a stratum and there are several, the design effect is the stratified variance over that of a simple sample of
  the same size; else it is Kish's, what unequal weights cost. A stratum with one respondent counts with the distance to the mean of all.
#}
{% macro survey_precision(answers, keys) %}
    {%- set names = keys | join(', ') %}
    with attribute_means as (
        select
            {{ names }},
            attribute,
            sum(sampling_weight) as attribute_weight,
            sum(sampling_weight * measure) / sum(sampling_weight) as attribute_mean,
            count(*) over (partition by {{ names }}) as attribute_count
        from {{ answers }}
        group by {{ names }}, attribute
    ),

    influences as (
        select
            {{ names }},
            answers.respondent_key,
            answers.stratum,
            answers.sampling_weight,
            sum(
                answers.sampling_weight * (answers.measure - attribute_means.attribute_mean)
                / attribute_means.attribute_weight / attribute_means.attribute_count
            ) as influence
        from {{ answers }} as answers
        inner join attribute_means using ({{ names }}, attribute)
        group by {{ names }}, answers.respondent_key, answers.stratum, answers.sampling_weight
    ),

    samples as (
        select
            {{ names }},
            count(*) as respondent_count,
            sum(sampling_weight) as total_weight,
            sum(influence * influence) as sum_of_squares,
            sum(influence * influence / sampling_weight) * sum(sampling_weight) / nullif(count(*) - 1, 0) as variance_of_simple_sample,
            count(*) * sum(sampling_weight * sampling_weight) / (sum(sampling_weight) * sum(sampling_weight)) as kish,
            count(*) = count(stratum) and count(distinct stratum) > 1 as is_stratified
        from influences
        group by {{ names }}
    ),

    strata as (
        select
            {{ names }},
            stratum,
            case
                when count(*) = 1 then sum(influence * influence)
                else
                    count(*)::numeric / (count(*) - 1)
                    * (sum(influence * influence) - sum(influence) * sum(influence) / count(*))
            end as variance
        from influences
        group by {{ names }}, stratum
    ),

    stratified as (
        select
            {{ names }},
            sum(variance) as variance
        from strata
        group by {{ names }}
    ),

    measured as (
        select
            samples.*,
            case
                when is_stratified then stratified.variance
                else sum_of_squares * respondent_count / nullif(respondent_count - 1, 0)
            end as variance
        from samples
        inner join stratified using ({{ names }})
    )

    select
        {{ names }},
        respondent_count::integer as respondent_count,
        coalesce(case when is_stratified then variance / nullif(variance_of_simple_sample, 0) end, kish) as design_effect,
        case when is_stratified and variance_of_simple_sample > 0 then 'strata and weights' else 'weights' end as design_effect_basis,
        sqrt(variance) as standard_error
    from measured
{% endmacro %}
