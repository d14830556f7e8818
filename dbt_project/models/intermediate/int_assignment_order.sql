-- One row per complaint and agency this build works on: who had the complaint when.
--
-- The owner is the agency it was routed to last. An agency that is not the owner and has not closed it has passed it on: when it
-- returned it, or when the owner got it.
with ordered as (
    select
        milestones.*,
        statuses.is_terminal,
        row_number() over (
            partition by milestones.source_system, milestones.tracking_id
            order by coalesce(milestones.routed_at, milestones.received_at), milestones.agency_code
        )::integer as assignment_seq,
        row_number() over (
            partition by milestones.source_system, milestones.tracking_id
            order by coalesce(milestones.last_routed_at, milestones.received_at) desc, milestones.agency_code desc
        ) = 1 as is_owner,
        max(milestones.last_routed_at) over (partition by milestones.source_system, milestones.tracking_id) as owner_routed_at
    from {{ ref('int_assignment_milestones') }} as milestones
    left join {{ ref('statuses') }} as statuses on milestones.status_code = statuses.status_code
)

select
    source_system,
    tracking_id,
    agency_code,
    assignment_seq,
    is_owner,
    case when assignment_seq = 1 then received_at else coalesce(routed_at, received_at) end as entered_at,
    case
        when not is_owner and not is_terminal then coalesce(last_returned_at, owner_routed_at, received_at)
    end as transferred_out_at,
    is_owner and not is_terminal as is_open
from ordered
