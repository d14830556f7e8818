{#
  Every row has all key columns, and no two rows share them.

  worked_on, worked_keys: for incremental marts, the work list and the columns to meet it on: only rows this build wrote are looked at. The primary key
  constraint of the table covers the rest, and the test's cost does not grow with history.
#}
{% test primary_key(model, columns, worked_on=none, worked_keys=none) %}
    select {{ columns | join(', ') }}
    from {{ model }}
{% if worked_on %}where ({{ worked_keys | join(', ') }}) in (select {{ worked_keys | join(', ') }} from {{ worked_on }}){% endif %}
    group by {{ columns | join(', ') }}
    having count(*) > 1 {% for column in columns %}or {{ column }} is null {% endfor %}
{% endtest %}
