-- One row per stated total of the night, beside what its agency stated for the period before: figures that did not move
-- in any subject while the period did are a copied file (East Java, February 2024).
with delivered as (
    select recap.*
    from raw.recaps as recap
    inner join ops.deliveries as delivery using (delivery_id)
    where delivery.night = :night and delivery.resource = 'recaps' and delivery.state = 'received'
),

latest as (
    select distinct on (agency_code, subject_code, period_start, period_end) *
    from raw.recaps
    where
        agency_code in (select agency_code from delivered) and night <= :night
        and subject_code is not null and period_start is not null and period_end is not null
    order by agency_code, subject_code, period_start, period_end, night desc, row_id desc
),

statements as (
    select
        agency_code,
        period_start,
        period_end,
        sum(received_count) as total,
        array_agg(
            row(
                subject_code, received_count, routed_count, unverified_count, unanswered_count,
                in_progress_count, completed_count, on_hold_count, archived_count
            )::text
            order by subject_code
        )                   as figures
    from latest
    group by agency_code, period_start, period_end
),

compared as (
    select
        *,
        figures = lag(figures) over (partition by agency_code order by period_start, period_end) as is_repeated
    from statements
)

select
    recap.row_id,
    recap.delivery_id,
    recap.agency_code,
    recap.period_start::text                                                            as period_start,
    recap.period_end::text                                                              as period_end,
    parsed.whole                                                                        as row_is_whole,
    case when parsed.whole then coalesce(recap.subject_code, '') end                    as subject_code,
    case when parsed.whole
        then coalesce(recap.period_end >= recap.period_start, false)
    end                                                                                 as has_period,
    not parsed.broken && array[
        'received_count', 'routed_count', 'unverified_count', 'unanswered_count', 'in_progress_count',
        'completed_count', 'on_hold_count', 'archived_count'
    ]                                                                                   as counts_are_readable,
    least(
        recap.received_count, recap.routed_count, recap.unverified_count, recap.unanswered_count,
        recap.in_progress_count, recap.completed_count, recap.on_hold_count, recap.archived_count
    )::float8                                                                           as lowest_count,
    (
        recap.unverified_count + recap.unanswered_count + recap.in_progress_count
        + recap.completed_count + recap.on_hold_count + recap.archived_count
    ) = recap.received_count                                                            as parts_add_up,
    greatest(
        recap.routed_count, recap.unverified_count, recap.unanswered_count, recap.in_progress_count,
        recap.completed_count, recap.on_hold_count, recap.archived_count
    ) <= recap.received_count                                                           as parts_within_whole,
    (recap.period_end - night.night)::float8                                            as days_after_night,
    not (coalesce(compared.is_repeated, false) and compared.total >= :recap_repeat_min_total) as figures_moved_on,
    parsed.broken <@ array[
        'row', 'subject_code', 'period_start', 'period_end', 'received_count', 'routed_count', 'unverified_count',
        'unanswered_count', 'in_progress_count', 'completed_count', 'on_hold_count', 'archived_count'
    ]                                                                                   as rest_is_readable
from delivered as recap
inner join ops.nights as night on night.night = recap.night
left join compared
    on
        compared.agency_code = recap.agency_code
        and compared.period_start = recap.period_start and compared.period_end = recap.period_end
cross join lateral (
    select array(select split_part(problem, ':', 1) from unnest(recap._problems) as problem) as broken
) as problems
cross join lateral (select problems.broken, not 'row' = any(problems.broken) as whole) as parsed
