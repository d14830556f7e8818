-- One row per recap (deliverer, subject, period) and stated figure, with what the warehouse computes from the complaints itself.
with recaps as (
    select distinct on (agency_code, subject_code, period_start, period_end)
        agency_code,
        subject_code,
        subject_name,
        period_start,
        period_end,
        received_count,
        routed_count,
        unverified_count,
        unanswered_count,
        in_progress_count,
        completed_count,
        on_hold_count,
        archived_count
    from {{ ref('stg_recaps') }}
    order by agency_code, subject_code, period_start, period_end, night desc
),

-- A total can be computed for a subject whose complaints have been accepted at least once.
computable as (
    select recaps.*
    from recaps
    where exists (
            select 1
            from {{ ref('fct_deliveries') }} as deliveries
            where
                deliveries.agency_code = recaps.subject_code
                and deliveries.resource = 'complaints'
                and (deliveries.accepted_count > 0 or deliveries.state = 'empty')
        )
),

computed as (
    select
        computable.agency_code,
        computable.subject_code,
        computable.period_start,
        computable.period_end,
        count(assignments.tracking_id)::integer as received_count,
        count(assignments.routed_at)::integer as routed_count,
        (count(*) filter (where assignments.status_code = 'BELUM_TERVERIFIKASI'))::integer as unverified_count,
        (count(*) filter (where assignments.status_code = 'TERDISPOSISI'))::integer as unanswered_count,
        (count(*) filter (where assignments.status_code = 'DIPROSES'))::integer as in_progress_count,
        (count(*) filter (where assignments.status_code = 'SELESAI'))::integer as completed_count,
        (count(*) filter (where assignments.status_code = 'TERTUNDA'))::integer as on_hold_count,
        (count(*) filter (where assignments.status_code = 'DIARSIPKAN'))::integer as archived_count
    from computable
    left join {{ ref('fct_assignments') }} as assignments
        on
            computable.subject_code = assignments.agency_code
            and assignments.received_month between date_trunc('month', computable.period_start) and computable.period_end
            and assignments.received_date between computable.period_start and computable.period_end
    group by computable.agency_code, computable.subject_code, computable.period_start, computable.period_end
)

select
    recaps.agency_code,
    recaps.subject_code,
    recaps.subject_name,
    recaps.period_start,
    recaps.period_end,
    figures.figure,
    figures.stated_count,
    figures.computed_count
from recaps
left join computed
    on
        recaps.agency_code = computed.agency_code
        and recaps.subject_code = computed.subject_code
        and recaps.period_start = computed.period_start
        and recaps.period_end = computed.period_end
cross join
    lateral (
        values
        ('received', recaps.received_count, computed.received_count),
        ('routed', recaps.routed_count, computed.routed_count),
        ('unverified', recaps.unverified_count, computed.unverified_count),
        ('unanswered', recaps.unanswered_count, computed.unanswered_count),
        ('in_progress', recaps.in_progress_count, computed.in_progress_count),
        ('completed', recaps.completed_count, computed.completed_count),
        ('on_hold', recaps.on_hold_count, computed.on_hold_count),
        ('archived', recaps.archived_count, computed.archived_count)
    ) as figures (figure, stated_count, computed_count)
where figures.stated_count is not null
