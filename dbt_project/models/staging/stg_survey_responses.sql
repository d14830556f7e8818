-- One row per accepted version of a respondent's answers to a survey.
with source as (
    select * from {{ source('raw', 'survey_responses') }}
),

accepted as (
    select delivery_id
    from {{ ref('stg_deliveries') }}
    where is_accepted and resource = 'surveys'
),

kept_out as (
    select row_id
    from {{ ref('stg_quarantined_rows') }}
    where table_name = 'survey_responses'
)

select
    source.night,
    source.agency_code,
    source.survey_code,
    source.respondent_key,
    source.wave,
    source.kemendagri_code,
    source.responded_on,
    source.stratum,
    source.sampling_weight,
    source.answers
from source
inner join accepted on source.delivery_id = accepted.delivery_id
where not exists (
        select 1 from kept_out
        where kept_out.row_id = source.row_id
    )
