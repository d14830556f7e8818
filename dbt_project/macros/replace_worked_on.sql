{#
  Incremental strategy: the rows named by a work list are deleted and the recomputed ones inserted, in one transaction.

  Configured by the model:
    work_list  the intermediate model that lists what this build works on (the model must ref() it)
    work_keys  the columns that the list and the mart share
    work_from  optional: a date column of both; rows of the key from that date on are replaced
    row_key    optional: the columns of a unique index; rows that come out as they stand are then left where they are,
               which pays where most do
  In a build that makes everything anew all rows go: the work lists then hold what there is, and not what there was.
  Unlike delete+insert this also removes a row whose key is worked on but comes out empty (all its versions quarantined).
#}
{% macro get_incremental_replace_worked_on_sql(arg_dict) %}
    {% set names = arg_dict['dest_columns'] | map(attribute='quoted') | list %}
    {% set columns = names | join(', ') %}
    {% set work_from = config.get('work_from') %}
    {% set row_key = none if is_full_build() else config.get('row_key') %}
    set local enable_nestloop to default; -- a model's own query may have needed it off
    {% if is_full_build() %}
    delete from {{ arg_dict['target_relation'] }};
    {% else %}
    delete from {{ arg_dict['target_relation'] }} as published
    using {{ ref(config.get('work_list')) }} as worked_on
    where
        {% for key in config.get('work_keys') -%}
        published.{{ key }} = worked_on.{{ key }}{{ ' and ' if not loop.last }}
        {%- endfor %}
        {%- if work_from %} and published.{{ work_from }} >= worked_on.{{ work_from }}{% endif %}
        {%- if row_key %}
        and not exists (
            select 1 from {{ arg_dict['temp_relation'] }} as computed
            where
                {{ same_key(row_key) }}
                and (computed.{{ names | join(', computed.') }}) is not distinct from (published.{{ names | join(', published.') }})
        )
        {%- endif %};
    {% endif %}

    {%- if row_key %}
    -- Row by row through the unique index: the planner may take a night's rows for so many that it reads the whole mart.
    set local enable_hashjoin = off;
    set local enable_mergejoin = off;
    {%- endif %}
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }} as computed
    {%- if row_key %}
    where not exists (
            select 1 from {{ arg_dict['target_relation'] }} as published
            where {{ same_key(row_key) }}
        )
    {%- endif %}
{% endmacro %}


{# Condition that a recomputed row and a published one have the same key. #}
{% macro same_key(row_key) -%}
    {% for key in row_key %}computed.{{ key }} = published.{{ key }}{{ ' and ' if not loop.last }}{% endfor %}
{%- endmacro %}
