-- One row per recap (deliverer, subject, period) and figure the agency stated: stated, computed, and what to think of it.
with figures as (
    select * from {{ ref('int_recap_figures') }}
),

recaps as (
    select
        agency_code,
        subject_code,
        period_start,
        period_end,
        max(stated_count) filter (where figure = 'received') as received_count,
        count(*) filter (where figure not in ('received', 'routed')) as part_count,
        sum(stated_count) filter (where figure not in ('received', 'routed')) as parts_sum,
        array_agg(figure || '=' || stated_count order by figure) as stated
    from figures
    group by agency_code, subject_code, period_start, period_end
),

-- What a deliverer said about all its subjects for one period.
periods as (
    select
        agency_code,
        period_start,
        period_end,
        sum(received_count) as received_count,
        array_agg(subject_code || ':' || array_to_string(stated, ',') order by subject_code) as everything_stated
    from recaps
    group by agency_code, period_start, period_end
),

compared as (
    select
        periods.*,
        received_count > 0
        and everything_stated = lag(everything_stated) over (partition by agency_code order by period_start, period_end) as is_stale_copy
    from periods
),

judged as (
    select
        figures.*,
        case when recaps.part_count = 6 then recaps.parts_sum end as parts_sum,
        case when recaps.part_count = 6 then recaps.parts_sum = recaps.received_count end as parts_add_up,
        coalesce(compared.is_stale_copy, false) as is_stale_copy,
        figures.computed_count - figures.stated_count as difference,
        greatest(tolerances.absolute_tolerance, tolerances.relative_tolerance * figures.stated_count) as tolerance
    from figures
    inner join recaps
        on
            figures.agency_code = recaps.agency_code
            and figures.subject_code = recaps.subject_code
            and figures.period_start = recaps.period_start
            and figures.period_end = recaps.period_end
    inner join compared
        on
            figures.agency_code = compared.agency_code
            and figures.period_start = compared.period_start
            and figures.period_end = compared.period_end
    left join {{ ref('reconciliation_tolerances') }} as tolerances
        on
            tolerances.figure = 'SEMUA'
            and figures.period_start >= tolerances.valid_from
            and (tolerances.valid_to is null or figures.period_start < tolerances.valid_to)
)

select
    agency_code,
    subject_code,
    period_start,
    period_end,
    figure,
    subject_name,
    case
        when is_stale_copy and parts_add_up is false then 'parts do not add up; stale copy'
        when is_stale_copy then 'stale copy'
        when parts_add_up is false then 'parts do not add up'
        when parts_add_up then 'parts add up'
        else 'parts not stated'
    end as recap_verdict,
    case
        -- The total is what does not fit its parts; the other figures of such a recap are judged by themselves.
        when figure = 'received' and parts_add_up is false then 'parts do not add up'
        when is_stale_copy then 'stale copy'
        when computed_count is null then 'not computed'
        when difference = 0 then 'agrees'
        when abs(difference) <= tolerance then 'within rounding'
        else 'differs'
    end as verdict,
    parts_add_up,
    is_stale_copy,
    stated_count,
    computed_count,
    difference,
    case when figure = 'received' then (parts_sum - stated_count)::integer end as parts_difference
from judged
