{{ config(materialized='incremental', incremental_strategy='append') }}
-- One row per agency and month of receipt, month of receipt of what it owned, or month of a rating, that the facts had for the
-- complaints and ratings now computed anew.
--
-- Written before the facts change and kept until the build is published (macro start_build), so that a build that is killed half-way
-- does not forget which rows of the reports it left behind. The reports recompute these besides what the facts say afterwards.
-- depends_on: {{ ref('int_changed_complaints') }}, {{ ref('int_changed_ratings') }}, {{ ref('int_build_scope') }}
{% set assignments = mart_before_this_build('fct_assignments') %}
{% set complaints = mart_before_this_build('fct_complaints') %}
{% set ratings = mart_before_this_build('fct_ratings') %}
{% if assignments and complaints and ratings and not is_full_build() %}
with published as (
    select
        assignments.agency_code,
        assignments.received_month
    from {{ ref('int_changed_complaints') }} as changed
    inner join {{ assignments }} as assignments
        on changed.source_system = assignments.source_system and changed.tracking_id = assignments.tracking_id
),

touched as (
    select
        agency_code,
        'received_month' as touched,
        received_month as month
    from published
    union
    select
        complaints.agency_code,
        'owner_month',
        complaints.received_month
    from {{ ref('int_changed_complaints') }} as changed
    inner join {{ complaints }} as complaints
        on changed.source_system = complaints.source_system and changed.tracking_id = complaints.tracking_id
    union
    select
        ratings.agency_code,
        'rated_month',
        ratings.rated_month
    from {{ ref('int_changed_ratings') }} as changed
    inner join {{ ratings }} as ratings
        on
            changed.source_system = ratings.source_system
            and changed.tracking_id = ratings.tracking_id
            and changed.agency_code = ratings.agency_code
)

select * from touched
{% if is_incremental() %}
except
select * from {{ this }}
{% endif %}
{% else %}
select
    null::text as agency_code,
    null::text as touched,
    null::date as month
where false
{% endif %}
