{{ config(
    materialized='incremental',
    incremental_strategy='replace_worked_on',
    pre_hook='{{ refuse_partial_refresh() }}',
    work_list='int_worked_nights',
    work_keys=['night'],
    indexes=[{'columns': ['agency_code', 'night']}],
) }}
-- depends_on: {{ ref('int_worked_nights') }}
-- One row per night, agency and resource: what was handed over and where every row of it went.
with deliveries as (
    select *
    from {{ ref('stg_deliveries') }}
    where {{ in_worked_nights('night') }}
),

kept_out as (
    select
        rows_kept_out.night,
        rows_kept_out.agency_code,
        case rows_kept_out.table_name
            when 'complaint_events' then 'complaints'
            when 'survey_responses' then 'surveys'
            when 'agency_activity' then 'activity'
            else rows_kept_out.table_name
        end as resource,
        count(*) filter (where rows_kept_out.table_name <> 'complaint_events') as row_count,
        count(*) filter (where rows_kept_out.table_name = 'complaint_events') as event_count
    from {{ ref('stg_quarantined_rows') }} as rows_kept_out
    where {{ in_worked_nights('rows_kept_out.night') }}
    group by rows_kept_out.night, rows_kept_out.agency_code, resource
),

counted as (
    select
        deliveries.*,
        case when deliveries.is_accepted then coalesce(kept_out.row_count, 0) else 0 end as quarantined_rows,
        case when deliveries.is_accepted then 0 else deliveries.loaded_rows end as held_rows,
        case when deliveries.is_accepted then coalesce(kept_out.event_count, 0) else 0 end as quarantined_events,
        case when deliveries.is_accepted then 0 else deliveries.loaded_events end as held_events
    from deliveries
    left join kept_out
        on
            deliveries.night = kept_out.night
            and deliveries.agency_code = kept_out.agency_code
            and deliveries.resource = kept_out.resource
)

select
    night,
    agency_code,
    resource,
    connector,
    profile,
    frequency,
    state,
    gate_verdict,
    reason,
    gate_reasons,
    stated_total,
    received_rows as received_count,
    superseded_rows as superseded_count,
    (loaded_rows - quarantined_rows - held_rows)::integer as accepted_count,
    quarantined_rows::integer as quarantined_count,
    held_rows::integer as held_count,
    received_events as received_event_count,
    superseded_events as superseded_event_count,
    (loaded_events - quarantined_events - held_events)::integer as accepted_event_count,
    quarantined_events::integer as quarantined_event_count,
    held_events::integer as held_event_count
from counted
