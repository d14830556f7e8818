-- One row per delivery of the night that was read, with rows or without: its counts beside those of the trailing nights.
-- nights_covered: an agency that was silent for a week brings a week's rows when it returns.
with delivered as (
    select * from ops.deliveries where night = :night and state in ('received', 'empty')
),

-- A flood that was held must not become the new normal by lasting.
earlier as (
    select
        delivered.delivery_id,
        past.night,
        past.loaded_rows,
        past.state,
        past.content_sha256,
        extract(isodow from past.night) = extract(isodow from :night) as is_same_weekday
    from delivered
    inner join ops.deliveries as past
        on
            past.agency_code = delivered.agency_code and past.resource = delivered.resource
            and past.night between :night - :silence_nights and :night - 1
            and past.state in ('received', 'empty')
    where not exists (
        select from quality.agency_verdict as verdict
        where
            verdict.night = past.night and verdict.agency_code = past.agency_code
            and verdict.resource = past.resource and verdict.verdict = 'held'
    )
),

-- The rows usual on this weekday where it was seen often enough, else on any day.
history as (
    select
        delivery_id,
        count(*)                                                            as earlier_nights,
        case when count(*) filter (where is_same_weekday) >= :volume_min_nights
            then percentile_cont(0.5) within group (order by loaded_rows) filter (where is_same_weekday)
            else percentile_cont(0.5) within group (order by loaded_rows)
        end                                                                 as trailing_median,
        :night - max(night)                                                 as nights_covered
    from earlier
    where night >= :night - :trailing_nights
    group by delivery_id
),

-- How long an agency usually hands over nothing: the longest wait between two nights with rows.
waits as (
    select
        delivery_id,
        count(*)              as nights_with_rows,
        max(nights_waited)    as longest_wait,
        :night - max(night)   as present_wait
    from (
        select delivery_id, night, night - lag(night) over (partition by delivery_id order by night) as nights_waited
        from earlier
        where loaded_rows > 0
    ) as nights
    group by delivery_id
),

-- An API is asked for changes since an hour before the last night, so the same single record twice is no news and no
-- fault there; a file dropped twice is.
repeated as (
    select distinct delivered.delivery_id
    from delivered
    inner join ops.deliveries as past
        on
            past.agency_code = delivered.agency_code and past.resource = delivered.resource
            and past.night between :night - :trailing_nights and :night - 1
            and past.state = 'received' and past.content_sha256 = delivered.content_sha256
    where
        delivered.connector = 'tabular' and delivered.frequency = 'nightly'
        and delivered.received_rows >= :stale_file_min_rows
),

states as (
    select
        delivery_id,
        status,
        report_class,
        channel,
        category_main is null                                  as has_no_category,
        kemendagri_code is null                                as has_no_region,
        count(*)                                               as row_count,
        max(greatest(received_at, completed_at, updated_at))   as newest_at
    from raw.complaints
    where night = :night
    group by delivery_id, status, report_class, channel, has_no_category, has_no_region
),

counted as (
    select delivery_id, jsonb_object_agg(what, row_count)::text as counts
    from (
        select states.delivery_id, said.what, sum(states.row_count) as row_count
        from states
        cross join lateral (
            values
            ('status:' || states.status),
            ('class:' || states.report_class),
            (coalesce('channel:' || states.channel, 'without:channel')),
            (case when states.has_no_category then 'without:category' end),
            (case when states.has_no_region then 'without:region' end)
        ) as said (what)
        where said.what is not null
        group by states.delivery_id, said.what
    ) as rows_by_what_they_say
    group by delivery_id
),

newest as (
    select delivery_id, max(newest_at) as newest_at
    from (
        select delivery_id, newest_at from states
        union all
        select delivery_id, max(occurred_at) from raw.complaint_events where night = :night group by delivery_id
    ) as moments
    group by delivery_id
)

select
    delivered.delivery_id                                                              as row_id,
    delivered.delivery_id,
    delivered.agency_code,
    delivered.resource,
    delivered.state,
    delivered.attempt,
    delivered.received_rows,
    delivered.loaded_rows,
    delivered.loaded_events,
    delivered.content_sha256,
    coalesce(counted.counts, '{}')                                                     as counts,
    history.trailing_median::float8                                                    as trailing_median,
    case when history.earlier_nights >= :volume_min_nights
        then delivered.loaded_rows
            / (:volume_factor * greatest(history.trailing_median, :volume_floor_rows) * history.nights_covered)
    end::float8                                                                        as volume_against_bound,
    case when history.earlier_nights >= :volume_min_nights and history.trailing_median >= :volume_floor_rows
        then delivered.loaded_rows / (history.trailing_median / :volume_factor)
    end::float8                                                                        as volume_against_floor,
    case when delivered.frequency = 'nightly' and waits.nights_with_rows > :silence_min_waits and delivered.loaded_rows = 0
        then waits.present_wait::float8 / greatest(:silence_factor * waits.longest_wait, :silence_floor_nights)
    end::float8                                                                        as silence_against_bound,
    waits.present_wait::float8                                                         as nights_silent,
    waits.longest_wait::float8                                                         as longest_silence,
    case when delivered.frequency = 'nightly' and history.earlier_nights >= 1
        then extract(epoch from night.cut_off_at - newest.newest_at) / 3600
    end::float8                                                                        as hours_since_newest,
    abs(delivered.received_rows - delivered.stated_total)::float8                      as rows_off_stated_total,
    repeated.delivery_id is null                                                       as content_is_new,
    cardinality(delivered.unknown_fields)::float8                                      as unknown_field_count,
    cardinality(delivered.missing_fields)::float8                                      as missing_field_count,
    cardinality(delivered.retyped_fields)::float8                                      as retyped_field_count
from delivered
inner join ops.nights as night on night.night = delivered.night
left join history on history.delivery_id = delivered.delivery_id
left join waits on waits.delivery_id = delivered.delivery_id
left join repeated on repeated.delivery_id = delivered.delivery_id
left join counted on counted.delivery_id = delivered.delivery_id
left join newest on newest.delivery_id = delivered.delivery_id
order by delivered.delivery_id
