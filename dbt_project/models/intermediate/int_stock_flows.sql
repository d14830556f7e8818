{{ config(materialized='view', post_hook=[]) }}
-- One row per movement of a complaint into or out of an agency's open stock. A view over the facts: filter it by agency and date.
--
-- A record without an event log is closed on the day the record says.
select
    agency_code,
    flow_date,
    flow
from (
    {{ stock_flows(ref('fct_assignments'), ref('fct_complaint_events')) }}
) as flows
