{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=(var('as_of') is not none),
    pre_hook='{{ forget_unpublished() }}',
) }}
-- One row per change of the rules that published figures rest on, in order: from which build on events are read by which rules.
--
-- Only the events' meaning decides how far a complaint had got by a cut-off; limits, holidays and duplicates do not. The names and
-- sources of the seed are not part of the rule.
with rules as (
    select md5(string_agg(line, ';' order by line collate "C")) as rules_checksum
    from (
        select (to_jsonb(types) - '{name_id,name_en,source}'::text[])::text as line
        from {{ ref('event_types') }} as types
    ) as lines
),

last_known as (
    {% if is_incremental() %}
    select
        rules_seq,
        rules_checksum
    from {{ this }}
    order by rules_seq desc
    limit 1
    {% else %}
    select
        null::integer as rules_seq,
        null::text as rules_checksum
    where false
    {% endif %}
)

select
    coalesce(last_known.rules_seq, 0) + 1 as rules_seq,
    (select sum(built_seq) from {{ source('ops', 'nights') }})::integer as build_number,
    rules.rules_checksum
from rules
left join last_known on true
where rules.rules_checksum is distinct from last_known.rules_checksum
