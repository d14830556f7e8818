{#
  The metrics that the columns of the models declare, as JSON text in SQL: what metric_dictionary is made of.

  A column declares its metric in config.meta.metric: name_en, formula, numerator, denominator, unit, direction, source, owner. Another column
  with the same metric says its name only (metric: completed_rate). A model whose rows are metrics (rpt_agency_comparison) lists them
  in its own config.meta.metric_rows.
#}
{% macro metrics_declared() %}
    {{ return(text_literal(tojson(metrics_of(graph.nodes.values() | list))) if execute else "'[]'") }}
{% endmacro %}


{#
  One dict per metric of the nodes, by name. Refuses two declarations of one metric that differ, one that lacks or adds a field, and a name that
  nobody declares.
#}
{% macro metrics_of(nodes) %}
    {% set fields = ['name_en', 'formula', 'numerator', 'denominator', 'unit', 'direction', 'source', 'owner'] %}
    {% set declared = {} %}
    {% set places = {} %}
    {% for node in nodes | selectattr('resource_type', 'equalto', 'model') | sort(attribute='name') %}
        {% for column in node.columns.values() if column.meta.get('metric') %}
            {% set metric = column.meta['metric'] %}
            {% set name = metric if metric is string else metric.get('name', column.name) %}
            {% set place = node.name ~ '.' ~ column.name %}
            {% do places.setdefault(name, []).append(place) %}
            {% if metric is not string %}
                {% set said = dict(metric, name=name, name_id=metric.get('name_id', column.meta['label_id'])) %}
                {% if said | sort != (fields + ['name', 'name_id']) | sort %}
                    {{ exceptions.raise_compiler_error('metric ' ~ name ~ ' (' ~ place ~ ') must say ' ~ fields | join(', ') ~ ' and nothing else') }}
                {% elif said['direction'] not in ('higher', 'lower', 'neither') %}
                    {{ exceptions.raise_compiler_error('metric ' ~ name ~ ' (' ~ place ~ '): direction is higher, lower or neither') }}
                {% elif name in declared and declared[name] != said %}
                    {{ exceptions.raise_compiler_error('metric ' ~ name ~ ' is declared differently at ' ~ places[name][0] ~ ' and ' ~ place) }}
                {% endif %}
                {% do declared.update({name: said}) %}
            {% endif %}
        {% endfor %}
        {% for name in node.config.meta.get('metric_rows', []) %}
            {% do places.setdefault(name, []).append(node.name ~ ' (rows)') %}
        {% endfor %}
    {% endfor %}
    {% for name in places if name not in declared %}
        {{ exceptions.raise_compiler_error('metric ' ~ name ~ ' stands in ' ~ places[name] | join(', ') ~ ' and is declared nowhere') }}
    {% endfor %}
    {% set metrics = [] %}
    {% for name in declared | sort %}
        {% do metrics.append(dict(declared[name], models=places[name] | join(', '))) %}
    {% endfor %}
    {{ return(metrics) }}
{% endmacro %}
