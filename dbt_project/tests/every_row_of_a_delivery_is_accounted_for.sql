-- received = accepted + quarantined + held + superseded, to the row, for records and for events, of every delivery of the
-- nights in this build.
-- depends_on: {{ ref('int_worked_nights') }}
select *
from {{ ref('fct_deliveries') }}
where
    {{ in_worked_nights('night') }}
    and (
        received_count <> accepted_count + quarantined_count + held_count + superseded_count
        or received_event_count <> accepted_event_count + quarantined_event_count + held_event_count + superseded_event_count
        or least(accepted_count, quarantined_count, held_count, superseded_count) < 0
        or least(accepted_event_count, quarantined_event_count, held_event_count, superseded_event_count) < 0
    )
