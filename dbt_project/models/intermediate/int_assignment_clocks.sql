-- One row per complaint and agency this build works on: due dates and outcomes of the first response and of completion.
--
-- Day 0 is the day of routing, or the next working day; pauses stop the clock. The rule is the one in force on the day the complaint
-- came in.
with started as (
    select
        milestones.*,
        places.transferred_out_at,
        records.report_class,
        coalesce(records.supervision_level, 'TIDAK_DIKETAHUI') as supervision_level,
        {{ business_date('milestones.received_at') }} as received_date,
        -- An answer without a routing in the log is counted from receipt.
        coalesce(
            milestones.routed_at, case when milestones.followed_up_at is not null then milestones.received_at end
        ) as started_at
    from {{ ref('int_assignment_milestones') }} as milestones
    inner join {{ ref('int_complaint_versions') }} as records
        on
            milestones.source_system = records.source_system
            and milestones.tracking_id = records.tracking_id
            and milestones.agency_code = records.agency_code
    inner join {{ ref('int_assignment_order') }} as places
        on
            milestones.source_system = places.source_system
            and milestones.tracking_id = places.tracking_id
            and milestones.agency_code = places.agency_code
),

measured as (
    select
        started.*,
        response_rule.limit_count as first_response_limit,
        completion_rule.limit_count as completion_limit,
        completion_rule.sla_basis,
        start_day.clock_start_index + response_rule.limit_count + started.response_pause as response_due_index,
        start_day.clock_start_index + completion_rule.limit_count + started.completion_pause as completion_due_index,
        -- greatest() skips nulls: without the guard a complaint nobody answered would have taken 0 days.
        case
            when started.followed_up_at is not null
                then greatest(answer_day.working_day_index - start_day.clock_start_index - started.response_pause, 0)
        end as first_response_working_days,
        case
            when started.completed_at is not null
                then greatest(completion_day.working_day_index - start_day.clock_start_index - started.completion_pause, 0)
        end as completion_working_days
    from started
    left join {{ ref('sla_rules') }} as response_rule
        on
            response_rule.rule_code = 'TINDAK_LANJUT'
            and started.report_class = response_rule.report_class
            and started.received_date >= response_rule.valid_from
            and (response_rule.valid_to is null or started.received_date < response_rule.valid_to)
    left join {{ ref('sla_rules') }} as completion_rule
        on
            completion_rule.rule_code = 'SELESAI'
            and started.report_class = completion_rule.report_class
            and started.supervision_level = completion_rule.supervision_level
            and started.received_date >= completion_rule.valid_from
            and (completion_rule.valid_to is null or started.received_date < completion_rule.valid_to)
    left join {{ ref('int_calendar_days') }} as start_day
        on {{ business_date('started.started_at') }} = start_day.calendar_date
    left join {{ ref('int_calendar_days') }} as answer_day
        on {{ business_date('started.followed_up_at') }} = answer_day.calendar_date
    left join {{ ref('int_calendar_days') }} as completion_day
        on {{ business_date('started.completed_at') }} = completion_day.calendar_date
),

judged as (
    select
        measured.*,
        response_due.calendar_date as response_due_date,
        completion_due.calendar_date as due_date,
        {{ clock_outcome(
            'measured.followed_up_at',
            'measured.first_response_working_days',
            'measured.first_response_limit',
            'response_due.calendar_date',
        ) }}
            as first_response_outcome,
        {{ clock_outcome(
            'measured.completed_at',
            'measured.completion_working_days',
            'measured.completion_limit',
            'completion_due.calendar_date',
        ) }}
            as completion_outcome,
        scope.night as last_night
    from measured
    cross join {{ ref('int_build_scope') }} as scope
    left join {{ ref('int_calendar_days') }} as response_due
        on measured.response_due_index = response_due.working_day_index and response_due.is_working_day
    left join {{ ref('int_calendar_days') }} as completion_due
        on measured.completion_due_index = completion_due.working_day_index and completion_due.is_working_day
)

select
    source_system,
    tracking_id,
    agency_code,
    sla_basis,
    first_response_limit,
    first_response_working_days,
    first_response_outcome,
    case when first_response_outcome in ('met', 'missed', 'not_yet_due') then response_due_date end as first_response_due_date,
    first_response_outcome in ('met', 'missed') and response_due_date <= last_night as is_first_response_due,
    completion_limit,
    completion_working_days,
    completion_outcome,
    case when completion_outcome in ('met', 'missed', 'not_yet_due') then due_date end as completion_due_date,
    completion_outcome in ('met', 'missed') and due_date <= last_night as is_completion_due
from judged
