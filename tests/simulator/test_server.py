"""Both JSON dialects over real HTTP, as a client without our code sees them."""

import http.client
import json
import socket
from collections.abc import Iterator
from datetime import date
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from simulator.archive import Archive
from simulator.dirt import Defect, Quirk
from simulator.faults import FaultPlan, FaultPlanInvalid, demo_plan
from simulator.registry import BATAM
from simulator.threads import serve_in_thread
from simulator.truth import expected_deliveries
from simulator.workdays import cut_off
from simulator.world import World

NIGHTS = tuple(date(2021, 6, day) for day in (27, 28, 29, 30))
LAST = NIGHTS[-1]


@pytest.fixture(scope="module")
def base_url(region: World) -> Iterator[str]:
    with serve_in_thread(region) as url:
        yield url


def get(base_url: str, path: str, timeout: float = 10, **query: str | int) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=timeout)
    try:
        connection.request("GET", f"{path}?{urlencode(query)}")
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def get_json(base_url: str, path: str, **query: str | int) -> Any:
    status, body = get(base_url, path, **query)
    assert status == 200, body
    return json.loads(body)


def read_reports(base_url: str, agency: str, night: date, size: int = 200, **window: str) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    page = 1
    while True:
        path = f"/as-of/{night}/v3/{agency}/laporan"
        answer = get_json(base_url, path, halaman=page, per_halaman=size, **window)
        records += answer["data"]
        assert answer["meta"]["halaman"] == page
        if page >= answer["meta"]["jumlah_halaman"]:
            assert answer["meta"]["total"] == len(records)
            return records
        page += 1


def read_tickets(base_url: str, agency: str, night: date, size: int = 100, **window: str) -> list[dict[str, Any]]:
    tickets: list[dict[str, Any]] = []
    cursor = ""
    while True:
        path = f"/as-of/{night}/kanal/{agency}/tickets"
        result = get_json(base_url, path, limit=size, cursor=cursor, **window)["result"]
        tickets += result["items"]
        if result["next_cursor"] is None:
            assert result["count"] == len(tickets)
            return tickets
        cursor = result["next_cursor"]


def busiest(world: World, profile: str) -> str:
    sizes = {
        agency.code: world.rows_of(index).stop - world.rows_of(index).start
        for index, agency in enumerate(world.agencies)
        if agency.profile == profile
    }
    return max(sizes, key=lambda code: sizes[code])


def test_batam_over_http_is_as_published(base_url: str) -> None:
    records = read_reports(base_url, BATAM, LAST, size=20)
    distinct = {str(record["nomor_laporan"]): record for record in records}.values()
    assert len(distinct) == 71
    routed = [record for record in distinct if any(event["jenis"] == "disposisi" for event in record["riwayat"])]
    assert len(routed) == 61
    assert sum(record["status"] == "telah selesai" for record in distinct) == 46
    assert sum(record["status"] == "tertunda" for record in distinct) == 1


def test_every_agency_hands_over_what_the_truth_expects(base_url: str, region: World) -> None:
    expected = expected_deliveries(region, NIGHTS)
    readers = {"lapor_v3": read_reports, "kanal_daerah": read_tickets}
    total = 0
    for agency in region.agencies:
        if agency.profile in readers:
            records = readers[agency.profile](base_url, agency.code, NIGHTS[0])
            assert len(records) == expected[NIGHTS[0]][agency.code].records
            total += len(records)
    assert total > 1_000


def test_pages_follow_each_other_in_order_of_change_and_repeat_nothing(base_url: str, region: World) -> None:
    agency = busiest(region, "lapor_v3")
    records = read_reports(base_url, agency, LAST, size=50)
    assert len(records) > 150, "several pages"
    assert records == read_reports(base_url, agency, LAST, size=400)
    changes = [record["tanggal_ubah"] for record in records]
    assert changes == sorted(changes)
    times = [event["waktu"] for event in records[0]["riwayat"]]
    assert times
    assert records[0]["tanggal_ubah"].endswith(("+07:00", "+08:00", "+09:00"))


def test_the_window_takes_its_start_and_leaves_its_end(base_url: str, region: World) -> None:
    agency = busiest(region, "lapor_v3")
    everything = read_reports(base_url, agency, LAST)
    moment = everything[len(everything) // 2]["tanggal_ubah"]
    before = read_reports(base_url, agency, LAST, diubah_hingga=moment)
    after = read_reports(base_url, agency, LAST, diubah_sejak=moment)
    assert before + after == everything
    assert after[0]["tanggal_ubah"] == moment


def test_an_incremental_night_has_what_changed_since_the_last_cut_off(base_url: str, region: World) -> None:
    agency = busiest(region, "lapor_v3")
    changed = read_reports(
        base_url, agency, LAST, diubah_sejak="2021-06-30T00:00:00+07:00", diubah_hingga="2021-07-01T00:00:00+07:00"
    )
    assert len(changed) == expected_deliveries(region, NIGHTS)[LAST][agency].records > 0


def test_a_night_is_the_world_as_it_stood(base_url: str, region: World) -> None:
    agency = busiest(region, "lapor_v3")
    early = read_reports(base_url, agency, date(2021, 3, 1))
    assert 0 < len(early) < len(read_reports(base_url, agency, LAST))
    assert max(record["tanggal_ubah"] for record in early) < "2021-03-02T02:00:00"
    assert read_reports(base_url, agency, date(2021, 3, 1)) == early


def test_the_local_dialect_pages_by_cursor_on_local_clocks(base_url: str, region: World) -> None:
    agency = busiest(region, "kanal_daerah")
    tickets = read_tickets(base_url, agency, LAST, size=10)
    assert len(tickets) > 30
    assert tickets == read_tickets(base_url, agency, LAST)
    offset = region.agencies[region.position(agency)].utc_offset // 3600
    local_midnight = f"2021-06-16 {offset - 7:02d}:00:00"
    recent = read_tickets(base_url, agency, LAST, changed_after=local_midnight)
    listing = region.listing(region.position(agency), LAST).between(cut_off(date(2021, 6, 15)), None)
    assert 0 < len(recent) == len(listing) < len(tickets)


def test_a_moved_complaint_is_delivered_by_both_agencies(nation: World) -> None:
    complaints = nation.complaints
    second = next(
        row
        for row in range(len(complaints))
        if complaints.moved[row]
        and complaints.visible_from[row] > complaints.times[row, 0]
        and not complaints.defect[row]
    )
    number = int(complaints.number[second])
    rows = [row for row in range(len(complaints)) if complaints.number[row] == number]
    assert len(rows) == 2
    codes = [nation.agencies[int(complaints.agency[row])].code for row in rows]
    with serve_in_thread(nation) as url:
        logs = {
            code: next(
                [event["jenis"] for event in record["riwayat"]]
                for record in read_reports(url, code, LAST)
                if str(record["nomor_laporan"]).lstrip("#").startswith(str(number))
            )
            for code in codes
        }
    owner = nation.agencies[int(complaints.agency[second])].code
    (other,) = set(codes) - {owner}
    assert logs[owner][:2] == ["masuk", "disposisi"]
    assert logs[other][-1] == "bukan wewenang"


def test_defects_reach_the_wire(base_url: str, region: World) -> None:
    assert (region.complaints.defect == Defect.UNKNOWN_STATUS).any()
    words: set[str] = set()
    missing = 0
    for agency in region.agencies:
        if agency.profile == "lapor_v3":
            records = read_reports(base_url, agency.code, LAST)
            words |= {record["status"] for record in records}
            missing += sum(record["nomor_laporan"] is None for record in records)
    assert "Selesai Bersyarat" in words
    assert missing > 0


def test_quirks_of_the_truth_show_on_the_wire(base_url: str, region: World) -> None:
    complaints = region.complaints
    counted = dict.fromkeys((Quirk.COMPOSITE_CHANNEL, Quirk.NUMBER_ID), 0)
    composite = numbers = 0
    for index, agency in enumerate(region.agencies):
        if agency.profile == "lapor_v3":
            listing = region.listing(index, LAST)
            records = read_reports(base_url, agency.code, LAST)
            composite += sum(record["kanal"].startswith("Android - ") for record in records)
            numbers += sum(isinstance(record["nomor_laporan"], int | float) for record in records)
            for quirk in counted:
                counted[quirk] += int((complaints.quirks[listing.rows] & quirk > 0).sum())
    assert composite == counted[Quirk.COMPOSITE_CHANNEL] > 0
    assert numbers == counted[Quirk.NUMBER_ID] > 0


def test_an_archive_prepared_for_a_night_still_answers_for_the_others(region: World) -> None:
    fresh, prepared = Archive(region), Archive(region)
    prepared.prepare(NIGHTS[0], lambda _: None)
    for night in (date(2021, 3, 1), LAST):
        for agency in fresh.positions.values():
            listing = region.listing(agency, night)
            assert prepared.records(agency, listing) == fresh.records(agency, listing)


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/as-of/2021-06-30/v3/KOTA-99.99/laporan", {}, 404),
        ("/as-of/2021-07-01/v3/KOTA-21.71/laporan", {}, 404),
        ("/as-of/tonight/v3/KOTA-21.71/laporan", {}, 400),
        ("/as-of/2021-06-30/v3/KOTA-21.71/laporan", {"halaman": 0}, 400),
        ("/as-of/2021-06-30/v3/KOTA-21.71/laporan", {"diubah_sejak": "2021-06-01T00:00:00"}, 400),
        ("/as-of/2021-06-30/kanal/KOTA-21.71/tickets", {}, 404),
    ],
    ids=["unknown agency", "after the end", "no date", "page 0", "no offset", "another dialect"],
)
def test_a_wrong_question_is_refused(base_url: str, path: str, query: dict[str, str | int], status: int) -> None:
    assert get(base_url, path, **query)[0] == status


def test_faults_break_one_agency_on_one_night_only(region: World) -> None:
    codes = [agency.code for agency in region.agencies if agency.profile == "lapor_v3" and agency.code != BATAM][:4]
    plan = FaultPlan.of(
        dict(
            zip(
                codes, [(kind, [LAST]) for kind in ("error_500", "garbage_html", "truncated_json", "hang")], strict=True
            )
        )
    )

    def ask(url: str, code: str, night: date, timeout: float = 10) -> tuple[int, bytes]:
        return get(url, f"/as-of/{night}/v3/{code}/laporan", timeout)

    with serve_in_thread(region, faults=plan) as url:
        assert ask(url, codes[0], LAST)[0] == 500
        status, body = ask(url, codes[1], LAST)
        assert status == 200
        assert b"<title>" in body
        with pytest.raises(json.JSONDecodeError):
            json.loads(ask(url, codes[2], LAST)[1])
        with pytest.raises((TimeoutError, socket.timeout)):
            ask(url, codes[3], LAST, timeout=0.5)
        for code in codes:
            status, body = ask(url, code, NIGHTS[0])
            assert status == 200
            assert "data" in json.loads(body)


def test_the_demo_breaks_small_agencies_and_never_batam(nation: World) -> None:
    plan = demo_plan(nation, NIGHTS)
    plan.check(nation)
    kinds = sorted((night, kind) for (_, night), kind in plan.faults.items())
    assert kinds == [
        (NIGHTS[2], "error_500"),
        (LAST, "error_500"),
        (LAST, "garbage_html"),
        (LAST, "missing_file"),
    ]
    for code, _ in plan.faults:
        agency = nation.position(code)
        assert not nation.agencies[agency].states_recap
        assert 0 < nation.rows_of(agency).stop - nation.rows_of(agency).start < 150


def test_a_plan_that_cannot_be_is_refused(nation: World) -> None:
    with pytest.raises(FaultPlanInvalid, match=r"can only break by .*error_500"):
        FaultPlan.of({BATAM: ("missing_file", [LAST])}).check(nation)
    with pytest.raises(FaultPlanInvalid, match="not in this world"):
        FaultPlan.of({"KOTA-99.99": ("hang", [LAST])}).check(nation)
