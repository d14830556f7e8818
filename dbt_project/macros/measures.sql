{# Share of `denominator`, as numeric 0..1; null at denominator 0. #}
{% macro rate(numerator, denominator) -%}
    {{ numerator }}::numeric / nullif({{ denominator }}, 0)
{%- endmacro %}


{#
  Bound of the 95 % Wilson score interval of successes / trials, as numeric 0..1; null at 0 trials. Wilson (1927).

  side: 'low' or 'high'. 46 of 71 gives .5318 and .7488.
#}
{% macro wilson(successes, trials, side) -%}
    {%- set z = '1.959964' -%}
    {%- set trials_or_null = 'nullif(' ~ trials ~ ', 0)' -%}
    {%- set share = '(' ~ successes ~ '::numeric / ' ~ trials_or_null ~ ')' -%}
    (
        {{ share }} + {{ z }} * {{ z }} / (2 * {{ trials_or_null }})
        {{ '-' if side == 'low' else '+' }} {{ z }} * sqrt(
            {{ share }} * (1 - {{ share }}) / {{ trials_or_null }} + {{ z }} * {{ z }} / (4.0 * {{ trials_or_null }} * {{ trials_or_null }})
        )
    ) / (1 + {{ z }} * {{ z }} / {{ trials_or_null }})
{%- endmacro %}


{# The business date (Asia/Jakarta) of a timestamptz. #}
{% macro business_date(moment) -%}
    ({{ moment }} at time zone '{{ var("business_zone") }}')::date
{%- endmacro %}


{#
  Outcome of one clock of int_assignment_clocks at the cut-off of the build: met, missed, not_yet_due, paused (on hold), stopped (archived or passed on before an answer),
  not_started (not routed yet), not_measurable (outside the calendar or without a rule).
#}
{% macro clock_outcome(done_at, working_days, limit_count, due_date) -%}
    case
        when measured.started_at is null then 'not_started'
        when {{ due_date }} is null then 'not_measurable'
        when {{ done_at }} is not null and {{ working_days }} <= {{ limit_count }} then 'met'
        when {{ done_at }} is not null then 'missed'
        when measured.status_code in ('SELESAI', 'DIARSIPKAN') or measured.transferred_out_at is not null then 'stopped'
        when measured.status_code = 'TERTUNDA' then 'paused'
        when {{ due_date }} <= scope.night then 'missed'
        else 'not_yet_due'
    end
{%- endmacro %}


{# Key of a category: a label alone is not enough, as seven of them stand under two main categories. #}
{% macro category_id(main, label) -%}
    coalesce({{ main }} || coalesce(' > ' || {{ label }}, ''), 'BELUM DIKATEGORIKAN')
{%- endmacro %}


{# First date of an agency in rpt_agency_stock_flow_daily: that of its first movement, or of the first night if that is earlier. #}
{% macro first_stock_date(agency_code) -%}
    least(
        (select min(flows.flow_date) from {{ ref('int_stock_flows') }} as flows where flows.agency_code = {{ agency_code }}),
        (select min(nights.night) from {{ ref('stg_nights') }} as nights)
    )
{%- endmacro %}
