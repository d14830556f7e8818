{#
  Every row has all key columns, and no two rows share them.

  worked_on, worked_keys: for what is built by changes, the work list and the columns to meet it on. Only rows this build wrote
  are looked at, so that the test's cost does not grow with history; the table's unique index covers the others.
#}
{% test primary_key(model, columns, worked_on=none, worked_keys=none) %}
    {% set keys = columns | join(', ') %}
    {% set meeting = (worked_keys or []) | join(', ') %}
    {% set in_work_list = '(' ~ meeting ~ ') in (select ' ~ meeting ~ ' from ' ~ worked_on ~ ')' %}
    select {{ keys }}
    from {{ model }}
    where {{ 'true' if not worked_on else in_worked_nights('night') if meeting == 'night' else in_work_list }}
    group by {{ keys }}
    having count(*) > 1 {% for column in columns %}or {{ column }} is null {% endfor %}
{% endtest %}
