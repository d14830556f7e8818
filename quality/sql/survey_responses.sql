-- One row per survey answer of the night; the answers themselves stay in raw, only the lowest and highest score come here.
select
    response.row_id,
    response.delivery_id,
    response.agency_code,
    response.survey_code,
    response.respondent_key,
    parsed.whole                                                                        as row_is_whole,
    case when parsed.whole
        then response.survey_code is not null and response.respondent_key is not null
    end                                                                                 as has_key,
    case when parsed.whole then scores.answered end                                     as answered_count,
    case when parsed.whole then scores.no_number end                                    as scores_no_number,
    case when parsed.whole then scores.lowest end                                       as lowest_score,
    case when parsed.whole then scores.highest end                                      as highest_score,
    scores.attributes,
    response.kemendagri_code,
    response.responded_on,
    (response.responded_on - delivery.night)::float8                                    as days_after_night,
    not 'answers' = any(parsed.broken)                                                  as answers_are_readable,
    case when parsed.whole then coalesce(response.sampling_weight, 0)::float8 end       as sampling_weight,
    parsed.broken <@ array['row', 'survey_code', 'respondent_key', 'answers']           as rest_is_readable
from raw.survey_responses as response
inner join ops.deliveries as delivery using (delivery_id)
cross join lateral (
    select array(select split_part(problem, ':', 1) from unnest(response._problems) as problem) as broken
) as problems
cross join lateral (select problems.broken, not 'row' = any(problems.broken) as whole) as parsed
cross join lateral (
    select
        count(*) as answered,
        count(*) filter (where jsonb_typeof(answer.value) <> 'number') as no_number,
        (min(case when jsonb_typeof(answer.value) = 'number' then answer.value::numeric end))::float8 as lowest,
        (max(case when jsonb_typeof(answer.value) = 'number' then answer.value::numeric end))::float8 as highest,
        string_agg(answer.key, ',' order by answer.key) as attributes
    from jsonb_each(case when jsonb_typeof(response.answers) = 'object' then response.answers else '{}' end) as answer
    where jsonb_typeof(answer.value) <> 'null'
) as scores
where delivery.night = :night and delivery.resource = 'surveys' and delivery.state = 'received'
