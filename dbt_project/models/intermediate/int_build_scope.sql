-- One row: up to which night this build looks, whether it makes everything anew, and the rules it goes by.
with scope as (
    select
        max(night) as night,
        max(cut_off_at) as cut_off_at
    from {{ ref('stg_nights') }}
)

select
    scope.night,
    scope.cut_off_at,
    {{ 'true' if decide_full_build() else 'false' }} as is_full,
    -- Set at the end of a build that made every mart (macro complete_full_build).
    false as is_complete,
    {{ rules_checksum('scope.night') }} as rules_checksum
from scope
