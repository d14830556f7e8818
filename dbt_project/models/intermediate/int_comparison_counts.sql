-- One row per agency, window and metric: numerator and denominator, and why the agency may not be ranked, as far as it alone can tell.
with received as (
    select *
    from {{ ref('int_agency_month_case_mix') }}
    where month >= (select min(windows.first_month) from {{ ref('int_windows') }} as windows)
),

summed as (
    select
        received.agency_code,
        windows.window_id,
        sum(received.received_count) as received_count,
        sum(received.valid_count) as valid_count,
        sum(received.routed_count) as routed_count,
        sum(received.routed_once_count) as routed_once_count,
        sum(received.followed_up_count) as followed_up_count,
        sum(received.completed_count) as completed_count,
        sum(received.first_response_due_count) as first_response_due_count,
        sum(received.first_response_within_limit_count) as first_response_within_limit_count,
        sum(received.completion_due_count) as completion_due_count,
        sum(received.completion_within_limit_count) as completion_within_limit_count
    from received
    inner join {{ ref('int_windows') }} as windows on received.month between windows.first_month and windows.last_month
    group by received.agency_code, windows.window_id
),

-- The seed says which counts a metric divides: they are looked up by name.
measured as (
    select
        agencies.agency_code,
        agencies.window_id,
        metrics.metric,
        agencies.kind,
        agencies.peer_group,
        agencies.incomplete_reason,
        metrics.is_higher_better,
        coalesce(to_jsonb(summed) ->> metrics.numerator_column, '0')::integer as numerator_count,
        coalesce(to_jsonb(summed) ->> metrics.denominator_column, '0')::integer as denominator_count
    from {{ ref('int_agency_windows') }} as agencies
    cross join {{ ref('comparison_metrics') }} as metrics
    left join summed on agencies.agency_code = summed.agency_code and agencies.window_id = summed.window_id
)

select
    measured.*,
    coalesce(
        measured.incomplete_reason,
        case
            when measured.denominator_count < rules.min_count_shown then 'n_below_' || trim_scale(rules.min_count_shown)
            when measured.denominator_count < rules.min_count_ranked then 'n_below_' || trim_scale(rules.min_count_ranked)
        end
    ) as unranked_reason
from measured
inner join {{ ref('int_comparison_rules') }} as rules on measured.window_id = rules.window_id
