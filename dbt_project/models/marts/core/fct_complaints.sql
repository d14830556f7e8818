{{ config(
    materialized='incremental',
    incremental_strategy='replace_worked_on',
    pre_hook='{{ refuse_partial_refresh() }}',
    work_list='int_changed_complaints',
    work_keys=['source_system', 'tracking_id'],
    indexes=[
        {'columns': ['source_system', 'tracking_id'], 'unique': true},
        {'columns': ['agency_code', 'received_month']},
        {'columns': ['received_month']},
        {'columns': ['received_date']},
    ],
) }}
-- One row per complaint nationally, however many agencies had it: described as its present owner tells it, with the first
-- time any agency reached each milestone.
-- depends_on: {{ ref('int_complaints_before') }}
with assignments as (
    select assignments.*
    from {{ ref('int_changed_complaints') }} as changed
    inner join {{ ref('fct_assignments') }} as assignments
        on changed.source_system = assignments.source_system and changed.tracking_id = assignments.tracking_id
),

nationally as (
    select
        source_system,
        tracking_id,
        count(*)::integer as agency_count,
        sum(reassigned_count)::integer as reassigned_count,
        sum(reopened_count)::integer as reopened_count,
        bool_or(is_secret) as is_secret,
        min(received_at) as received_at,
        min(verified_at) as verified_at,
        min(routed_at) as routed_at,
        min(followed_up_at) as followed_up_at,
        min(first_notice_at) as first_notice_at,
        min(substantive_response_at) as substantive_response_at
    from assignments
    group by source_system, tracking_id
)

select
    nationally.source_system,
    nationally.tracking_id,
    owner.agency_code,
    owner.night,
    owner.status_code,
    owner.report_class,
    owner.category_id,
    owner.channel_code,
    owner.input_method,
    owner.is_anonymous,
    nationally.is_secret,
    owner.is_open,
    owner.kemendagri_code,
    owner.unit_code,
    owner.unit_name,
    owner.supervision_level,
    repetitions.duplicate_of_system,
    repetitions.duplicate_of,
    owner.is_duplicate,
    owner.is_repeat,
    nationally.agency_count,
    nationally.reassigned_count,
    nationally.reopened_count,
    nationally.received_at,
    {{ business_date('nationally.received_at') }} as received_date,
    date_trunc('month', {{ business_date('nationally.received_at') }})::date as received_month,
    nationally.verified_at,
    nationally.routed_at,
    nationally.followed_up_at,
    nationally.first_notice_at,
    nationally.substantive_response_at,
    owner.completed_at,
    owner.completion_mode,
    owner.archived_at,
    owner.sla_basis,
    owner.first_response_due_date,
    owner.first_response_outcome,
    owner.completion_due_date,
    owner.completion_outcome
from nationally
inner join assignments as owner
    on
        nationally.source_system = owner.source_system
        and nationally.tracking_id = owner.tracking_id
        and owner.is_owner
left join {{ ref('int_complaint_repetitions') }} as repetitions
    on nationally.source_system = repetitions.source_system and nationally.tracking_id = repetitions.tracking_id
-- What is counted together lies together: a night reads whole owners' months, old ones too.
order by agency_code, received_month
