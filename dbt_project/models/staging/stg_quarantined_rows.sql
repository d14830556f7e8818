-- One row per raw row that the gate keeps out of the marts. Released and waived rows are not here: they are in. A row that the
-- source has fixed since (superseded) stays out: the fix is another row, and a rebuild of the night must not let the error in.
select
    night,
    agency_code,
    table_name,
    row_id
from {{ source('quality', 'quarantined_record') }}
where status in ('open', 'discarded', 'superseded')
