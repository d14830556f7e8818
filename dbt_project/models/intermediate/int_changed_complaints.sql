-- One row per complaint this build computes anew, from all its accepted history.
--
-- The complaints delivered in the nights waiting to be published (accepted or not); those whose published version came from such a
-- night (the delivery may have been taken again without them); those whose due date has passed without anything happening.
-- depends_on: {{ ref('int_worked_nights') }}, {{ ref('int_build_scope') }}
{% set assignments = mart_before_this_build('fct_assignments') %}
{% set events = mart_before_this_build('fct_complaint_events') %}
{% set is_full = is_full_build() %}
with delivered as (
    select
        keys.source_system,
        keys.tracking_id
    from {{ ref('stg_delivered_keys') }} as keys
    {% if not is_full %}where {{ in_worked_nights('keys.night') }}{% endif %}
),

{% if assignments and events and not is_full %}
published_from_these_nights as (
    select
        published.source_system,
        published.tracking_id
    from {{ assignments }} as published
    where {{ in_worked_nights('published.night') }}
    union all
    select
        published.source_system,
        published.tracking_id
    from {{ events }} as published
    where {{ in_worked_nights('published.night') }}
),

fallen_due as (
    select
        published.source_system,
        published.tracking_id
    from {{ assignments }} as published
    where
        not published.is_first_response_due
        and published.first_response_due_date <= (select night from {{ ref('int_build_scope') }})
    union all
    select
        published.source_system,
        published.tracking_id
    from {{ assignments }} as published
    where
        not published.is_completion_due
        and published.completion_due_date <= (select night from {{ ref('int_build_scope') }})
),
{% endif %}

changed as (
    select * from delivered
    {% if assignments and events and not is_full %}
    union all
    select * from published_from_these_nights
    union all
    select * from fallen_due
    {% endif %}
)

select distinct
    source_system,
    tracking_id
from changed
