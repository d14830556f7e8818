-- One row per agency, window and metric that is adjusted for case mix: what its numerator would be with the national rates of the
-- classes and main categories it gets.
with cells as (
    select
        case_mix.agency_code,
        windows.window_id,
        case_mix.report_class,
        case_mix.category_main,
        sum(case_mix.received_count) as received_count,
        sum(case_mix.followed_up_count) as followed_up_count,
        sum(case_mix.completed_count) as completed_count,
        sum(case_mix.first_response_due_count) as first_response_due_count,
        sum(case_mix.first_response_within_limit_count) as first_response_within_limit_count,
        sum(case_mix.completion_due_count) as completion_due_count,
        sum(case_mix.completion_within_limit_count) as completion_within_limit_count
    from {{ ref('int_agency_month_case_mix') }} as case_mix
    inner join {{ ref('int_windows') }} as windows on case_mix.month between windows.first_month and windows.last_month
    group by case_mix.agency_code, windows.window_id, case_mix.report_class, case_mix.category_main
),

-- The seed says which counts a metric divides: they are looked up by name. Kept, or each row's JSON would be made once per metric and use.
named as materialized (
    select
        cells.*,
        to_jsonb(cells) as counts
    from cells
),

measured as (
    select
        named.agency_code,
        named.window_id,
        named.report_class,
        named.category_main,
        metrics.metric,
        (named.counts ->> metrics.numerator_column)::integer as numerator,
        (named.counts ->> metrics.denominator_column)::integer as denominator
    from named
    cross join {{ ref('comparison_metrics') }} as metrics
    where metrics.is_case_mix_adjusted
),

-- Windows, not joins: nothing is known about the number of these rows, and a join guessed wrong takes minutes.
nationally as (
    select
        measured.*,
        sum(measured.denominator) over cell < rules.min_category_cases as is_pooled,
        sum(measured.numerator) over cell as cell_numerator,
        sum(measured.denominator) over cell as cell_denominator
    from measured
    inner join {{ ref('int_comparison_rules') }} as rules on measured.window_id = rules.window_id
    window cell as (partition by measured.window_id, measured.metric, measured.report_class, measured.category_main)
),

rated as (
    select
        nationally.*,
        case
            when is_pooled then sum(numerator) over pool / nullif(sum(denominator) over pool, 0)::numeric
            else cell_numerator / nullif(cell_denominator, 0)::numeric
        end as national_rate
    from nationally
    window pool as (partition by window_id, metric, is_pooled)
),

expected as (
    select
        agency_code,
        window_id,
        metric,
        sum(numerator)::integer as observed_count,
        coalesce(sum(denominator * national_rate), 0) as expected_count
    from rated
    group by agency_code, window_id, metric
),

-- Many agencies share a count: each is worked out once, and kept.
bounds as materialized (
    select
        counts.observed_count,
        statistics.poisson_mid_p_low(counts.observed_count)::numeric as mean_low,
        statistics.poisson_mid_p_high(counts.observed_count)::numeric as mean_high
    from (select distinct observed_count from expected) as counts
)

select
    expected.agency_code,
    expected.window_id,
    expected.metric,
    expected.expected_count,
    expected.observed_count / nullif(expected.expected_count, 0) as observed_expected_ratio,
    bounds.mean_low / nullif(expected.expected_count, 0) as observed_expected_ratio_low,
    bounds.mean_high / nullif(expected.expected_count, 0) as observed_expected_ratio_high
from expected
inner join bounds on expected.observed_count = bounds.observed_count
