"""Satisfaction: four families of figures that never mix, each with its own scale, respondents and frame."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from psycopg2.extensions import cursor as Cursor

from reports import charts
from reports.portal.figures import HIDDEN_BELOW, Row, fetch, readable
from reports.portal.pages.frame import Frame
from reports.portal.workshop import Drawing, drawn

RATED_AT_LEAST = 30  # stars of fewer ratings are not listed beside others
AGENCIES_SHOWN = 30


def compose(cursor: Cursor, frame: Frame) -> Mapping[str, Any]:
    """What satisfaction.html shows."""
    night = frame.night
    may = readable(cursor, ["rpt_agency_satisfaction", "rpt_ratings_monthly"])
    at = {"first": night.first_month, "last": night.last_month, "least": RATED_AT_LEAST, "shown": AGENCIES_SHOWN,
          "year": night.night.year, "below": HIDDEN_BELOW}  # fmt: skip
    waves = fetch(
        cursor,
        "select wave, value, value_low, value_high, respondent_count, margin_of_error, sampling_frame,"
        " is_comparable_with_previous, attribute_values, basis, value_published, source"
        " from marts.rpt_national_satisfaction where metric_kind = 'TOP2BOX_LAPOR'"
        " and wave <= %(year)s order by wave",
        at,
    )
    told = next((row for row in reversed(waves) if row["attribute_values"]), None)
    return {
        "waves": waves,
        "chart": _chart(waves, frame),
        "attributes_wave": told["wave"] if told else None,
        "attributes": sorted(told["attribute_values"].items(), key=lambda item: -item[1]) if told else [],
        "sees_agencies": bool(may),
        "ikm": fetch(
            cursor,
            "select agency_code, agency_name, year, value, value_low, value_high, respondent_count, grade, grade_name"
            " from marts.rpt_agency_satisfaction where is_reported and respondent_count >= %(below)s"
            " and year >= %(year)s - 1 order by value desc, agency_code limit %(shown)s",
            at,
        )
        if "rpt_agency_satisfaction" in may
        else [],
        "ratings": fetch(
            cursor,
            "select agency_code, max(agency_name) as agency_name, sum(rating_count)::integer as rating_count,"
            " sum(value * rating_count) / sum(rating_count) as stars,"
            " sum(rated_completion_count)::numeric / nullif(sum(completion_count), 0) as rated_rate"
            " from marts.rpt_ratings_monthly where month between %(first)s and %(last)s"
            " group by agency_code having sum(rating_count) >= %(least)s"
            " order by stars desc, agency_code limit %(shown)s",
            at,
        )
        if "rpt_ratings_monthly" in may
        else [],
        "period": frame.speech.months(night.first_month, night.last_month),
    }


def _chart(waves: list[Row], frame: Frame) -> Drawing | None:
    """The waves; the line breaks where other people were asked."""
    speech = frame.speech
    if len(waves) < 2:
        return None
    asked = [row["respondent_count"] for row in waves]
    breaks = [
        charts.Break(date(row["wave"], 1, 1), speech.say("kerangka lain", "other frame"))
        for row in waves
        if row["is_comparable_with_previous"] is False
    ]
    return drawn(
        charts.trend,
        [
            charts.Line(
                speech.say("Puas dan sangat puas", "Satisfied and very satisfied"),
                [(date(row["wave"], 7, 1), float(row["value"]) / 100) for row in waves],
            )
        ],
        name="kepuasan",
        title=speech.say(
            "Survei pengguna LAPOR!: gelombang dengan kerangka berbeda tidak dapat diperbandingkan",
            "Survey of LAPOR! users: waves with different frames cannot be compared",
        ),
        unit=speech.say("% jawaban", "% of answers"),
        kind="rate",
        n=None if None in asked else sum(asked),  # of all that is drawn, or of nothing
        language=speech.language,
        is_simulated=frame.night.is_simulated,
        breaks=breaks,
    )
