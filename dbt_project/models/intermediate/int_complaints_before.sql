{{ config(materialized='incremental', incremental_strategy='append', indexes=[{'columns': ['source_system', 'tracking_id']}]) }}
-- One row per complaint now computed anew and look at it: when, in what and where the facts counted it before this build, and its
-- movements into and out of agencies' stocks; all null for one they did not have.
--
-- Written before the facts change and kept until the build is published (macro start_build). After a build that was killed half-way the
-- facts may be new and a report old, or the reverse: the next build looks again, and a report makes anew what differs from any look.
-- depends_on: {{ ref('int_changed_complaints') }}, {{ ref('int_build_scope') }}
{% set complaints = mart_before_this_build('fct_complaints') %}
{% set assignments = mart_before_this_build('fct_assignments') %}
{% set events = mart_before_this_build('fct_complaint_events') %}
{% if complaints and assignments and events and not is_full_build() %}
with movements as (
    {{ stock_movements(assignments, events) }}
),

found as (
    select
        changed.source_system,
        changed.tracking_id,
        complaints.received_date,
        complaints.category_id,
        complaints.kemendagri_code,
        movements.movements
    from {{ ref('int_changed_complaints') }} as changed
    left join {{ complaints }} as complaints
        on changed.source_system = complaints.source_system and changed.tracking_id = complaints.tracking_id
    left join movements
        on changed.source_system = movements.source_system and changed.tracking_id = movements.tracking_id
)

{% if is_incremental() %}
select
    found.*,
    (
        select count(*) + 1 from {{ this }} as earlier
        where earlier.source_system = found.source_system and earlier.tracking_id = found.tracking_id
    )::integer as look
from found
where not exists (
        select 1
        from {{ this }} as earlier
        where
            earlier.source_system = found.source_system
            and earlier.tracking_id = found.tracking_id
            and (earlier.received_date, earlier.category_id, earlier.kemendagri_code, earlier.movements)
            is not distinct from (found.received_date, found.category_id, found.kemendagri_code, found.movements)
    )
{% else %}
select
    found.*,
    1 as look
from found
{% endif %}
{% else %}
select
    null::text as source_system,
    null::text as tracking_id,
    null::date as received_date,
    null::text as category_id,
    null::text as kemendagri_code,
    null::jsonb as movements,
    null::integer as look
where false
{% endif %}
