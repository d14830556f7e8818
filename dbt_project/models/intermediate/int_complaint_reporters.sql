-- One row per complaint this build works on whose reporter is known: who told what to whom, as its present owner tells it.
--
-- Received when any agency's record first says so. The log may say otherwise, but does not say who reported.
with nationally as (
    select
        source_system,
        tracking_id,
        min(received_at) as received_at
    from {{ ref('int_complaint_versions') }}
    group by source_system, tracking_id
)

select
    records.source_system,
    records.tracking_id,
    records.reporter_key,
    records.category_main,
    records.agency_code,
    nationally.received_at
from {{ ref('int_assignment_order') }} as places
inner join {{ ref('int_complaint_versions') }} as records
    on
        places.source_system = records.source_system
        and places.tracking_id = records.tracking_id
        and places.agency_code = records.agency_code
inner join nationally
    on places.source_system = nationally.source_system and places.tracking_id = nationally.tracking_id
where places.is_owner and records.reporter_key is not null
