"""The dialects of local systems over real HTTP, as a client without our code sees them."""

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from simulator.connections import SECRETS
from simulator.dialects import georeport
from simulator.reports import read_reports
from simulator.server import REQUESTS_OF_A_TOKEN
from simulator.threads import Served
from simulator.truth import expected_deliveries
from simulator.world import World
from tests.simulator.client import ask, basic, bearer, new_token
from tests.simulator.conftest import LAST, of_profile

QUERY = "query { reports { totalCount edges { node { nomor } } pageInfo { endCursor hasNextPage } } }"


def read_offset(url: str, agency: str, **window: str) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    while True:
        answer = ask(
            f"{url}/as-of/{LAST}/aduan/{agency}/daftar",
            {"offset": len(records), "limit": 500, **window},
            {"X-Api-Key": SECRETS["simulator_offset"]},
        )
        page = answer.content["aduan"]
        assert len(page) <= 50, "whatever is asked for"
        records += page
        if not page or len(records) >= int(answer.headers["X-Total-Count"]):
            assert len(records) == int(answer.headers["X-Total-Count"])
            return records


def read_link(url: str, agency: str, size: int = 30, **window: str) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    following: str | None = f"{url}/as-of/{LAST}/desk/{agency}/cases"
    query: dict[str, str | int] = {"pageSize": size, **window}
    while following:
        answer = ask(following, query, bearer(SECRETS["simulator_link"]))
        assert isinstance(answer.content, list)
        records += answer.content
        found = re.search(r'<([^>]+)>; rel="next"', answer.headers["Link"])
        following, query = found[1] if found else None, {}
        assert following is None or following.startswith(url)
    return records


def read_portal(url: str, agency: str, size: int = 25, **window: str) -> list[dict[str, Any]]:
    headers = bearer(new_token(url))
    cases: list[dict[str, Any]] = []
    following: str | None = f"{url}/as-of/{LAST}/portal/{agency}/cases"
    query: dict[str, str | int] = {"limit": size, **window}
    while following:
        answer = ask(following, query, headers).content
        events: dict[str | None, list[Any]] = {}
        for event in answer["case_events"]:
            events.setdefault(event["case_id"], []).append(event)
        cases += [case | {"log": events.get(case["case_id"], [])} for case in answer["cases"]]
        following, query = answer["next_url"], {}
        assert following is None or following.startswith(url)
    return cases


def read_graph(url: str, agency: str, size: int = 20, **window: str) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = []
    cursor = None
    while True:
        variables = {"first": size, "after": cursor, **window}
        answer = ask(
            f"{url}/as-of/{LAST}/graph/{agency}",
            headers=basic("simulator_graph"),
            body=json.dumps({"query": QUERY, "variables": variables}),
        ).content["data"]["reports"]
        nodes += [edge["node"] for edge in answer["edges"]]
        cursor = answer["pageInfo"]["endCursor"]
        assert answer["pageInfo"]["hasNextPage"] == (cursor is not None)
        if cursor is None:
            assert answer["totalCount"] == len(nodes)
            return nodes


def read_requests(url: str, agency: str, kind: str, start: str, end: str) -> list[dict[str, Any]]:
    """Halve what is as long as the cap."""
    query: dict[str, str | int] = {"start_date": start, "end_date": end}
    reply = ask(f"{url}/as-of/{LAST}/georeport/{agency}/requests.{kind}", query)
    if kind == "json":
        requests = reply.content
    else:
        root = ElementTree.fromstring(reply.body)  # noqa: S314 - our own server's
        requests = [{field.tag: field.text for field in request} for request in root]
    assert len(requests) <= 100
    if len(requests) < 100:
        return list(requests)
    first, last = datetime.fromisoformat(start), datetime.fromisoformat(end)
    middle = (first + (last - first) / 2).replace(microsecond=0)
    behind = middle + timedelta(seconds=1)
    return read_requests(url, agency, kind, start, middle.isoformat()) + read_requests(
        url, agency, kind, behind.isoformat(), end
    )


def read_json_requests(url: str, agency: str) -> list[dict[str, Any]]:
    return read_requests(url, agency, "json", "2020-12-01T00:00:00+07:00", "2021-06-30T23:59:59+07:00")


def read_xml_requests(url: str, agency: str) -> list[dict[str, Any]]:
    return read_requests(url, agency, "xml", "2020-12-01T00:00:00+07:00", "2021-06-30T23:59:59+07:00")


READERS: dict[str, Callable[..., list[dict[str, Any]]]] = {
    "offset_api": read_offset,
    "link_api": read_link,
    "next_url_api": read_portal,
    "graph_api": read_graph,
    "georeport_json": read_json_requests,
    "georeport_xml": read_xml_requests,
}
LOGS: dict[str, Callable[[dict[str, Any]], int]] = {
    "offset_api": lambda record: len(record["jejak"]),
    "link_api": lambda record: len(record["history"]["at"]),
    "graph_api": lambda record: len(record["langkah"]),
    "georeport_json": lambda record: 1 + (record["updated_datetime"] is not None),
    "georeport_xml": lambda record: 1 + (record["updated_datetime"] is not None),
}


@pytest.mark.parametrize("profile", READERS)
def test_every_agency_hands_over_what_the_truth_expects(served: Served, variety: World, profile: str) -> None:
    expected = expected_deliveries(variety, [LAST])[LAST]
    total = 0
    for agency in of_profile(variety, profile):
        records = READERS[profile](served.url, agency.code)
        assert len(records) == expected[agency.code].records
        if profile in LOGS:
            distinct = {str(record): LOGS[profile](record) for record in records}
            assert sum(distinct.values()) == expected[agency.code].events
        total += len(records)
    assert total > 100


@pytest.mark.parametrize("profile", READERS)
def test_every_dialect_names_the_reporters_it_knows(served: Served, variety: World, profile: str) -> None:
    agency = max(of_profile(variety, profile), key=lambda one: variety.rows_of(variety.position(one.code)).stop)
    known = [report for report in read_reports(variety, variety.position(agency.code)) if not report.is_anonymous]
    told = str(READERS[profile](served.url, agency.code))
    assert known
    for report in known:
        for value in (report.reporter.name, report.reporter.nik, report.reporter.phone, report.reporter.email):
            assert value in told


@pytest.mark.parametrize(
    ("profile", "window"),
    [
        ("offset_api", {"sejak": "1622480400"}),  # 1 June 2021, 00:00 WIB
        ("next_url_api", {"changed_from": "2021-06-01T00:00:00+07:00"}),
        ("graph_api", {"since": "2021-06-01T00:00:00+07:00"}),
    ],
)
def test_a_window_of_change_is_understood(served: Served, variety: World, profile: str, window: dict[str, str]) -> None:
    changed = total = 0
    for agency in of_profile(variety, profile):
        listing = variety.listing(variety.position(agency.code), LAST)
        records = READERS[profile](served.url, agency.code, **window)
        assert len(records) == len(listing.between(1_622_480_400, None))
        changed, total = changed + len(records), total + len(listing)
    assert 0 < changed < total


def test_a_window_on_the_wall_clock_is_understood(served: Served, variety: World) -> None:
    agency = of_profile(variety, "link_api")[0]
    local = datetime.fromisoformat("2021-05-31T17:00:00") + timedelta(seconds=agency.utc_offset)
    listing = variety.listing(variety.position(agency.code), LAST).between(1_622_480_400, None)
    assert len(read_link(served.url, agency.code, updatedSince=local.isoformat())) == len(listing) > 0


@pytest.mark.parametrize("profile", ["link_api", "next_url_api", "graph_api"])
def test_the_size_of_pages_changes_nothing(served: Served, variety: World, profile: str) -> None:
    for agency in of_profile(variety, profile):
        small = READERS[profile](served.url, agency.code, 7)
        assert len(small) > 7
        assert small == READERS[profile](served.url, agency.code, 60)


def test_unix_seconds_and_codes_stand_for_times_and_words(served: Served, variety: World) -> None:
    agency = of_profile(variety, "offset_api")[0]
    record = next(one for one in read_offset(served.url, agency.code) if one["id"] and one["status"] == 40)
    assert 1_609_434_000 <= record["diterima"] <= record["diubah"] < 1_625_072_400
    assert record["jejak"][0]["langkah"] == "A1"
    assert record["jejak"][-1]["langkah"] in {"E1", "E2", "F1"}


def test_lists_of_a_history_belong_together_and_times_have_no_offset(served: Served, variety: World) -> None:
    record = read_link(served.url, of_profile(variety, "link_api")[0].code)[0]
    assert {len(values) for values in record["history"].values()} == {len(record["history"]["n"])}
    assert re.fullmatch(r"2021-\d\d-\d\dT\d\d:\d\d:\d\d", record["updatedAt"])
    assert record["updatedAt"] == record["history"]["at"][-1]


def test_events_beside_the_cases_are_in_utc_and_come_once(served: Served, variety: World) -> None:
    cases = [case for agency in of_profile(variety, "next_url_api") for case in read_portal(served.url, agency.code)]
    case = next(one for one in cases if one["case_id"] and one["case_state"] == "tuntas")
    assert case["log"][0]["event"] == "received"
    assert case["changed"].endswith("Z")
    assert [event["number"] for event in case["log"]] == list(range(1, len(case["log"]) + 1))


def test_times_are_indonesian_words_of_jakarta(served: Served, variety: World) -> None:
    agency = of_profile(variety, "graph_api")[0]
    node = read_graph(served.url, agency.code)[-1]
    months = "Januari|Februari|Maret|April|Mei|Juni"
    assert re.fullmatch(rf"\d{{1,2}} ({months}) 2021 \d\d\.\d\d\.\d\d", node["diubah"])
    assert node["diubah"] == node["langkah"][-1]["kapan"]


def test_a_question_the_platform_does_not_know_is_an_error_with_status_200(served: Served, variety: World) -> None:
    url = f"{served.url}/as-of/{LAST}/graph/{of_profile(variety, 'graph_api')[0].code}"
    assert "errors" in ask(url, headers=basic("simulator_graph"), body='{"query": "{ users { name } }"}').content
    assert ask(url, headers=basic("simulator_graph"), body="no json").status == 400


def test_a_georeport_answer_is_cut_at_the_cap_with_the_newest_first(served: Served, variety: World) -> None:
    cut = 0
    for agency in of_profile(variety, "georeport_json"):
        url = f"{served.url}/as-of/{LAST}/georeport/{agency.code}/requests.json"
        requests = ask(url, {"start_date": "2020-12-01T00:00:00Z", "end_date": "2021-07-01T00:00:00Z"}).content
        times = [one["requested_datetime"] for one in requests if one["requested_datetime"][0] == "2"]
        assert times == sorted(times, reverse=True)
        recent = ask(url).content
        assert len(recent) <= len(requests) <= 100
        cut += len(requests) == 100
    assert cut, "some agency has more than an answer holds"


def test_a_georeport_request_is_open_until_it_is_closed(served: Served, variety: World) -> None:
    requests = [
        request
        for agency in of_profile(variety, "georeport_xml")
        for request in read_xml_requests(served.url, agency.code)
    ]
    assert {request["status"] for request in requests} <= {"open", "closed", "Selesai Bersyarat"}
    assert all(request["updated_datetime"] for request in requests if request["status"] == "closed")
    assert any(request["updated_datetime"] is None for request in requests), "nobody has acted yet"
    assert any(re.search(r"\+0[789]:00$", str(request["requested_datetime"])) for request in requests)


def test_georeport_services_name_the_codes_of_requests(served: Served, variety: World) -> None:
    agency = of_profile(variety, "georeport_json")[0].code
    services = ask(f"{served.url}/as-of/{LAST}/georeport/{agency}/services.json").content
    codes = {service["service_code"] for service in services}
    assert {request["service_code"] for request in read_json_requests(served.url, agency)} <= codes
    xml = of_profile(variety, "georeport_xml")[0].code
    root = ElementTree.fromstring(ask(f"{served.url}/as-of/{LAST}/georeport/{xml}/services.xml").body)  # noqa: S314
    assert (root.tag, len(root)) == ("services", len(services))


def test_xml_escapes_what_citizens_write() -> None:
    element = georeport.element("request", {"description": "jalan < 3 m & rusak", "address": None})
    assert element == b"<request><description>jalan &lt; 3 m &amp; rusak</description><address/></request>"


@pytest.mark.parametrize(
    ("profile", "path"),
    [
        ("offset_api", "aduan/{}/daftar"),
        ("link_api", "desk/{}/cases"),
        ("next_url_api", "portal/{}/cases"),
    ],
)
def test_nobody_comes_in_without_the_secret(served: Served, variety: World, profile: str, path: str) -> None:
    url = f"{served.url}/as-of/{LAST}/{path.format(of_profile(variety, profile)[0].code)}"
    assert ask(url).status == 401
    assert ask(url, headers=bearer("guessed") | {"X-Api-Key": "guessed"}).status == 401


def test_a_token_is_good_for_so_many_requests(served: Served, variety: World) -> None:
    url = f"{served.url}/as-of/{LAST}/portal/{of_profile(variety, 'next_url_api')[0].code}/cases"
    headers = bearer(new_token(served.url))
    statuses = [ask(url, {"limit": 1}, headers).status for _ in range(REQUESTS_OF_A_TOKEN + 1)]
    assert statuses == [200] * REQUESTS_OF_A_TOKEN + [401]
    assert ask(url, {"limit": 1}, bearer(new_token(served.url))).status == 200


def test_a_token_is_not_given_to_a_stranger(served: Served) -> None:
    assert ask(f"{served.url}/oauth/token", body="grant_type=client_credentials").status == 401
