-- One row per window: the rules of comparison in force on its last date, a column each.
{% set rules = [
    'min_count_shown', 'min_count_ranked', 'min_group_size', 'min_group_ranked', 'min_coverage', 'min_group_strength',
    'min_category_cases', 'survival_horizon_working_days', 'survival_limit_first_response', 'survival_limit_completion',
    'funnel_winsor_share', 'funnel_winsor_min_group', 'funnel_warning_z', 'funnel_alarm_z',
] %}
select
    windows.window_id,
{% for rule in rules %}
max(rules.value) filter (where rules.rule = '{{ rule }}') as {{ rule }}{{ ',' if not loop.last }}
{% endfor %}
from {{ ref('int_windows') }} as windows
left join {{ ref('comparison_rules') }} as rules
    on windows.last_date >= rules.valid_from and (rules.valid_to is null or windows.last_date < rules.valid_to)
group by windows.window_id
