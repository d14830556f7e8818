"""One agency: what came in, how it answers beside its peers, its stock, its units and what its users say."""

from collections.abc import Mapping
from typing import Any

from psycopg2.extensions import cursor as Cursor

from reports import charts
from reports.portal.figures import HIDDEN_BELOW, Row, concealed, fetch, rate, readable
from reports.portal.pages.agencies import MEASURED
from reports.portal.pages.frame import Frame, NoSuchThing, shared
from reports.portal.pages.national import MONTHS_DRAWN, course_title, flow_chart, gaps, longest_run
from reports.portal.words import METRICS
from reports.portal.workshop import Drawing, drawn
from reports.report import Hidden

MARTS = (
    "rpt_agency_comparison", "rpt_peer_distribution", "rpt_agency_timeliness", "rpt_unit_performance_monthly",
    "rpt_panrb_monev_monthly", "rpt_agency_satisfaction", "rpt_ratings_monthly", "rpt_agency_stock_flow_daily",
)  # fmt: skip
MONTHLY = ("received_count", "followed_up_count", "completed_count", "completed_automatic_count")
UNITS_SHOWN = 15
CENTRAL_METRIC = "followed_up_rate"


def compose(cursor: Cursor, frame: Frame, agency_code: str, window_kind: str) -> Mapping[str, Any]:
    """What scorecard.html shows. Raises NoSuchThing for an agency that is not there or not the reader's."""
    night, say = frame.night, frame.speech.say
    at = {
        "agency_code": agency_code, "first": night.first_month, "last": night.last_month, "night": night.night,
        "window_kind": window_kind,
    }  # fmt: skip
    months = fetch(
        cursor,
        "select month, agency_name, kind, province_code, received_count, followed_up_count, completed_count,"
        " completed_automatic_count from marts.rpt_agency_performance_monthly"
        " where agency_code = %(agency_code)s and month between %(first)s and %(last)s order by month",
        at,
    )
    if not months:
        raise NoSuchThing(agency_code)
    may = shared(frame, MARTS, lambda: readable(cursor, MARTS), of_role=True)
    is_hidden = frame.small.hides("agency", agency_code, night.first_month, night.last_month)
    total: Row = {name: sum(row[name] for row in months) for name in MONTHLY}
    if is_hidden:
        total = dict.fromkeys(MONTHLY, Hidden.SMALL)
    months = [
        concealed(row, MONTHLY) if frame.small.hides("agency", agency_code, row["month"]) else row for row in months
    ]
    shown = [row["month"] for row in months if isinstance(row["received_count"], int)]
    comparison = _comparison(cursor, frame, at) if "rpt_agency_comparison" in may else []
    peers = _peers(cursor, at, comparison) if "rpt_peer_distribution" in may else {}
    central = next((row for row in comparison if row["metric"] == CENTRAL_METRIC), None)
    return {
        "agency": months[0],
        "agency_code": agency_code,
        "window_kind": window_kind,
        "period": frame.speech.months(night.first_month, night.last_month),
        "total": total,
        "followed_up": rate(total["followed_up_count"], total["received_count"]),
        "completed": rate(total["completed_count"], total["received_count"]),
        "is_hidden": is_hidden,
        "months": [
            {
                **row,
                "followed_up": rate(row["followed_up_count"], row["received_count"]),
                "completed": rate(row["completed_count"], row["received_count"]),
            }
            for row in months
        ],
        "comparison": [{**row, "peers": peers.get(row["metric"])} for row in comparison],
        "central": central,
        "peers_chart": _peers_chart(central, peers.get(CENTRAL_METRIC), frame),
        "timeliness": _timeliness(cursor, at) if "rpt_agency_timeliness" in may and not is_hidden else [],
        "monev": _monev(cursor, at) if "rpt_panrb_monev_monthly" in may else None,
        "units": _units(cursor, frame, at) if "rpt_unit_performance_monthly" in may and not is_hidden else [],
        "survey": _survey(cursor, at) if "rpt_agency_satisfaction" in may else None,
        "ratings": _ratings(cursor, at) if "rpt_ratings_monthly" in may else None,
        "stock": _stock(cursor, frame, at) if "rpt_agency_stock_flow_daily" in may and not is_hidden else None,
        "trend": drawn(
            charts.trend,
            [
                charts.Line(label, [(row["month"], _drawn(row[figure])) for row in months])
                for figure, label in (
                    ("received_count", say("Diterima", "Received")),
                    ("followed_up_count", say("Ditindaklanjuti", "Followed up")),
                    ("completed_count", say("Selesai", "Completed")),
                )
            ],
            name="instansi",
            title=course_title(total, frame) + gaps(len(months), len(shown), frame),
            unit=say("laporan per bulan diterima", "complaints by month of receipt"),
            n=total["received_count"],
            language=frame.speech.language,
            is_simulated=night.is_simulated,
        )
        if not is_hidden and longest_run(shown) >= MONTHS_DRAWN
        else None,
    }


def _comparison(cursor: Cursor, frame: Frame, at: Mapping[str, object]) -> list[Row]:
    """The six measures of the window, in the order of METRICS; hidden where what was received is."""
    rows = fetch(
        cursor,
        "select agency_code, window_id, metric, first_date, last_date, kind, peer_group, volume_band, is_comparable,"
        " not_comparable_reason, numerator_count, denominator_count, value, value_low, value_high, group_mean,"
        " shrunk_value, shrunk_low, shrunk_high, rank, rank_low, rank_high, ranked_count, group_agency_count,"
        " funnel_position, observed_expected_ratio, agency_coverage"
        " from marts.rpt_agency_comparison where agency_code = %(agency_code)s and window_kind = %(window_kind)s",
        at,
    )
    order = list(METRICS)
    rows.sort(key=lambda row: order.index(row["metric"]) if row["metric"] in order else len(order))
    result = []
    for row in rows:
        first, last = row["first_date"].replace(day=1), row["last_date"].replace(day=1)
        hides = frame.small.hides("agency", row["agency_code"], first, last)
        shown = concealed(row, MEASURED) if hides else row
        result.append({**shown, "share": rate(shown["numerator_count"], shown["denominator_count"])})
    return result


def _peers(cursor: Cursor, at: Mapping[str, object], comparison: list[Row]) -> dict[str, Row]:
    """How the comparable peers are spread, by measure; nothing where they are fewer than five."""
    if not comparison:
        return {}
    rows = fetch(
        cursor,
        "select metric, agency_count, p10, p25, p50, p75, p90 from marts.rpt_peer_distribution"
        " where peer_group = %(peer_group)s and window_id = %(window_id)s and p50 is not null",
        {"peer_group": comparison[0]["peer_group"], "window_id": comparison[0]["window_id"]},
    )
    return {row["metric"]: row for row in rows}


def _peers_chart(central: Row | None, spread: Row | None, frame: Frame) -> Drawing | None:
    speech = frame.speech
    if central is None or spread is None:
        return None
    value = central["shrunk_value"]  # hidden where another agency would follow from it, however many it rests on
    here = float(value) if central["is_comparable"] and not isinstance(value, Hidden) else None
    median, raw = float(spread["p50"]), speech.percent(central["value"])
    if here is None:
        title = speech.say("Sebaran tindak lanjut kelompok sebanding", "How follow-up is spread among the peers")
    else:
        title = speech.say(
            f"Tindak lanjut {raw}, tersesuaikan {speech.percent(here)}; median kelompok {speech.percent(median)}",
            f"Follow-up {raw}, adjusted {speech.percent(here)}; the median of the peers is {speech.percent(median)}",
        )
    return drawn(
        charts.peers,
        [float(spread[name]) for name in ("p10", "p25", "p50", "p75", "p90")],
        here,
        name="sebanding",
        title=title,
        unit=speech.say(
            "% laporan yang ditindaklanjuti, tersesuaikan; n: instansi sebanding",
            "% of complaints followed up, adjusted; n: peers",
        ),
        n=spread["agency_count"],
        language=speech.language,
        is_simulated=frame.night.is_simulated,
    )


def _timeliness(cursor: Cursor, at: Mapping[str, object]) -> list[Row]:
    return fetch(
        cursor,
        "select clock, routed_count, open_count, working_days_median, working_days_p90, limit_working_days,"
        " ended_by_limit_rate, ended_by_limit_rate_low, ended_by_limit_rate_high from marts.rpt_agency_timeliness"
        " where agency_code = %(agency_code)s and window_kind = %(window_kind)s and routed_count >= 10"
        " order by clock desc",
        at,
    )


def _monev(cursor: Cursor, at: Mapping[str, object]) -> Row | None:
    rows = fetch(
        cursor,
        "select has_decree, has_action_plan, last_login_date, is_active, year_follow_up_verdict"
        " from marts.rpt_panrb_monev_monthly where agency_code = %(agency_code)s order by month desc limit 1",
        at,
    )
    return rows[0] if rows else None


def _units(cursor: Cursor, frame: Frame, at: Mapping[str, object]) -> list[Row]:
    """The units with most complaints this year, of those that may be shown."""
    rows = fetch(
        cursor,
        "select agency_code, unit_basis, unit_key, max(unit_name) as unit_name,"
        " sum(received_count)::integer as received_count,"
        " sum(followed_up_count)::integer as followed_up_count, sum(completed_count)::integer as completed_count"
        " from marts.rpt_unit_performance_monthly"
        " where agency_code = %(agency_code)s and month between %(first)s and %(last)s"
        " group by agency_code, unit_basis, unit_key order by sum(received_count) desc, unit_key",
        at,
    )
    shown = [row for row in rows if not frame.small.hides_unit(row["agency_code"], row["unit_basis"], row["unit_key"])]
    return [
        {
            **row,
            "followed_up": rate(row["followed_up_count"], row["received_count"]),
            "completed": rate(row["completed_count"], row["received_count"]),
        }
        for row in shown[:UNITS_SHOWN]
    ]


def _survey(cursor: Cursor, at: Mapping[str, object]) -> Row | None:
    rows = fetch(
        cursor,
        "select year, metric_kind, value, value_low, value_high, respondent_count, grade, grade_name, is_reported"
        " from marts.rpt_agency_satisfaction where agency_code = %(agency_code)s order by year desc limit 1",
        at,
    )
    return rows[0] if rows and rows[0]["is_reported"] else None


def _ratings(cursor: Cursor, at: Mapping[str, object]) -> Row | None:
    """The year's ratings together; None under five."""
    rows = fetch(
        cursor,
        "select sum(rating_count)::integer as rating_count,"
        " sum(value * rating_count) / nullif(sum(rating_count), 0) as stars,"
        " sum(rated_completion_count)::numeric / nullif(sum(completion_count), 0) as rated_rate"
        " from marts.rpt_ratings_monthly"
        " where agency_code = %(agency_code)s and month between %(first)s and %(last)s"
        " having sum(rating_count) >= %(least)s",
        {**at, "least": HIDDEN_BELOW},
    )
    return rows[0] if rows else None


def _stock(cursor: Cursor, frame: Frame, at: Mapping[str, object]) -> Drawing | None:
    """Weeks of flow and stock; None where a week has 1 to 4 of anything."""
    weeks = fetch(
        cursor,
        "select min(business_date) as first_date,"
        " sum(received_count + transferred_in_count + reopened_count)::integer as in_count,"
        " sum(completed_count + archived_count + transferred_out_count)::integer as out_count,"
        " (array_agg(closing_count order by business_date desc))[1] as closing_count"
        " from marts.rpt_agency_stock_flow_daily"
        " where agency_code = %(agency_code)s and business_date between %(first)s and %(night)s"
        " group by date_trunc('week', business_date) having count(*) = 7 order by 1",
        at,
    )
    if any(0 < row[name] < HIDDEN_BELOW for row in weeks for name in ("in_count", "out_count", "closing_count")):
        return None
    return flow_chart(weeks, frame, "stok-instansi")


def _drawn(value: object) -> float | None:
    return float(value) if isinstance(value, int) else None
