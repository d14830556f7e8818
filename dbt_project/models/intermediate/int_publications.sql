-- One row per month whose figures have been published: in the first night opened on or after its last day, with that night's cut-off.
--
-- A month that has been published keeps its cut-off, whichever nights are opened afterwards.
{% set log = mart_before_this_build('fct_published_figures') %}
with months as (
    select generate_series(
        (select min(received_month) from {{ ref('fct_assignments') }}),
        (select max(night) from {{ ref('stg_nights') }}),
        interval '1 month'
    )::date as month
),

due as (
    select
        months.month,
        min(nights.night) as publication_night
    from months
    inner join {{ ref('stg_nights') }} as nights on nights.night >= months.month + interval '1 month' - interval '1 day'
    group by months.month
),

published as (
    {% if log and not var('as_of') %}
    select
        month,
        min(publication_night) as publication_night
    from {{ log }}
    group by month
    {% else %}
    select
        null::date as month,
        null::date as publication_night
    where false
    {% endif %}
),

publications as (
    select
        coalesce(published.month, due.month) as month,
        coalesce(published.publication_night, due.publication_night) as publication_night
    from published
    full outer join due on published.month = due.month
)

select
    publications.month,
    publications.publication_night,
    nights.cut_off_at
from publications
inner join {{ ref('stg_nights') }} as nights on publications.publication_night = nights.night
