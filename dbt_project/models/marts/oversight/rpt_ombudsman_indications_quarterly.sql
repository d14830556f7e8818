-- One row per agency, quarter of receipt and indication: cases, share and place among peers. An indication (indikasi), never a finding.
--
-- Flagged is who lies above the limit of its peers after what sets peers apart anyway (tau^2), with enough complaints, cases and peers.
with counts as (
    select
        counted.*,
        {{ rate('counted.case_count', 'counted.base_count') }} as share,
        funnel.agency_count as peer_agency_count,
        funnel.target as peer_share,
        funnel.dispersion as peer_dispersion,
        funnel.tau_squared as peer_tau_squared,
        counted.base_count >= {{ rule_value('comparison_rules', 'min_count_shown', 'counted.quarter') }}
        and coalesce(funnel.agency_count >= {{ rule_value('comparison_rules', 'min_group_size', 'counted.quarter') }}, false) as is_judged
    from {{ ref('int_agency_quarter_indications') }} as counted
    left join {{ ref('int_indication_funnel') }} as funnel
        on
            counted.peer_group = funnel.peer_group
            and counted.quarter = funnel.quarter
            and counted.indication = funnel.indication
),

scored as (
    select
        counts.*,
        case when is_judged
                then {{ funnel_z('share', 'peer_share', 'base_count') }}
        end as funnel_z,
        case when is_judged
                then (share - peer_share) / nullif(sqrt(peer_share * (1 - peer_share) / base_count + peer_tau_squared), 0)
        end as funnel_z_adjusted
    from counts
),

scope as (
    select
        scope.night,
        today.working_day_index
        - {{ rule_value('oversight_thresholds', 'prolonged_delay_working_days', 'scope.night') }}::integer as late_before_index
    from {{ ref('int_build_scope') }} as scope
    left join {{ ref('int_calendar_days') }} as today on scope.night = today.calendar_date
),

candidates as (
    select
        monthly.agency_code,
        date_trunc('quarter', monthly.month)::date as quarter,
        monthly.indication,
        jsonb_build_object(
            'category_id', told.category_id,
            'month', to_char(monthly.month, 'YYYY-MM'),
            'open_days', coalesce(told.left_date, scope.night) - told.entered_date
        ) as example,
        row_number() over (
            partition by monthly.agency_code, date_trunc('quarter', monthly.month), monthly.indication
            order by told.wait_start_index, told.entered_date, told.left_date desc nulls first, told.category_id, monthly.month
        ) as place
    from {{ ref('int_agency_month_indications') }} as monthly
    cross join scope
    cross join
        lateral jsonb_to_recordset(monthly.examples) as told (
            category_id text, entered_date date, left_date date, wait_start_index integer
        )
    where monthly.indication <> 'penundaan_berlarut' or told.wait_start_index < scope.late_before_index
),

examples as (
    select
        agency_code,
        quarter,
        indication,
        jsonb_agg(example order by place) as examples
    from candidates
    where place <= {{ rule_value('oversight_thresholds', 'example_count', 'quarter') }}
    group by agency_code, quarter, indication
)

select
    scored.agency_code,
    scored.quarter,
    scored.indication,
    names.name_id as indication_name,
    names.base_id as base_name,
    agencies.name as agency_name,
    agencies.kind,
    scored.peer_group,
    agencies.province_code,
    agencies.is_simulated,
    scope.night as cut_off_date,
    scored.case_count,
    scored.base_count,
    scored.peer_agency_count,
    scored.share,
    {{ wilson('scored.case_count', 'scored.base_count', 'low') }} as share_low,
    {{ wilson('scored.case_count', 'scored.base_count', 'high') }} as share_high,
    scored.peer_share,
    scored.peer_dispersion,
    scored.peer_tau_squared,
    scored.funnel_z,
    scored.funnel_z_adjusted,
    case
        when not scored.is_judged then 'not judged'
        -- Null where all complaints of all peers end alike: nobody stands out.
        when coalesce(scored.funnel_z_adjusted, 0) <= {{ rule_value('comparison_rules', 'funnel_warning_z', 'scored.quarter') }}
            then 'within'
        when scored.case_count < {{ rule_value('oversight_thresholds', 'min_case_count', 'scored.quarter') }} then 'too few cases'
        when scored.funnel_z_adjusted <= {{ rule_value('comparison_rules', 'funnel_alarm_z', 'scored.quarter') }} then 'above 95'
        else 'above 99.8'
    end as funnel_position,
    case
        when scored.case_count >= {{ rule_value('oversight_thresholds', 'min_case_count', 'scored.quarter') }} then examples.examples
    end as examples
from scored
cross join scope
inner join {{ ref('ombudsman_indications') }} as names on scored.indication = names.indication
left join {{ ref('dim_agencies') }} as agencies on scored.agency_code = agencies.agency_code and agencies.is_current
left join examples
    on scored.agency_code = examples.agency_code and scored.quarter = examples.quarter and scored.indication = examples.indication
