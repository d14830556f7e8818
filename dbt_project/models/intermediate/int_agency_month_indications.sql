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
        entered_day.clock_start_index + assignments.on_hold_working_days as wait_start_index,
        {{ rule_value('oversight_thresholds', 'ping_pong_count', 'assignments.received_date') }} as ping_pong_count
    from {{ ref('int_touched_agency_months') }} as worked_on
    inner join {{ ref('int_recounted_assignments') }} as assignments
        on worked_on.agency_code = assignments.agency_code and worked_on.month = assignments.received_month
    left join {{ ref('int_calendar_days') }} as entered_day on assignments.entered_date = entered_day.calendar_date
),

judged as (
    select
        assignments.*,
        is_open and status_code <> 'TERTUNDA' and wait_start_index is not null as is_waiting,
        is_first_response_due and first_response_outcome = 'missed' and followed_up_at is null as is_unanswered,
        routed_at is not null and reassigned_count >= ping_pong_count as is_passed_around
    from assignments
),

-- In one pass over the complaints, then a row per indication.
summed as (
    select
        agency_code,
        received_month as month,
        count(*) filter (where status_code <> 'DIARSIPKAN') as valid_count,
        count(*) filter (where is_first_response_due) as due_count,
        count(*) filter (where routed_at is not null) as routed_count,
        count(*) filter (where status_code = 'SELESAI' or reopened_count > 0) as closed_count,
        count(*) filter (where not is_anonymous) as known_count,
        count(*) filter (where is_waiting) as waiting_count,
        count(*) filter (where is_unanswered) as unanswered_count,
        count(*) filter (where is_passed_around) as passed_around_count,
        count(*) filter (where reopened_count > 0) as reopened_count,
        count(*) filter (where is_repeat and not is_anonymous) as repeat_count,
        array_agg(wait_start_index order by wait_start_index) filter (where is_waiting) as wait_start_indexes
    from judged
    group by agency_code, received_month
),

counted as (
    select
        summed.agency_code,
        summed.month,
        told.indication,
        told.base_count::integer as base_count,
        told.case_count::integer as case_count,
        told.wait_start_indexes
    from summed
    cross join
        lateral (
            values
            ('penundaan_berlarut', summed.valid_count, summed.waiting_count, summed.wait_start_indexes),
            ('tidak_menanggapi', summed.due_count, summed.unanswered_count, null),
            ('bolak_balik_disposisi', summed.routed_count, summed.passed_around_count, null),
            ('dibuka_kembali', summed.closed_count, summed.reopened_count, null),
            ('pengaduan_berulang', summed.known_count, summed.repeat_count, null)
        ) as told (indication, base_count, case_count, wait_start_indexes)
    where told.base_count > 0
),

shown as (
    select
        judged.agency_code,
        judged.received_month as month,
        told.indication,
        judged.category_id,
        judged.entered_date,
        judged.left_date,
        judged.wait_start_index
    from judged
    cross join
        lateral (
            values
            ('penundaan_berlarut', judged.is_waiting),
            ('tidak_menanggapi', judged.is_unanswered),
            ('bolak_balik_disposisi', judged.is_passed_around),
            ('dibuka_kembali', judged.reopened_count > 0),
            ('pengaduan_berulang', judged.is_repeat and not judged.is_anonymous)
        ) as told (indication, is_case)
    where told.is_case and not judged.is_secret
),

-- Whose order is the same show the same: what is told of an example is all there is to order by.
ranked as (
    select
        shown.*,
        row_number() over (
            partition by agency_code, month, indication
            order by wait_start_index, entered_date, left_date desc nulls first, category_id
        ) as place
    from shown
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
    where place <= {{ rule_value('oversight_thresholds', 'example_count', 'month') }}
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
