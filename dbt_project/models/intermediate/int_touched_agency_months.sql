-- One row per agency and month of receipt that rpt_agency_performance_monthly computes anew: those of changed complaints (before and
-- after), all of an agency whose registry row changed, and those that should be there and are not, or the reverse.
-- depends_on: {{ ref('int_changed_complaints') }}, {{ ref('int_touched_months') }}
{% set report = mart_before_this_build('rpt_agency_performance_monthly') %}
with covered_months as (
    select generate_series(
        (select min(received_month) from {{ ref('fct_assignments') }}),
        (select date_trunc('month', night) from {{ ref('int_build_scope') }}),
        interval '1 month'
    )::date as month
),

spine as (
    select distinct
        agencies.agency_code,
        covered_months.month
    from covered_months
    inner join {{ ref('dim_agencies') }} as agencies
        on
            agencies.valid_from < covered_months.month + interval '1 month'
            and (agencies.valid_to is null or covered_months.month < agencies.valid_to)
),

published as (
    {% if report and not is_full_build() %}
    select
        agency_code,
        month,
        received_count
    from {{ report }}
    {% else %}
    select
        null::text as agency_code,
        null::date as month,
        null::integer as received_count
    where false
    {% endif %}
),

changed as (
    {{ touched_months('received_month', 'fct_assignments') }}
),

missing_or_left_over as (
    select
        coalesce(spine.agency_code, published.agency_code) as agency_code,
        coalesce(spine.month, published.month) as month
    from spine
    full outer join published on spine.agency_code = published.agency_code and spine.month = published.month
    where published.month is null or (spine.month is null and published.received_count = 0)
),

renamed as (
    select
        published.agency_code,
        published.month
    from published
    inner join {{ ref('stg_agencies') }} as versions on published.agency_code = versions.agency_code
    inner join {{ ref('int_worked_nights') }} as nights on versions.night = nights.night
),

worked_on as (
    select
        agency_code,
        month
    from changed
    union
    select
        agency_code,
        month
    from missing_or_left_over
    union
    select
        agency_code,
        month
    from renamed
)

select
    worked_on.agency_code,
    worked_on.month,
    spine.month is not null as is_covered
from worked_on
left join spine on worked_on.agency_code = spine.agency_code and worked_on.month = spine.month
