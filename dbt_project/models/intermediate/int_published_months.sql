-- One row per published agency-month this build looks at again: its figures at the cut-off they were published at, as known now.
--
-- A rebuild of the past looks at none: it tells what was published, which is in the log.
with counted as (
    select
        agency_code,
        month,
        count(*)::integer as received_count,
        (count(*) filter (where is_routed))::integer as routed_count,
        (count(*) filter (where is_followed_up))::integer as followed_up_count,
        (count(*) filter (where is_completed))::integer as completed_count,
        (count(*) filter (where is_archived))::integer as archived_count
    from {{ ref('int_published_assignments') }}
    group by agency_code, month
)

select
    worked_on.agency_code,
    worked_on.month,
    publications.publication_night,
    publications.cut_off_at,
    coalesce(counted.received_count, 0) as received_count,
    coalesce(counted.routed_count, 0) as routed_count,
    coalesce(counted.followed_up_count, 0) as followed_up_count,
    coalesce(counted.completed_count, 0) as completed_count,
    coalesce(counted.archived_count, 0) as archived_count
from {{ ref('int_recounted_agency_months') }} as worked_on
inner join {{ ref('int_publications') }} as publications on worked_on.month = publications.month
left join counted on worked_on.agency_code = counted.agency_code and worked_on.month = counted.month
{% if var('as_of') %}where false{% endif %}
