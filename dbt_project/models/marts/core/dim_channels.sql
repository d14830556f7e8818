-- One row per channel on which a citizen can complain.
select
    channel_code,
    name_id,
    kind
from {{ ref('channels') }}
