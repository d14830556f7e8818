{#
  Post-hook of marts: makes config.meta.access (models/overview.md, Who may see what) the grants and row policies of the mart, and its
  comment, where programs that hand rows on read it. The reporter makes reports of every mart and data_engineer looks after them; both see
  secret complaints no more than the other readers do. In the transaction that makes the mart: nobody sees it without.
#}
{% macro grant_access() %}
    {% if not execute %}{{ return('') }}{% endif %}
    {% set access = model.config.meta.access %}
    {% set readers = ['reporter', 'data_engineer'] + access.readers %}
    {% set policies = [] %}
    {% if access.secret_column %}
        {% do policies.append({'name': 'not_secret', 'command': 'select', 'roles': readers, 'condition': access.secret_column ~ ' is false'}) %}
    {% elif 'agency_reader' in readers and access.agency_column %}
        {% do policies.append({'name': 'all_rows', 'command': 'select', 'roles': readers | reject('equalto', 'agency_reader') | list, 'condition': 'true'}) %}
        {% do policies.append({'name': 'own_rows', 'command': 'select', 'roles': ['agency_reader'], 'condition': own_agency(access.agency_column)}) %}
    {% endif %}
    {{ set_access(readers, policies) }};
    comment on table {{ this }} is {{ text_literal(tojson(access)) }}
{% endmacro %}


{# Condition that a row is of the agency the session reads for; no row without one. Any session may set app.agency_code: agency_reader is for the portal alone. #}
{% macro own_agency(column) -%}
    {{ column }} = nullif(current_setting('app.agency_code', true), '')
{%- endmacro %}


{# Post-hook of intermediate models: the engineers read them, save those with rows of single complaints, which cannot tell secret ones apart. #}
{% macro close_complaint_rows() %}
    {% if not execute %}{{ return('') }}{% endif %}
    {% set is_of_complaints = model.columns.keys() | select('in', ['tracking_id', 'duplicate_of', 'reporter_key']) | list | length > 0 %}
    {{ set_access([] if is_of_complaints else ['data_engineer'], []) }}
{% endmacro %}


{# Post-hook of staging views: they show who asks what that role may see in raw, not what dbt may. #}
{% macro read_as_who_asks() -%}
    alter view {{ this }} set (security_invoker = true)
{%- endmacro %}


{# Statement that makes these the only readers and policies of the relation being built (warehouse/sql/065_access.sql). #}
{% macro set_access(readers, policies) -%}
    select ops.set_access('{{ this }}'::regclass, array[{% for reader in readers %}'{{ reader }}'{{ ', ' if not loop.last }}{% endfor %}]::text[], {{ text_literal(tojson(policies)) }}::jsonb)
{%- endmacro %}
