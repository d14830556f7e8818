-- One row per wave of the survey of LAPOR! users: the mean over attributes of the share that answers "puas" or "sangat puas".
-- Computed where enough answers were delivered, as published where they were not.
with waves as (
    select
        survey_waves.*,
        lag(sampling_frame) over (order by wave) as previous_frame
    from {{ ref('survey_waves') }} as survey_waves
    where metric_kind = 'TOP2BOX_LAPOR'
),

scored as (
    select
        wave,
        survey_code,
        100 * avg(coalesce(top_box_share, 0)) as value_exact,
        jsonb_object_agg(attribute, round(100 * coalesce(top_box_share, 0), 1)) as attribute_values
    from {{ ref('int_survey_scores') }}
    group by wave, survey_code
),

combined as (
    select
        waves.*,
        coalesce(measured.respondent_count >= waves.min_respondent_count, false) as is_computed,
        measured.respondent_count as respondent_count_computed,
        scored.value_exact as value_computed,
        scored.attribute_values,
        measured.design_effect,
        measured.design_effect_basis,
        -- Of a share of one half, as the publishers state it.
        100 * 1.959964 * sqrt(0.25 * measured.design_effect / measured.respondent_count) as margin_computed,
        100 * 1.959964 * measured.standard_error as half_width
    from waves
    left join scored on waves.wave = scored.wave and waves.survey_code = scored.survey_code
    left join {{ ref('int_survey_precision') }} as measured
        on waves.wave = measured.wave and waves.survey_code = measured.survey_code
)

select
    wave,
    metric_kind,
    survey_code,
    round(case when is_computed then value_computed else coalesce(value_restated, value_published) end, 1) as value,
    case when is_computed then value_computed else coalesce(value_restated, value_published) end as value_exact,
    case when is_computed then greatest(value_computed - half_width, 0) end as value_low,
    case when is_computed then least(value_computed + half_width, 100) end as value_high,
    case when is_computed then respondent_count_computed else respondent_count_published end as respondent_count,
    round(case when is_computed then margin_computed else margin_published end, 2) as margin_of_error,
    case when is_computed then design_effect end as design_effect,
    case when is_computed then design_effect_basis end as design_effect_basis,
    sampling_frame,
    case when previous_frame is not null then sampling_frame = previous_frame end as is_comparable_with_previous,
    case when is_computed then attribute_values end as attribute_values,
    case when is_computed then 'computed' else 'published' end as basis,
    value_published,
    respondent_count_published,
    margin_published,
    source,
    note
from combined
