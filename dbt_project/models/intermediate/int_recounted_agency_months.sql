-- One row per agency and month of receipt whose complaints this build counts anew: those touched, and of those published ones the figures
-- of which are not written down yet, or by a build that was not published.
-- depends_on: {{ ref('int_publications') }}
{% set log = mart_before_this_build('fct_published_figures') %}
{% set report = mart_before_this_build('rpt_agency_performance_monthly') %}
select
    agency_code,
    month
from {{ ref('int_touched_agency_months') }}
{% if log and report and not is_full_build() %}
union
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
{% endif %}
