{#
  on-run-end: writes down what this run of dbt came to, in ops.builds and ops.build_results, in one statement.

  Decides nothing: what is published is told by ops.nights and `python -m extract close`, which is called after a good build only.
  A run that was killed has no row.
#}
{% macro record_build(results) %}
    {% if not execute %}{{ return('') }}{% endif %}
    {% set nodes = [] %}
    {# Reports that are only described (exposures) are listed by dbt as well; nothing was made of them. #}
    {% for result in results if result.node.resource_type != 'exposure' %}
        {% set is_test = result.node.resource_type in ('test', 'unit_test') %}
        {% set found_rows = result.node.resource_type == 'test' and result.status in ('fail', 'warn') %}
        {% set affected = result.adapter_response.get('rows_affected', -1) %}
        {% do nodes.append({
            'unique_id': result.node.unique_id,
            'name': result.node.name,
            'resource_type': result.node.resource_type,
            'status': result.status,
            'failing_rows_in': result.node.schema ~ '.' ~ result.node.alias if found_rows else none,
            'message': message_without_values(result.message),
            'failure_count': result.failures if is_test else none,
            'row_count': affected if not is_test and affected >= 0 else none,
            'seconds': result.execution_time,
        }) %}
    {% endfor %}
    with nodes as (
        select
            *,
            case
                when status in ('success', 'pass', 'no-op') then 'passed'
                when status = 'warn' then 'warned'
                when status = 'skipped' then 'skipped'
                else 'failed'
            end as outcome
        from json_to_recordset({{ text_literal(tojson(nodes)) }}) as told (
            unique_id text, name text, resource_type text, status text, failing_rows_in text, message text,
            failure_count integer, row_count bigint, seconds numeric
        )
    ),

    build as (
        insert into ops.builds (
            build_id, command, selection, schema_prefix, as_of, is_full_refresh, is_successful,
            model_count, seed_count, test_count, passed_count, warned_count, failed_count, skipped_count, started_at, finished_at
        )
        select
            '{{ invocation_id }}',
            '{{ flags.WHICH }}',
            {{ text_literal(selection_of_run()) }},
            {{ text_literal(var('schema_prefix')) }},
            {{ text_literal(var('as_of')) }}::date,
            {{ true if flags.FULL_REFRESH else false }},
            -- No result at all: on-run-start failed.
            count(*) > 0 and count(*) filter (where outcome in ('failed', 'skipped')) = 0,
            count(*) filter (where resource_type = 'model'),
            count(*) filter (where resource_type = 'seed'),
            count(*) filter (where resource_type in ('test', 'unit_test')),
            count(*) filter (where outcome = 'passed'),
            count(*) filter (where outcome = 'warned'),
            count(*) filter (where outcome = 'failed'),
            count(*) filter (where outcome = 'skipped'),
            '{{ run_started_at }}',
            '{{ modules.datetime.datetime.now(modules.pytz.utc) }}'
        from nodes
    )

    insert into ops.build_results (
        build_id, unique_id, name, resource_type, status, failing_rows_in, message, failure_count, row_count, seconds
    )
    select
        '{{ invocation_id }}', unique_id, name, resource_type, status, failing_rows_in, message, failure_count, row_count, seconds
    from nodes
{% endmacro %}


{#
  on-run-end: drops what data tests that are no more (renamed, removed) have left in the schema of failing rows; those that are
  here replace their table each time they run.
#}
{% macro forget_former_tests() %}
    {% set tests = graph.nodes.values() | selectattr('resource_type', 'equalto', 'test') | list if execute else [] %}
    {% if not tests %}{{ return('') }}{% endif %}
    {% set schema = tests[0].schema %}
    {% set statements = [] %}
    {% for table in run_query("select tablename from pg_tables where schemaname = '" ~ schema ~ "'").columns[0].values() %}
        {% if table not in tests | map(attribute='alias') %}{% do statements.append('drop table ' ~ schema ~ '."' ~ table ~ '"') %}{% endif %}
    {% endfor %}
    {{ return(statements | join(';\n')) }}
{% endmacro %}


{# What of the project was asked for, as typed after dbt's command; none when it was everything. #}
{% macro selection_of_run() %}
    {% set words = [] %}
    {% for option in ['select', 'exclude', 'selector', 'resource_types', 'exclude_resource_types'] %}
        {% set value = invocation_args_dict.get(option) %}
        {% if value %}
            {% do words.append(option ~ ' ' ~ (value if value is string else value | join(' '))) %}
        {% endif %}
    {% endfor %}
    {{ return(words | join('; ') or none) }}
{% endmacro %}


{#
  What dbt says of a node without values of rows: its first line and, of an error, the second, up to the first quoted word that is not
  the name of something in the schema. PostgreSQL quotes values ("invalid input syntax for type date: ...") and tells more of them
  in the lines after (DETAIL, CONTEXT). The whole message is in dbt's log. none when there is none.
#}
{% macro message_without_values(message) %}
    {% set lines = (message or '').strip().splitlines() %}
    {% if not lines %}{{ return(none) }}{% endif %}
    {% set text = lines[0].rstrip(': ') ~ ': ' ~ lines[1].strip() if lines[1:] and 'error' in lines[0] | lower else lines[0].strip() %}
    {% set safe = modules.re.match('(?:(?:column|relation|constraint|index|schema|table|function|type|role) "[^"]*"|[^"])*', text).group(0) %}
    {{ return((safe if safe == text else safe ~ '"..."')[:300]) }}
{% endmacro %}


{# A text as SQL; null for none. #}
{% macro text_literal(text) %}
    {{ return('null' if text is none else dbt.string_literal(dbt.escape_single_quotes(text | string))) }}
{% endmacro %}
