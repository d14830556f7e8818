{{ config(
    materialized='incremental',
    incremental_strategy='replace_worked_on',
    pre_hook='{{ refuse_partial_refresh() }}',
    work_list='int_changed_complaints',
    work_keys=['source_system', 'tracking_id'],
    row_key=['source_system', 'tracking_id', 'agency_code', 'event_seq'],
    indexes=[{'columns': ['source_system', 'tracking_id', 'agency_code', 'event_seq'], 'unique': true}, {'columns': ['agency_code', 'occurred_date']}, {'columns': ['night']}],
) }}
-- One row per event of a complaint as told by one agency.
-- depends_on: {{ ref('int_changed_complaints') }}, {{ ref('int_touched_months') }}, {{ ref('int_complaints_before') }}
select
    events.source_system,
    events.tracking_id,
    events.agency_code,
    events.event_seq,
    events.night,
    events.event_type,
    events.unit_code,
    events.unit_name,
    events.actor_level,
    -- Of the complaint, whichever agency called it secret; a complaint that is not there is nobody's to read.
    coalesce(complaints.is_secret, true) as is_secret,
    events.status_after,
    events.stock_effect,
    events.occurred_at,
    events.occurred_date
from {{ ref('int_complaint_events') }} as events
left join {{ ref('fct_complaints') }} as complaints
    on events.source_system = complaints.source_system and events.tracking_id = complaints.tracking_id
