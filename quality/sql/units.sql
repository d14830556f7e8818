-- One row per unit of the night; whether it has a name, not the name.
select
    unit.row_id,
    unit.delivery_id,
    unit.agency_code,
    unit.unit_code,
    parsed.whole                                                                        as row_is_whole,
    case when parsed.whole then unit.unit_code is not null end                          as has_key,
    case when parsed.whole then unit.unit_name is not null end                          as has_name,
    not parsed.broken && array['valid_from', 'valid_to']
    and coalesce(unit.valid_to >= unit.valid_from, true)                                as dates_are_ordered,
    unit.parent_unit_code is null or exists (
        select
        from raw.units as parent
        where
            parent.agency_code = unit.agency_code and parent.unit_code = unit.parent_unit_code
            and parent.night <= unit.night
    )                                                                                   as parent_is_known,
    parsed.broken <@ array['row', 'unit_code', 'unit_name', 'valid_from', 'valid_to']   as rest_is_readable
from raw.units as unit
inner join ops.deliveries as delivery using (delivery_id)
cross join lateral (
    select array(select split_part(problem, ':', 1) from unnest(unit._problems) as problem) as broken
) as problems
cross join lateral (select problems.broken, not 'row' = any(problems.broken) as whole) as parsed
where delivery.night = :night and delivery.resource = 'units' and delivery.state = 'received'
