-- One row per complaint this build works on that its reporter had told before: under another number on the same day (a duplicate), or
-- to the same agency within months (a repeat).
--
-- Anonymous complaints have no reporter and stand in no relation to others. Who reported the complaints that stay as they are is in
-- int_known_reporters as the last build left it.
-- depends_on: {{ ref('int_changed_complaints') }}
{% set known = known_reporters_before_this_build() %}
with told as (
    select
        reporters.*,
        true as is_worked_on
    from {{ ref('int_complaint_reporters') }} as reporters
    {% if known %}
    union all
    select
        known.source_system,
        known.tracking_id,
        known.reporter_key,
        known.category_main,
        known.agency_code,
        known.received_at,
        false
    from {{ known }} as known
    where
        known.reporter_key in (select reporter_key from {{ ref('int_complaint_reporters') }})
        and not exists (
            select 1 from {{ ref('int_changed_complaints') }} as changed
            where changed.source_system = known.source_system and changed.tracking_id = known.tracking_id
        )
    {% endif %}
),

rules as (
    select
        rule_code,
        limit_count * case limit_unit when 'JAM' then interval '1 hour' when 'HARI' then interval '24 hours' end as within,
        valid_from,
        valid_to
    from {{ ref('duplicate_rules') }}
),

before as (
    select
        told.*,
        lag(received_at) over same_matter as told_at,
        lag(received_at) over same_matter_to_agency as told_agency_at
    from told
    window
        same_matter as (partition by reporter_key, category_main order by received_at, source_system, tracking_id),
        same_matter_to_agency as (
            partition by reporter_key, category_main, agency_code order by received_at, source_system, tracking_id
        )
),

judged as (
    select
        before.*,
        coalesce(before.received_at - before.told_at <= duplicate_rule.within, false) as is_duplicate,
        coalesce(before.received_at - before.told_agency_at <= repeat_rule.within, false) as is_told_again
    from before
    left join rules as duplicate_rule
        on
            duplicate_rule.rule_code = 'DUPLICATE'
            and {{ business_date('before.received_at') }} >= duplicate_rule.valid_from
            and (duplicate_rule.valid_to is null or {{ business_date('before.received_at') }} < duplicate_rule.valid_to)
    left join rules as repeat_rule
        on
            repeat_rule.rule_code = 'REPEAT'
            and {{ business_date('before.received_at') }} >= repeat_rule.valid_from
            and (repeat_rule.valid_to is null or {{ business_date('before.received_at') }} < repeat_rule.valid_to)
),

-- A chain of duplicates begins with a complaint that is none.
chained as (
    select
        judged.*,
        count(*) filter (where not is_duplicate) over (
            partition by reporter_key, category_main order by received_at, source_system, tracking_id
        ) as chain
    from judged
),

named as (
    select
        chained.*,
        first_value(source_system) over in_chain as first_system,
        first_value(tracking_id) over in_chain as first_id
    from chained
    window in_chain as (partition by reporter_key, category_main, chain order by received_at, source_system, tracking_id)
)

select
    source_system,
    tracking_id,
    case when is_duplicate then first_system end as duplicate_of_system,
    case when is_duplicate then first_id end as duplicate_of,
    is_duplicate,
    is_told_again and not is_duplicate as is_repeat
from named
where is_worked_on and (is_duplicate or is_told_again)
