{{ config(
    materialized='incremental',
    incremental_strategy='replace_worked_on',
    pre_hook='{{ refuse_partial_refresh() }}',
    work_list='int_published_complaints',
    work_keys=['source_system', 'tracking_id'],
    indexes=[
        {'columns': ['source_system', 'tracking_id', 'agency_code'], 'unique': true},
        {'columns': ['agency_code', 'month']},
    ],
) }}
-- One row per complaint and agency that had it when its month was published: how far it had got by that cut-off, as known now.
-- A rebuild of the past has none: it tells what was published, which is in the log.
--
-- By the time at which things happened, not by the present status: what was completed later, reopened later or passed on later changes
-- nothing here. Nor does what was told to have happened before the cut-off and has since been told again with a later time: sources that
-- keep one line per complaint write over it as work goes on.
with assignments as (
    select
        assignments.*,
        publications.publication_night,
        publications.cut_off_at,
        -- Who was closed before the cut-off and is closed now was closed at the cut-off.
        case
            when assignments.completed_at < publications.cut_off_at then 'SELESAI'
            when assignments.archived_at < publications.cut_off_at then 'DIARSIPKAN'
        end as closed_as
    from {{ ref('int_published_complaints') }} as worked_on
    inner join {{ ref('fct_assignments') }} as assignments
        on worked_on.source_system = assignments.source_system and worked_on.tracking_id = assignments.tracking_id
    inner join {{ ref('int_publications') }} as publications on assignments.received_month = publications.month
    where
        assignments.received_at < publications.cut_off_at
        -- A complaint passed on later counts from then on for the agency that got it, although it came in before. Not routed there
        -- yet, it was there if the agency had told of it.
        and (
            assignments.assignment_seq = 1
            or assignments.routed_at < publications.cut_off_at
            or exists (
                select 1
                from {{ source('raw', 'complaints') }} as versions
                where
                    versions.agency_code = assignments.agency_code
                    and versions.source_system = assignments.source_system
                    and versions.tracking_id = assignments.tracking_id
                    and versions.night <= publications.publication_night
                    and {{ is_let_in('versions', 'complaints') }}
            )
        )
),

-- The log is read only where that does not say how it stood.
at_cut_off as (
    select
        assignments.*,
        case
            when assignments.closed_as is not null then assignments.closed_as
            when overwritten.event_seq > coalesce(log.event_seq, 0) then overwritten.status_after
            else coalesce(log.status_after, record.status_code)
        end as status_then,
        overwritten.was_routed,
        overwritten.was_followed_up
    from assignments
    left join
        lateral (
            select
                events.event_seq,
                events.status_after
            from {{ ref('fct_complaint_events') }} as events
            where
                events.source_system = assignments.source_system
                and events.tracking_id = assignments.tracking_id
                and events.agency_code = assignments.agency_code
                and events.occurred_at < assignments.cut_off_at
                and events.status_after is not null
                and assignments.status_basis = 'events'
                and assignments.closed_as is null
            order by events.event_seq desc
            limit 1
        ) as log
        on true
    left join
        lateral (
            select
                bool_or(types.is_routing) as was_routed,
                bool_or(types.is_follow_up) as was_followed_up,
                max(versions.event_seq) as event_seq,
                (array_agg(types.status_after order by versions.event_seq desc, versions.night desc))[1] as status_after
            from {{ ref('fct_complaint_events') }} as events
            inner join {{ source('raw', 'complaint_events') }} as versions
                on
                    events.agency_code = versions.agency_code
                    and events.source_system = versions.source_system
                    and events.tracking_id = versions.tracking_id
                    and events.event_seq = versions.event_seq
            inner join {{ ref('event_types') }} as types on versions.event_type = types.event_type
            where
                events.source_system = assignments.source_system
                and events.tracking_id = assignments.tracking_id
                and events.agency_code = assignments.agency_code
                and events.occurred_at >= assignments.cut_off_at
                and versions.occurred_at < assignments.cut_off_at
                and types.status_after is not null
                -- case: looked up for a version that has been replaced only.
                and case when versions.night < events.night then {{ is_let_in('versions', 'complaint_events') }} else false end
                and assignments.status_basis = 'events'
                and assignments.closed_as is null
        ) as overwritten
        on true
    left join
        lateral (
            select versions.status as status_code
            from {{ source('raw', 'complaints') }} as versions
            where
                versions.agency_code = assignments.agency_code
                and versions.source_system = assignments.source_system
                and versions.tracking_id = assignments.tracking_id
                and coalesce(versions.updated_at < assignments.cut_off_at, versions.night <= assignments.publication_night)
                and {{ is_let_in('versions', 'complaints') }}
                and assignments.status_basis = 'record'
            order by versions.night desc
            limit 1
        ) as record
        on true
)

select
    source_system,
    tracking_id,
    agency_code,
    received_month as month,
    cut_off_at,
    coalesce(routed_at < cut_off_at, false) or coalesce(was_routed, false) as is_routed,
    coalesce(followed_up_at < cut_off_at, false)
    or coalesce(was_followed_up, false)
    or coalesce(status_basis = 'record' and status_then = 'SELESAI', false) as is_followed_up,
    coalesce(status_then = 'SELESAI', false) as is_completed,
    coalesce(status_then = 'DIARSIPKAN', false) as is_archived
from at_cut_off
{% if var('as_of') %}where false{% endif %}
