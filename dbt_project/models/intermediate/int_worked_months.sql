-- One row per month with a night this build works on.
select distinct date_trunc('month', night)::date as month
from {{ ref('int_worked_nights') }}
