{#
  Pre-hook of what is only ever added to: takes back what builds wrote that were never published (killed, or a test failed). The build
  now writes it anew, so how often a build was tried leaves no trace.
#}
{% macro forget_unpublished() %}
    {% if not execute or not load_relation(this) %}{{ return('') }}{% endif %}
    {{ return('delete from ' ~ this ~ ' where build_number > (select sum(published_seq) from ' ~ source('ops', 'nights') ~ ')') }}
{% endmacro %}


{# The log of published figures that a rebuild of the past copies: that of the published marts; none where there is none. #}
{% macro log_of_the_published_marts() %}
    {{ return(adapter.get_relation(database=target.database, schema='marts', identifier='fct_published_figures') if execute else none) }}
{% endmacro %}


{#
  The first night on which raw had a row that makes an assignment count in a figure, let in by the gate or not: its record for
  received_count; for the others the event (told again it is the same row), or without a log the record that says so.

  assignment: alias of int_published_assignments. The caller must ref() fct_complaint_events and event_types.
#}
{% macro first_told_night(figure, assignment) -%}
    {%- set same_complaint = [] -%}
    {%- for key in ['agency_code', 'source_system', 'tracking_id'] -%}
        {%- do same_complaint.append('versions.' ~ key ~ ' = ' ~ assignment ~ '.' ~ key) -%}
    {%- endfor -%}
    coalesce(
        (
            select min(versions.night)
            from {{ ref('fct_complaint_events') }} as events
            inner join {{ ref('event_types') }} as types on events.event_type = types.event_type
            inner join {{ source('raw', 'complaint_events') }} as versions
                on {{ same_complaint | join(' and ') }} and events.event_seq = versions.event_seq
            where
                events.source_system = {{ assignment }}.source_system
                and events.tracking_id = {{ assignment }}.tracking_id
                and events.agency_code = {{ assignment }}.agency_code
                and events.occurred_at < {{ assignment }}.cut_off_at
                and case {{ figure }}
                    when 'routed_count' then types.is_routing
                    when 'followed_up_count' then types.is_follow_up
                    when 'completed_count' then events.status_after = 'SELESAI'
                    when 'archived_count' then events.status_after = 'DIARSIPKAN'
                end
        ),
        (
            select min(versions.night)
            from {{ source('raw', 'complaints') }} as versions
            where
                {{ same_complaint | join(' and ') }}
                and ({{ figure }} not in ('followed_up_count', 'completed_count') or versions.status = 'SELESAI')
                and ({{ figure }} <> 'archived_count' or versions.status = 'DIARSIPKAN')
        )
    )
{%- endmacro %}


{#
  Condition that a row of raw is in staging, for looking up the rows of single complaints: the views of staging would be read whole for each.

  version: alias of the raw table. A scalar subquery, because the planner turns any other into a join with all deliveries.
#}
{% macro is_let_in(version, table_name) -%}
    (select deliveries.is_accepted from {{ ref('stg_deliveries') }} as deliveries where deliveries.delivery_id = {{ version }}.delivery_id)
    and not exists (
        select 1 from {{ ref('stg_quarantined_rows') }} as kept_out
        where kept_out.table_name = '{{ table_name }}' and kept_out.row_id = {{ version }}.row_id
    )
{%- endmacro %}
