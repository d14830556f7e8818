{#
  Every row has all key columns, and no two rows share them.

  worked_on, worked_keys: for what is built by changes, the work list and the columns to meet it on. Only rows this build wrote
  are looked at, so that the test's cost does not grow with history; the table's unique index covers the others.
#}
{% test primary_key(model, columns, worked_on=none, worked_keys=none) %}
    select {{ columns | join(', ') }}
    from {{ model }}
    where {{ rows_this_build_wrote(worked_on, worked_keys) }}
    group by {{ columns | join(', ') }}
    having count(*) > 1 {% for column in columns %}or {{ column }} is null {% endfor %}
{% endtest %}
