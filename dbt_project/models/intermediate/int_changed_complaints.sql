-- One row per complaint this build computes anew, from all its accepted history.
--
-- The complaints that the nights waiting to be published are about; those whose due date has passed without anything happening; and
-- what the reporters of the former told later, which may have become a duplicate or repeat of them, or ceased to be one. Until a build
-- is published the list of the one before stays in (macro start_build): it may have been killed with some marts done and others not.
-- depends_on: {{ ref('int_handed_over_complaints') }}, {{ ref('stg_delivered_keys') }}, {{ ref('int_build_scope') }}
{% set assignments = mart_before_this_build('fct_assignments') %}
{% set known = known_reporters_before_this_build() %}
{% set unpublished = list_of_the_last_build() %}
with handed_over as (
    select * from {{ ref('int_handed_over_complaints') }}
),

{% if assignments and not is_full_build() %}
fallen_due as (
    {%- for clock in ['first_response', 'completion', 'verification'] %}
    select
        published.source_system,
        published.tracking_id
    from {{ assignments }} as published
    where
        not published.is_{{ clock }}_due
        and published.{{ clock }}_due_date <= (select night from {{ ref('int_build_scope') }})
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),
{% endif %}

{% if known %}
-- Who reported them by any account, and since when: any version in raw, as what counts may be an older one, and what was known so far.
accounts as (
    select
        versions.source_system,
        versions.tracking_id,
        versions.reporter_key,
        versions.received_at
    from handed_over
    inner join {{ ref('stg_delivered_keys') }} as versions
        on handed_over.source_system = versions.source_system and handed_over.tracking_id = versions.tracking_id
    -- Leaves out the events, which tell neither.
    where versions.received_at is not null
    union all
    select
        known.source_system,
        known.tracking_id,
        known.reporter_key,
        known.received_at
    from handed_over
    inner join {{ known }} as known
        on handed_over.source_system = known.source_system and handed_over.tracking_id = known.tracking_id
),

earliest as (
    select
        source_system,
        tracking_id,
        min(received_at) as received_at
    from accounts
    group by source_system, tracking_id
),

reporters as (
    select
        accounts.reporter_key,
        min(earliest.received_at) as received_at
    from accounts
    inner join earliest
        on accounts.source_system = earliest.source_system and accounts.tracking_id = earliest.tracking_id
    where accounts.reporter_key is not null
    group by accounts.reporter_key
),

told_later as (
    select
        known.source_system,
        known.tracking_id
    from reporters
    inner join {{ known }} as known
        on reporters.reporter_key = known.reporter_key and reporters.received_at <= known.received_at
),
{% endif %}

changed as (
    select * from handed_over
    {% if assignments and not is_full_build() %}
    union all
    select * from fallen_due
    {% endif %}
    {% if known %}
    union all
    select * from told_later
    {% endif %}
    {% if unpublished %}
    union all
    select * from {{ unpublished }}
    {% endif %}
)

select distinct
    source_system,
    tracking_id
from changed
