{{ config(
    materialized='incremental',
    incremental_strategy='replace_worked_on',
    pre_hook='{{ refuse_partial_refresh() }}',
    work_list='int_touched_weeks',
    work_keys=['week'],
    indexes=[{'columns': ['week', 'category_main', 'area_code'], 'unique': true}],
) }}
-- One row per week of receipt, main category and area in which complaints came in; each complaint once.
select
    worked_on.week,
    split_part(complaints.category_id, ' > ', 1) as category_main,
    coalesce(places.province_code, 'TIDAK DIKETAHUI') as area_code,
    count(*)::integer as received_count
from {{ ref('int_touched_weeks') }} as worked_on
inner join {{ ref('fct_complaints') }} as complaints
    on worked_on.week <= complaints.received_date and worked_on.week + 7 > complaints.received_date
left join {{ ref('int_region_provinces') }} as places
    on
        -- A district's code (21.71.01) lies in its regency's.
        left(complaints.kemendagri_code, 5) = places.kemendagri_code
        and complaints.received_date >= places.valid_from
        and (places.valid_to is null or complaints.received_date < places.valid_to)
group by worked_on.week, category_main, area_code
