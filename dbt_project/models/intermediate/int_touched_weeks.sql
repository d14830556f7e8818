-- One row per week of receipt (its Monday) that int_category_weeks computes anew: of complaints that are new or gone, or that moved to
-- another date, category or place; both the week they were in and the one they are in. Most news of a complaint moves nothing.
-- depends_on: {{ ref('int_changed_complaints') }}, {{ ref('int_complaints_before') }}, {{ ref('int_build_scope') }}
{% if is_full_build() %}
select distinct date_trunc('week', received_date)::date as week
from {{ ref('fct_complaints') }}
{% else %}
with now as (
    select complaints.*
    from {{ ref('int_changed_complaints') }} as changed
    inner join {{ ref('fct_complaints') }} as complaints
        on changed.source_system = complaints.source_system and changed.tracking_id = complaints.tracking_id
)

select distinct date_trunc('week', moved.received_date)::date as week
from {{ ref('int_complaints_before') }} as before
full outer join now on before.source_system = now.source_system and before.tracking_id = now.tracking_id
cross join lateral (values (before.received_date), (now.received_date)) as moved (received_date)
where
    moved.received_date is not null
    and (before.received_date, before.category_id, before.kemendagri_code)
    is distinct from (now.received_date, now.category_id, now.kemendagri_code)
{% endif %}
