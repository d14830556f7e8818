-- One row per province and month of receipt: the annex table of PANRB's monitoring and evaluation. Province 00 holds the central agencies.
with agencies as (
    select
        monev.*,
        coalesce(monev.province_code, '00') as province
    from {{ ref('rpt_panrb_monev_monthly') }} as monev
),

summed as (
    select
        province as province_code,
        month,
        max(cut_off_date) as cut_off_date,
        bool_or(is_simulated) as is_simulated,
        count(*)::integer as agency_count,
        count(has_decree)::integer as activity_told_count,
        (count(*) filter (where has_decree))::integer as decree_count,
        (count(*) filter (where is_active))::integer as active_count,
        (count(*) filter (where has_action_plan))::integer as action_plan_count,
        (count(*) filter (where year_follow_up_verdict = 'baik'))::integer as year_good_count,
        (count(*) filter (where year_follow_up_verdict in ('baik', 'belum baik')))::integer as year_judged_count,
        sum(received_count)::integer as received_count,
        sum(followed_up_count)::integer as followed_up_count,
        sum(completed_count)::integer as completed_count,
        sum(in_progress_count)::integer as in_progress_count,
        sum(year_received_count)::integer as year_received_count,
        sum(year_followed_up_count)::integer as year_followed_up_count,
        sum(year_completed_count)::integer as year_completed_count,
        sum(backlog_count)::integer as backlog_count,
        sum(backlog_over_limit_count)::integer as backlog_over_limit_count
    from agencies
    group by province, month
),

delivered as (
    select
        night,
        province_code,
        sum(expected_count)::integer as agencies_expected,
        sum(delivered_count + empty_count)::integer as agencies_delivered
    from {{ ref('rpt_coverage_daily') }}
    group by night, province_code
)

select
    summed.province_code,
    summed.month,
    case when summed.province_code = '00' then 'Instansi pusat' else regions.name end as province_name,
    summed.is_simulated,
    summed.cut_off_date,
    delivered.agencies_expected,
    delivered.agencies_delivered,
    summed.agency_count,
    summed.activity_told_count,
    summed.decree_count,
    summed.active_count,
    summed.action_plan_count,
    summed.year_good_count,
    summed.year_judged_count,
    summed.received_count,
    summed.followed_up_count,
    summed.completed_count,
    summed.in_progress_count,
    summed.received_count - summed.followed_up_count as not_followed_up_count,
    summed.year_received_count,
    summed.year_followed_up_count,
    summed.year_completed_count,
    summed.backlog_count,
    summed.backlog_over_limit_count,
    {{ rate('delivered.agencies_delivered', 'delivered.agencies_expected') }} as coverage,
    {{ rate('summed.decree_count', 'summed.agency_count') }} as decree_rate_of_agencies,
    {{ rate('summed.active_count', 'summed.agency_count') }} as active_rate_of_agencies,
    {{ rate('summed.followed_up_count', 'summed.received_count') }} as followed_up_rate,
    {{ rate('summed.completed_count', 'summed.received_count') }} as completed_rate,
    {{ rate('summed.in_progress_count', 'summed.received_count') }} as in_progress_rate,
    {{ rate('summed.year_followed_up_count', 'summed.year_received_count') }} as year_followed_up_rate,
    {{ rate('summed.year_completed_count', 'summed.year_received_count') }} as year_completed_rate,
    {{ rate('summed.backlog_over_limit_count', 'summed.backlog_count') }} as backlog_over_limit_rate_of_backlog
from summed
left join {{ ref('dim_regions') }} as regions
    on
        summed.province_code = regions.kemendagri_code
        and regions.kind = 'provinsi'
        and summed.month >= regions.valid_from
        and (regions.valid_to is null or summed.month < regions.valid_to)
left join delivered on summed.cut_off_date = delivered.night and summed.province_code = delivered.province_code
