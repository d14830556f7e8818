{{ config(
    materialized='incremental',
    incremental_strategy='replace_worked_on',
    pre_hook='{{ refuse_partial_refresh() }}',
    work_list='int_changed_complaints',
    work_keys=['source_system', 'tracking_id'],
    indexes=[{'columns': ['source_system', 'tracking_id', 'agency_code'], 'unique': true}],
) }}
-- One row per complaint about a priority programme and agency that was assigned it: when it came there, left and fell due.
select
    assignments.source_system,
    assignments.tracking_id,
    assignments.agency_code,
    programmes.programme,
    assignments.category_id,
    split_part(assignments.kemendagri_code, '.', 1) as province_code,
    assignments.is_secret,
    assignments.received_month,
    assignments.entered_date,
    -- Not before it came, whatever the clocks of two agencies say.
    case
        when not assignments.is_open
            then greatest(coalesce(assignments.transferred_out_date, assignments.closed_date), assignments.entered_date)
    end as left_date,
    assignments.completion_due_date
from {{ ref('int_changed_complaints') }} as changed
inner join {{ ref('fct_assignments') }} as assignments
    on changed.source_system = assignments.source_system and changed.tracking_id = assignments.tracking_id
inner join {{ ref('int_programme_categories') }} as programmes
    on
        assignments.category_id = programmes.category_id
        and assignments.received_date >= programmes.valid_from
        and (programmes.valid_to is null or assignments.received_date < programmes.valid_to)
