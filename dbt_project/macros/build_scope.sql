{#
  Marks every night that changed since its last build as being built (ops.nights.built_seq), so that a change that arrives
  during the build is left for the next one.

  When no night is waiting to be published, the last build passed all its tests: what it noted down as changed and touched is done with.
  Rebuilding the past (var as_of) leaves the ledger alone and must go to schemas of its own.
#}
{% macro start_build() %}
    {% if not execute or flags.WHICH not in ('build', 'run') %}{{ return('') }}{% endif %}
    {% if var('as_of') %}
        {% if not var('schema_prefix') %}
            {{ exceptions.raise_compiler_error("as_of rebuilds the past: give it schemas of its own, e.g. --vars '{as_of: 2021-06-29, schema_prefix: as_of_}'") }}
        {% endif %}
        {{ return('') }}
    {% endif %}
    {% set statements = [] %}
    {% set scope = scope_before_this_build() %}
    {% if scope and 'is_complete' in adapter.get_columns_in_relation(scope) | map(attribute='name') %}
        {% set published -%}
            not exists (select 1 from ops.nights where built_seq > published_seq)
            and not exists (select 1 from {{ scope }} as unfinished where unfinished.is_full and not unfinished.is_complete)
        {%- endset %}
        {% for list in ['int_touched_months', 'int_complaints_before', 'int_changed_complaints', 'int_changed_ratings'] %}
            {% set table = adapter.get_relation(database=target.database, schema=scope.schema, identifier=list) %}
            {% if table %}{% do statements.append('delete from ' ~ table ~ ' where ' ~ published) %}{% endif %}
        {% endfor %}
        {# With its lists gone the last build is no longer one from which a single mart could be made anew. #}
        {% do statements.append('update ' ~ scope ~ ' set is_full = false where is_full and ' ~ published) %}
    {% endif %}
    {% do statements.append('update ops.nights set built_seq = changed_seq where built_seq <> changed_seq') %}
    {{ return(statements | join(';\n')) }}
{% endmacro %}


{#
  ANALYZE of the raw tables that grew by a tenth since the last one: extraction has just filled them and autovacuum may not
  have come by. Without the right to do so PostgreSQL warns and skips; the build is then slower, not wrong.
#}
{% macro refresh_raw_statistics() %}
    {% if not execute or flags.WHICH not in ('build', 'run') %}{{ return('') }}{% endif %}
    {% set stale = run_query("
        select format('analyze %I.%I', schemaname, relname)
        from pg_stat_user_tables
        where schemaname in ('raw', 'quality', 'ops')
            and n_mod_since_analyze > 500 + n_live_tup / 10
    ") %}
    {{ return(stale.columns[0].values() | join(';\n')) }}
{% endmacro %}


{#
  The seeds that decide what the marts filled by changes say. Add a seed here when such a mart comes to rest on it
  (tests/dbt_project/test_rules.py finds the forgotten): a changed row then makes everything anew, not only what comes in later.
#}
{% macro rule_seeds() %}
    {{ return([
        'calendar', 'categories', 'comparison_rules', 'duplicate_rules', 'event_types', 'oversight_thresholds', 'priority_programmes', 'regions', 'report_classes',
        'sla_rules', 'statuses',
    ]) }}
{% endmacro %}


{# Condition that a row of the seed calendar was announced and not yet revoked on a night; without a night, that it holds for good. #}
{% macro calendar_is_known(on) -%}
    (announced_on is null or announced_on <= coalesce({{ on }}, 'infinity'))
    and (revoked_on is null or revoked_on > coalesce({{ on }}, 'infinity'))
{%- endmacro %}


{# MD5, as SQL, of the rule seeds as they hold on a night; their sources and notes are not part of the rule. #}
{% macro rules_checksum(night) -%}
    md5(concat_ws(
        ' '
        {%- for seed in rule_seeds() %},
        (
            select md5(string_agg(line, ';' order by line collate "C"))
            from (
                select (to_jsonb(seed_rows) - '{source,note,announced_on,revoked_on}'::text[])::text as line
                from {{ ref(seed) }} as seed_rows
                {%- if seed == 'calendar' %}
                where {{ calendar_is_known(night) }}
                {%- endif %}
            ) as lines
        )
        {%- endfor %}
    ))
{%- endmacro %}


{# The models filled by changes (strategy replace_worked_on), from the project itself. #}
{% macro filled_by_changes() %}
    {% set models = [] %}
    {% for node in graph.nodes.values() if node.resource_type == 'model' and node.config.incremental_strategy == 'replace_worked_on' %}
        {% do models.append(node) %}
    {% endfor %}
    {{ return(models) }}
{% endmacro %}


{#
  Whether this build makes everything anew instead of what changed: asked for (--full-refresh), a rebuild of the past, a model
  filled by changes is not there yet (or as a view: an earlier release's), a rule differs from the last build's (old figures rest
  on it too), or the last build that was to make everything anew did not get to its end. Decided once, before anything is built, and written down in int_build_scope.
#}
{% macro decide_full_build() %}
    {% if not execute %}{{ return(false) }}{% endif %}
    {% if flags.FULL_REFRESH or var('as_of') %}{{ return(true) }}{% endif %}
    {% for model in filled_by_changes() %}
        {% set table = adapter.get_relation(database=target.database, schema=model.schema, identifier=model.alias) %}
        {% if not table or not table.is_table %}{{ return(true) }}{% endif %}
    {% endfor %}
    {% set scope = scope_before_this_build() %}
    {% if not scope or 'rules_checksum' not in adapter.get_columns_in_relation(scope) | map(attribute='name') %}{{ return(true) }}{% endif %}
    {% set holds %}
        select
            (last_build.is_complete or not last_build.is_full)
            and last_build.rules_checksum = {{ rules_checksum('(select max(night) from ' ~ ref('stg_nights') ~ ')') }}
        from {{ scope }} as last_build
    {% endset %}
    {{ return(not run_query(holds).columns[0].values()[0]) }}
{% endmacro %}


{#
  on-run-end: notes in int_build_scope that a build that made everything anew did make every model filled by changes. Until then the next build
  makes everything anew as well: one that was not reached rests on the rules of before.
#}
{% macro complete_full_build(results) %}
    {% if not execute or not scope_before_this_build() %}{{ return('') }}{% endif %}
    {% set made = [] %}
    {% for result in results if result.status == 'success' %}{% do made.append(result.node.name) %}{% endfor %}
    {% for name in filled_by_changes() | map(attribute='name') | list + ['int_build_scope'] %}
        {% if name not in made %}{{ return('') }}{% endif %}
    {% endfor %}
    {{ return('update ' ~ scope_before_this_build() ~ ' set is_complete = is_full') }}
{% endmacro %}


{# int_build_scope as the last build left it (in this build: as decided), or none. #}
{% macro scope_before_this_build() %}
    {{ return(adapter.get_relation(database=target.database, schema=var('schema_prefix') ~ 'intermediate', identifier='int_build_scope')) }}
{% endmacro %}


{# What int_build_scope says was decided; true when there is none yet. #}
{% macro is_full_build() %}
    {% if not execute %}{{ return(false) }}{% endif %}
    {% set scope = scope_before_this_build() %}
    {{ return(run_query('select is_full from ' ~ scope).columns[0].values()[0] if scope else true) }}
{% endmacro %}


{#
  Pre-hook of the models filled by changes: refuses to make one anew from work lists that hold only a night's changes, which is
  what `dbt build --full-refresh --select fct_complaints` would do.
#}
{% macro refuse_partial_refresh() %}
    {% if not execute or (load_relation(this) and not flags.FULL_REFRESH) %}{{ return('') }}{% endif %}
    {% if not is_full_build() %}
        {{ exceptions.raise_compiler_error(this.identifier ~ " can only be made anew together with the work lists it comes from: dbt build --full-refresh") }}
    {% endif %}
    {{ return('') }}
{% endmacro %}


{#
  Condition that `night` is one of int_worked_nights, with the nights spelled out: from literals the planner knows how few rows
  they have among years of others and uses the index; from a join it assumes an average night and reads everything.

  The caller must ref() int_worked_nights.
#}
{% macro in_worked_nights(night) %}
    {% set nights = adapter.get_relation(database=target.database, schema=var('schema_prefix') ~ 'intermediate', identifier='int_worked_nights') if execute else none %}
    {% set worked = run_query('select night from ' ~ nights ~ ' order by night').columns[0].values() if nights else [] %}
    {{ return(night ~ " in ('" ~ worked | join("', '") ~ "')" if worked else 'false') }}
{% endmacro %}


{# Condition that a row meets the work list on its keys; every row when there is no work list. #}
{% macro rows_this_build_wrote(work_list, work_keys) %}
    {% if not work_list %}{{ return('true') }}{% endif %}
    {% if work_keys == ['night'] %}{{ return(in_worked_nights('night')) }}{% endif %}
    {% set keys = work_keys | join(', ') %}
    {{ return('(' ~ keys ~ ') in (select ' ~ keys ~ ' from ' ~ work_list ~ ')') }}
{% endmacro %}


{#
  The agency-months of the complaints this build computes anew, as a query: those that int_touched_months says they were in, and those that `facts`
  (fct_assignments or fct_complaints) say they are in; all there are when everything is made anew. A pair may come more than once.

  The caller must ref() the facts, int_changed_complaints, int_touched_months and int_build_scope.
#}
{% macro touched_months(touched, facts) %}
    {%- if is_full_build() -%}
    select
        agency_code,
        received_month as month
    from {{ ref(facts) }}
    {%- else -%}
    select
        agency_code,
        month
    from {{ ref('int_touched_months') }}
    where touched = '{{ touched }}'
    union all
    select
        facts.agency_code,
        facts.received_month as month
    from {{ ref('int_changed_complaints') }} as changed
    inner join {{ ref(facts) }} as facts
        on changed.source_system = facts.source_system and changed.tracking_id = facts.tracking_id
    {%- endif -%}
{% endmacro %}
