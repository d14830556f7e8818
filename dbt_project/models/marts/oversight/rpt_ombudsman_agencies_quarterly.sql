-- One row per agency and quarter of receipt: what stands beside the indications of rpt_ombudsman_indications_quarterly.
select
    handling.agency_code,
    date_trunc('quarter', handling.month)::date as quarter,
    agencies.name as agency_name,
    agencies.kind,
    agencies.province_code,
    agencies.is_simulated,
    sum(handling.received_count)::integer as received_count,
    sum(handling.secret_count)::integer as secret_count,
    sum(handling.reopened_count)::integer as reopened_count,
    sum(handling.open_count)::integer as backlog_count,
    sum(handling.open_over_limit_count)::integer as backlog_over_limit_count,
    {{ rate('sum(handling.open_over_limit_count)', 'sum(handling.open_count)') }} as backlog_over_limit_rate_of_backlog
from {{ ref('int_agency_month_handling') }} as handling
left join {{ ref('dim_agencies') }} as agencies on handling.agency_code = agencies.agency_code and agencies.is_current
group by
    handling.agency_code, quarter, agencies.name, agencies.kind, agencies.province_code, agencies.is_simulated
