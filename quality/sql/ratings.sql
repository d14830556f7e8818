-- One row per rating of the night. Stars that cannot be read are none at all: 0.
select
    rating.row_id,
    rating.delivery_id,
    rating.agency_code,
    rating.source_system,
    rating.tracking_id,
    parsed.whole                                                                        as row_is_whole,
    case when parsed.whole
        then rating.source_system is not null and rating.tracking_id is not null
    end                                                                                 as has_key,
    case when parsed.whole then coalesce(rating.stars, 0) end::float8                   as stars,
    extract(epoch from rating.rated_at - night.cut_off_at)::float8 / 3600               as hours_after_cut_off,
    extract(epoch from rating.rated_at - (
        select max(complaint.received_at)
        from raw.complaints as complaint
        where
            complaint.agency_code = rating.agency_code and complaint.source_system = rating.source_system
            and complaint.tracking_id = rating.tracking_id and complaint.night <= rating.night
    ))::float8 / 3600                                                                   as hours_after_receipt,
    parsed.broken <@ array['row', 'source_system', 'tracking_id', 'stars']              as rest_is_readable
from raw.ratings as rating
inner join ops.deliveries as delivery using (delivery_id)
inner join ops.nights as night on night.night = delivery.night
cross join lateral (
    select array(select split_part(problem, ':', 1) from unnest(rating._problems) as problem) as broken
) as problems
cross join lateral (select problems.broken, not 'row' = any(problems.broken) as whole) as parsed
where delivery.night = :night and delivery.resource = 'ratings' and delivery.state = 'received'
