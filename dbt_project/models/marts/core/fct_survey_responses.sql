-- One row per respondent of a survey of an agency: the latest accepted version of the answers. Agencies number their respondents alike.
select distinct on (agency_code, survey_code, respondent_key)
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
order by agency_code, survey_code, respondent_key, night desc
