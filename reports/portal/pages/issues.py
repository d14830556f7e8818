"""Priority programmes and rising topics: where the stock grows, who must unblock it, what people report more of."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from psycopg2.extensions import cursor as Cursor

from reports import charts
from reports.contents.wording import category_words
from reports.portal.figures import Row, concealed, fetch
from reports.portal.pages.frame import Frame, NoSuchThing
from reports.portal.pages.national import level
from reports.portal.small_cells import SmallCells
from reports.portal.workshop import Drawing, drawn
from reports.report import Hidden

AGENCIES_SHOWN = 15
LONGEST_SHOWN = 20
WEEKS_SHOWN = 26
PROGRAMMES_DRAWN = 5


def compose(cursor: Cursor, frame: Frame, programme: str) -> Mapping[str, Any]:
    """What issues.html shows. programme: one alone, or all for "". Raises NoSuchThing for one that is not there."""
    weeks = fetch(
        cursor,
        "select programme, max(programme_name) as programme_name, week, max(week_end_date) as week_end_date,"
        " sum(opening_count)::integer as opening_count, sum(in_count)::integer as in_count,"
        " sum(out_count)::integer as out_count, sum(closing_count)::integer as closing_count,"
        " sum(growth_count)::integer as growth_count, sum(overdue_14_days_count)::integer as overdue_14_days_count"
        " from marts.rpt_ksp_strategic_issues_weekly"
        " where week > %(night)s - 7 * %(weeks)s group by programme, week order by week, programme",
        {"night": frame.night.night, "weeks": WEEKS_SHOWN},
    )
    names = {row["programme"]: row["programme_name"] for row in weeks}
    if programme and programme not in names:
        raise NoSuchThing(programme)
    running = weeks[-1]["week"] if weeks else None
    stocks = {row["programme"]: _stock(row, frame.small)["closing_count"] for row in weeks if row["week"] == running}
    # Whole weeks, as for the nation: three days of one would look like a fall.
    weeks = [row for row in weeks if row["week_end_date"] == row["week"] + timedelta(days=6)] or weeks
    last_week = weeks[-1]["week"] if weeks else None
    now = [_stock(row, frame.small) for row in weeks if row["week"] == last_week]
    # Hidden ones last and by name: their place would tell their size.
    now.sort(key=lambda row: (_place(row["overdue_14_days_count"]), row["programme_name"]))
    return {
        "programme": programme,
        "programmes": sorted(names.items(), key=lambda item: str(item[1])),
        "week_end": now[0]["week_end_date"] if now else None,
        "now": now,
        "trend": _trend(weeks, names, programme, frame),
        "agencies": _agencies(cursor, frame, last_week, programme) if last_week else [],
        "rising": _rising(cursor, frame),
        "longest": _longest(cursor, frame, running, stocks, programme),
    }


def _trend(weeks: list[Row], names: Mapping[str, str], programme: str, frame: Frame) -> Drawing | None:
    """The stock by week of the programme asked for, or of those with the largest."""
    speech = frame.speech
    small = frame.small
    last = weeks[-1]["week"] if weeks else None
    largest = [row for row in weeks if row["week"] == last and not small.hides_open(row["programme"], last)]
    largest.sort(key=lambda row: (-row["closing_count"], row["programme"]))
    chosen = [programme] if programme else [row["programme"] for row in largest[:PROGRAMMES_DRAWN]]
    lines = [
        charts.Line(
            names[code],
            [
                (row["week_end_date"], None if small.hides_open(code, row["week"]) else float(row["closing_count"]))
                for row in weeks
                if row["programme"] == code
            ],
        )
        for code in chosen
    ]
    lines = [line for line in lines if len(line.points) > 1]
    if not lines:
        return None
    return drawn(
        charts.trend,
        lines,
        name="program",
        title=_course(lines, frame),
        unit=speech.say("laporan terbuka di akhir minggu", "open complaints at the end of the week"),
        n=sum(
            row["closing_count"]
            for row in weeks
            if row["week"] == last and row["programme"] in chosen and not small.hides_open(row["programme"], last)
        ),
        language=speech.language,
        is_simulated=frame.night.is_simulated,
    )


def _course(lines: Sequence[charts.Line], frame: Frame) -> str:
    """What the lines say: which programme has most open, and whether that grew."""
    ending = [line for line in lines if line.points[-1][1] is not None]
    if not ending:
        return frame.speech.say("Laporan terbuka menurut program", "Open complaints by programme")
    most = max(ending, key=lambda line: line.points[-1][1] or 0)
    say = frame.speech.say
    whose = most.label if len(lines) == 1 else say(f"Terbanyak {most.label}", f"Most: {most.label}")
    return f"{whose}: {level(most.points, frame)}"


def _agencies(cursor: Cursor, frame: Frame, week: date, programme: str) -> list[Row]:
    """Who has most past the limit; a small stock, and what would give it away, is hidden and not listed."""
    rows = fetch(
        cursor,
        "select programme, programme_name, agency_code, agency_name, kind,"
        " sum(closing_count)::integer as closing_count,"
        " sum(growth_count)::integer as growth_count, sum(overdue_14_days_count)::integer as overdue_14_days_count"
        " from marts.rpt_ksp_strategic_issues_weekly where week = %(week)s and %(programme)s in ('', programme)"
        " group by programme, programme_name, agency_code, agency_name, kind having sum(closing_count) > 0",
        {"week": week, "programme": programme},
    )
    before = week - timedelta(days=7)
    small = frame.small
    shown = [
        concealed(row, ["growth_count"]) if small.hides_open(row["programme"], before, row["agency_code"]) else row
        for row in rows
        if not small.hides_open(row["programme"], week, row["agency_code"])
    ]
    shown.sort(key=lambda row: (-row["overdue_14_days_count"], row["agency_name"], row["programme"]))
    return shown[:AGENCIES_SHOWN]


def _longest(
    cursor: Cursor, frame: Frame, week: date | None, stocks: Mapping[str, int | Hidden], programme: str
) -> list[Row]:
    """The longest open of the night, as KSP's report tells them: at most half of what a programme has open.

    week, stocks: the running week, and what each programme has open in it.

    A complaint with its agency is one of the agency's: where these are too few to be counted, the agency is hidden.
    """
    hidden = Hidden.SMALL.value
    known = {code: count for code, count in stocks.items() if isinstance(count, int)}
    rows = fetch(
        cursor,
        "with named as ("
        "    select programme, agency_code from marts.rpt_ksp_strategic_issues_weekly where week = %(week)s"
        "    group by programme, agency_code having sum(closing_count) > 0"
        ") "
        "select longest.programme, longest.rank, longest.programme_name, longest.agency_code, longest.agency_name,"
        " longest.category_id, longest.received_month, longest.open_days, named.agency_code is not null as is_counted"
        " from marts.rpt_ksp_longest_open as longest"
        " left join named on longest.programme = named.programme and longest.agency_code = named.agency_code"
        " where %(programme)s in ('', longest.programme)"
        " order by longest.open_days desc, longest.programme, longest.rank",
        {"programme": programme, "week": week},
    )
    told = [row for row in rows if row["rank"] <= known.get(row["programme"], 0) // 2][:LONGEST_SHOWN]
    return [
        {
            **row,
            "category": category_words(row["category_id"].rpartition(" > ")[2]),
            "agency_name": row["agency_name"] if _may_be_named(row, week, frame.small) else hidden,
        }
        for row in told
    ]


def _may_be_named(row: Row, week: date | None, small: SmallCells) -> bool:
    return week is not None and row["is_counted"] and not small.hides_open(row["programme"], week, row["agency_code"])


def _stock(row: Row, small: SmallCells) -> Row:
    """A programme's week without what is hidden of it: stock at both ends and what left give away what came."""
    week, code = row["week"], row["programme"]
    opening, closing = small.hides_open(code, week - timedelta(days=7)), small.hides_open(code, week)
    hidden = [
        *(["opening_count"] if opening else []),
        *(["closing_count", "overdue_14_days_count"] if closing else []),
        *(["growth_count"] if opening or closing else []),
        *(["in_count", "out_count"] if opening or closing or small.hides_came(code, week) else []),
    ]
    return concealed(row, hidden)


def _rising(cursor: Cursor, frame: Frame) -> list[Row]:
    """What rose in the last eight weeks beyond season and chance, newest first."""
    rows = fetch(
        cursor,
        "select week, area_code, area_name, category_main, received_count, expected_count, surprise_score, coverage"
        " from marts.rpt_category_trends_weekly"
        " where is_rising and week > (select max(week) from marts.rpt_category_trends_weekly) - 56"
        " order by week desc, surprise_score desc, category_main, area_code limit 20",
    )
    return [
        concealed(row, ["received_count"])
        if frame.small.hides_topic(row["category_main"], row["area_code"], row["week"])
        else row
        for row in rows
    ]


def _place(count: int | Hidden) -> int:
    """Sorts the largest first, the hidden last."""
    return 1 if isinstance(count, Hidden) else -count
