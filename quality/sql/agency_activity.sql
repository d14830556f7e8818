-- One row per agency and day for which it says how it keeps its side running.
select
    activity.row_id,
    activity.delivery_id,
    activity.agency_code,
    activity.as_of_date::text                                                           as as_of_date,
    parsed.whole                                                                        as row_is_whole,
    case when parsed.whole then activity.as_of_date is not null end                     as has_key,
    parsed.broken <@ array['row', 'as_of_date']                                         as all_is_readable,
    least(activity.liaison_officer_count, activity.admin_count)::float8                 as lowest_count,
    (activity.as_of_date - delivery.night)::float8                                      as days_after_night,
    (greatest(activity.decree_date, activity.action_plan_date) - delivery.night)::float8 as days_papers_after_night,
    extract(epoch from activity.last_login_at - night.cut_off_at)::float8 / 3600        as hours_after_cut_off
from raw.agency_activity as activity
inner join ops.deliveries as delivery using (delivery_id)
inner join ops.nights as night on night.night = delivery.night
cross join lateral (
    select array(select split_part(problem, ':', 1) from unnest(activity._problems) as problem) as broken
) as problems
cross join lateral (select problems.broken, not 'row' = any(problems.broken) as whole) as parsed
where delivery.night = :night and delivery.resource = 'activity' and delivery.state = 'received'
