-- One row per province or regency and period in which its code and parent were valid.
select
    kemendagri_code,
    bps_code,
    name,
    kind,
    coalesce(province_code, kemendagri_code) as province_code,
    time_zone,
    population,
    area_km2,
    valid_from,
    valid_to,
    valid_to is null as is_current
from {{ ref('regions') }}
