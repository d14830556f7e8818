-- One row per agency and month of receipt whose complaints this build counts anew: those touched, and of those published ones the figures
-- of which are not written down yet.
select
    agency_code,
    month
from {{ ref('int_touched_agency_months') }}
union
select
    agency_code,
    month
from {{ ref('int_unpublished_agency_months') }}
