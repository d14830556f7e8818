"""The provinces beside each other, and one of them with its governments."""

from collections.abc import Mapping
from typing import Any

from psycopg2.extensions import cursor as Cursor

from reports import charts
from reports.portal.figures import concealed, fetch, rate, readable
from reports.portal.pages.frame import Frame, NoSuchThing
from reports.portal.pages.national import (
    MONTHS_DRAWN,
    course_title,
    gaps,
    longest_run,
    night_of,
    province_chart,
    province_rows,
)
from reports.portal.workshop import drawn

FIGURES = ("received_count", "followed_up_count", "completed_count")


def compose_all(cursor: Cursor, frame: Frame) -> Mapping[str, Any]:
    """What provinces.html shows."""
    provinces = province_rows(cursor, frame)
    return {
        "provinces": provinces,
        "period": frame.speech.months(frame.night.first_month, frame.night.last_month),
        "map": province_chart(provinces, frame),
    }


def compose_one(cursor: Cursor, frame: Frame, code: str) -> Mapping[str, Any]:
    """What province.html shows. Raises NoSuchThing for a code that is no province with complaints."""
    say, night = frame.speech.say, frame.night
    province = next((row for row in province_rows(cursor, frame) if row["province_code"] == code), None)
    if province is None:
        raise NoSuchThing(code)
    span = {"code": code, "first": night.first_month, "last": night.last_month}
    months = fetch(
        cursor,
        "select month, received_count, followed_up_count, completed_count, coverage_night, coverage"
        " from marts.rpt_province_performance_monthly"
        " where province_code = %(code)s and month between %(first)s and %(last)s order by month",
        span,
    )
    months = [concealed(row, FIGURES) if frame.small.hides("province", code, row["month"]) else row for row in months]
    shown = [row["month"] for row in months if isinstance(row["received_count"], int)]
    return {
        "province": province,
        "period": frame.speech.months(night.first_month, night.last_month),
        "months": [
            {
                **row,
                "night": night_of(row),
                "followed_up": rate(row["followed_up_count"], row["received_count"]),
                "completed": rate(row["completed_count"], row["received_count"]),
            }
            for row in months
        ],
        "agencies": _governments(cursor, frame, span),
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
            name=f"provinsi-{code}",
            title=course_title(province, frame, province["province_name"]) + gaps(len(months), len(shown), frame),
            unit=say("laporan per bulan diterima", "complaints by month of receipt"),
            n=province["received_count"] if isinstance(province["received_count"], int) else None,
            language=frame.speech.language,
            is_simulated=night.is_simulated,
        )
        if longest_run(shown) >= MONTHS_DRAWN
        else None,
    }


def _governments(cursor: Cursor, frame: Frame, span: Mapping[str, object]) -> list[dict[str, Any]] | None:
    """The province's governments; None for a role that may not read agencies."""
    if not readable(cursor, ["rpt_agency_performance_monthly"]):
        return None
    rows = fetch(
        cursor,
        "select agency_code, max(agency_name) as agency_name, max(kind) as kind,"
        " sum(received_count)::integer as received_count, sum(followed_up_count)::integer as followed_up_count,"
        " sum(completed_count)::integer as completed_count"
        " from marts.rpt_agency_performance_monthly"
        " where province_code = %(code)s and month between %(first)s and %(last)s"
        " and kind not in ('kementerian', 'lembaga')"
        " group by agency_code order by (max(kind) = 'provinsi') desc, sum(received_count) desc, agency_code",
        span,
    )
    night = frame.night
    rows = [
        concealed(row, FIGURES)
        if frame.small.hides("agency", row["agency_code"], night.first_month, night.last_month)
        else row
        for row in rows
    ]
    return [
        {
            **row,
            "followed_up": rate(row["followed_up_count"], row["received_count"]),
            "completed": rate(row["completed_count"], row["received_count"]),
        }
        for row in rows
    ]


def _drawn(value: object) -> float | None:
    return float(value) if isinstance(value, int) else None
