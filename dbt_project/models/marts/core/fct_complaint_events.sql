{{ config(
    materialized='incremental',
    incremental_strategy='replace_worked_on',
    pre_hook='{{ refuse_partial_refresh() }}',
    work_list='int_changed_complaints',
    work_keys=['source_system', 'tracking_id'],
    indexes=[{'columns': ['source_system', 'tracking_id', 'agency_code', 'event_seq'], 'unique': true}, {'columns': ['agency_code', 'occurred_date']}, {'columns': ['night']}],
) }}
-- One row per event of a complaint as told by one agency.
-- depends_on: {{ ref('int_changed_complaints') }}, {{ ref('int_touched_dates') }}
select
    source_system,
    tracking_id,
    agency_code,
    event_seq,
    night,
    event_type,
    unit_code,
    unit_name,
    actor_level,
    status_after,
    stock_effect,
    occurred_at,
    occurred_date
from {{ ref('int_complaint_events') }}
