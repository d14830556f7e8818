-- The seam: what stands in staging for a night is exactly what the ledger and the gate say was accepted. Nights in this build.
-- depends_on: {{ ref('int_worked_nights') }}
with staged as (
    {% for table, resource, kind in [
        ('stg_complaints', 'complaints', 'records'),
        ('stg_complaint_events', 'complaints', 'events'),
        ('stg_survey_responses', 'surveys', 'records'),
        ('stg_recaps', 'recaps', 'records'),
        ('stg_ratings', 'ratings', 'records'),
        ('stg_units', 'units', 'records'),
        ('stg_agency_activity', 'activity', 'records'),
    ] %}
    select
        rows_staged.night,
        rows_staged.agency_code,
        '{{ resource }}' as resource,
        '{{ kind }}' as kind,
        count(*) as row_count
    from {{ ref(table) }} as rows_staged
    where {{ in_worked_nights('rows_staged.night') }}
    group by rows_staged.night, rows_staged.agency_code
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

accepted as (
    select
        deliveries.night,
        deliveries.agency_code,
        deliveries.resource,
        counts.kind,
        counts.row_count
    from {{ ref('fct_deliveries') }} as deliveries
    cross join
        lateral (values ('records', deliveries.accepted_count), ('events', deliveries.accepted_event_count)) as counts (kind, row_count)
    where {{ in_worked_nights('deliveries.night') }} and counts.row_count > 0
)

select
    staged.row_count as staged_count,
    accepted.row_count as accepted_count,
    coalesce(staged.night, accepted.night) as night,
    coalesce(staged.agency_code, accepted.agency_code) as agency_code,
    coalesce(staged.resource, accepted.resource) as resource,
    coalesce(staged.kind, accepted.kind) as kind
from staged
full outer join accepted
    on
        staged.night = accepted.night
        and staged.agency_code = accepted.agency_code
        and staged.resource = accepted.resource
        and staged.kind = accepted.kind
where staged.row_count is distinct from accepted.row_count
