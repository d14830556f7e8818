-- One row: up to which night this build looks, and whether it makes everything anew.
select
    max(night) as night,
    max(cut_off_at) as cut_off_at,
    {{ 'true' if decide_full_build() else 'false' }} as is_full
from {{ ref('stg_nights') }}
