-- One row per month of receipt: the nation's complaints, each once however many agencies had it, and how far they have got by the cut-off.
with counted as (
    select
        month,
        sum(received_count)::integer as received_count,
        sum(unique_count)::integer as unique_count,
        sum(agency_assignment_count)::integer as agency_assignment_count,
        sum(valid_count)::integer as valid_count,
        sum(routed_count)::integer as routed_count,
        sum(followed_up_count)::integer as followed_up_count,
        sum(completed_count)::integer as completed_count,
        sum(completed_manual_count)::integer as completed_manual_count,
        sum(completed_automatic_count)::integer as completed_automatic_count,
        sum(on_hold_count)::integer as on_hold_count,
        sum(archived_count)::integer as archived_count,
        sum(reopened_count)::integer as reopened_count,
        sum(reassigned_count)::integer as reassigned_count,
        sum(rerouted_count)::integer as rerouted_count
    from {{ ref('int_owner_month_counts') }}
    group by month
),

coverage as (
    select
        night,
        sum(delivered_count + empty_count)::integer as agencies_delivered,
        sum(expected_count)::integer as agencies_expected
    from {{ ref('rpt_coverage_daily') }}
    group by night
)

select
    months.month,
    months.is_simulated,
    {% for column in [
        'received_count', 'unique_count', 'agency_assignment_count', 'valid_count', 'routed_count', 'followed_up_count', 'completed_count',
        'completed_manual_count', 'completed_automatic_count', 'on_hold_count', 'archived_count', 'reopened_count', 'reassigned_count',
        'rerouted_count',
    ] %}
    coalesce(counted.{{ column }}, 0) as {{ column }},
    {% endfor %}
    {{ rate('counted.routed_count', 'counted.received_count') }} as routed_rate,
    {{ rate('counted.followed_up_count', 'counted.received_count') }} as followed_up_rate,
    {{ rate('counted.completed_count', 'counted.received_count') }} as completed_rate,
    {{ rate('counted.completed_count', 'counted.valid_count') }} as completed_rate_of_valid,
    {{ rate('counted.completed_count', 'counted.routed_count') }} as completed_rate_of_routed,
    {{ rate('counted.archived_count', 'counted.received_count') }} as archived_rate,
    1 - {{ rate('counted.rerouted_count', 'counted.routed_count') }} as routing_accuracy_rate_of_routed,
    months.coverage_night,
    coalesce(coverage.agencies_delivered, 0) as agencies_delivered,
    coalesce(coverage.agencies_expected, 0) as agencies_expected,
    {{ rate('coverage.agencies_delivered', 'coverage.agencies_expected') }} as coverage
from {{ ref('int_coverage_months') }} as months
left join counted on months.month = counted.month
left join coverage on months.coverage_night = coverage.night
