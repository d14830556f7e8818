-- One row per published agency-month this build looks at again: its figures at the cut-off they were published at, as known now.
--
-- Looked at again are the agency-months of changed complaints, those never published before, and those of a build that was not
-- published. A rebuild of the past looks at none: it tells what was published, which is in the log.
-- depends_on: {{ ref('int_touched_agency_months') }}, {{ ref('rpt_agency_performance_monthly') }}
{% set log = mart_before_this_build('fct_published_figures') %}
with worked_on as (
    select
        agency_code,
        month
    from {{ ref('int_touched_agency_months') }}
    union
    select
        report.agency_code,
        report.month
    from {{ ref('rpt_agency_performance_monthly') }} as report
    {% if log %}
    where not exists (
            select 1
            from {{ log }} as published
            where published.agency_code = report.agency_code and published.month = report.month and published.version = 1
        )
    union
    select
        agency_code,
        month
    from {{ log }}
    {% if not is_full_build() %}where build_number > (select sum(published_seq) from {{ source('ops', 'nights') }}){% endif %}
    {% endif %}
)

select
    worked_on.agency_code,
    worked_on.month,
    publications.publication_night,
    publications.cut_off_at,
    counted.received_count,
    counted.routed_count,
    counted.followed_up_count,
    counted.completed_count,
    counted.archived_count
from worked_on
inner join {{ ref('int_publications') }} as publications on worked_on.month = publications.month
-- Lateral: from each agency-month to its complaints by index. A join the planner would make by reading all complaints there are.
cross join
    lateral (
        select
            count(*)::integer as received_count,
            (count(*) filter (where assignments.is_routed))::integer as routed_count,
            (count(*) filter (where assignments.is_followed_up))::integer as followed_up_count,
            (count(*) filter (where assignments.is_completed))::integer as completed_count,
            (count(*) filter (where assignments.is_archived))::integer as archived_count
        from {{ ref('int_published_assignments') }} as assignments
        where assignments.agency_code = worked_on.agency_code and assignments.month = worked_on.month
    ) as counted
{% if var('as_of') %}where false{% endif %}
