-- One row per present owner and month of receipt that int_owner_month_counts computes anew: those of changed complaints, before and after.
-- depends_on: {{ ref('int_changed_complaints') }}, {{ ref('int_touched_dates') }}, {{ ref('int_build_scope') }}
{% if is_full_build() %}
select distinct
    agency_code,
    received_month as month
from {{ ref('fct_complaints') }}
{% else %}
select
    agency_code,
    touched_date as month
from {{ ref('int_touched_dates') }}
where touched = 'owner_month'
union
select
    complaints.agency_code,
    complaints.received_month
from {{ ref('int_changed_complaints') }} as changed
inner join {{ ref('fct_complaints') }} as complaints
    on changed.source_system = complaints.source_system and changed.tracking_id = complaints.tracking_id
{% endif %}
