-- One row per status of a complaint.
select
    status_code,
    name_id,
    name_en,
    is_terminal,
    counts_as_follow_up,
    sla_clock,
    sort_order
from {{ ref('statuses') }}
