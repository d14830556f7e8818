-- One row per complaint and agency this build works on: how far it got, from the event log. A record without any accepted event falls
-- back on what the record itself says (status_basis = 'record').
with reached as (
    select
        source_system,
        tracking_id,
        agency_code,
        (array_agg(status_after order by event_seq desc) filter (where status_after is not null))[1] as status_code,
        (array_agg(completion_mode order by event_seq desc) filter (where completion_mode is not null))[1] as completion_mode,
        min(occurred_at) filter (where event_type = 'MASUK') as received_at,
        min(occurred_at) filter (where event_type = 'VERIFIKASI') as verified_at,
        min(occurred_at) filter (where is_routing) as routed_at,
        max(occurred_at) filter (where is_routing) as last_routed_at,
        max(occurred_at) filter (where event_type = 'BUKAN_WEWENANG') as last_returned_at,
        min(occurred_at) filter (where is_follow_up) as followed_up_at,
        min(occurred_at) filter (where response_kind = 'NOTICE') as first_notice_at,
        -- Where no notice is told the source does not tell notices from answers: its first answer may be either.
        case
            when bool_or(response_kind = 'NOTICE') then min(occurred_at) filter (where response_kind = 'SUBSTANCE')
        end as substantive_response_at,
        max(occurred_at) filter (where status_after = 'SELESAI') as last_completed_at,
        max(occurred_at) filter (where status_after = 'DIARSIPKAN') as last_archived_at,
        max(occurred_at) filter (where status_after = 'TERTUNDA') as last_held_at,
        greatest(
            count(*) filter (where event_type = 'BUKAN_WEWENANG'), count(*) filter (where event_type = 'REDISPOSISI')
        )::integer as reassigned_count,
        (count(*) filter (where event_type = 'BUKA_KEMBALI'))::integer as reopened_count,
        coalesce(sum(paused_working_days), 0)::integer as on_hold_working_days,
        coalesce(sum(paused_working_days) filter (where not was_verified), 0)::integer as verification_pause,
        coalesce(sum(paused_working_days) filter (where was_routed and not was_followed_up), 0)::integer as response_pause,
        coalesce(sum(paused_working_days) filter (where was_routed), 0)::integer as completion_pause
    from {{ ref('int_complaint_events') }}
    group by source_system, tracking_id, agency_code
)

select
    records.source_system,
    records.tracking_id,
    records.agency_code,
    records.night,
    case when reached.status_code is null then 'record' else 'events' end as status_basis,
    coalesce(reached.status_code, records.status_code) as status_code,
    coalesce(reached.received_at, records.received_at) as received_at,
    reached.verified_at,
    reached.routed_at,
    reached.last_routed_at,
    reached.last_returned_at,
    coalesce(
        reached.followed_up_at,
        case
            when reached.status_code is null and records.status_code = 'SELESAI' then coalesce(records.completed_at, records.updated_at)
        end
    ) as followed_up_at,
    reached.first_notice_at,
    reached.substantive_response_at,
    case
        when reached.status_code is null and records.status_code = 'SELESAI' then coalesce(records.completed_at, records.updated_at)
        when reached.status_code = 'SELESAI' then reached.last_completed_at
    end as completed_at,
    case
        when reached.status_code is null and records.status_code = 'SELESAI' then 'MANUAL'
        when reached.status_code = 'SELESAI' then reached.completion_mode
    end as completion_mode,
    case
        when reached.status_code is null and records.status_code = 'DIARSIPKAN' then records.updated_at
        when reached.status_code = 'DIARSIPKAN' then reached.last_archived_at
    end as archived_at,
    coalesce(reached.reassigned_count, 0) as reassigned_count,
    coalesce(reached.reopened_count, 0) as reopened_count,
    coalesce(reached.on_hold_working_days, 0) as on_hold_working_days,
    -- What stops a clock without ending it: the present pause; a return that nobody has routed on yet.
    case when reached.status_code = 'TERTUNDA' then reached.last_held_at end as on_hold_at,
    case
        when reached.status_code = 'TERDISPOSISI' and reached.last_returned_at >= reached.last_routed_at then reached.last_returned_at
    end as returned_at,
    coalesce(reached.verification_pause, 0) as verification_pause,
    coalesce(reached.response_pause, 0) as response_pause,
    coalesce(reached.completion_pause, 0) as completion_pause
from {{ ref('int_complaint_versions') }} as records
left join reached
    on
        records.source_system = reached.source_system
        and records.tracking_id = reached.tracking_id
        and records.agency_code = reached.agency_code
