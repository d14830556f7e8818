"""The library of issued reports, and the dictionary of metrics: what may be taken away, and what its words mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import cursor as Cursor

from reports.contents.frame import metric_words
from reports.language import JAKARTA
from reports.periods import Period
from reports.portal.catalog import readable_marts
from reports.portal.figures import fetch
from reports.portal.pages.frame import Frame
from reports.portal.words import BODIES

ISSUES_OF_A_PAGE = 50
MAIN = ("laporan.pdf", "laporan.xlsx", "laporan.json")  # the whole report, as most people want it first


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the library is asked for; "" is anything. agency: a code, or a part of a name."""

    body: str = ""
    period: str = ""
    agency: str = ""
    page: int = 1


def compose(cursor: Cursor, frame: Frame, wanted: Wanted) -> Mapping[str, Any]:
    """What library.html shows: the last version of each issue the reader may see.

    The newest night first, and of a night the reports of the nation before the agencies' hundreds.
    """
    at = {
        "body": wanted.body, "period": wanted.period, "agency": wanted.agency,
        "shown": ISSUES_OF_A_PAGE, "skipped": (wanted.page - 1) * ISSUES_OF_A_PAGE,
    }  # fmt: skip
    issues = fetch(
        cursor,
        "with latest as ("
        "    select distinct on (body, period, agency_code) issue_id, body, period, agency_code, version, title, night,"
        "        is_simulated, coverage_delivered, coverage_expected, issued_at"
        "    from library.issues where %(body)s in ('', body) and %(period)s in ('', period)"
        "    order by body, period, agency_code, version desc"
        ") "
        "select latest.*, agencies.name as agency_name, count(*) over ()::integer as found_count,"
        " (select json_agg(json_build_object('name', files.name, 'byte_count', files.byte_count) order by files.name)"
        " from library.files as files where files.issue_id = latest.issue_id) as files"
        " from latest left join marts.dim_agencies as agencies"
        " on latest.agency_code = agencies.agency_code and agencies.is_current"
        " where %(agency)s in ('', latest.agency_code)"
        " or position(lower(%(agency)s) in lower(agencies.name)) > 0"
        " order by latest.night desc, latest.body = 'agency', latest.period desc, latest.body,"
        " agencies.name nulls first, latest.agency_code"
        " limit %(shown)s offset %(skipped)s",
        at,
    )
    choices = fetch(cursor, "select body, period from library.issues group by body, period order by period desc, body")
    periods = list(dict.fromkeys(row["period"] for row in choices))
    return {
        "wanted": wanted,
        "issues": [
            {
                **issue,
                "period_label": _label(issue["period"], frame),
                "issued_on": issue["issued_at"].astimezone(JAKARTA).date(),
                "main": sorted((file for file in issue["files"] or [] if file["name"] in MAIN), key=_place),
                "others": [file for file in issue["files"] or [] if file["name"] not in MAIN],
            }
            for issue in issues
        ],
        "page_count": -(-issues[0]["found_count"] // ISSUES_OF_A_PAGE) if issues else wanted.page,
        "bodies": [(body, frame.speech.word(BODIES, body)) for body in sorted({row["body"] for row in choices})],
        "periods": [(period, _label(period, frame)) for period in periods],
    }


def compose_dictionary(cursor: Cursor, frame: Frame) -> Mapping[str, Any]:
    """What dictionary.html shows: in Bahasa Indonesia with the words of the reports, in English with the marts' own."""
    metrics = fetch(
        cursor,
        "select metric, name_id, name_en, formula, numerator, denominator, unit, direction, source, owner"
        " from marts.metric_dictionary",
    )
    words = metric_words()
    for row in metrics:
        row["name"] = frame.speech.say(row["name_id"], row["name_en"])
        row["formula_words"], row["source_words"] = words.get(row["metric"], (None, None))
    return {"metrics": sorted(metrics, key=lambda row: (row["name"].lower(), row["metric"]))}


def compose_api(cursor: Cursor, frame: Frame) -> Mapping[str, Any]:
    """What api.html shows: the marts this role may pull."""
    del frame
    return {"marts": list(readable_marts(cursor))}


def _place(file: Mapping[str, Any]) -> int:
    return MAIN.index(file["name"])


def _label(period: str, frame: Frame) -> str:
    try:
        return Period.parse(period).label_in(frame.speech.language)
    except ValueError:
        return period
