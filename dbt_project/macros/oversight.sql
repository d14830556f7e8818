{# Value of a rule of the seed oversight_thresholds in force on a date; null outside its dates. #}
{% macro rule_value(rule, on_date) -%}
    (
        select rules.value
        from {{ ref('oversight_thresholds') }} as rules
        where
            rules.rule = '{{ rule }}'
            and {{ on_date }} >= rules.valid_from
            and (rules.valid_to is null or {{ on_date }} < rules.valid_to)
    )
{%- endmacro %}


{#
  PANRB's word for a share of complaints followed up: baik from the threshold in force on the date, belum baik below it,
  data tidak cukup with too few complaints to judge, tidak ada laporan without any.
#}
{% macro follow_up_verdict(followed_up_count, received_count, on_date) -%}
    case
        when {{ received_count }} = 0 then 'tidak ada laporan'
        when {{ received_count }} < {{ comparison_rule('min_count_shown', on_date) }} then 'data tidak cukup'
        when {{ rate(followed_up_count, received_count) }} >= {{ rule_value('follow_up_good', on_date) }} then 'baik'
        else 'belum baik'
    end
{%- endmacro %}
