-- One row per agency whose rpt_agency_stock_flow_daily is computed anew, from business_date on: the earliest date on which a changed
-- complaint moves now and did not before, or the reverse, or the first date the report does not have yet.
-- depends_on: {{ ref('int_complaints_before') }}, {{ ref('int_changed_complaints') }}
-- depends_on: {{ ref('fct_assignments') }}, {{ ref('fct_complaint_events') }}, {{ ref('int_build_scope') }}
{% set report = mart_before_this_build('rpt_agency_stock_flow_daily') %}
{% if is_full_build() or not report %}
select
    agency_code,
    '-infinity'::date as business_date
from {{ ref('dim_agencies') }}
where is_current
{% else %}
with now as (
    {{ stock_movements(ref('fct_assignments'), ref('fct_complaint_events')) }}
),

moved as (
    select
        coalesce(before.movements, '[]') as movements_before,
        coalesce(now.movements, '[]') as movements_now
    from {{ ref('int_complaints_before') }} as before
    left join now on before.source_system = now.source_system and before.tracking_id = now.tracking_id
    where before.movements is distinct from now.movements
),

differing as (
    select
        told.movement ->> 0 as agency_code,
        min((told.movement ->> 1)::date) as business_date
    from moved
    cross join
        lateral (
            values
            (moved.movements_before, moved.movements_now),
            (moved.movements_now, moved.movements_before)
        ) as sides (theirs, others)
    cross join lateral jsonb_array_elements(sides.theirs) as told (movement)
    where not sides.others @> jsonb_build_array(told.movement)
    group by told.movement ->> 0
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
