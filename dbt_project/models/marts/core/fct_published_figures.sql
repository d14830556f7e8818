{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=(var('as_of') is not none),
    pre_hook='{{ forget_unpublished() }}',
) }}
-- One row per agency, month, figure and version: what was published about it, at the cut-off of its publication.
--
-- Only ever added to: a row is history and cannot be computed again, so a full refresh keeps them and a rebuild of the past copies them.
-- depends_on: {{ ref('int_published_months') }}, {{ ref('int_published_assignments') }}, {{ ref('int_figure_rules') }}
-- depends_on: {{ ref('int_build_scope') }}, {{ ref('fct_complaint_events') }}, {{ ref('event_types') }}
{% set published = log_of_the_published_marts() %}
{% if var('as_of') and published %}
select *
from {{ published }}
where known_night <= '{{ var("as_of") }}'
{% else %}
with builds as (
    select sum(built_seq)::integer as build_number
    from {{ source('ops', 'nights') }}
),

rules as (
    select
        build_number,
        rules_checksum,
        rules_seq > 1 and build_number = (select build_number from builds) as are_new
    from {{ ref('int_figure_rules') }}
    order by rules_seq desc
    limit 1
),

known_now as (
    select
        months.agency_code,
        months.month,
        figures.figure,
        figures.value,
        months.publication_night,
        months.cut_off_at
    from {{ ref('int_published_months') }} as months
    cross join
        lateral (
            values
            ('received_count', months.received_count),
            ('routed_count', months.routed_count),
            ('followed_up_count', months.followed_up_count),
            ('completed_count', months.completed_count),
            ('archived_count', months.archived_count)
        ) as figures (figure, value)
),

differing as (
    select
        known_now.*,
        last_known.version as last_version,
        last_known.value as last_value,
        last_known.known_night as last_night
    from known_now
    left join {{ ref('int_published_log') }} as last_known
        on
            known_now.agency_code = last_known.agency_code
            and known_now.month = last_known.month
            and known_now.figure = last_known.figure
    where last_known.value is distinct from known_now.value
),

-- A rise is a late delivery when it is no more than the complaints of which the rows that count were first told after the last version.
told_late as (
    select
        differing.agency_code,
        differing.month,
        differing.figure,
        late.assignment_count
    from differing
    cross join
        lateral (
            select count(*) as assignment_count
            from {{ ref('int_published_assignments') }} as assignments
            where
                assignments.agency_code = differing.agency_code
                and assignments.month = differing.month
                and case differing.figure
                    when 'routed_count' then assignments.is_routed
                    when 'followed_up_count' then assignments.is_followed_up
                    when 'completed_count' then assignments.is_completed
                    when 'archived_count' then assignments.is_archived
                    else true
                end
                and {{ first_told_night('differing.figure', 'assignments') }} > differing.last_night
        ) as late
    where differing.value > differing.last_value
)

select
    differing.agency_code,
    differing.month,
    differing.figure,
    coalesce(differing.last_version, 0) + 1 as version,
    differing.value,
    differing.publication_night,
    differing.cut_off_at,
    scope.night as known_night,
    case
        when differing.last_version is null then null
        when told_late.assignment_count >= differing.value - differing.last_value then 'late_delivery'
        when rules.are_new then 'rule_change'
        else 'correction'
    end as cause,
    builds.build_number,
    rules.rules_checksum
from differing
left join told_late
    on differing.agency_code = told_late.agency_code and differing.month = told_late.month and differing.figure = told_late.figure
cross join {{ ref('int_build_scope') }} as scope
cross join builds
cross join rules
{% endif %}
