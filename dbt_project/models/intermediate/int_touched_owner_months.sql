-- One row per present owner and month of receipt that int_owner_month_counts computes anew: those of changed complaints, before and after.
-- depends_on: {{ ref('int_changed_complaints') }}, {{ ref('int_touched_months') }}
-- depends_on: {{ ref('int_build_scope') }}, {{ ref('fct_complaints') }}
with changed as (
    {{ touched_months('owner_month', 'fct_complaints') }}
)

select distinct
    agency_code,
    month
from changed
