{{ config(
    materialized='incremental',
    incremental_strategy='replace_worked_on',
    pre_hook='{{ refuse_partial_refresh() }}',
    work_list='int_touched_owner_months',
    work_keys=['agency_code', 'month'],
    indexes=[{'columns': ['agency_code', 'month', 'dimension', 'value'], 'unique': true}],
) }}
-- depends_on: {{ ref('int_touched_owner_months') }}
-- One row per present owner, month of receipt and class, channel or main category in which complaints came in.
select
    complaints.agency_code,
    complaints.received_month as month,
    told.dimension,
    told.value,
    count(*)::integer as received_count,
    count(complaints.followed_up_at)::integer as followed_up_count,
    count(complaints.completed_at)::integer as completed_count
from {{ ref('int_recounted_complaints') }} as complaints
cross join
    lateral (
        values
        ('report_class', complaints.report_class),
        ('channel', coalesce(complaints.channel_code, 'TIDAK DISEBUTKAN')),
        ('category_main', split_part(complaints.category_id, ' > ', 1))
    ) as told (dimension, value)
group by complaints.agency_code, complaints.received_month, told.dimension, told.value
