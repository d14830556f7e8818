{{ config(unlogged=true) }}
-- One row per complaint of which this build looks up how far it had got when its month was published: those computed anew, and all of
-- the agency-months whose first version this build writes down.
-- depends_on: {{ ref('int_unpublished_agency_months') }}, {{ ref('fct_assignments') }}
select
    source_system,
    tracking_id
from {{ ref('int_changed_complaints') }}
{% if not is_full_build() %}
union
select
    assignments.source_system,
    assignments.tracking_id
from {{ ref('int_unpublished_agency_months') }} as unpublished
inner join {{ ref('fct_assignments') }} as assignments
    on unpublished.agency_code = assignments.agency_code and unpublished.month = assignments.received_month
{% endif %}
