-- One row per week of receipt (its Monday) that int_category_weeks computes anew: those of changed complaints, before and after.
-- depends_on: {{ ref('int_changed_complaints') }}, {{ ref('int_touched_dates') }}, {{ ref('int_build_scope') }}
{% if is_full_build() %}
select distinct date_trunc('week', received_date)::date as week
from {{ ref('fct_complaints') }}
{% else %}
select touched_date as week
from {{ ref('int_touched_dates') }}
where touched = 'received_week'
union
select date_trunc('week', complaints.received_date)::date
from {{ ref('int_changed_complaints') }} as changed
inner join {{ ref('fct_complaints') }} as complaints
    on changed.source_system = complaints.source_system and changed.tracking_id = complaints.tracking_id
{% endif %}
