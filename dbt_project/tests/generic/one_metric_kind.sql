{# Rows of another family of satisfaction measures than the mart's own: no average or grade can run across families. #}
{% test one_metric_kind(model, metric_kind) %}
select
    metric_kind,
    count(*) as row_count
from {{ model }}
where metric_kind is distinct from '{{ metric_kind }}'
group by metric_kind
{% endtest %}
