-- One row per agency, window, clock and length in working days with complaints: the share not ended after so long.
select
    curves.agency_code,
    curves.window_id,
    curves.clock,
    curves.working_days,
    timeliness.is_simulated,
    timeliness.routed_count,
    curves.survival::numeric as survival_rate
from {{ ref('int_survival_curves') }} as curves
inner join {{ ref('rpt_agency_timeliness') }} as timeliness
    on
        curves.agency_code = timeliness.agency_code
        and curves.window_id = timeliness.window_id
        and curves.clock = timeliness.clock
