"""The nation: what came in this year, what became of it, where, and whether the stock shrinks."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from psycopg2.extensions import cursor as Cursor

from reports import charts
from reports.portal.figures import Row, concealed, fetch, rate, readable
from reports.portal.pages.frame import Frame
from reports.portal.workshop import Drawing, drawn
from reports.report import Hidden

COUNTS = ("received_count", "followed_up_count", "completed_count", "archived_count", "completed_automatic_count")
GROWTH_WEEKS = (
    8  # how far back a stock is compared, if as many weeks again lie before: the first ones fill the database
)
MONTHS_DRAWN = 3  # shown months one after the other; fewer are points and no course
FIGURES = (*COUNTS, "followed_up_rate", "completed_rate")


def compose(cursor: Cursor, frame: Frame) -> Mapping[str, Any]:
    """What national.html shows."""
    say, night = frame.speech.say, frame.night
    months = fetch(
        cursor,
        "select month, received_count, followed_up_count, completed_count, archived_count, completed_automatic_count,"
        " followed_up_rate, completed_rate, coverage_night, agencies_delivered, agencies_expected, coverage"
        " from marts.rpt_national_performance_monthly where month between %(first)s and %(last)s order by month",
        {"first": night.first_month, "last": night.last_month},
    )
    months = [concealed(row, FIGURES) if frame.small.hides("nation", "", row["month"]) else row for row in months]
    shown = [row for row in months if isinstance(row["received_count"], int)]
    total = {name: sum(row[name] for row in shown) for name in COUNTS}
    provinces = province_rows(cursor, frame)
    survey = fetch(
        cursor,
        "select wave, value, respondent_count, margin_of_error from marts.rpt_national_satisfaction"
        " where metric_kind = 'TOP2BOX_LAPOR' and respondent_count is not null and wave <= %(year)s"
        " order by wave desc limit 1",
        {"year": night.night.year},
    )
    return {
        "months": [{**row, "night": night_of(row)} for row in months],
        "period": frame.speech.months(night.first_month, night.last_month),
        "total": total,
        "followed_up": rate(total["followed_up_count"], total["received_count"]),
        "completed": rate(total["completed_count"], total["received_count"]),
        "survey": survey[0] if survey else None,
        "trend": drawn(
            charts.trend,
            [
                charts.Line(
                    say("Diterima", "Received"), [(row["month"], float(row["received_count"])) for row in shown]
                ),
                charts.Line(
                    say("Ditindaklanjuti", "Followed up"),
                    [(row["month"], float(row["followed_up_count"])) for row in shown],
                ),
                charts.Line(
                    say("Selesai", "Completed"), [(row["month"], float(row["completed_count"])) for row in shown]
                ),
            ],
            name="nasional",
            title=course_title(total, frame),
            unit=say("laporan per bulan diterima", "complaints by month of receipt"),
            n=total["received_count"],
            language=frame.speech.language,
            is_simulated=night.is_simulated,
        )
        if len(shown) > 1
        else None,
        "map": province_chart(provinces, frame),
        "stock": stock_chart(cursor, frame),
    }


def course_title(total: Mapping[str, Any], frame: Frame, place: str = "") -> str:
    """What a trend of complaints received, followed up and completed says: how many, and what became of them.

    total: what the page's headlines say, maybe hidden; place: whose it is, where the page does not say so.
    """
    speech = frame.speech
    received = total["received_count"]
    whose = f"{place}: " if place else ""
    if isinstance(received, Hidden):
        return whose + speech.say("laporan menurut bulan diterima", "complaints by month of receipt")
    followed_up, completed = (rate(total[name], received).value for name in ("followed_up_count", "completed_count"))
    if followed_up is None or completed is None:
        return whose + speech.say(
            f"{speech.number(received)} laporan diterima", f"{speech.number(received)} complaints"
        )
    return whose + speech.say(
        f"{speech.number(received)} laporan, {speech.percent(followed_up)} ditindaklanjuti dan"
        f" {speech.percent(completed)} selesai",
        f"{speech.number(received)} complaints, {speech.percent(followed_up)} followed up and"
        f" {speech.percent(completed)} completed",
    )


def night_of(row: Row) -> date | None:
    """The month's own night that its completeness is of; None for one whose data came with a later month's."""
    night: date = row["coverage_night"]
    return night if night.replace(day=1) == row["month"] else None


def gaps(of: int, shown: int, frame: Frame) -> str:
    """What the title of a trend adds where its lines have gaps: of so many months not all are shown."""
    if of == shown:
        return ""
    return frame.speech.say(f" ({of - shown} dari {of} bulan disamarkan)", f" ({of - shown} of {of} months hidden)")


def longest_run(months: Sequence[date]) -> int:
    """How many of the months, in order, follow each other without a gap at most."""
    longest = run = 0
    for number, month in enumerate(months):
        follows = number > 0 and (month - timedelta(days=1)).replace(day=1) == months[number - 1]
        run = run + 1 if follows else 1
        longest = max(longest, run)
    return longest


def province_rows(cursor: Cursor, frame: Frame) -> list[Row]:
    """Each province's governments together, this year: counts, shares and completeness; small ones hidden."""
    night = frame.night
    rows = fetch(
        cursor,
        "select province_code, max(province_name) as province_name, max(agency_count) as agency_count,"
        " sum(received_count)::integer as received_count, sum(followed_up_count)::integer as followed_up_count,"
        " sum(completed_count)::integer as completed_count, max(population) as population,"
        " (array_agg(agencies_delivered order by month desc))[1] as agencies_delivered,"
        " (array_agg(agencies_expected order by month desc))[1] as agencies_expected"
        " from marts.rpt_province_performance_monthly where month between %(first)s and %(last)s"
        " group by province_code order by province_code",
        {"first": night.first_month, "last": night.last_month},
    )
    result = []
    for row in rows:
        if frame.small.hides("province", row["province_code"], night.first_month, night.last_month):
            row = concealed(row, ("received_count", "followed_up_count", "completed_count"))  # noqa: PLW2901
        received = row["received_count"]
        result.append(
            {
                **row,
                "followed_up": rate(row["followed_up_count"], received),
                "completed": rate(row["completed_count"], received),
                "per_100k": _per_100k(received, row["population"]),
            }
        )
    return result


def province_chart(provinces: list[Row], frame: Frame) -> Drawing | None:
    """The tile map of follow-up; None without a share."""
    speech = frame.speech
    values = {row["province_code"]: row["followed_up"].value for row in provinces}
    known = sorted((row for row in provinces if row["followed_up"].value is not None), key=_value)
    if not known:
        return None
    lowest, highest = known[0], known[-1]
    return drawn(
        charts.province_map,
        values,
        kind="rate",
        name="provinsi",
        title=speech.say(
            f"Tindak lanjut terendah di {lowest['province_name']}, tertinggi di {highest['province_name']}",
            f"Follow-up is lowest in {lowest['province_name']} and highest in {highest['province_name']}",
        ),
        unit=speech.say("% laporan yang ditindaklanjuti", "% of complaints followed up"),
        n=sum(row["received_count"] for row in known),
        language=speech.language,
        is_simulated=frame.night.is_simulated,
    )


def stock_chart(cursor: Cursor, frame: Frame) -> Drawing | None:
    """Weeks of inflow, outflow and stock over all agencies; None for a role that may not read them."""
    if not readable(cursor, ["rpt_agency_stock_flow_daily"]):
        return None
    weeks = fetch(
        cursor,
        "with days as ("
        "    select business_date, sum(received_count + reopened_count) as in_count,"
        "        sum(completed_count + archived_count) as out_count, sum(closing_count) as closing_count"
        "    from marts.rpt_agency_stock_flow_daily where business_date between %(first)s and %(night)s"
        "    group by business_date"
        ") "
        "select min(business_date) as first_date, sum(in_count)::integer as in_count,"
        " sum(out_count)::integer as out_count,"
        " (array_agg(closing_count order by business_date desc))[1]::integer as closing_count"
        " from days group by date_trunc('week', business_date) having count(*) = 7 order by 1",
        {"first": frame.night.first_month, "night": frame.night.night},
    )
    return flow_chart(weeks, frame, "stok")


def flow_chart(weeks: list[Row], frame: Frame, name: str) -> Drawing | None:
    """Inflow, outflow and stock by week; None for fewer than two weeks."""
    speech = frame.speech
    if len(weeks) < 2:
        return None
    return drawn(
        charts.stock_flow,
        [charts.FlowDay(row["first_date"], row["in_count"], row["out_count"], row["closing_count"]) for row in weeks],
        name=name,
        title=level([(row["first_date"] + timedelta(days=6), row["closing_count"]) for row in weeks], frame),
        unit=speech.say("laporan per minggu", "complaints per week"),
        n=sum(row["in_count"] for row in weeks),
        language=speech.language,
        is_simulated=frame.night.is_simulated,
    )


def level(points: Sequence[tuple[date, float | None]], frame: Frame) -> str:
    """How many are open at the last of the weeks' ends, and how many more or fewer than GROWTH_WEEKS before.

    The last is known; the earlier is told only where it is known and does not lie in the first weeks that are drawn.
    """
    speech = frame.speech
    day, now = points[-1]
    earlier = points[-1 - GROWTH_WEEKS][1] if len(points) > 2 * GROWTH_WEEKS else None
    count, on = speech.number(now), speech.day(day)
    told = speech.say(f"{count} laporan terbuka pada {on}", f"{count} open complaints on {on}")
    if now is None or earlier is None:
        return told
    change = speech.number(abs(now - earlier))
    if now == earlier:
        return told + speech.say(
            f", sama dengan {GROWTH_WEEKS} minggu sebelumnya", f", as many as {GROWTH_WEEKS} weeks before"
        )
    grew = now > earlier
    return told + speech.say(
        f", {'bertambah' if grew else 'berkurang'} {change} dalam {GROWTH_WEEKS} minggu",
        f", {change} {'more' if grew else 'fewer'} than {GROWTH_WEEKS} weeks before",
    )


def _per_100k(received: int | Hidden, population: int | None) -> float | Hidden | None:
    if isinstance(received, Hidden):
        return received
    return 100_000 * received / population if population else None


def _value(row: Row) -> float:
    return float(row["followed_up"].value)
