-- Every complaint of this build that has an assignment is once in fct_complaints, with exactly one owner.
with assigned as (
    select
        assignments.source_system,
        assignments.tracking_id,
        count(*) filter (where assignments.is_owner) as owner_count
    from {{ ref('int_changed_complaints') }} as changed
    inner join {{ ref('fct_assignments') }} as assignments
        on changed.source_system = assignments.source_system and changed.tracking_id = assignments.tracking_id
    group by assignments.source_system, assignments.tracking_id
)

select
    assigned.*,
    complaints.agency_code
from assigned
left join {{ ref('fct_complaints') }} as complaints
    on assigned.source_system = complaints.source_system and assigned.tracking_id = complaints.tracking_id
where assigned.owner_count <> 1 or complaints.tracking_id is null
