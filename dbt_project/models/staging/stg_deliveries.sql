-- One row per night, agency and resource: what was handed over and what the gate decided. A verdict on an earlier attempt does
-- not count: rows loaded again wait until they are gated again (fail closed).
with deliveries as (
    select * from {{ source('ops', 'deliveries') }}
),

verdicts as (
    select * from {{ source('quality', 'agency_verdict') }}
)

select
    deliveries.delivery_id,
    deliveries.night,
    deliveries.agency_code,
    deliveries.resource,
    deliveries.connector,
    deliveries.profile,
    deliveries.frequency,
    deliveries.state,
    case when deliveries.state = 'received' then coalesce(verdicts.verdict, 'not_gated') end as gate_verdict,
    deliveries.state = 'received' and coalesce(verdicts.verdict like 'pass%', false) as is_accepted,
    deliveries.reason,
    verdicts.reasons as gate_reasons,
    deliveries.stated_total,
    deliveries.received_rows,
    deliveries.superseded_rows,
    deliveries.loaded_rows,
    deliveries.received_events,
    deliveries.superseded_events,
    deliveries.loaded_events
from deliveries
left join verdicts
    on
        deliveries.night = verdicts.night
        and deliveries.agency_code = verdicts.agency_code
        and deliveries.resource = verdicts.resource
        and deliveries.attempt = verdicts.attempt
{% if var('as_of') %}where deliveries.night <= '{{ var("as_of") }}'{% endif %}
