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


{#
  The rates of handling of a step with counts, as select items, each with the denominator its name says (metric_dictionary), followed up and completed
  with their Wilson bounds.
#}
{% macro handling_rates(counts) -%}
    {{ rate(counts ~ '.routed_count', counts ~ '.received_count') }} as routed_rate,
    {%- for milestone in ['followed_up', 'completed'] %}
    {%- set successes = counts ~ '.' ~ milestone ~ '_count' %}
    {{ rate(successes, counts ~ '.received_count') }} as {{ milestone }}_rate,
    {%- for side in ['low', 'high'] %}
    {{ wilson(successes, counts ~ '.received_count', side) }} as {{ milestone }}_rate_{{ side }},
    {%- endfor %}
    {%- endfor %}
    {%- for base in ['valid', 'routed'] %}
    {{ rate(counts ~ '.completed_count', counts ~ '.' ~ base ~ '_count') }} as completed_rate_of_{{ base }},
    {%- endfor %}
    {{ rate('(' ~ counts ~ '.routed_count - ' ~ counts ~ '.rerouted_count)', counts ~ '.routed_count') }} as routing_accuracy_rate_of_routed,
    {%- for clock in ['first_response', 'completion'] %}
    {{ rate(counts ~ '.' ~ clock ~ '_within_limit_count', counts ~ '.' ~ clock ~ '_due_count') }} as {{ clock }}_within_limit_rate_of_due{{ ',' if not loop.last }}
    {%- endfor %}
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


{#
  One row per movement of a complaint into or out of an agency's open stock, as a query over relations with the columns of fct_assignments and
  fct_complaint_events; with `of`, a relation of complaints, theirs only.
#}
{% macro stock_flows(assignments, events, of=none) -%}
    {%- for facts, flow_date, flow, condition in [
        (assignments, 'entered_date', "case when facts.assignment_seq = 1 then 'RECEIVED' else 'TRANSFERRED_IN' end", none),
        (assignments, 'transferred_out_date', "'TRANSFERRED_OUT'", 'facts.transferred_out_date is not null'),
        (events, 'occurred_date', 'facts.stock_effect', 'facts.stock_effect is not null'),
        (
            assignments, 'closed_date', "case when facts.status_code = 'SELESAI' then 'COMPLETED' else 'ARCHIVED' end",
            "facts.status_basis = 'record' and facts.closed_date is not null",
        ),
    ] %}
    {%- if not loop.first %}
    union all
    {%- endif %}
    select
        facts.source_system,
        facts.tracking_id,
        facts.agency_code,
        facts.{{ flow_date }} as flow_date,
        {{ flow }} as flow
    from {% if of %}{{ of }} as complaints
    inner join {{ facts }} as facts
        on complaints.source_system = facts.source_system and complaints.tracking_id = facts.tracking_id
    {%- else %}{{ facts }} as facts
    {%- endif %}
    {%- if condition %}
    where {{ condition }}
    {%- endif %}
    {%- endfor %}
{%- endmacro %}


{# The movements of every changed complaint as a list of [agency, date, flow, count], as a query; relations as in stock_flows. Refs int_changed_complaints. #}
{% macro stock_movements(assignments, events) -%}
    select
        source_system,
        tracking_id,
        jsonb_agg(
            jsonb_build_array(agency_code, flow_date, flow, movement_count) order by agency_code, flow_date, flow
        ) as movements
    from (
        select
            source_system,
            tracking_id,
            agency_code,
            flow_date,
            flow,
            count(*) as movement_count
        from (
            {{ stock_flows(assignments, events, of=ref('int_changed_complaints')) }}
        ) as flows
        group by source_system, tracking_id, agency_code, flow_date, flow
    ) as movements
    group by source_system, tracking_id
{%- endmacro %}


{# First date of an agency in rpt_agency_stock_flow_daily: that of its first movement, or of the first night if that is earlier. #}
{% macro first_stock_date(agency_code) -%}
    least(
        (select min(flows.flow_date) from {{ ref('int_stock_flows') }} as flows where flows.agency_code = {{ agency_code }}),
        (select min(nights.night) from {{ ref('stg_nights') }} as nights)
    )
{%- endmacro %}


{# Value of a rule of a seed (rule, value, valid_from, valid_to) in force on a date, as a scalar subquery; null outside its dates. #}
{% macro rule_value(seed, rule, on_date) -%}
    (
        select rules.value from {{ ref(seed) }} as rules
        where
            rules.rule = '{{ rule }}'
            and {{ on_date }} >= rules.valid_from
            and (rules.valid_to is null or {{ on_date }} < rules.valid_to)
    )
{%- endmacro %}


{#
  Kaplan-Meier curve of each group: survival (share not yet ended after working_days) and greenwood (the sum in the variance of its logarithm).

  observed: a step with the keys, working_days (one row per group and length), ended_count and censored_count; its other columns are kept.
  Who is censored on a day is at risk on that day. Sums run in the order of days, so that a rebuild gives the same bits.
#}
{% macro kaplan_meier(observed, keys) -%}
    select
        at_risk.*,
        case
            when bool_or(at_risk.ended_count = at_risk.at_risk_count) over until_then then 0
            else exp(sum(
                case
                    when at_risk.ended_count < at_risk.at_risk_count
                        then ln((at_risk.at_risk_count - at_risk.ended_count)::double precision / at_risk.at_risk_count)
                end
            ) over until_then)
        end as survival,
        sum(
            case
                when at_risk.ended_count < at_risk.at_risk_count
                    then at_risk.ended_count::double precision / at_risk.at_risk_count / (at_risk.at_risk_count - at_risk.ended_count)
            end
        ) over until_then as greenwood
    from (
        select
            {{ observed }}.*,
            (sum({{ observed }}.ended_count + {{ observed }}.censored_count) over (
                partition by {{ keys | join(', ') }} order by {{ observed }}.working_days desc
            ))::integer as at_risk_count
        from {{ observed }}
    ) as at_risk
    window until_then as (partition by {{ keys | join(', ') }} order by at_risk.working_days)
{%- endmacro %}


{# First day of a curve on which at most `share` had not ended: the median at 0.5, the 90th percentile at 0.1; null where it is not reached. #}
{% macro day_reached(share) -%}
    -- Products of doubles may miss an exact half by their last bit.
    min(working_days) filter (where survival <= {{ share }} + 1e-9)
{%- endmacro %}


{#
  Bound of the 95 % log-log interval of the share that had ended, from the survival and its greenwood; where the curve has not moved or
  is at its end, the Wilson bound of `ended` of `at_risk`. side: 'low' or 'high'.
#}
{% macro ended_share_bound(survival, greenwood, ended, at_risk, side) -%}
    case
        when {{ survival }} > 0 and {{ survival }} < 1
            then (
                1 - {{ survival }} ^ exp(
                    {{ '-' if side == 'low' else '' }}1.959964 * sqrt({{ greenwood }}) / abs(ln({{ survival }}))
                )
            )::numeric
        else {{ wilson(ended, at_risk, side) }}
    end
{%- endmacro %}


{# Distance of a rate from a target in standard errors of chance; null where the target is 0 or 1. #}
{% macro funnel_z(value, target, count) -%}
    ({{ value }} - {{ target }}) / sqrt(nullif({{ target }} * (1 - {{ target }}), 0) / {{ count }})
{%- endmacro %}
