-- One row per respondent of a survey: the latest accepted version of the answers.
select distinct on (survey_code, respondent_key)
    survey_code,
    respondent_key,
    wave,
    agency_code,
    kemendagri_code,
    stratum,
    sampling_weight,
    answers,
    responded_on
from {{ ref('stg_survey_responses') }}
order by survey_code, respondent_key, night desc
