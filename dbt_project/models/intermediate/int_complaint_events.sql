-- One row per event of the complaints this build works on, with the status it leads to and what it does to the open stock.
with delivered as (
    select
        versions.*,
        types.status_after as leads_to,
        types.is_resuming,
        types.is_routing,
        types.is_follow_up,
        types.completion_mode,
        types.response_kind,
        types.status_after is not null or types.is_resuming as changes_status
    from {{ ref('int_changed_complaints') }} as changed
    inner join {{ ref('stg_complaint_events') }} as versions
        on changed.source_system = versions.source_system and changed.tracking_id = versions.tracking_id
    -- Events of a record that the gate keeps out wait with it.
    inner join {{ ref('int_complaint_versions') }} as records
        on
            versions.source_system = records.source_system
            and versions.tracking_id = records.tracking_id
            and versions.agency_code = records.agency_code
    inner join {{ ref('event_types') }} as types on versions.event_type = types.event_type
),

latest as (
    select distinct on (source_system, tracking_id, agency_code, event_seq)
        delivered.*,
        {{ business_date('occurred_at') }} as occurred_date
    from delivered
    order by source_system, tracking_id, agency_code, event_seq, night desc
),

in_order as (
    select
        latest.*,
        coalesce(bool_or(is_routing or event_type = 'VERIFIKASI') over before_this, false) as was_verified,
        coalesce(bool_or(is_routing) over before_this, false) as was_routed,
        coalesce(bool_or(is_follow_up) over before_this, false) as was_followed_up,
        lead(occurred_date) over in_log as next_date
    from latest
    window
        in_log as (partition by source_system, tracking_id, agency_code, changes_status order by event_seq),
        before_this as (in_log rows between unbounded preceding and 1 preceding)
),

with_status as (
    select
        in_order.*,
        case
            when not is_resuming then leads_to
            when was_followed_up then 'DIPROSES'
            when was_routed then 'TERDISPOSISI'
            else 'BELUM_TERVERIFIKASI'
        end as status_after
    from in_order
),

with_state as (
    select
        with_status.*,
        statuses.is_terminal,
        coalesce(
            lag(statuses.is_terminal) over (
                partition by source_system, tracking_id, agency_code, changes_status order by event_seq
            ),
            false
        ) as was_terminal
    from with_status
    left join {{ ref('statuses') }} as statuses on with_status.status_after = statuses.status_code
)

select
    with_state.source_system,
    with_state.tracking_id,
    with_state.agency_code,
    with_state.event_seq,
    with_state.night,
    with_state.event_type,
    with_state.unit_code,
    with_state.unit_name,
    with_state.actor_level,
    with_state.status_after,
    case
        when not with_state.changes_status or with_state.is_terminal = with_state.was_terminal then null
        when with_state.was_terminal then 'REOPENED'
        when with_state.status_after = 'SELESAI' then 'COMPLETED'
        else 'ARCHIVED'
    end as stock_effect,
    with_state.is_routing,
    with_state.is_follow_up,
    with_state.completion_mode,
    with_state.response_kind,
    with_state.was_verified,
    with_state.was_routed,
    with_state.was_followed_up,
    -- A pause lasts until the next event; one that still lasts has no length yet.
    case when with_state.status_after = 'TERTUNDA' then next_days.working_day_index - days.working_day_index end as paused_working_days,
    with_state.occurred_at,
    with_state.occurred_date
from with_state
left join {{ ref('int_calendar_days') }} as days on with_state.occurred_date = days.calendar_date
left join {{ ref('int_calendar_days') }} as next_days on with_state.next_date = next_days.calendar_date
