-- One row per complaint and agency this build works on: the latest accepted version of the agency's record.
select distinct on (versions.source_system, versions.tracking_id, versions.agency_code) versions.*
from {{ ref('int_changed_complaints') }} as changed
inner join {{ ref('stg_complaints') }} as versions
    on changed.source_system = versions.source_system and changed.tracking_id = versions.tracking_id
order by versions.source_system, versions.tracking_id, versions.agency_code, versions.night desc
