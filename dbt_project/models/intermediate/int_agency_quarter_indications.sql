-- One row per agency, quarter of receipt and indication: complaints it is looked for in, cases at the cut-off, and who its peers are.
--
-- Peers are of the same kind and volume band, by the complaints of the twelve months to the end of the quarter, scaled to a year. Against
-- all of its kind, half of the ministries would stand out: the few largest make up most complaints and answer fastest.
with scope as (
    select
        scope.night,
        (select min(handling.month) from {{ ref('int_agency_month_handling') }} as handling) as first_month,
        today.working_day_index
        - {{ rule_value('oversight_thresholds', 'prolonged_delay_working_days', 'scope.night') }}::integer as late_before_index
    from {{ ref('int_build_scope') }} as scope
    left join {{ ref('int_calendar_days') }} as today on scope.night = today.calendar_date
),

monthly as (
    select
        indications.agency_code,
        date_trunc('quarter', indications.month)::date as quarter,
        indications.indication,
        indications.base_count,
        case
            when indications.indication = 'penundaan_berlarut'
                then (
                    select count(*) from unnest(indications.wait_start_indexes) as waits (start_index)
                    where waits.start_index < scope.late_before_index
                )
            else indications.case_count
        end as case_count
    from {{ ref('int_agency_month_indications') }} as indications
    cross join scope
),

quarters as (
    select distinct quarter
    from monthly
),

volumes as (
    select
        handling.agency_code,
        quarters.quarter,
        sum(handling.received_count) as received_count
    from quarters
    inner join {{ ref('int_agency_month_handling') }} as handling
        on
            quarters.quarter - interval '9 months' <= handling.month
            and quarters.quarter + interval '3 months' > handling.month
    group by handling.agency_code, quarters.quarter
),

sized as (
    select
        volumes.agency_code,
        volumes.quarter,
        round(
            volumes.received_count * 365.0 / (
                least(volumes.quarter + interval '3 months' - interval '1 day', scope.night)::date
                - greatest(volumes.quarter - interval '9 months', scope.first_month)::date + 1
            )
        ) as annual_received_count
    from volumes
    cross join scope
)

select
    monthly.agency_code,
    monthly.quarter,
    monthly.indication,
    agencies.kind || ' ' || bands.band as peer_group,
    sum(monthly.base_count)::integer as base_count,
    sum(monthly.case_count)::integer as case_count
from monthly
inner join sized on monthly.agency_code = sized.agency_code and monthly.quarter = sized.quarter
left join {{ ref('peer_bands') }} as bands
    on
        sized.annual_received_count >= bands.lower_bound
        and (bands.upper_bound is null or sized.annual_received_count <= bands.upper_bound)
        and sized.quarter >= bands.valid_from
        and (bands.valid_to is null or sized.quarter < bands.valid_to)
left join {{ ref('dim_agencies') }} as agencies on monthly.agency_code = agencies.agency_code and agencies.is_current
group by monthly.agency_code, monthly.quarter, monthly.indication, agencies.kind, bands.band
