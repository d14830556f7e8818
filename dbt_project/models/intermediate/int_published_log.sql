-- One row per figure of the agency-months this build looks at again that has been published: its last version.
-- depends_on: {{ ref('int_published_months') }}
{% set log = mart_before_this_build('fct_published_figures') %}
{% if log and not var('as_of') %}
select distinct on (published.agency_code, published.month, published.figure)
    published.agency_code,
    published.month,
    published.figure,
    published.version,
    published.value,
    published.known_night
from {{ ref('int_published_months') }} as months
inner join {{ log }} as published on months.agency_code = published.agency_code and months.month = published.month
-- What builds wrote that were never published (killed, or a test failed) does not count.
where published.build_number <= (select sum(published_seq) from {{ source('ops', 'nights') }})
order by published.agency_code, published.month, published.figure, published.version desc
{% else %}
select
    null::text as agency_code,
    null::date as month,
    null::text as figure,
    null::integer as version,
    null::integer as value,
    null::date as known_night
where false
{% endif %}
