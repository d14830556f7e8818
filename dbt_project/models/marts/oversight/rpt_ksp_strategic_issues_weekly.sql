-- One row per priority programme, agency, province and ISO week of the last 53: what was open, came in, went out and is long overdue.
--
-- By what is known now: a complaint that was reopened counts as open throughout. The last week ends with the cut-off.
with scope as (
    select
        night,
        date_trunc('week', night)::date as last_week,
        (date_trunc('week', night) - interval '52 weeks')::date as first_week,
        {{ rule_value('oversight_thresholds', 'overdue_days', 'night') }}::integer as overdue_days,
        {{ rule_value('oversight_thresholds', 'growth_min_count', 'night') }} as growth_min_count
    from {{ ref('int_build_scope') }}
),

stays as (
    select
        assignments.programme,
        assignments.agency_code,
        coalesce(assignments.province_code, agencies.province_code, 'TIDAK DIKETAHUI') as province_code,
        assignments.entered_date,
        assignments.left_date,
        -- greatest() skips nulls: without the guard a complaint without a due date would be overdue at once.
        case
            when assignments.completion_due_date is not null
                then greatest(assignments.completion_due_date + scope.overdue_days + 1, assignments.entered_date)
        end as overdue_date
    from {{ ref('int_programme_assignments') }} as assignments
    cross join scope
    left join {{ ref('dim_agencies') }} as agencies on assignments.agency_code = agencies.agency_code and agencies.is_current
    -- What had left before the first week has come and gone.
    where assignments.left_date is null or assignments.left_date >= scope.first_week
),

movements as (
    select
        stays.programme,
        stays.agency_code,
        stays.province_code,
        moved.movement_date,
        moved.in_count,
        moved.out_count,
        moved.overdue_change
    from stays
    cross join
        lateral (
            values
            (stays.entered_date, 1, 0, 0),
            (stays.left_date, 0, 1, 0),
            (case when stays.left_date is null or stays.overdue_date < stays.left_date then stays.overdue_date end, 0, 0, 1),
            (case when stays.overdue_date < stays.left_date then stays.left_date end, 0, 0, -1)
        ) as moved (movement_date, in_count, out_count, overdue_change)
    cross join scope
    -- A due date may lie ahead.
    where moved.movement_date <= scope.night
),

weekly as (
    select
        movements.programme,
        movements.agency_code,
        movements.province_code,
        -- All before the first week counts as of the week before it.
        greatest(date_trunc('week', movements.movement_date)::date, scope.first_week - 7) as week,
        sum(movements.in_count) as in_count,
        sum(movements.out_count) as out_count,
        sum(movements.overdue_change) as overdue_change
    from movements
    cross join scope
    group by movements.programme, movements.agency_code, movements.province_code, week
),

issues as (
    select distinct
        programme,
        agency_code,
        province_code
    from weekly
),

spine as (
    select
        issues.programme,
        issues.agency_code,
        issues.province_code,
        generate_series(scope.first_week - 7, scope.last_week, interval '7 days')::date as week
    from issues
    cross join scope
),

running as (
    select
        spine.*,
        coalesce(weekly.in_count, 0)::integer as in_count,
        coalesce(weekly.out_count, 0)::integer as out_count,
        (sum(coalesce(weekly.in_count - weekly.out_count, 0)) over until_then)::integer as closing_count,
        (sum(coalesce(weekly.overdue_change, 0)) over until_then)::integer as overdue_count
    from spine
    left join weekly
        on
            spine.programme = weekly.programme
            and spine.agency_code = weekly.agency_code
            and spine.province_code = weekly.province_code
            and spine.week = weekly.week
    window until_then as (partition by spine.programme, spine.agency_code, spine.province_code order by spine.week)
),

programmes as (
    select
        programme,
        max(name_id) as name_id
    from {{ ref('priority_programmes') }}
    group by programme
)

select
    running.programme,
    running.agency_code,
    running.province_code,
    running.week,
    programmes.name_id as programme_name,
    agencies.name as agency_name,
    agencies.kind,
    agencies.is_simulated,
    least(running.week + 6, scope.night) as week_end_date,
    running.closing_count - running.in_count + running.out_count as opening_count,
    running.in_count,
    running.out_count,
    running.closing_count,
    running.in_count - running.out_count as growth_count,
    running.overdue_count as overdue_14_days_count,
    case when running.closing_count - running.in_count + running.out_count >= scope.growth_min_count
            then {{ rate('(running.in_count - running.out_count)', '(running.closing_count - running.in_count + running.out_count)') }}
    end as growth_rate_of_opening,
    {{ rate('running.overdue_count', 'running.closing_count') }} as overdue_14_days_rate_of_closing
from running
cross join scope
left join programmes on running.programme = programmes.programme
left join {{ ref('dim_agencies') }} as agencies on running.agency_code = agencies.agency_code and agencies.is_current
where running.week >= scope.first_week and (running.closing_count > 0 or running.in_count > 0 or running.out_count > 0)
