{{ config(materialized='view', post_hook=[]) }}
-- One row per movement of a complaint into or out of an agency's open stock. A view over the facts: filter it by agency and date.
select
    agency_code,
    entered_date as flow_date,
    case when assignment_seq = 1 then 'RECEIVED' else 'TRANSFERRED_IN' end as flow
from {{ ref('fct_assignments') }}
union all
select
    agency_code,
    transferred_out_date,
    'TRANSFERRED_OUT'
from {{ ref('fct_assignments') }}
where transferred_out_date is not null
union all
select
    agency_code,
    occurred_date,
    stock_effect
from {{ ref('fct_complaint_events') }}
where stock_effect is not null
union all
-- A record without an event log is closed on the day the record says.
select
    agency_code,
    closed_date,
    case when status_code = 'SELESAI' then 'COMPLETED' else 'ARCHIVED' end
from {{ ref('fct_assignments') }}
where status_basis = 'record' and closed_date is not null
