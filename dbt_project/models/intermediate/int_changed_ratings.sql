-- One row per rating this build computes anew: delivered in the nights waiting to be published (accepted or not), published from such a
-- night, or of a complaint computed anew. Until a build is published the list of the one before stays in (macro start_build).
-- depends_on: {{ ref('int_worked_nights') }}, {{ ref('int_changed_complaints') }}, {{ ref('int_build_scope') }}
{% set published = mart_before_this_build('fct_ratings') %}
{% set unpublished = list_of_the_last_build() %}
{% set is_full = is_full_build() %}
with changed as (
    select
        source_system,
        tracking_id,
        agency_code
    from {{ ref('stg_delivered_rating_keys') }}
    {% if not is_full %}where {{ in_worked_nights('night') }}{% endif %}
    {% if published and not is_full %}
    union all
    select
        source_system,
        tracking_id,
        agency_code
    from {{ published }}
    where {{ in_worked_nights('night') }}
    union all
    select
        ratings.source_system,
        ratings.tracking_id,
        ratings.agency_code
    from {{ ref('int_changed_complaints') }} as complaints
    inner join {{ published }} as ratings
        on complaints.source_system = ratings.source_system and complaints.tracking_id = ratings.tracking_id
    {% endif %}
    {% if unpublished %}
    union all
    select * from {{ unpublished }}
    {% endif %}
)

select distinct
    source_system,
    tracking_id,
    agency_code
from changed
