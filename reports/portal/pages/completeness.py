"""Whether the data are there, and whether what agencies state holds together."""

from collections.abc import Mapping
from typing import Any

from psycopg2.extensions import cursor as Cursor

from reports.portal.figures import HIDDEN_BELOW, fetch, readable
from reports.portal.pages.frame import Frame

NIGHTS_SHOWN = 14
ROWS_SHOWN = 100
COUNTS = "expected_count, delivered_count, empty_count, late_count, failed_count, held_count, not_connected_count"
SUMS = ", ".join(f"sum({name.strip()})::integer as {name.strip()}" for name in COUNTS.split(","))


def compose(cursor: Cursor, frame: Frame) -> Mapping[str, Any]:
    """What completeness.html shows."""
    night = frame.night.night
    may = readable(cursor, ["fct_deliveries", "rpt_recap_reconciliation", "rpt_restatements"])
    return {
        "nights": fetch(
            cursor,
            f"select night, {SUMS} from marts.rpt_coverage_daily group by night order by night desc limit %(shown)s",  # noqa: S608 - our own columns
            {"shown": NIGHTS_SHOWN},
        ),
        "kinds": fetch(
            cursor,
            f"select kind, {SUMS} from marts.rpt_coverage_daily where night = %(night)s group by kind"  # noqa: S608 - our own columns
            " order by array_position(array['kementerian', 'lembaga', 'provinsi', 'kabupaten', 'kota'], kind)",
            {"night": night},
        ),
        # Reasons are the connectors' messages and may name a source's address: only the state is shown.
        "missing": fetch(
            cursor,
            "select agencies.name as agency_name, deliveries.agency_code, deliveries.resource, deliveries.frequency,"
            " case when deliveries.gate_verdict = 'held' then 'held' else deliveries.state end as state"
            " from marts.fct_deliveries as deliveries"
            " inner join marts.dim_agencies as agencies"
            " on deliveries.agency_code = agencies.agency_code and agencies.is_current"
            " where deliveries.night = %(night)s and deliveries.state <> 'empty'"
            " and not (deliveries.state = 'received' and coalesce(deliveries.gate_verdict, '') like 'pass%%')"
            " order by 5, agencies.name, deliveries.resource limit %(shown)s",
            {"night": night, "shown": ROWS_SHOWN},
        )
        if "fct_deliveries" in may
        else None,
        "rows": fetch(
            cursor,
            "select resource, sum(received_count)::bigint as received_count,"
            " sum(accepted_count)::bigint as accepted_count, sum(quarantined_count)::bigint as quarantined_count,"
            " sum(held_count)::bigint as held_count,"
            " sum(superseded_count)::bigint as superseded_count from marts.fct_deliveries group by resource order by 1",
        )
        if "fct_deliveries" in may
        else None,
        "recaps": fetch(
            cursor,
            "select coalesce(subject_name, agencies.name, subject_code) as subject_name,"
            " period_start, period_end, figure, stated_count, computed_count, difference, is_stale_copy, verdict"
            " from marts.rpt_recap_reconciliation as recaps left join marts.dim_agencies as agencies"
            " on recaps.subject_code = agencies.agency_code and agencies.is_current"
            " where verdict = 'differs' and stated_count >= %(below)s and computed_count >= %(below)s"
            " order by abs(difference) desc, 1, period_start, figure limit 20",
            {"below": HIDDEN_BELOW},
        )
        if "rpt_recap_reconciliation" in may
        else None,
        "restatements": fetch(
            cursor,
            "select agency_code, agency_name, month, figure, value_before, value_after, cause, published_night"
            " from marts.rpt_restatements where least(value_published, value_before, value_after) >= %(below)s"
            " order by abs(relative_difference) desc nulls last, agency_code, month, figure, restatement limit 20",
            {"below": HIDDEN_BELOW},
        )
        if "rpt_restatements" in may
        else None,
    }
