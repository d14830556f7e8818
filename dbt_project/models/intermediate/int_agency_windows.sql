-- One row per agency and window: its size, its peers, and whether its figures are complete enough to compare.
with agencies as (
    select
        agency_code,
        name as agency_name,
        kind,
        province_code,
        is_simulated,
        connected_on
    from {{ ref('dim_agencies') }}
    where is_current
),

received as (
    select
        agency_code,
        month,
        sum(received_count) as received_count
    from {{ ref('int_agency_month_case_mix') }}
    where month >= (select min(windows.first_volume_month) from {{ ref('int_windows') }} as windows)
    group by agency_code, month
),

received_in_windows as (
    select
        received.agency_code,
        windows.window_id,
        coalesce(sum(received.received_count) filter (where received.month >= windows.first_month), 0)::integer as received_count,
        sum(received.received_count) as volume_count
    from received
    inner join {{ ref('int_windows') }} as windows on received.month between windows.first_volume_month and windows.last_month
    group by received.agency_code, windows.window_id
),

nights as (
    select
        deliveries.agency_code,
        windows.window_id,
        sum(deliveries.expected_night_count)::integer as expected_night_count,
        sum(deliveries.delivered_night_count)::integer as delivered_night_count
    from {{ ref('int_agency_month_deliveries') }} as deliveries
    inner join {{ ref('int_windows') }} as windows on deliveries.month between windows.first_month and windows.last_month
    group by deliveries.agency_code, windows.window_id
),

sized as (
    select
        agencies.*,
        windows.window_id,
        windows.window_kind,
        windows.first_date,
        windows.last_date,
        windows.months_covered,
        coalesce(received_in_windows.received_count, 0) as received_count,
        round(coalesce(received_in_windows.volume_count, 0) * 365.0 / windows.volume_days_covered)::integer as annual_received_count,
        coalesce(nights.expected_night_count, 0) as expected_night_count,
        coalesce(nights.delivered_night_count, 0) as delivered_night_count,
        {{ rate('nights.delivered_night_count', 'nights.expected_night_count') }} as agency_coverage
    from agencies
    cross join {{ ref('int_windows') }} as windows
    left join received_in_windows
        on agencies.agency_code = received_in_windows.agency_code and windows.window_id = received_in_windows.window_id
    left join nights on agencies.agency_code = nights.agency_code and windows.window_id = nights.window_id
    where agencies.connected_on <= windows.last_date or received_in_windows.received_count > 0
),

judged as (
    select
        sized.*,
        bands.band as volume_band,
        sized.kind || coalesce(' ' || bands.band, '') as peer_group,
        case
            when sized.connected_on > sized.first_date then 'connected_in_window'
            when sized.expected_night_count = 0 then 'no_nights_in_window'
            when sized.agency_coverage < rules.min_coverage then 'coverage_below_' || trim_scale(round(rules.min_coverage * 100, 1))
        end as incomplete_reason
    from sized
    inner join {{ ref('int_comparison_rules') }} as rules on sized.window_id = rules.window_id
    left join {{ ref('peer_bands') }} as bands
        on
            sized.annual_received_count >= bands.lower_bound
            and (bands.upper_bound is null or sized.annual_received_count <= bands.upper_bound)
            -- The bands of the year, not those of the day.
            and date_trunc('year', sized.last_date) >= bands.valid_from
            and (bands.valid_to is null or date_trunc('year', sized.last_date) < bands.valid_to)
)

select
    judged.*,
    (count(*) over peers)::integer as agencies_expected,
    -- Whose deliveries are too few, or cannot be told, is not there.
    (count(*) filter (where incomplete_reason is null or incomplete_reason = 'connected_in_window') over peers)::integer
        as agencies_delivered
from judged
window peers as (partition by window_id, peer_group)
