-- One row per code of a region and period: the province to which its territory belonged then.
--
-- A code that was replaced (regencies of Papua, 2022) and the one that replaced it are the same territory, found by name and kind: sources
-- and registries go on using old codes for years, and a complaint of 2023 under a code of 2020 belongs to the province of 2023.
with codes as (
    select distinct
        kemendagri_code,
        name,
        kind
    from {{ ref('dim_regions') }}
)

select
    codes.kemendagri_code,
    periods.valid_from,
    periods.valid_to,
    periods.province_code
from codes
inner join {{ ref('dim_regions') }} as periods on codes.name = periods.name and codes.kind = periods.kind
