-- One row per agency and month whose state in int_agency_activity this build computes anew: those told of in the nights worked on, and
-- those whose state came from such a night (the delivery may have been taken again without it).
-- depends_on: {{ ref('int_worked_nights') }}, {{ ref('int_build_scope') }}
{% set states = activity_before_this_build() %}
{% set is_full = is_full_build() %}
select
    agency_code,
    date_trunc('month', as_of_date)::date as month
from {{ ref('stg_agency_activity') }}
{% if not is_full %}where {{ in_worked_nights('night') }}{% endif %}
{% if states and not is_full %}
union
select
    agency_code,
    month
from {{ states }}
where {{ in_worked_nights('night') }}
{% else %}
group by agency_code, month
{% endif %}
