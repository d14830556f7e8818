{{ config(
    materialized='incremental',
    incremental_strategy='replace_worked_on',
    pre_hook='{{ refuse_partial_refresh() }}',
    work_list='int_changed_ratings',
    work_keys=['source_system', 'tracking_id'],
    indexes=[{'columns': ['source_system', 'tracking_id'], 'unique': true}],
) }}
-- One row per rated complaint: its last rating, and the agency it is about.
--
-- A rating is about the agency that has the complaint, whoever delivers it: one agency may deliver the ratings of all. Of a complaint
-- that is not in the marts nobody knows whose it is: it counts for none.
with changed as (
    select distinct
        source_system,
        tracking_id
    from {{ ref('int_changed_ratings') }}
),

latest as (
    select distinct on (ratings.source_system, ratings.tracking_id) ratings.*
    from changed
    inner join {{ ref('fct_ratings') }} as ratings
        on changed.source_system = ratings.source_system and changed.tracking_id = ratings.tracking_id
    order by ratings.source_system, ratings.tracking_id, ratings.rated_at desc nulls last, ratings.night desc, ratings.agency_code
)

select
    latest.source_system,
    latest.tracking_id,
    complaints.agency_code,
    latest.metric_kind,
    latest.stars,
    latest.rated_month,
    date_trunc('month', {{ business_date('complaints.completed_at') }})::date as completed_month
from latest
inner join {{ ref('fct_complaints') }} as complaints
    on latest.source_system = complaints.source_system and latest.tracking_id = complaints.tracking_id
