-- One row per unit (OPD) of an agency and period in which its row was the same: from the day the unit states or the night it was first
-- told, later versions from the night of the change.
with cleaned as (
    select
        night,
        agency_code,
        unit_code,
        trim(regexp_replace(unit_name, '[[:space:]' || chr(160) || ']+', ' ', 'g')) as unit_name,
        unit_kind,
        parent_unit_code,
        valid_from as stated_from,
        -- The source states the last day; ours is the first day after.
        last_value(valid_to + 1) over (
            partition by agency_code, unit_code order by night rows between unbounded preceding and unbounded following
        ) as ended_on
    from {{ ref('stg_units') }}
),

compared as (
    select
        cleaned.*,
        lag(night) over in_order is null as is_first,
        jsonb_build_array(unit_name, unit_kind, parent_unit_code) as told,
        lag(jsonb_build_array(unit_name, unit_kind, parent_unit_code)) over in_order as told_before
    from cleaned
    window in_order as (partition by agency_code, unit_code order by night)
),

dated as (
    select
        compared.*,
        case when is_first then coalesce(stated_from, night) else greatest(night, stated_from) end as valid_from
    from compared
    where is_first or told <> told_before
),

bounded as (
    select
        dated.*,
        least(lead(valid_from) over (partition by agency_code, unit_code order by night), ended_on) as valid_to
    from dated
)

select
    bounded.agency_code,
    bounded.unit_code,
    bounded.valid_from,
    bounded.valid_to,
    bounded.unit_name,
    bounded.unit_kind,
    bounded.parent_unit_code,
    bounded.valid_from <= scope.night and (bounded.valid_to is null or bounded.valid_to > scope.night) as is_current
from bounded
cross join {{ ref('int_build_scope') }} as scope
where bounded.valid_to is null or bounded.valid_from < bounded.valid_to
