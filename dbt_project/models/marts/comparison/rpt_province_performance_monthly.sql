-- One row per province and month of receipt: what came in at the governments of its territory, and how far it has got by the cut-off.
with summed as (
    select
        places.province_code,
        places.month,
        count(*)::integer as agency_count,
        sum(performance.received_count)::integer as received_count,
        sum(performance.valid_count)::integer as valid_count,
        sum(performance.routed_count)::integer as routed_count,
        sum(performance.followed_up_count)::integer as followed_up_count,
        sum(performance.completed_count)::integer as completed_count,
        sum(performance.completed_manual_count)::integer as completed_manual_count,
        sum(performance.completed_automatic_count)::integer as completed_automatic_count,
        sum(performance.on_hold_count)::integer as on_hold_count,
        sum(performance.archived_count)::integer as archived_count,
        sum(performance.reopened_count)::integer as reopened_count,
        sum(performance.reassigned_count)::integer as reassigned_count,
        sum(places.rerouted_count)::integer as rerouted_count,
        sum(performance.first_response_due_count)::integer as first_response_due_count,
        sum(performance.first_response_within_limit_count)::integer as first_response_within_limit_count,
        sum(performance.completion_due_count)::integer as completion_due_count,
        sum(performance.completion_within_limit_count)::integer as completion_within_limit_count,
        (sum(performance.received_count) filter (where places.year_before_count is not null))::integer as comparable_count,
        sum(places.year_before_count)::integer as year_before_count,
        (count(*) filter (where places.has_delivered))::integer as agencies_delivered,
        (count(*) filter (where places.is_expected))::integer as agencies_expected
    from {{ ref('int_agency_month_places') }} as places
    inner join {{ ref('rpt_agency_performance_monthly') }} as performance
        on places.agency_code = performance.agency_code and places.month = performance.month
    group by places.province_code, places.month
)

select
    regions.kemendagri_code as province_code,
    months.month,
    regions.name as province_name,
    months.is_simulated,
    regions.population,
    {% for column in [
        'agency_count', 'received_count', 'valid_count', 'routed_count', 'followed_up_count', 'completed_count',
        'completed_manual_count', 'completed_automatic_count', 'on_hold_count', 'archived_count', 'reopened_count', 'reassigned_count',
        'rerouted_count', 'first_response_due_count', 'first_response_within_limit_count', 'completion_due_count',
        'completion_within_limit_count',
    ] %}
    coalesce(summed.{{ column }}, 0) as {{ column }},
    {% endfor %}
    summed.comparable_count,
    summed.year_before_count,
    100000 * {{ rate('coalesce(summed.received_count, 0)', 'regions.population') }} as received_per_100k,
    case
        when summed.year_before_count >= rules.value
            then {{ rate('(summed.comparable_count - summed.year_before_count)', 'summed.year_before_count') }}
    end as received_change,
    {{ handling_rates('summed') }},
    months.coverage_night,
    coalesce(summed.agencies_delivered, 0) as agencies_delivered,
    coalesce(summed.agencies_expected, 0) as agencies_expected,
    {{ rate('summed.agencies_delivered', 'summed.agencies_expected') }} as coverage
from {{ ref('int_coverage_months') }} as months
inner join {{ ref('dim_regions') }} as regions
    on
        regions.kind = 'provinsi'
        and months.last_date >= regions.valid_from
        and (regions.valid_to is null or months.last_date < regions.valid_to)
left join summed on regions.kemendagri_code = summed.province_code and months.month = summed.month
left join {{ ref('topic_rules') }} as rules
    on
        rules.rule = 'min_change_base'
        and months.month >= rules.valid_from
        and (rules.valid_to is null or months.month < rules.valid_to)
