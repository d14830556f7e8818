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


{# int_known_reporters as it stood before this build, or none where nothing of before counts. #}
{% macro known_reporters_before_this_build() -%}
    {% if not execute or is_full_build() %}{{ return(none) }}{% endif %}
    {{ return(adapter.get_relation(database=target.database, schema=var('schema_prefix') ~ 'intermediate', identifier='int_known_reporters')) }}
{%- endmacro %}


{#
  The work list being built, as the last build left it, or none where nothing of before counts. start_build has emptied it when
  that build was published.
#}
{% macro list_of_the_last_build() -%}
    {{ return(none if not execute or is_full_build() else load_relation(this)) }}
{%- endmacro %}


{# int_agency_activity as it stood before this build, or none. #}
{% macro activity_before_this_build() -%}
    {% if not execute %}{{ return(none) }}{% endif %}
    {{ return(adapter.get_relation(database=target.database, schema=var('schema_prefix') ~ 'intermediate', identifier='int_agency_activity')) }}
{%- endmacro %}
