-- One row per agency whose rpt_agency_stock_flow_daily is computed anew, from business_date on: the earliest date on which the
-- movements of the changed complaints differ from what the report says, or the first date the report does not have yet.
-- depends_on: {{ ref('int_touched_dates') }}, {{ ref('int_changed_complaints') }}
-- depends_on: {{ ref('fct_assignments') }}, {{ ref('fct_complaint_events') }}, {{ ref('int_stock_flows') }}, {{ ref('int_build_scope') }}
{% set report = mart_before_this_build('rpt_agency_stock_flow_daily') %}
{% if is_full_build() or not report %}
select
    agency_code,
    '-infinity'::date as business_date
from {{ ref('dim_agencies') }}
where is_current
{% else %}
with candidates as (
    select
        agency_code,
        touched_date as business_date
    from {{ ref('int_touched_dates') }}
    where touched = 'flow_date'
    union
    select
        assignments.agency_code,
        moments.business_date
    from {{ ref('int_changed_complaints') }} as changed
    inner join {{ ref('fct_assignments') }} as assignments
        on changed.source_system = assignments.source_system and changed.tracking_id = assignments.tracking_id
    cross join
        lateral (
            values (assignments.entered_date), (assignments.transferred_out_date), (assignments.closed_date)
        ) as moments (business_date)
    where moments.business_date is not null
    union
    select
        events.agency_code,
        events.occurred_date
    from {{ ref('int_changed_complaints') }} as changed
    inner join {{ ref('fct_complaint_events') }} as events
        on changed.source_system = events.source_system and changed.tracking_id = events.tracking_id
    where events.stock_effect is not null
),

differing as (
    select
        candidates.agency_code,
        min(candidates.business_date) as business_date
    from candidates
    cross join
        lateral (
            select
                count(*) filter (where flow = 'RECEIVED') as received_count,
                count(*) filter (where flow = 'TRANSFERRED_IN') as transferred_in_count,
                count(*) filter (where flow = 'REOPENED') as reopened_count,
                count(*) filter (where flow = 'COMPLETED') as completed_count,
                count(*) filter (where flow = 'ARCHIVED') as archived_count,
                count(*) filter (where flow = 'TRANSFERRED_OUT') as transferred_out_count
            from {{ ref('int_stock_flows') }} as flows
            where flows.agency_code = candidates.agency_code and flows.flow_date = candidates.business_date
        ) as now
    left join {{ report }} as report
        on candidates.agency_code = report.agency_code and candidates.business_date = report.business_date
    where
        (
            now.received_count, now.transferred_in_count, now.reopened_count,
            now.completed_count, now.archived_count, now.transferred_out_count
        ) is distinct from (
            report.received_count, report.transferred_in_count, report.reopened_count,
            report.completed_count, report.archived_count, report.transferred_out_count
        )
    group by candidates.agency_code
),

ends as (
    select
        agencies.agency_code,
        (
            select report.business_date from {{ report }} as report
            where report.agency_code = agencies.agency_code
            order by report.business_date desc
            limit 1
        ) as last_date,
        scope.night
    from {{ ref('dim_agencies') }} as agencies
    cross join {{ ref('int_build_scope') }} as scope
    where agencies.is_current
)

select
    ends.agency_code,
    case
        when ends.last_date is null then '-infinity'::date
        when ends.last_date < ends.night then least(differing.business_date, ends.last_date + 1)
        else differing.business_date
    end as business_date
from ends
left join differing on ends.agency_code = differing.agency_code
where ends.last_date is null or ends.last_date < ends.night or differing.business_date is not null
{% endif %}
