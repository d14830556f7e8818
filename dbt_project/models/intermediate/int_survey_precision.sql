-- One row per wave of the survey of LAPOR! users: how precise the mean over attributes of the top-box shares is.
with answers as (
    select
        responses.wave,
        responses.survey_code,
        responses.agency_code || ' ' || responses.respondent_key as respondent_key,
        responses.stratum,
        responses.sampling_weight,
        answered.attribute,
        (answered.score::integer >= waves.top_box_from)::integer as measure
    from {{ ref('fct_survey_responses') }} as responses
    inner join {{ ref('survey_waves') }} as waves
        on
            responses.wave = waves.wave
            and responses.survey_code = waves.survey_code
            and waves.metric_kind = 'TOP2BOX_LAPOR'
    cross join lateral jsonb_each_text(responses.answers) as answered (attribute, score)
    where answered.score is not null
),

measured as (
    {{ survey_precision('answers', ['wave', 'survey_code']) }}
)

select * from measured
