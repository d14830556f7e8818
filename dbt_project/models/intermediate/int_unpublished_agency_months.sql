-- One row per agency and published month the figures of which are not written down yet, or by a build that was not published. None in a
-- build that makes everything anew: it looks at all.
-- depends_on: {{ ref('int_publications') }}, {{ ref('int_build_scope') }}
{% set log = mart_before_this_build('fct_published_figures') %}
{% set report = mart_before_this_build('rpt_agency_performance_monthly') %}
{% if log and report and not is_full_build() %}
select
    report.agency_code,
    report.month
from {{ report }} as report
inner join {{ ref('int_publications') }} as publications on report.month = publications.month
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
where build_number > (select sum(published_seq) from {{ source('ops', 'nights') }})
{% else %}
select
    null::text as agency_code,
    null::date as month
where false
{% endif %}
