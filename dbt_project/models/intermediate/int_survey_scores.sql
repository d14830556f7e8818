-- One row per survey wave and attribute: the weighted share of respondents in the top boxes.
with answers as (
    select
        responses.wave,
        responses.survey_code,
        responses.respondent_key,
        responses.sampling_weight,
        answered.attribute,
        answered.score::integer as score
    from {{ ref('fct_survey_responses') }} as responses
    cross join lateral jsonb_each_text(responses.answers) as answered (attribute, score)
)

select
    answers.wave,
    answers.survey_code,
    answers.attribute,
    count(*)::integer as answer_count,
    sum(answers.sampling_weight) filter (where answers.score >= waves.top_box_from) / sum(answers.sampling_weight) as top_box_share
from answers
inner join {{ ref('survey_waves') }} as waves on answers.wave = waves.wave and answers.survey_code = waves.survey_code
where answers.score is not null
group by answers.wave, answers.survey_code, answers.attribute
