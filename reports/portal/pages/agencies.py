"""The agencies beside each other, fairly: shares with intervals, peers, places the data leave open, or why no place."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any, Literal
from urllib.parse import urlencode

from psycopg2.extensions import cursor as Cursor

from reports import charts
from reports.portal.figures import Row, concealed, fetch, rate
from reports.portal.pages.frame import Frame, shared
from reports.portal.words import BASES, KINDS, METRICS, WINDOWS
from reports.portal.workshop import Drawing, drawn
from reports.report import Hidden

ROWS_OF_A_PAGE = 50
USUAL_WINDOW = "semester"
MEASURED = (
    "numerator_count", "denominator_count", "value", "value_low", "value_high", "shrunk_value", "shrunk_low",
    "shrunk_high", "rank", "rank_low", "rank_high", "observed_expected_ratio", "funnel_position",
)  # fmt: skip
SORTS = {
    "instansi": "agency_name", "n": "denominator_count", "nilai": "value", "tersesuaikan": "shrunk_value",
    "peringkat": "rank",
}  # fmt: skip
Z_95, Z_998 = 1.96, 3.09


@dataclass(frozen=True, slots=True)
class Filters:
    """What of the comparison is asked for; what is not among the choices counts as not asked."""

    kind: str = ""
    province_code: str = ""
    peer_group: str = ""
    window_kind: str = USUAL_WINDOW
    metric: str = "followed_up_rate"
    sort: str = "tersesuaikan"
    descending: bool = True
    page: int = 1

    def query(self) -> str:
        """As an address has it."""
        return urlencode(
            {
                "jenis": self.kind, "provinsi": self.province_code, "kelompok": self.peer_group,
                "jendela": self.window_kind, "ukuran": self.metric,
                "urut": ("-" if self.descending else "") + self.sort, "halaman": self.page,
            }
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sorting:
    """The present order, and the addresses of the others."""

    filters: Filters

    def state(self, key: str) -> Literal["none", "ascending", "descending"]:
        """For aria-sort."""
        if key != self.filters.sort:
            return "none"
        return "descending" if self.filters.descending else "ascending"

    def link(self, key: str) -> str:
        """The page sorted by this column; by the present one the other way round."""
        down = not self.filters.descending if key == self.filters.sort else key not in ("instansi", "peringkat")
        return "/instansi?" + replace(self.filters, sort=key, descending=down, page=1).query()


def asked(jenis: str, provinsi: str, kelompok: str, jendela: str, ukuran: str, urut: str, halaman: int) -> Filters:
    """Filters from the address."""
    sort = urut.removeprefix("-")
    return Filters(
        kind=jenis if jenis in KINDS else "",
        province_code=provinsi[:10],
        peer_group=kelompok[:40],
        window_kind=jendela if jendela in WINDOWS else USUAL_WINDOW,
        metric=ukuran if ukuran in METRICS else "followed_up_rate",
        sort=sort if sort in SORTS else "tersesuaikan",
        descending=urut.startswith("-") if sort in SORTS else True,
        page=max(halaman, 1),
    )


def compose(cursor: Cursor, frame: Frame, filters: Filters) -> Mapping[str, Any]:
    """What agencies.html shows."""
    provinces, everyone = shared(
        frame,
        ("comparison", filters.metric, filters.window_kind),
        lambda: (_provinces(cursor), _everyone(cursor, frame, filters)),
    )
    rows = [
        row
        for row in everyone
        if filters.kind in ("", row["kind"])
        and filters.province_code in ("", row["province_code"])
        and filters.peer_group in ("", row["peer_group"])
    ]
    rows = _sorted(rows, filters)
    page_count = max(-(-len(rows) // ROWS_OF_A_PAGE), 1)
    page = min(filters.page, page_count)
    filters = replace(filters, page=page)
    return {
        "filters": filters,
        "sorting": Sorting(filters),
        "rows": [
            {**row, "share": rate(row["numerator_count"], row["denominator_count"])}
            for row in rows[(page - 1) * ROWS_OF_A_PAGE : page * ROWS_OF_A_PAGE]
        ],
        "found": len(rows),
        "comparable": sum(row["is_comparable"] for row in rows),
        "page_count": page_count,
        "previous_link": "/instansi?" + replace(filters, page=page - 1).query() if page > 1 else None,
        "next_link": "/instansi?" + replace(filters, page=page + 1).query() if page < page_count else None,
        "window": (everyone[0]["first_date"], everyone[0]["last_date"]) if everyone else None,
        "kinds": [(code, frame.speech.say(*words)) for code, words in KINDS.items()],
        "provinces": [(row["kemendagri_code"], row["name"]) for row in provinces],
        "peer_groups": [
            (group, frame.speech.peers(group)) for group in sorted({row["peer_group"] for row in everyone})
        ],
        "metrics": [(code, frame.speech.say(*words)) for code, words in METRICS.items()],
        "windows": [(code, frame.speech.say(*words)) for code, words in WINDOWS.items()],
        "base": frame.speech.word(BASES, filters.metric),
        "metric": frame.speech.word(METRICS, filters.metric),
        "funnel": funnel_chart(rows, frame, filters.metric) if filters.peer_group else None,
    }


def _provinces(cursor: Cursor) -> list[Row]:
    return fetch(
        cursor,
        "select kemendagri_code, name from marts.dim_regions where kind = 'provinsi' and is_current order by name",
    )


def _everyone(cursor: Cursor, frame: Frame, filters: Filters) -> list[Row]:
    """All agencies by one measure in one window, whatever is shown of them, by name."""
    rows = fetch(
        cursor,
        "select agency_code, agency_name, kind, province_code, peer_group, first_date, last_date, numerator_count,"
        " denominator_count, value, value_low, value_high, shrunk_value, shrunk_low, shrunk_high, group_mean, rank,"
        " rank_low, rank_high, ranked_count, is_comparable, not_comparable_reason, funnel_position, funnel_target,"
        " funnel_tau_squared, observed_expected_ratio, agency_coverage"
        " from marts.rpt_agency_comparison where metric = %(metric)s and window_kind = %(window_kind)s",
        {"metric": filters.metric, "window_kind": filters.window_kind},
    )
    rows.sort(key=lambda row: (row["agency_name"], row["agency_code"]))
    return [_hide_small(row, frame) for row in rows]


def funnel_chart(rows: list[Row], frame: Frame, metric: str) -> Drawing | None:
    """The funnel of one peer group's comparable agencies; None when it has no target."""
    speech = frame.speech
    points = [row for row in rows if row["funnel_target"] is not None and isinstance(row["denominator_count"], int)]
    points = [row for row in points if row["is_comparable"] and row["funnel_position"] is not None]
    if len(points) < 2:
        return None
    target, tau_squared = float(points[0]["funnel_target"]), float(points[0]["funnel_tau_squared"] or 0)
    low, high = min(row["denominator_count"] for row in points), max(row["denominator_count"] for row in points)
    steps = [low * (high / low) ** (step / 40) for step in range(41)] if high > low else [low]
    flagged = [row for row in points if row["funnel_position"] != "within"]
    group = speech.peers(points[0]["peer_group"])
    return drawn(
        charts.funnel,
        [
            charts.FunnelPoint(
                row["agency_name"], row["denominator_count"], float(row["value"]), row["funnel_position"] != "within"
            )
            for row in points
        ],
        target=target,
        limits=[_limit(n, target, tau_squared) for n in steps],
        name="corong",
        title=speech.say(
            f"{len(flagged)} dari {len(points)} instansi {group} yang dapat dibandingkan di luar batas wajar",
            f"{len(flagged)} of {len(points)} comparable agencies of {group} lie outside the limits",
        ),
        unit=speech.word(METRICS, metric),
        n=sum(row["denominator_count"] for row in points),
        language=speech.language,
        is_simulated=frame.night.is_simulated,
    )


def _limit(n: float, target: float, tau_squared: float) -> charts.FunnelLimit:
    spread = sqrt(target * (1 - target) / n + tau_squared)
    bounds = [target - Z_95 * spread, target + Z_95 * spread, target - Z_998 * spread, target + Z_998 * spread]
    return charts.FunnelLimit(n, *(min(max(bound, 0.0), 1.0) for bound in bounds))


def _hide_small(row: Row, frame: Frame) -> Row:
    """Hidden where what the agency received in the window is: then it takes no place in an order either."""
    first, last = row["first_date"].replace(day=1), row["last_date"].replace(day=1)
    return concealed(row, MEASURED) if frame.small.hides("agency", row["agency_code"], first, last) else row


def _is_told(row: Row, column: str) -> bool:
    """Whether the table shows the row's value of the column, so that it may have a place by it."""
    if isinstance(row[column], Hidden | None):
        return False
    if column == "value":
        return isinstance(rate(row["numerator_count"], row["denominator_count"]).value, float)
    return bool(row["is_comparable"]) or column not in ("shrunk_value", "rank")


def _sorted(rows: list[Row], filters: Filters) -> list[Row]:
    """Rows that stand by name in the order asked for; what the column does not show last, whichever way."""
    column = SORTS[filters.sort]
    told = [row for row in rows if _is_told(row, column)]
    untold = [row for row in rows if not _is_told(row, column)]
    told.sort(key=lambda row: row[column], reverse=filters.descending)
    return told + untold
