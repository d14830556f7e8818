{{ config(
    materialized='incremental',
    incremental_strategy='replace_worked_on',
    pre_hook='{{ refuse_partial_refresh() }}',
    work_list='int_touched_agency_months',
    work_keys=['agency_code', 'month'],
    indexes=[{'columns': ['agency_code', 'month', 'indication'], 'unique': true}],
) }}
-- One row per agency, month of receipt and indication: complaints it is looked for in, those that show it, the oldest as examples.
--
-- A delay grows without anything happening, so of penundaan_berlarut the cases are all that are open and not on hold, each with the
-- working day from which its wait counts (pauses added): the reader counts those that have waited too long by the cut-off.
with assignments as (
    select
        assignments.*,
        coalesce(assignments.transferred_out_date, assignments.closed_date) as left_date,
        entered_day.clock_start_index + assignments.on_hold_working_days as wait_start_index
    from {{ ref('int_touched_agency_months') }} as worked_on
    inner join {{ ref('fct_assignments') }} as assignments
        on worked_on.agency_code = assignments.agency_code and worked_on.month = assignments.received_month
    left join {{ ref('int_calendar_days') }} as entered_day on assignments.entered_date = entered_day.calendar_date
),

looked_at as (
    select
        assignments.agency_code,
        assignments.received_month as month,
        told.indication,
        told.is_case,
        assignments.is_secret,
        assignments.category_id,
        assignments.entered_date,
        assignments.left_date,
        assignments.wait_start_index
    from assignments
    cross join
        lateral (
            values
            (
                'penundaan_berlarut',
                assignments.status_code <> 'DIARSIPKAN',
                assignments.is_open and assignments.status_code <> 'TERTUNDA' and assignments.wait_start_index is not null
            ),
            (
                'tidak_menanggapi',
                assignments.is_first_response_due,
                assignments.first_response_outcome = 'missed' and assignments.followed_up_at is null
            ),
            (
                'bolak_balik_disposisi',
                assignments.routed_at is not null,
                assignments.reassigned_count >= {{ rule_value('ping_pong_count', 'assignments.received_date') }}
            ),
            (
                'dibuka_kembali',
                assignments.status_code = 'SELESAI' or assignments.reopened_count > 0,
                assignments.reopened_count > 0
            ),
            ('pengaduan_berulang', not assignments.is_anonymous, assignments.is_repeat)
        ) as told (indication, is_base, is_case)
    where told.is_base
),

counted as (
    select
        agency_code,
        month,
        indication,
        count(*)::integer as base_count,
        (count(*) filter (where is_case))::integer as case_count,
        array_agg(wait_start_index order by wait_start_index)
        filter (where is_case and indication = 'penundaan_berlarut') as wait_start_indexes
    from looked_at
    group by agency_code, month, indication
),

-- Whose order is the same show the same: what is told of an example is all there is to order by.
ranked as (
    select
        looked_at.*,
        row_number() over (
            partition by agency_code, month, indication
            order by wait_start_index, entered_date, left_date desc nulls first, category_id
        ) as place
    from looked_at
    where is_case and not is_secret
),

examples as (
    select
        agency_code,
        month,
        indication,
        jsonb_agg(
            jsonb_build_object(
                'category_id', category_id,
                'entered_date', entered_date,
                'left_date', left_date,
                'wait_start_index', wait_start_index
            )
            order by place
        ) as examples
    from ranked
    where place <= {{ rule_value('example_count', 'month') }}
    group by agency_code, month, indication
)

select
    counted.agency_code,
    counted.month,
    counted.indication,
    counted.base_count,
    counted.case_count,
    counted.wait_start_indexes,
    examples.examples
from counted
left join examples
    on
        counted.agency_code = examples.agency_code
        and counted.month = examples.month
        and counted.indication = examples.indication
