-- One row per complaint version of the night: keys, codes and distances in hours, no text of anyone's.
-- A row the loader could not take apart (row_is_whole false) has nulls everywhere else: one reason, not ten.
select
    complaint.row_id,
    complaint.delivery_id,
    complaint.agency_code,
    complaint.source_system,
    complaint.tracking_id,
    parsed.whole                                                                        as row_is_whole,
    case when parsed.whole
        then complaint.source_system is not null and complaint.tracking_id is not null
    end                                                                                 as has_key,
    case when parsed.whole then coalesce(complaint.report_class, '') end                as report_class,
    case when parsed.whole then coalesce(complaint.status, '') end                      as status,
    coalesce(complaint.channel, case when 'channel' = any(parsed.broken) then '' end)   as channel,
    coalesce(
        complaint.input_method, case when 'input_method' = any(parsed.broken) then '' end
    )                                                                                   as input_method,
    case when parsed.whole and not 'received_at' = any(parsed.broken)
        then complaint.received_at is not null
    end                                                                                 as has_received_at,
    not parsed.broken && array['received_at', 'completed_at']                           as dates_are_readable,
    not parsed.broken && array['is_anonymous', 'is_secret']                             as flags_are_readable,
    parsed.broken <@ array[
        'row', 'source_system', 'tracking_id', 'report_class', 'status', 'channel', 'input_method',
        'received_at', 'completed_at', 'is_anonymous', 'is_secret'
    ]                                                                                   as rest_is_readable,
    not (coalesce(complaint.is_anonymous, false) and complaint.reporter_key is not null) as anonymity_is_kept,
    complaint.kemendagri_code,
    complaint.category_main || coalesce(' > ' || complaint.category_label, '')          as category,
    (extract(epoch from complaint.received_at - night.cut_off_at) / 3600)::float8       as hours_after_cut_off,
    (extract(epoch from complaint.completed_at - complaint.received_at) / 3600)::float8 as hours_to_completion,
    (extract(epoch from complaint.updated_at - complaint.received_at) / 3600)::float8   as hours_to_update
from raw.complaints as complaint
inner join ops.deliveries as delivery using (delivery_id)
inner join ops.nights as night on night.night = delivery.night
cross join lateral (
    select case when complaint._problems = '{}' then '{}'::text[]
        else array(select split_part(problem, ':', 1) from unnest(complaint._problems) as problem)
    end as broken
) as problems
cross join lateral (select problems.broken, not 'row' = any(problems.broken) as whole) as parsed
where complaint.night = :night and delivery.state = 'received'
