-- One row per survey answer of the night; the answers themselves stay in raw, only how many are off the scale comes here.
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
    case when parsed.whole then scores.off_scale end                                    as scores_off_scale,
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
        count(*) filter (
            where case when jsonb_typeof(answer.value) = 'number'
                then answer.value::numeric not between :lowest_score and :highest_score
                else true
            end
        )        as off_scale
    from jsonb_each(case when jsonb_typeof(response.answers) = 'object' then response.answers else '{}' end) as answer
    where jsonb_typeof(answer.value) <> 'null'
) as scores
where delivery.night = :night and delivery.resource = 'surveys' and delivery.state = 'received'
