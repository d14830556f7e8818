{{ config(unlogged=true, indexes=[{'columns': ['agency_code', 'received_month']}]) }}
-- One row per complaint and agency of the agency-months this build counts anew: what fct_assignments says of it, as far as it is counted.
--
-- Old agency-months lie scattered over the facts; read once here, the models that count them each read a small table from end to end.
select
    assignments.source_system,
    assignments.tracking_id,
    assignments.agency_code,
    assignments.night,
    assignments.is_open,
    assignments.status_code,
    assignments.report_class,
    assignments.category_id,
    assignments.is_anonymous,
    assignments.is_secret,
    assignments.unit_code,
    assignments.unit_name,
    assignments.is_repeat,
    assignments.reassigned_count,
    assignments.reopened_count,
    assignments.on_hold_working_days,
    assignments.response_pause_working_days,
    assignments.completion_pause_working_days,
    assignments.received_at,
    assignments.received_date,
    assignments.received_month,
    assignments.routed_at,
    assignments.followed_up_at,
    assignments.completed_at,
    assignments.completion_mode,
    assignments.entered_date,
    assignments.transferred_out_date,
    assignments.returned_date,
    assignments.on_hold_date,
    assignments.closed_date,
    assignments.is_first_response_due,
    assignments.first_response_working_days,
    assignments.first_response_outcome,
    assignments.is_completion_due,
    assignments.completion_working_days,
    assignments.completion_outcome
from {{ ref('int_recounted_agency_months') }} as worked_on
inner join {{ ref('fct_assignments') }} as assignments
    on worked_on.agency_code = assignments.agency_code and worked_on.month = assignments.received_month
