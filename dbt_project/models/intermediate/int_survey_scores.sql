-- One row per wave of the survey of LAPOR! users and attribute: the weighted share of respondents in the top boxes.
with answers as (
    select
        responses.wave,
        responses.survey_code,
        responses.sampling_weight,
        waves.top_box_from,
        answered.attribute,
        answered.score::integer as score
    from {{ ref('fct_survey_responses') }} as responses
    inner join {{ ref('survey_waves') }} as waves
        on
            responses.wave = waves.wave
            and responses.survey_code = waves.survey_code
            and waves.metric_kind = 'TOP2BOX_LAPOR'
    cross join lateral jsonb_each_text(responses.answers) as answered (attribute, score)
)

select
    wave,
    survey_code,
    attribute,
    count(*)::integer as answer_count,
    sum(sampling_weight) filter (where score >= top_box_from) / sum(sampling_weight) as top_box_share
from answers
where score is not null
group by wave, survey_code, attribute
