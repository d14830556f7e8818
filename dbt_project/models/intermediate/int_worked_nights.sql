-- One row per night this build works on: the nights waiting to be published, or all of them in a full build.
select nights.night
from {{ ref('stg_nights') }} as nights
cross join {{ ref('int_build_scope') }} as scope
where nights.is_waiting or scope.is_full
