{#
  PANRB's word for a share of complaints followed up: baik from the threshold in force on the date, belum baik below it,
  data tidak cukup with too few complaints to judge, tidak ada laporan without any.
#}
{% macro follow_up_verdict(followed_up_count, received_count, on_date) -%}
    case
        when {{ received_count }} = 0 then 'tidak ada laporan'
        when {{ received_count }} < {{ rule_value('comparison_rules', 'min_count_shown', on_date) }} then 'data tidak cukup'
        when {{ rate(followed_up_count, received_count) }} >= {{ rule_value('oversight_thresholds', 'follow_up_good', on_date) }} then 'baik'
        else 'belum baik'
    end
{%- endmacro %}
