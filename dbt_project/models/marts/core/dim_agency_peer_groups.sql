-- One row per agency and window of comparison: the agencies it may be compared with.
select
    agency_code,
    window_id,
    window_kind,
    first_date,
    last_date,
    months_covered,
    agency_name,
    kind,
    province_code,
    volume_band,
    peer_group,
    is_simulated,
    agencies_expected as group_agency_count,
    received_count,
    annual_received_count
from {{ ref('int_agency_windows') }}
