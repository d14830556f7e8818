-- One row per complaint version of the night: keys, codes and distances in hours, no text of anyone's.
-- A row the loader could not take apart (row_is_whole false) has nulls everywhere else: one reason, not ten.
with tonight as (
    select complaint.*
    from raw.complaints as complaint
    inner join ops.deliveries as delivery using (delivery_id)
    where complaint.night = :night and delivery.state = 'received'
),

-- The same complaint from several agencies: each tells its own part, but it came in only once.
told_unlike as (
    select source_system, tracking_id
    from tonight
    where source_system is not null and tracking_id is not null
    group by source_system, tracking_id
    having max(received_at) - min(received_at) > :told_alike_hours * interval '1 hour'
),

-- One reporter, one matter, two numbers: told through two channels, or to two agencies.
repeated as (
    select row_id
    from (
        select
            row_id,
            min(source_system || ' ' || tracking_id) over near
            <> max(source_system || ' ' || tracking_id) over near as has_another_number
        from tonight
        where
            reporter_key is not null and received_at is not null and category_main is not null
            and source_system is not null and tracking_id is not null
        window near as (
            partition by reporter_key, category_main, kemendagri_code order by received_at
            range between interval '1 hour' * :duplicate_hours preceding
            and interval '1 hour' * :duplicate_hours following
        )
    ) as matters
    where has_another_number
),

-- Texts are judged where Indonesian is what people write: real files of other countries are read as well.
texts as (
    select shape.*
    from raw.complaint_text_shapes as shape
    where
        shape.delivery_id in (
            select delivery.delivery_id
            from ops.deliveries as delivery
            inner join raw.agencies as agency using (agency_code)
            where
                delivery.night = :night and delivery.resource = 'complaints'
                and agency.time_zone in ('Asia/Jakarta', 'Asia/Makassar', 'Asia/Jayapura')
        )
)

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
    case when complaint.report_class = 'WBS' then coalesce(complaint.is_secret, false) end as whistle_is_secret,
    complaint.kemendagri_code,
    complaint.category_main
    -- A source without finer categories repeats the main one.
    || coalesce(' > ' || nullif(complaint.category_label, complaint.category_main), '') as category,
    (complaint.received_at at time zone 'Asia/Jakarta')::date                           as received_date,
    extract(year from complaint.received_at at time zone 'Asia/Jakarta')::float8        as received_year,
    (extract(epoch from complaint.received_at - night.cut_off_at) / 3600)::float8       as hours_after_cut_off,
    (extract(epoch from complaint.completed_at - complaint.received_at) / 3600)::float8 as hours_to_completion,
    (extract(epoch from complaint.updated_at - complaint.received_at) / 3600)::float8   as hours_to_update,
    ((complaint.source_system, complaint.tracking_id) in (select * from told_unlike)) is not true as is_told_alike,
    complaint.row_id not in (select row_id from repeated)                               as is_told_once,
    texts.text_length::float8                                                           as text_length,
    case when texts.text_length >= :language_min_characters then texts.is_indonesian end as text_is_indonesian
from tonight as complaint
inner join ops.nights as night on night.night = complaint.night
left join texts
    on
        texts.delivery_id = complaint.delivery_id
        and texts.source_system = complaint.source_system and texts.tracking_id = complaint.tracking_id
cross join lateral (
    select case when complaint._problems = '{}' then '{}'::text[]
        else array(select split_part(problem, ':', 1) from unnest(complaint._problems) as problem)
    end as broken
) as problems
cross join lateral (select problems.broken, not 'row' = any(problems.broken) as whole) as parsed
