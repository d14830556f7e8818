-- One row per complaint that the nights waiting to be published are about: delivered in them (accepted or not), or published from such
-- a night before (the delivery may have been taken again without it).
-- depends_on: {{ ref('int_worked_nights') }}, {{ ref('int_build_scope') }}
{% set assignments = mart_before_this_build('fct_assignments') %}
{% set events = mart_before_this_build('fct_complaint_events') %}
{% set is_full = is_full_build() %}
with handed_over as (
    select
        keys.source_system,
        keys.tracking_id
    from {{ ref('stg_delivered_keys') }} as keys
    {% if not is_full %}where {{ in_worked_nights('keys.night') }}{% endif %}
    {% if assignments and events and not is_full %}
    union all
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
    {% endif %}
)

select distinct
    source_system,
    tracking_id
from handed_over
