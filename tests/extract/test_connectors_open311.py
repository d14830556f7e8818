"""Open311 servers that answer a thousand requests at most: nothing is lost, in XML or JSON, with or without paging."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from psycopg2.extensions import connection as Connection

from extract.ledger import cut_off
from tests.extract.servers import NEXT, NIGHT, profiles_in, query, registry_of, run_night, serving

Change = Callable[..., None]
PROFILE = """
description: An Open311 server of the tests.
resource: complaints
time_zone: UTC
formats: [iso]
trailing_days: 30
open311: @SECTION@
fields:
  source_system: {constant: probe}
  tracking_id: {from: service_request_id, required: true}
  report_class: {constant: PENGADUAN}
  category_main: {from: service_group, upper: true}
  category_label: {from: service_name, upper: true}
  is_anonymous: {constant: true}
  is_secret: {constant: false}
  status: {from: status, required: true, words: {open: TERDISPOSISI, closed: SELESAI}}
  received_at: {from: requested_datetime, type: timestamp, required: true}
  updated_at: {from: updated_datetime, type: timestamp}
events:
  columns:
    - {from: requested_datetime, event_type: MASUK}
ignore: [service_code]
"""


class City:
    """A GeoReport v2 server: its requests by time, an answer of `cap` at most."""

    def __init__(self, times: list[datetime], form: str = "xml", cap: int = 1000, *, pages: bool = False) -> None:
        self.requests = [(f"R-{number}", time) for number, time in enumerate(times)]
        self.form, self.cap, self.pages = form, cap, pages
        self.status = "open"
        self.asked: list[dict[str, str]] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        assert request.path.endswith(f".{self.form}")
        if "services" in request.path:
            return self._answer(
                "services", "service", [{"service_code": "7", "service_name": "Jalan", "group": "Infrastruktur"}]
            )
        self.asked.append(dict(request.query))
        start, end = (datetime.fromisoformat(request.query[name]) for name in ("start_date", "end_date"))
        found = [(key, time) for key, time in self.requests if start <= time <= end]
        size = min(int(request.query.get("page_size", self.cap)), self.cap)
        first = (int(request.query.get("page", "1")) - 1) * size
        return self._answer(
            "service_requests",
            "request",
            [
                {
                    "service_request_id": key,
                    "service_code": "7",
                    "status": self.status,
                    "requested_datetime": time.isoformat(),
                    "updated_datetime": time.isoformat(),
                }
                for key, time in found[first : first + size]
            ],
        )

    def _answer(self, root: str, child: str, rows: list[dict[str, str]]) -> web.Response:
        if self.form == "json":
            return web.json_response(rows)
        inner = "".join(
            f"<{child}>" + "".join(f"<{name}>{value}</{name}>" for name, value in row.items()) + f"</{child}>"
            for row in rows
        )
        return web.Response(
            text=f'<?xml version="1.0" encoding="utf-8"?><{root}>{inner}</{root}>', content_type="text/xml"
        )


@pytest.fixture
def have(environment: Change, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Run a night of one city."""
    with profiles_in(tmp_path / "profiles") as write:

        def run(city: City, section: str, night: Any = NIGHT, **variables: str) -> Any:
            write("probe", PROFILE.replace("@SECTION@", section))
            with serving(city) as served:
                environment(LAPOR_CONNECTION_PROBE=served.base(), LAPOR_EXTRACT_CHECKPOINT_PAGES="2", **variables)
                registry = registry_of(tmp_path / "registry", ["A,complaints,open311,probe,probe,v2,nightly"])
                return run_night(registry, night)

        yield run


def ids(warehouse: Connection) -> int:
    ((rows, distinct),) = query(warehouse, "select count(*), count(distinct tracking_id) from raw.complaints")
    assert rows == distinct
    return int(rows)


START = datetime(2021, 6, 1, tzinfo=UTC)
SECTION = '{{format: {form}, cap: 1000, window_days: 30, history_start: "2021-05-01", jurisdiction_id: kota{more}}}'


@pytest.mark.parametrize("form", ["xml", "json"])
def test_more_requests_in_one_window_than_the_cap_are_all_had_by_halving(
    warehouse: Connection, have: Callable[..., Any], form: str
) -> None:
    city = City([START + timedelta(minutes=7 * number) for number in range(2600)], form)
    assert have(city, SECTION.format(form=form, more="")).states == {"received": 1}
    assert ids(warehouse) == 2600
    assert len(city.asked) > 4
    assert {asked["jurisdiction_id"] for asked in city.asked} == {"kota"}
    assert query(warehouse, "select distinct category_main, category_label from raw.complaints") == [
        ("INFRASTRUKTUR", "JALAN")
    ]
    assert query(warehouse, "select count(*) from raw.complaint_events") == [(2600,)]


def test_a_burst_in_one_hour_is_had_too(warehouse: Connection, have: Callable[..., Any]) -> None:
    city = City([START + timedelta(seconds=number) for number in range(3000)])
    assert have(city, SECTION.format(form="xml", more="")).states == {"received": 1}
    assert ids(warehouse) == 3000


def test_a_minute_that_holds_more_than_the_cap_is_named_and_not_cut_short(
    warehouse: Connection, have: Callable[..., Any]
) -> None:
    city = City([START + timedelta(seconds=number / 100) for number in range(5000)])
    outcome = have(city, SECTION.format(form="xml", more=""))
    assert "1000 requests between 2021-06-0" in outcome.messages[0]
    assert (
        "the server's cap of 1000 hides what there is more. Ask the city to answer more at once" in outcome.messages[0]
    )


def test_a_server_that_knows_pages_is_asked_page_by_page(warehouse: Connection, have: Callable[..., Any]) -> None:
    city = City([START + timedelta(minutes=number) for number in range(230)], "json", cap=50)
    assert have(city, SECTION.format(form="json", more=", page_size: 100")).states == {"received": 1}
    assert ids(warehouse) == 230


def test_a_trailing_stretch_is_read_again_to_see_what_became_of_it(
    warehouse: Connection, have: Callable[..., Any]
) -> None:
    old = datetime(2021, 5, 2, tzinfo=UTC)
    city = City([old, START, START + timedelta(days=5)])
    have(city, SECTION.format(form="xml", more=""))
    city.status = "closed"
    city.asked.clear()
    outcome = have(city, SECTION.format(form="xml", more=""), NEXT)
    assert datetime.fromisoformat(city.asked[0]["start_date"]) == cut_off(NEXT) - timedelta(days=30)
    assert (outcome.rows, outcome.loaded_rows) == (2, 2)
    assert query(warehouse, "select tracking_id, status from raw.complaints where night = %s order by 1", NEXT) == [
        ("R-1", "SELESAI"), ("R-2", "SELESAI"),
    ]  # fmt: skip


def test_a_walk_that_broke_off_goes_on_at_the_window_it_had_not(
    warehouse: Connection, have: Callable[..., Any]
) -> None:
    city = City([START + timedelta(minutes=7 * number) for number in range(5000)])

    class Stumbling(City):
        async def __call__(self, request: web.Request) -> web.StreamResponse:
            if len(city.asked) == 9:
                return web.Response(status=404)
            return await city(request)

    section = SECTION.format(form="xml", more="")
    assert have(Stumbling([]), section).states == {"failed": 1}
    stored = ids(warehouse)
    assert 0 < stored < 5000
    city.asked.clear()
    assert have(city, section).states == {"received": 1}
    assert ids(warehouse) == 5000
    assert datetime.fromisoformat(city.asked[0]["start_date"]) > START
    assert query(warehouse, "select distinct category_label from raw.complaints") == [("JALAN",)]
