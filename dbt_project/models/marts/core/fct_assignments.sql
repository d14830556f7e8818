{{ config(
    materialized='incremental',
    incremental_strategy='replace_worked_on',
    pre_hook=['{{ refuse_partial_refresh() }}', 'set local enable_nestloop = off'],
    work_list='int_changed_complaints',
    work_keys=['source_system', 'tracking_id'],
    indexes=[
        {'columns': ['source_system', 'tracking_id', 'agency_code'], 'unique': true},
        {'columns': ['agency_code', 'received_month']},
        {'columns': ['agency_code', 'entered_date']},
        {'columns': ['agency_code', 'transferred_out_date']},
        {'columns': ['agency_code', 'closed_date']},
        {'columns': ['received_month']},
        {'columns': ['is_open', 'agency_code']},
        {'columns': ['night']},
        {'columns': ['is_first_response_due', 'first_response_due_date']},
        {'columns': ['is_completion_due', 'completion_due_date']},
        {'columns': ['is_verification_due', 'verification_due_date']},
    ],
) }}
-- One row per complaint and agency that was assigned it.
--
-- All joins are by key. The planner takes the parts of a key for independent, expects one row of them and would then loop over the rest:
-- hours over ten million complaints (enable_nestloop).
-- depends_on: {{ ref('int_changed_complaints') }}, {{ ref('int_touched_months') }}, {{ ref('int_complaints_before') }}
with secrets as (
    -- What one agency holds secret is secret, whoever else has it.
    select distinct
        records.source_system,
        records.tracking_id
    from {{ ref('int_complaint_versions') }} as records
    left join {{ ref('report_classes') }} as classes on records.report_class = classes.report_class
    where records.is_secret or classes.is_restricted
)

select
    milestones.source_system,
    milestones.tracking_id,
    milestones.agency_code,
    places.assignment_seq,
    milestones.night,
    places.is_owner,
    places.is_open,
    milestones.status_code,
    milestones.status_basis,
    records.report_class,
    {{ category_id('records.category_main', 'records.category_label') }} as category_id,
    records.channel_code,
    records.input_method,
    records.is_anonymous,
    secrets.tracking_id is not null as is_secret,
    records.kemendagri_code,
    records.unit_code,
    records.unit_name,
    records.supervision_level,
    coalesce(repetitions.is_duplicate, false) as is_duplicate,
    coalesce(repetitions.is_repeat, false) as is_repeat,
    milestones.reassigned_count,
    milestones.reopened_count,
    milestones.on_hold_working_days,
    milestones.response_pause as response_pause_working_days,
    milestones.completion_pause as completion_pause_working_days,
    milestones.received_at,
    {{ business_date('milestones.received_at') }} as received_date,
    date_trunc('month', {{ business_date('milestones.received_at') }})::date as received_month,
    milestones.verified_at,
    milestones.routed_at,
    milestones.followed_up_at,
    milestones.first_notice_at,
    milestones.substantive_response_at,
    milestones.completed_at,
    milestones.completion_mode,
    milestones.archived_at,
    {{ business_date('places.entered_at') }} as entered_date,
    {{ business_date('places.transferred_out_at') }} as transferred_out_date,
    {{ business_date('milestones.returned_at') }} as returned_date,
    {{ business_date('milestones.on_hold_at') }} as on_hold_date,
    case
        when milestones.status_code in ('SELESAI', 'DIARSIPKAN')
            then {{ business_date('coalesce(milestones.completed_at, milestones.archived_at, milestones.received_at)') }}
    end as closed_date,
    clocks.sla_basis,
    clocks.first_response_limit,
    clocks.first_response_due_date,
    clocks.is_first_response_due,
    clocks.first_response_working_days,
    clocks.first_response_outcome,
    clocks.completion_limit,
    clocks.completion_due_date,
    clocks.is_completion_due,
    clocks.completion_working_days,
    clocks.completion_outcome,
    receipt_clocks.verification_due_date,
    receipt_clocks.is_verification_due,
    receipt_clocks.verification_working_days,
    receipt_clocks.verification_outcome,
    receipt_clocks.first_notice_within_limit
from {{ ref('int_assignment_milestones') }} as milestones
inner join {{ ref('int_complaint_versions') }} as records
    on
        milestones.source_system = records.source_system
        and milestones.tracking_id = records.tracking_id
        and milestones.agency_code = records.agency_code
inner join {{ ref('int_assignment_order') }} as places
    on
        milestones.source_system = places.source_system
        and milestones.tracking_id = places.tracking_id
        and milestones.agency_code = places.agency_code
inner join {{ ref('int_assignment_clocks') }} as clocks
    on
        milestones.source_system = clocks.source_system
        and milestones.tracking_id = clocks.tracking_id
        and milestones.agency_code = clocks.agency_code
inner join {{ ref('int_assignment_receipt_clocks') }} as receipt_clocks
    on
        milestones.source_system = receipt_clocks.source_system
        and milestones.tracking_id = receipt_clocks.tracking_id
        and milestones.agency_code = receipt_clocks.agency_code
left join secrets on milestones.source_system = secrets.source_system and milestones.tracking_id = secrets.tracking_id
left join {{ ref('int_complaint_repetitions') }} as repetitions
    on milestones.source_system = repetitions.source_system and milestones.tracking_id = repetitions.tracking_id
-- What is counted together lies together: a night reads whole agency-months, old ones too.
order by agency_code, received_month
