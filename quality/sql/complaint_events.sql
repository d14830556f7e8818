-- One row per event version of the night. An event is measured against its complaint as delivered the same night, or,
-- when only the log has changed, as last known.
with tonight as (
    select agency_code, source_system, tracking_id, min(received_at) as received_at
    from raw.complaints
    where night = :night
    group by agency_code, source_system, tracking_id
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
    ))) / 3600)::float8                                                                 as hours_after_receipt
from raw.complaint_events as event
inner join ops.deliveries as delivery using (delivery_id)
inner join ops.nights as night on night.night = delivery.night
left join tonight as complaint
    on
        complaint.agency_code = event.agency_code
        and complaint.source_system = event.source_system and complaint.tracking_id = event.tracking_id
cross join lateral (
    select case when event._problems = '{}' then '{}'::text[]
        else array(select split_part(problem, ':', 1) from unnest(event._problems) as problem)
    end as broken
) as problems
cross join lateral (select problems.broken, not 'row' = any(problems.broken) as whole) as parsed
where event.night = :night and delivery.state = 'received'
