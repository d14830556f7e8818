-- One row per agency and night on which its registry row was new or changed.
with source as (
    select * from {{ source('raw', 'agencies') }}
)

select
    source.agency_code,
    source.night,
    source.name,
    source.kind,
    source.province_code,
    source.regency_code,
    source.time_zone,
    source.connected_on,
    source.certainty,
    source.registry,
    source.is_simulated
from source
inner join {{ ref('stg_nights') }} as nights on source.night = nights.night
