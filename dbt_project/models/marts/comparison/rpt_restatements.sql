-- One row per published figure and restatement: what it was, what it is, when and why it changed.
with versions as (
    select
        figures.*,
        first_value(figures.value) over history as value_published,
        first_value(figures.known_night) over history as published_night,
        lag(figures.value) over history as value_before
    from {{ ref('fct_published_figures') }} as figures
    window history as (partition by figures.agency_code, figures.month, figures.figure order by figures.version)
)

select
    versions.agency_code,
    versions.month,
    versions.figure,
    versions.version - 1 as restatement,
    agencies.name as agency_name,
    agencies.kind,
    agencies.province_code,
    versions.cut_off_at,
    versions.published_night,
    versions.known_night as restated_night,
    versions.cause,
    versions.value_published,
    versions.value_before,
    versions.value as value_after,
    versions.value - versions.value_before as difference,
    case
        when versions.value_before >= rules.minimum_count
            then {{ rate('(versions.value - versions.value_before)', 'versions.value_before') }}
    end as relative_difference
from versions
left join {{ ref('dim_agencies') }} as agencies on versions.agency_code = agencies.agency_code and agencies.is_current
left join {{ ref('restatement_rules') }} as rules
    on
        rules.rule_code = 'PERUBAHAN_RELATIF'
        and versions.known_night >= rules.valid_from
        and (rules.valid_to is null or versions.known_night < rules.valid_to)
where versions.version > 1
