"""What pages of the last night need, made before somebody asks: the decision on small cells, and the charts."""

import json
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from psycopg2.extensions import cursor as Cursor

from reports.language import Language
from reports.portal import database, workshop
from reports.portal.figures import fetch
from reports.portal.log import LOGGER
from reports.portal.pages import frame, issues, national, provinces, satisfaction, scorecard
from reports.portal.pages.agencies import USUAL_WINDOW
from reports.portal.pages.frame import Frame
from reports.portal.small_cells import ALL_AGENCIES
from reports.portal.workshop import Drawing

Made = TypeVar("Made")

RENEW_SECONDS = 60.0  # how long pages may lag behind an issue, once they know the night
AGENCIES = "select distinct agency_code from marts.rpt_agency_performance_monthly where month >= %(first)s order by 1"
LANGUAGES: tuple[Language, ...] = ("id", "en")


def prepare() -> int:
    """Decide on the small cells of the last night and draw what its pages show; how many scorecards, 0 without a night.

    To be run after a night is published and after reports are issued; the portal that serves finds it on the disk.
    """
    night = frame.renew()
    if night is None:
        return 0
    workshop.clear()
    for language in LANGUAGES:
        _draw_common(frame.frame_of(night, language))
    rows = _ask(partial(fetch, query=AGENCIES, parameters={"first": night.first_month}))
    own = frame.frame_of(night, "id")
    for row in rows:
        _draw(partial(scorecard.compose, frame=own, agency_code=row["agency_code"], window_kind=USUAL_WINDOW))
    workshop.close()
    return len(rows)


@asynccontextmanager
async def prepared(_: object) -> AsyncIterator[None]:
    """While the portal serves: decide anew when a night or a report has come, beside the requests."""
    ending = threading.Event()
    thread = threading.Thread(target=_keep_renewing, args=(ending,), name="renew", daemon=True)
    thread.start()
    yield
    ending.set()
    workshop.close()


def _keep_renewing(ending: threading.Event) -> None:
    while not ending.is_set():
        try:
            frame.renew()
        except Exception as error:  # whatever it was, pages go on with what they have and ask themselves if they must
            LOGGER.warning(json.dumps({"event": "not renewed", "error": type(error).__name__}))
        ending.wait(RENEW_SECONDS)


def _draw_common(of: Frame) -> None:
    """The charts of the pages that everybody opens first."""
    _draw(partial(national.compose, frame=of))
    _draw(partial(issues.compose, frame=of, programme=""))
    _draw(partial(satisfaction.compose, frame=of))
    for row in _ask(partial(provinces.compose_all, frame=of))["provinces"]:
        _draw(partial(provinces.compose_one, frame=of, code=row["province_code"]))


def _draw(compose: Callable[[Cursor], Mapping[str, Any]]) -> None:
    for value in _ask(compose).values():
        if isinstance(value, Drawing):
            _ = value.chart


def _ask(compose: Callable[[Cursor], Made]) -> Made:
    with database.ask(ALL_AGENCIES) as cursor:
        return compose(cursor)
