-- One row per event version of the night. An event is measured against its complaint as delivered the same night, or,
-- when only the log has changed, as last known; and against the event before it, tonight's or the last known.
with received as (
    select agency_code, source_system, tracking_id, min(received_at) as received_at
    from raw.complaints
    where night = :night
    group by agency_code, source_system, tracking_id
),

tonight as (
    select
        event.*,
        lag(event.event_type) over log  as type_before,
        lag(event.occurred_at) over log as occurred_before,
        lag(event.event_seq) over log   as seq_before,
        -- How many complaints of the agency an officer completed within minutes of this one.
        case when event.event_type = 'SELESAI_MANUAL' then
            count(*) filter (where event.event_type = 'SELESAI_MANUAL') over (
                partition by event.agency_code order by event.occurred_at
                range between interval '1 minute' * :mass_closing_minutes preceding
                and interval '1 minute' * :mass_closing_minutes following
            )
        end                             as closed_together
    from raw.complaint_events as event
    inner join ops.deliveries as delivery using (delivery_id)
    where event.night = :night and delivery.state = 'received'
    window log as (partition by event.agency_code, event.source_system, event.tracking_id order by event.event_seq)
)

select
    event.row_id,
    event.delivery_id,
    event.agency_code,
    event.source_system,
    event.tracking_id,
    event.event_seq,
    parsed.whole                                                                        as row_is_whole,
    case when parsed.whole
        then event.source_system is not null and event.tracking_id is not null and event.event_seq is not null
    end                                                                                 as has_key,
    case when parsed.whole then coalesce(event.event_type, '') end                      as event_type,
    case when parsed.whole and not 'occurred_at' = any(parsed.broken)
        then event.occurred_at is not null
    end                                                                                 as has_occurred_at,
    not 'occurred_at' = any(parsed.broken)                                              as dates_are_readable,
    parsed.broken <@ array[
        'row', 'source_system', 'tracking_id', 'event_seq', 'event_type', 'occurred_at'
    ]                                                                                   as rest_is_readable,
    (extract(epoch from event.occurred_at - night.cut_off_at) / 3600)::float8           as hours_after_cut_off,
    (extract(epoch from event.occurred_at - coalesce(complaint.received_at, (
        select earlier.received_at
        from raw.complaints as earlier
        where
            earlier.agency_code = event.agency_code and earlier.source_system = event.source_system
            and earlier.tracking_id = event.tracking_id and earlier.night < event.night
        order by earlier.night desc
        limit 1
    ))) / 3600)::float8                                                                 as hours_after_receipt,
    case when event.source_system is not null and event.tracking_id is not null and event.event_seq is not null
        then coalesce(event.type_before, known.event_type) || ' > ' || event.event_type
    end                                                                                 as transition,
    (extract(epoch from event.occurred_at - coalesce(event.occurred_before, known.occurred_at)) / 3600)::float8
                                                                                        as hours_after_event_before,
    event.closed_together::float8                                                    as closed_together
from tonight as event
inner join ops.nights as night on night.night = event.night
left join received as complaint
    on
        complaint.agency_code = event.agency_code
        and complaint.source_system = event.source_system and complaint.tracking_id = event.tracking_id
-- Only the first of tonight's events of a complaint that does not open its log needs what is known from earlier nights.
left join lateral (
    select earlier.event_type, earlier.occurred_at
    from raw.complaint_events as earlier
    where
        event.seq_before is null and event.event_seq > 1
        and earlier.agency_code = event.agency_code and earlier.source_system = event.source_system
        and earlier.tracking_id = event.tracking_id and earlier.event_seq < event.event_seq
        and earlier.night < event.night
    order by earlier.event_seq desc, earlier.night desc
    limit 1
) as known on true
cross join lateral (
    select case when event._problems = '{}' then '{}'::text[]
        else array(select split_part(problem, ':', 1) from unnest(event._problems) as problem)
    end as broken
) as problems
cross join lateral (select problems.broken, not 'row' = any(problems.broken) as whole) as parsed
