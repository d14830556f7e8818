{#
  Marks every night that changed since its last build as being built (ops.nights.built_seq), so that a change that arrives
  during the build is left for the next one.

  When no night is waiting to be published, the last build passed all its tests: what it noted down as touched is done with.
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
    {% set touched = adapter.get_relation(database=target.database, schema=var('schema_prefix') ~ 'intermediate', identifier='int_touched_dates') %}
    {% set forget %}
        delete from {{ touched }} where not exists (select 1 from ops.nights where built_seq > published_seq);
    {% endset %}
    {{ return((forget if touched else '') ~ "update ops.nights set built_seq = changed_seq where built_seq <> changed_seq") }}
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
  Whether this build makes everything anew instead of what changed: asked for (--full-refresh), a rebuild of the past, or one
  of the facts is not there yet. Decided once, before anything is built, and written down in int_build_scope.
#}
{% macro decide_full_build() %}
    {% if not execute %}{{ return(false) }}{% endif %}
    {% if flags.FULL_REFRESH or var('as_of') %}{{ return(true) }}{% endif %}
    {% for fact in ['fct_complaints', 'fct_assignments', 'fct_complaint_events', 'fct_deliveries'] %}
        {% if not mart_before_this_build(fact) %}{{ return(true) }}{% endif %}
    {% endfor %}
    {{ return(false) }}
{% endmacro %}


{# What int_build_scope says was decided; true when there is none yet. #}
{% macro is_full_build() %}
    {% if not execute %}{{ return(false) }}{% endif %}
    {% set scope = adapter.get_relation(database=target.database, schema=var('schema_prefix') ~ 'intermediate', identifier='int_build_scope') %}
    {{ return(run_query('select is_full from ' ~ scope).columns[0].values()[0] if scope else true) }}
{% endmacro %}


{#
  Pre-hook of the incremental marts: refuses to make a mart anew from work lists that hold only a night's changes, which is
  what `dbt build --full-refresh --select fct_complaints` would do.
#}
{% macro refuse_partial_refresh() %}
    {% if not execute or (mart_before_this_build(this.identifier) and not flags.FULL_REFRESH) %}{{ return('') }}{% endif %}
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
