-- One row per delivery of the trailing nights that was let in: how many rows it brought and what they said.
select
    row_number() over (order by metric.night, metric.agency_code, metric.resource)     as row_id,
    metric.night,
    metric.agency_code,
    metric.resource,
    metric.loaded_rows,
    metric.counts::text                                                                as counts
from quality.agency_metric as metric
inner join quality.agency_verdict as verdict using (night, agency_code, resource)
where
    metric.night between :night - :trailing_nights and :night - 1
    and metric.loaded_rows > 0 and verdict.verdict <> 'held'
