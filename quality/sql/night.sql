-- One row per resource delivered nightly: how many of the agencies that were asked answered.
-- Deliveries still `expected` were not asked (a rerun of a few agencies); they are reported, not judged.
select
    row_number() over (order by resource)::int8                                       as row_id,
    resource,
    count(*)                                                                          as expected_count,
    count(*) filter (where state in ('received', 'empty'))                            as delivered_count,
    count(*) filter (where state = 'expected')::float8                                as not_asked_count,
    case when count(*) filter (where state <> 'expected') >= :coverage_min_expected
        then count(*) filter (where state in ('received', 'empty'))::float8
            / count(*) filter (where state <> 'expected')
    end::float8                                                                       as coverage
from ops.deliveries
where night = :night and frequency = 'nightly' and state <> 'not_connected'
group by resource
