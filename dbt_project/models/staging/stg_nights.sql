-- One row per night that was opened, up to the night of var as_of.
with source as (
    select * from {{ source('ops', 'nights') }}
)

select
    night,
    cut_off_at,
    registry,
    is_simulated,
    built_seq > published_seq as is_waiting
from source
{% if var('as_of') %}where night <= '{{ var("as_of") }}'{% endif %}
