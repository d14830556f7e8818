-- One row per priority programme and rank: its longest open complaints, without what identifies them. Secret ones are left out.
with ranked as (
    select
        assignments.*,
        row_number() over (
            partition by assignments.programme
            order by assignments.entered_date, assignments.source_system, assignments.tracking_id, assignments.agency_code
        )::integer as rank
    from {{ ref('int_programme_assignments') }} as assignments
    where assignments.left_date is null and not assignments.is_secret
),

programmes as (
    select
        programme,
        max(name_id) as name_id
    from {{ ref('priority_programmes') }}
    group by programme
)

select
    ranked.programme,
    ranked.rank,
    programmes.name_id as programme_name,
    ranked.agency_code,
    agencies.name as agency_name,
    agencies.kind,
    coalesce(ranked.province_code, agencies.province_code, 'TIDAK DIKETAHUI') as province_code,
    agencies.is_simulated,
    ranked.category_id,
    ranked.received_month,
    scope.night as cut_off_date,
    scope.night - ranked.entered_date as open_days,
    ranked.completion_due_date + {{ rule_value('oversight_thresholds', 'overdue_days', 'scope.night') }}::integer < scope.night
        as is_overdue_14_days
from ranked
cross join {{ ref('int_build_scope') }} as scope
left join programmes on ranked.programme = programmes.programme
left join {{ ref('dim_agencies') }} as agencies on ranked.agency_code = agencies.agency_code and agencies.is_current
where ranked.rank <= {{ rule_value('oversight_thresholds', 'longest_open_count', 'scope.night') }}
