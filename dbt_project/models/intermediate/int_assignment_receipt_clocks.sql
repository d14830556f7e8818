-- One row per complaint and agency this build works on: the clocks that run from receipt, to verification and to the first notice.
--
-- They are those of the agency that had the complaint first: another got it when it had been received long before.
with started as (
    select
        milestones.*,
        places.assignment_seq,
        places.transferred_out_at,
        {{ business_date('milestones.received_at') }} as received_date,
        -- Verified and passed on; some sources tell only the latter.
        coalesce(milestones.verified_at, milestones.routed_at) as done_at
    from {{ ref('int_assignment_milestones') }} as milestones
    inner join {{ ref('int_assignment_order') }} as places
        on
            milestones.source_system = places.source_system
            and milestones.tracking_id = places.tracking_id
            and milestones.agency_code = places.agency_code
),

measured as (
    select
        started.*,
        verification_rule.limit_count as verification_limit,
        notice_rule.limit_count as notice_limit,
        start_day.clock_start_index + verification_rule.limit_count + started.verification_pause as due_index,
        case
            when started.assignment_seq = 1 and started.done_at is not null
                then greatest(done_day.working_day_index - start_day.clock_start_index - started.verification_pause, 0)
        end as verification_working_days
    from started
    left join {{ ref('sla_rules') }} as verification_rule
        on
            verification_rule.rule_code = 'VERIFIKASI'
            and started.received_date >= verification_rule.valid_from
            and (verification_rule.valid_to is null or started.received_date < verification_rule.valid_to)
    left join {{ ref('sla_rules') }} as notice_rule
        on
            notice_rule.rule_code = 'RESPON_AWAL'
            and started.received_date >= notice_rule.valid_from
            and (notice_rule.valid_to is null or started.received_date < notice_rule.valid_to)
    left join {{ ref('int_calendar_days') }} as start_day on started.received_date = start_day.calendar_date
    left join {{ ref('int_calendar_days') }} as done_day on {{ business_date('started.done_at') }} = done_day.calendar_date
),

judged as (
    select
        measured.*,
        due_day.calendar_date as due_date,
        scope.night as last_night,
        case
            when measured.assignment_seq > 1 or due_day.calendar_date is null then 'not_measurable'
            when measured.done_at is not null and measured.verification_working_days <= measured.verification_limit then 'met'
            when measured.done_at is not null then 'missed'
            when measured.status_code = 'DIARSIPKAN' or measured.transferred_out_at is not null then 'stopped'
            when measured.status_code = 'TERTUNDA' then 'paused'
            -- Further on, and when it was verified is not told.
            when measured.status_code <> 'BELUM_TERVERIFIKASI' then 'not_measurable'
            when due_day.calendar_date <= scope.night then 'missed'
            else 'not_yet_due'
        end as verification_outcome
    from measured
    cross join {{ ref('int_build_scope') }} as scope
    left join {{ ref('int_calendar_days') }} as due_day
        on measured.due_index = due_day.working_day_index and due_day.is_working_day
)

select
    source_system,
    tracking_id,
    agency_code,
    case when verification_outcome in ('met', 'missed', 'not_yet_due') then due_date end as verification_due_date,
    verification_outcome in ('met', 'missed') and due_date <= last_night as is_verification_due,
    verification_working_days,
    verification_outcome,
    case
        when assignment_seq = 1 then {{ business_date('first_notice_at') }} - received_date <= notice_limit
    end as first_notice_within_limit
from judged
