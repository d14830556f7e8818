{{ config(
    materialized='incremental',
    incremental_strategy='replace_worked_on',
    pre_hook='{{ refuse_partial_refresh() }}',
    work_list='int_touched_activity_months',
    work_keys=['agency_code', 'month'],
    indexes=[{'columns': ['agency_code', 'month'], 'unique': true}, {'columns': ['night']}],
) }}
-- One row per agency and month in which it told how it keeps its side running: the last state told of, in its latest version.
select distinct on (versions.agency_code, worked_on.month)
    versions.agency_code,
    worked_on.month,
    versions.night,
    versions.as_of_date,
    versions.decree_number is not null as has_decree,
    {{ business_date('versions.last_login_at') }} as last_login_date,
    versions.action_plan_stated as has_action_plan,
    versions.liaison_officer_count
from {{ ref('int_touched_activity_months') }} as worked_on
inner join {{ ref('stg_agency_activity') }} as versions
    on
        worked_on.agency_code = versions.agency_code
        and worked_on.month <= versions.as_of_date
        and versions.as_of_date < worked_on.month + interval '1 month'
order by versions.agency_code, worked_on.month, versions.as_of_date desc, versions.night desc
