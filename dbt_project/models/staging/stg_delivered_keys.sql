-- One row per raw complaint or event row, accepted or not, with the key of its complaint: what a night may have changed, and whose
-- complaint it may be or have been.
with delivered as (
    select
        night,
        source_system,
        tracking_id,
        received_at,
        reporter_key
    from {{ source('raw', 'complaints') }}
    where tracking_id is not null
    union all
    select
        night,
        source_system,
        tracking_id,
        null,
        null
    from {{ source('raw', 'complaint_events') }}
    where tracking_id is not null
)

select delivered.*
from delivered
{% if var('as_of') %}where delivered.night <= '{{ var("as_of") }}'{% endif %}
