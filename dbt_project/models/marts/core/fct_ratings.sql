{{ config(
    materialized='incremental',
    incremental_strategy='replace_worked_on',
    pre_hook='{{ refuse_partial_refresh() }}',
    work_list='int_changed_ratings',
    work_keys=['source_system', 'tracking_id', 'agency_code'],
    indexes=[
        {'columns': ['source_system', 'tracking_id', 'agency_code'], 'unique': true},
        {'columns': ['agency_code', 'rated_month']},
        {'columns': ['night']},
    ],
) }}
-- One row per rated complaint and agency: the latest accepted version of what its reporter thought of it.
-- depends_on: {{ ref('int_touched_months') }}
with latest as (
    select distinct on (versions.source_system, versions.tracking_id, versions.agency_code) versions.*
    from {{ ref('int_changed_ratings') }} as changed
    inner join {{ ref('stg_ratings') }} as versions
        on
            changed.source_system = versions.source_system
            and changed.tracking_id = versions.tracking_id
            and changed.agency_code = versions.agency_code
    order by versions.source_system, versions.tracking_id, versions.agency_code, versions.night desc
)

select
    latest.source_system,
    latest.tracking_id,
    latest.agency_code,
    latest.night,
    -- Of a complaint that is not in the marts nothing is known: hidden.
    coalesce(complaints.is_secret, true) as is_secret,
    'RATING' as metric_kind,
    latest.stars,
    latest.rated_at,
    date_trunc('month', {{ business_date('latest.rated_at') }})::date as rated_month
from latest
left join {{ ref('fct_complaints') }} as complaints
    on latest.source_system = complaints.source_system and latest.tracking_id = complaints.tracking_id
