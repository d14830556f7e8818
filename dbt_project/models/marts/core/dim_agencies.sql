-- One row per agency and period in which its registry row was the same. The first period begins when the agency was connected.
with versions as (
    select
        agencies.*,
        row_number() over (partition by agency_code order by night) as version_seq,
        lead(night) over (partition by agency_code order by night) as next_night
    from {{ ref('stg_agencies') }} as agencies
),

dated as (
    select
        versions.*,
        case when version_seq = 1 then least(connected_on, night) else night end as valid_from,
        coalesce(regency_code, province_code) as kemendagri_code
    from versions
)

select
    dated.agency_code,
    dated.valid_from,
    dated.next_night as valid_to,
    dated.name,
    dated.kind,
    dated.province_code,
    dated.kemendagri_code,
    regions.bps_code,
    dated.time_zone,
    dated.connected_on,
    dated.certainty,
    dated.registry,
    dated.is_simulated,
    dated.next_night is null as is_current
from dated
left join {{ ref('dim_regions') }} as regions
    on
        dated.kemendagri_code = regions.kemendagri_code
        and dated.valid_from >= regions.valid_from
        and (regions.valid_to is null or dated.valid_from < regions.valid_to)
