{# Schemas are called what they are (staging, intermediate, marts), with var schema_prefix before them for a rebuild elsewhere. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ var('schema_prefix') }}{{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}


{#
  The relation of a mart as it stood before this build, or none when it has not been built yet.

  For the work lists: they read what is published to find what must change in it. A ref() would be a cycle, as the mart
  itself is built from the work list.
#}
{% macro mart_before_this_build(name) -%}
    {{ return(adapter.get_relation(database=target.database, schema=var('schema_prefix') ~ 'marts', identifier=name)) }}
{%- endmacro %}
