-- One row per raw rating, accepted or not, with its key: which ratings a night may have changed.
select
    source.night,
    source.source_system,
    source.tracking_id,
    source.agency_code
from {{ source('raw', 'ratings') }} as source
where
    source.tracking_id is not null and source.source_system is not null
    {% if var('as_of') %}and source.night <= '{{ var("as_of") }}'{% endif %}
