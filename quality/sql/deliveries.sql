-- One row per received delivery of the night: its counts beside those of the trailing nights.
-- nights_covered: an agency that was silent for a week brings a week's rows when it returns.
with received as (
    select * from ops.deliveries where night = :night and state = 'received'
),

history as (
    select
        received.delivery_id,
        count(*)                                                         as earlier_nights,
        percentile_cont(0.5) within group (order by earlier.loaded_rows) as trailing_median,
        :night - max(earlier.night)                                      as nights_covered
    from received
    inner join ops.deliveries as earlier
        on
            earlier.agency_code = received.agency_code and earlier.resource = received.resource
            and earlier.night between :night - :trailing_nights and :night - 1
            and earlier.state in ('received', 'empty')
    -- A flood that was held must not become the new normal by lasting.
    where not exists (
        select from quality.agency_verdict as verdict
        where
            verdict.night = earlier.night and verdict.agency_code = earlier.agency_code
            and verdict.resource = earlier.resource and verdict.verdict = 'held'
    )
    group by received.delivery_id
),

repeated as (
    select distinct received.delivery_id
    from received
    inner join ops.deliveries as earlier
        on
            earlier.agency_code = received.agency_code and earlier.resource = received.resource
            and earlier.night between :night - :trailing_nights and :night - 1
            and earlier.state = 'received' and earlier.content_sha256 = received.content_sha256
    -- An API is asked for changes since an hour before the last night, so the same single record twice is no news and no
    -- fault there; a file dropped twice is.
    where
        received.connector = 'tabular' and received.frequency = 'nightly'
        and received.received_rows >= :stale_file_min_rows
)

select
    received.delivery_id                                                               as row_id,
    received.delivery_id,
    received.agency_code,
    received.resource,
    received.attempt,
    received.received_rows,
    received.loaded_rows,
    received.loaded_events,
    received.content_sha256,
    history.trailing_median::float8                                                    as trailing_median,
    case when history.earlier_nights >= :volume_min_nights
        then received.loaded_rows
            / (:volume_factor * greatest(history.trailing_median, :volume_floor_rows) * history.nights_covered)
    end::float8                                                                        as volume_against_bound,
    abs(received.received_rows - received.stated_total)::float8                        as rows_off_stated_total,
    repeated.delivery_id is null                                                       as content_is_new,
    cardinality(received.unknown_fields)::float8                                       as unknown_field_count,
    cardinality(received.missing_fields)::float8                                       as missing_field_count,
    cardinality(received.retyped_fields)::float8                                       as retyped_field_count
from received
left join history using (delivery_id)
left join repeated using (delivery_id)
order by received.delivery_id
