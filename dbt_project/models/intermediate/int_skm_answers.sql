-- One row per agency, year, respondent and element of the SKM, of the questionnaires that count: every element answered.
with answers as (
    select
        responses.agency_code,
        responses.wave as year,
        responses.respondent_key,
        responses.stratum,
        responses.sampling_weight,
        elements.scheme,
        elements.element,
        (responses.answers ->> elements.element)::numeric as score
    from {{ ref('fct_survey_responses') }} as responses
    inner join {{ ref('survey_waves') }} as waves
        on
            responses.wave = waves.wave
            and responses.survey_code = waves.survey_code
            and waves.metric_kind = 'IKM_SKM'
    inner join {{ ref('skm_elements') }} as elements
        on
            make_date(responses.wave, 12, 31) >= elements.valid_from
            and (elements.valid_to is null or make_date(responses.wave, 12, 31) < elements.valid_to)
),

counted as (
    select
        answers.*,
        count(*) over (partition by agency_code, year, respondent_key) as asked_count,
        count(score) over (partition by agency_code, year, respondent_key) as answered_count
    from answers
)

select
    agency_code,
    year,
    respondent_key,
    stratum,
    sampling_weight,
    scheme,
    element,
    score
from counted
where answered_count = asked_count
