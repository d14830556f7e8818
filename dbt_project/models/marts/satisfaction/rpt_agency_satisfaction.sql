-- One row per agency and year of its SKM: the index (IKM), its nine elements, the grade by that year's bands.
--
-- IKM = 25 x the mean of the elements' means (NRR), each with the same exact weight. The grade comes from the index rounded to two
-- decimals by lower bounds, as the published bands have gaps (64.99 | 65.00).
with answers as (
    select
        agency_code,
        year,
        respondent_key,
        stratum,
        sampling_weight,
        scheme,
        element as attribute,
        score as measure
    from {{ ref('int_skm_answers') }}
),

element_means as (
    select
        agency_code,
        year,
        scheme,
        attribute as element,
        sum(sampling_weight * measure) / sum(sampling_weight) as element_mean
    from answers
    group by agency_code, year, scheme, attribute
),

scored as (
    select
        agency_code,
        year,
        scheme,
        -- Rounded once, from the sum: a mean of nine rounded shares could fall on the wrong side of a band.
        25 * sum(element_mean) / count(*) as ikm,
        max(element_mean) filter (where element = 'u1') as u1,
        max(element_mean) filter (where element = 'u2') as u2,
        max(element_mean) filter (where element = 'u3') as u3,
        max(element_mean) filter (where element = 'u4') as u4,
        max(element_mean) filter (where element = 'u5') as u5,
        max(element_mean) filter (where element = 'u6') as u6,
        max(element_mean) filter (where element = 'u7') as u7,
        max(element_mean) filter (where element = 'u8') as u8,
        max(element_mean) filter (where element = 'u9') as u9
    from element_means
    group by agency_code, year, scheme
),

precision_of_ikm as (
    {{ survey_precision('answers', ['agency_code', 'year']) }}
),

judged as (
    select
        scored.*,
        measured.respondent_count,
        measured.design_effect,
        25 * 1.959964 * measured.standard_error as half_width,
        waves.survey_code,
        waves.metric_kind,
        waves.min_respondent_count,
        measured.respondent_count >= waves.min_respondent_count as is_reported
    from scored
    inner join precision_of_ikm as measured on scored.agency_code = measured.agency_code and scored.year = measured.year
    inner join {{ ref('survey_waves') }} as waves on scored.year = waves.wave and waves.metric_kind = 'IKM_SKM'
),

graded as (
    select
        judged.*,
        bands.grade,
        bands.name_id as grade_name,
        row_number() over (partition by judged.agency_code, judged.year order by bands.lower_bound desc) as place
    from judged
    left join {{ ref('skm_grade_bands') }} as bands
        on
            make_date(judged.year, 12, 31) >= bands.valid_from
            and (bands.valid_to is null or make_date(judged.year, 12, 31) < bands.valid_to)
            and round(judged.ikm, 2) >= bands.lower_bound
)

select
    graded.agency_code,
    graded.year,
    agencies.name as agency_name,
    agencies.kind,
    agencies.province_code,
    agencies.is_simulated,
    graded.survey_code,
    graded.metric_kind,
    graded.scheme,
    graded.is_reported,
    graded.respondent_count,
    graded.min_respondent_count,
    case when graded.is_reported then round(graded.ikm, 2) end as value,
    case when graded.is_reported then graded.ikm end as value_exact,
    case when graded.is_reported then greatest(graded.ikm - graded.half_width, 25) end as value_low,
    case when graded.is_reported then least(graded.ikm + graded.half_width, 100) end as value_high,
    case when graded.is_reported then graded.design_effect end as design_effect,
    case when graded.is_reported then graded.grade end as grade,
    case when graded.is_reported then graded.grade_name end as grade_name,
    case when graded.is_reported then graded.u1 end as u1,
    case when graded.is_reported then graded.u2 end as u2,
    case when graded.is_reported then graded.u3 end as u3,
    case when graded.is_reported then graded.u4 end as u4,
    case when graded.is_reported then graded.u5 end as u5,
    case when graded.is_reported then graded.u6 end as u6,
    case when graded.is_reported then graded.u7 end as u7,
    case when graded.is_reported then graded.u8 end as u8,
    case when graded.is_reported then graded.u9 end as u9
from graded
left join {{ ref('dim_agencies') }} as agencies on graded.agency_code = agencies.agency_code and agencies.is_current
where graded.place = 1
