-- One row per agency and month of receipt: what PANRB's monitoring and evaluation asks (K1 to K7, K9), with its verdicts in words.
-- How the agency keeps its side running is the last it told by the end of the month (or the cut-off).
with months as (
    select
        performance.*,
        extract(year from performance.month)::integer as year,
        least((performance.month + interval '1 month' - interval '1 day')::date, scope.night) as cut_off_date
    from {{ ref('rpt_agency_performance_monthly') }} as performance
    cross join {{ ref('int_build_scope') }} as scope
),

summed as (
    select
        months.*,
        (sum(received_count) over of_the_year)::integer as year_received_count,
        (sum(followed_up_count) over of_the_year)::integer as year_followed_up_count,
        (sum(completed_count) over of_the_year)::integer as year_completed_count
    from months
    window of_the_year as (partition by agency_code, year order by month)
),

told as (
    select
        activity.*,
        lead(activity.month) over (partition by activity.agency_code order by activity.month) as next_month
    from {{ ref('int_agency_activity') }} as activity
),

joined as (
    select
        summed.*,
        told.as_of_date as activity_as_of_date,
        told.has_decree,
        told.has_action_plan,
        told.liaison_officer_count,
        told.last_login_date,
        summed.cut_off_date - {{ rule_value('oversight_thresholds', 'login_days', 'summed.cut_off_date') }}::integer as login_needed_from,
        coalesce(handling.open_count, 0) as backlog_count,
        coalesce(handling.open_over_limit_count, 0) as backlog_over_limit_count,
        handling.answered_count,
        handling.first_response_working_days_sum,
        satisfaction.metric_kind as satisfaction_metric_kind,
        satisfaction.value as satisfaction_value,
        satisfaction.grade as satisfaction_grade
    from summed
    left join told
        on
            summed.agency_code = told.agency_code
            and summed.month >= told.month
            and (told.next_month is null or summed.month < told.next_month)
    left join {{ ref('int_agency_month_handling') }} as handling
        on summed.agency_code = handling.agency_code and summed.month = handling.month
    left join {{ ref('rpt_agency_satisfaction') }} as satisfaction
        on summed.agency_code = satisfaction.agency_code and summed.year = satisfaction.year and satisfaction.is_reported
)

select
    agency_code,
    month,
    agency_name,
    kind,
    province_code,
    is_simulated,
    cut_off_date,
    {{ follow_up_verdict('followed_up_count', 'received_count', 'month') }} as follow_up_verdict,
    {{ follow_up_verdict('year_followed_up_count', 'year_received_count', 'month') }} as year_follow_up_verdict,
    {{ rate('followed_up_count', 'received_count') }} >= {{ rule_value('oversight_thresholds', 'follow_up_good', 'month') }} as is_good,
    has_decree,
    has_action_plan,
    last_login_date,
    -- A word from before the month does not say that nobody has logged in since.
    case
        when last_login_date >= login_needed_from then true
        when activity_as_of_date >= month then false
    end as is_active,
    activity_as_of_date,
    liaison_officer_count,
    received_count,
    followed_up_count,
    completed_count,
    followed_up_count - completed_count as in_progress_count,
    year_received_count,
    year_followed_up_count,
    year_completed_count,
    backlog_count,
    backlog_over_limit_count,
    {{ rate('followed_up_count', 'received_count') }} as followed_up_rate,
    followed_up_rate_low,
    followed_up_rate_high,
    {{ rate('completed_count', 'received_count') }} as completed_rate,
    {{ rate('year_followed_up_count', 'year_received_count') }} as year_followed_up_rate,
    {{ rate('year_completed_count', 'year_received_count') }} as year_completed_rate,
    {{ rate('backlog_over_limit_count', 'backlog_count') }} as backlog_over_limit_rate_of_backlog,
    {{ rate('first_response_working_days_sum', 'answered_count') }} as first_response_working_days_mean,
    first_response_working_days_median,
    satisfaction_metric_kind,
    satisfaction_value,
    satisfaction_grade
from joined
