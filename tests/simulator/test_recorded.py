"""Real GeoReport answers served again."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from aiohttp import web

from simulator.recorded import application
from tests.conftest import SHARED_DATA
from tests.simulator.client import ask

FOLDER = SHARED_DATA / "real" / "open311_georeport"


@pytest.fixture(scope="module")
def cities() -> Iterator[str]:
    if not FOLDER.is_dir():
        pytest.skip(f"the recorded answers are not at {FOLDER}")
    loop, address = asyncio.new_event_loop(), []
    ready, stopped = threading.Event(), asyncio.Event()

    async def serve() -> None:
        runner = web.AppRunner(application(FOLDER))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address.append(runner.addresses[0][1])
        ready.set()
        await stopped.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    yield f"http://127.0.0.1:{address[0]}"
    loop.call_soon_threadsafe(stopped.set)
    thread.join(10)


def test_san_francisco_has_its_500_requests_in_pages(cities: str) -> None:
    pages = [ask(f"{cities}/sf/requests.json", {"page": page, "page_size": 200}).content for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [200, 200, 100, 0]
    requests = [request for page in pages for request in page]
    assert sum(request["status"] == "Closed" for request in requests) == 371
    assert ask(f"{cities}/sf/requests.json").content == requests


def test_dates_without_offset_are_of_the_citys_clock(cities: str) -> None:
    # Pacific daylight time is seven hours behind UTC: 28 June 05:14 there is 12:14 UTC.
    window: dict[str, str | int] = {"start_date": "2011-06-28T12:14:00Z", "end_date": "2011-06-28T12:14:00Z"}
    found = ask(f"{cities}/sf/requests.json", window).content
    assert "909923" in {request["service_request_id"] for request in found}
    assert {request["requested_datetime"] for request in found} == {"2011-06-28 05:14:00"}


def test_status_and_service_are_filters(cities: str) -> None:
    still_open = ask(f"{cities}/sf/requests.json", {"status": "open"}).content
    assert len(still_open) == 129
    vehicles = ask(f"{cities}/sf/requests.json", {"service_code": "033"}).content
    assert {request["service_name"] for request in vehicles} == {"Abandoned Vehicle"}
    assert ask(f"{cities}/sf/requests.json", {"page": 0}).status == 400


def test_toronto_answers_xml_with_empty_elements(cities: str) -> None:
    root = ElementTree.fromstring(ask(f"{cities}/toronto/requests.xml").body)  # noqa: S314 - recorded by us
    assert [request.findtext("service_request_id") for request in root] == ["101005420892", "101005420894"]
    assert root[0].find("updated_datetime") is not None
    assert root[0].findtext("updated_datetime") == ""
    none = ask(f"{cities}/toronto/requests.xml", {"end_date": "2018-07-30T04:00:59Z"}).body
    assert len(ElementTree.fromstring(none)) == 0  # noqa: S314


def test_giessen_has_services_and_no_request(cities: str) -> None:
    services = ElementTree.fromstring(ask(f"{cities}/giessen/services.xml").body)  # noqa: S314
    assert "Straßen- und Gehwegschäden" in [service.findtext("service_name") for service in services]
    assert len(ElementTree.fromstring(ask(f"{cities}/giessen/requests.xml").body)) == 0  # noqa: S314


def test_chicago_has_offsets(cities: str) -> None:
    assert len(ask(f"{cities}/chicago/services.json").content) == 3
    times = [request["requested_datetime"] for request in ask(f"{cities}/chicago/requests.json").content]
    assert times == ["2014-07-12T10:58:43-05:00", "2014-07-12T10:48:56-05:00"]


def test_a_folder_without_the_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        application(tmp_path)
