"""A quarter of indications for the Ombudsman: signs of maladministration beyond the peers, never findings."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from psycopg2.extensions import cursor as Cursor

from reports.periods import Period
from reports.portal.figures import HIDDEN_BELOW, Row, fetch, rate
from reports.portal.pages.frame import Frame, NoSuchThing
from reports.report import Hidden

AGENCIES_SHOWN = 25
FLAGGED = ("above 95", "above 99.8")
# Read of what came in a quarter earlier, as the Ombudsman's report does: the last is too young for 60 working days.
DELAY = "penundaan_berlarut"
OF_THE_QUARTER = (
    " from marts.rpt_ombudsman_indications_quarterly"
    " where quarter = case when indication = %(delay)s then %(earlier)s else %(quarter)s end::date"
)


def compose(cursor: Cursor, frame: Frame, quarter: date | None) -> Mapping[str, Any]:
    """What indications.html shows; the last quarter for None. Raises NoSuchThing for a quarter without data."""
    quarters = [
        row["quarter"]
        for row in fetch(
            cursor, "select distinct quarter from marts.rpt_ombudsman_indications_quarterly order by quarter desc"
        )
    ]
    if quarter is None and quarters:
        quarter = quarters[0]
    if quarter not in quarters:
        raise NoSuchThing(str(quarter))
    assert quarter is not None, "one of the quarters"
    at = {
        "quarter": quarter, "earlier": Period.containing("quarter", quarter).before().first_date, "delay": DELAY,
        "flagged": list(FLAGGED), "shown": AGENCIES_SHOWN, "below": HIDDEN_BELOW,
    }  # fmt: skip
    kinds = fetch(
        cursor,
        "select indication, max(quarter) as quarter,"
        " sum(case_count)::integer as case_count, sum(base_count)::integer as base_count,"
        " count(*) filter (where funnel_position = any(%(flagged)s))::integer as flagged_count,"
        " count(*) filter (where funnel_position <> 'not judged')::integer as judged_count"
        + OF_THE_QUARTER
        + " group by indication order by sum(case_count) desc, indication",
        at,
    )
    return {
        "quarter_start": quarter,
        "quarters": [(day.isoformat(), frame.speech.quarter(day)) for day in quarters],
        "kinds": [{**row, "share": rate(row["case_count"], row["base_count"])} for row in kinds],
        "flagged": fetch(
            cursor,
            "select agency_code, agency_name, peer_group, indication, quarter, case_count, base_count, share,"
            " share_low, share_high, peer_share, peer_agency_count, funnel_z_adjusted, funnel_position"
            + OF_THE_QUARTER
            + " and funnel_position = any(%(flagged)s) and base_count >= %(below)s"
            " order by funnel_z_adjusted desc, agency_code, indication",
            at,
        ),
        "backlog": fetch(
            cursor,
            "select agency_code, agency_name, received_count, backlog_count, backlog_over_limit_count,"
            " backlog_over_limit_rate_of_backlog as over_limit_rate, reopened_count"
            " from marts.rpt_ombudsman_agencies_quarterly"
            " where quarter = %(quarter)s and received_count >= 10 and backlog_count >= 10"
            " order by backlog_over_limit_count desc, agency_code limit %(shown)s",
            at,
        ),
        "totals": _totals(cursor, at),
    }


def _totals(cursor: Cursor, at: Mapping[str, object]) -> Row:
    """The nation's quarter; how many were secret is counted over all agencies only."""
    rows = fetch(
        cursor,
        "select coalesce(sum(received_count), 0)::integer as received_count,"
        " coalesce(sum(secret_count), 0)::integer as secret_count,"
        " coalesce(sum(backlog_count), 0)::integer as backlog_count,"
        " coalesce(sum(backlog_over_limit_count), 0)::integer as backlog_over_limit_count,"
        " coalesce(sum(reopened_count), 0)::integer as reopened_count"
        " from marts.rpt_ombudsman_agencies_quarterly where quarter = %(quarter)s",
        at,
    )
    row = rows[0]
    return {**row, "secret_count": Hidden.SMALL if 0 < row["secret_count"] < HIDDEN_BELOW else row["secret_count"]}
