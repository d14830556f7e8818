"""What a night does about trouble: limits, patience, second tries, and going on where it broke off.

LAPOR_TEST_BACKFILL_ROWS (3,000) and LAPOR_TEST_KILL_TRIES (2) make the killed backfill as large as one likes.
"""

import asyncio
import base64
import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from psycopg2.extensions import connection as Connection

from extract import ledger
from extract.__main__ import main
from extract.landing import LandingKeys, landing_store, read_segment, segment_paths
from extract.records import COLUMNS, COMPLAINTS
from extract.runner import Outcome, Shard
from tests.extract.servers import (
    FILE_PROFILE,
    GOOD,
    NEXT,
    NIGHT,
    THIRD,
    complaint,
    lines,
    named,
    page_of,
    profiles_in,
    query,
    registry_of,
    run_night,
    serving,
)
from warehouse.connection import connect
from warehouse.settings import REPOSITORY, settings

BACKFILL_ROWS = int(os.environ.get("LAPOR_TEST_BACKFILL_ROWS", "3000"))
KILL_TRIES = int(os.environ.get("LAPOR_TEST_KILL_TRIES", "2"))
CHECKPOINT_PAGES = 2
Change = Callable[..., None]
DELIVERY = "select state, received_rows, loaded_rows, part_count, reason from ops.deliveries where night = %s"
EVERYTHING = (
    f"select {', '.join((*COLUMNS[COMPLAINTS], 'content_hash'))} from raw.complaints"
    " where night = %s order by agency_code, tracking_id"
)


@pytest.fixture
def write_profile(tmp_path: Path) -> Iterator[Callable[[str, str], str]]:
    with profiles_in(tmp_path / "profiles") as write:
        yield write


# -- an agency's API of many pages -------------------------------------------------------------------------------------


@dataclass
class Paged:
    """The national API: how many records each agency has, what it refuses, and how often each page was asked for."""

    rows: int = 10
    size: int = 2
    refuse: Callable[[str, int], web.StreamResponse | None] = lambda code, page: None
    record: Callable[[int], dict[str, Any]] = lambda number: complaint(6_000_000 + number)
    asked: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    windows: list[tuple[str | None, str]] = field(default_factory=list)
    delay: float = 0

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        night, code = request.match_info["path"].split("/")
        page = int(request.query["halaman"])
        self.asked[night, code, page] += 1
        self.windows.append((request.query.get("diubah_sejak"), request.query["diubah_hingga"]))
        if self.delay:
            await asyncio.sleep(self.delay)
        if refused := self.refuse(code, page):
            return refused
        first = (page - 1) * self.size
        records = [self.record(number) for number in range(first, min(first + self.size, self.rows))]
        return web.json_response(page_of(records, page, -(-self.rows // self.size), self.rows))


@pytest.fixture
def api(environment: Change) -> Iterator[Paged]:
    handler = Paged()
    with serving(handler) as served:
        environment(
            LAPOR_CONNECTION_API=served.base(),
            LAPOR_EXTRACT_CHECKPOINT_PAGES=str(CHECKPOINT_PAGES),
            LAPOR_EXTRACT_ATTEMPTS="1",
        )
        yield handler


def sources(*codes: str, connection: str = "api") -> list[str]:
    return [f"{code},complaints,rest,lapor_v3,{connection},{{night}}/{{agency_code}},nightly" for code in codes]


def refuse_pages(*pages: int, code: str = "A") -> Callable[[str, int], web.StreamResponse | None]:
    return lambda asked, page: web.Response(status=404) if asked == code and page in pages else None


# -- how much is asked at once -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("setting", "limit"), [("HOST", 3), ("", 4), ("AGENCY", 2)])
def test_a_server_never_sees_more_requests_at_once_than_the_limits_say(
    warehouse: Connection, environment: Change, tmp_path: Path, write_profile: Any, setting: str, limit: int
) -> None:
    by_agency: dict[str, int] = defaultdict(int)
    most: dict[str, int] = defaultdict(int)

    async def respond(request: web.Request) -> web.Response:
        code = request.path.split("/")[1]
        by_agency[code] += 1
        most[code] = max(most[code], by_agency[code])
        await asyncio.sleep(0.1)
        by_agency[code] -= 1
        return web.json_response([])

    resources = {"complaints": "tracking_id", "ratings": "tracking_id", "units": "unit_code", "activity": "admin_count"}
    for resource, column in resources.items():
        write_profile(resource, f"description: x\nresource: {resource}\nfields: {{{column}: {{from: x}}}}\n")
    codes = ["A", "B", "C"]
    rows = [f"{code},{name},rest,{name},api,{{agency_code}}/{name},nightly" for code in codes for name in resources]
    with serving(respond) as served:
        environment(LAPOR_CONNECTION_API=served.base(), LAPOR_EXTRACT_CONNECTIONS_PER_HOST="100",
                    LAPOR_EXTRACT_CONNECTIONS_PER_AGENCY="100", LAPOR_EXTRACT_CONNECTIONS="100")  # fmt: skip
        name = f"LAPOR_EXTRACT_CONNECTIONS_PER_{setting}" if setting else "LAPOR_EXTRACT_CONNECTIONS"
        environment(**{name: str(limit)})
        assert run_night(registry_of(tmp_path / "registry", rows)).states == {"empty": len(rows)}
    assert len(served.asked) == len(rows)
    if setting == "AGENCY":
        assert most == dict.fromkeys(codes, limit)
    else:
        assert served.most_open == limit


def test_a_shared_gateway_that_is_down_is_left_alone_until_the_retry_pass(
    warehouse: Connection, api: Paged, environment: Change, tmp_path: Path
) -> None:
    environment(LAPOR_EXTRACT_CONNECTIONS="1")
    api.refuse = lambda code, page: web.Response(status=500)
    codes = [f"A{number}" for number in range(8)]
    outcome = run_night(registry_of(tmp_path / "registry", sources(*codes)))
    assert outcome.states == {"failed": 8}
    reasons = [reason for (reason,) in query(warehouse, "select reason from ops.deliveries order by agency_code")]
    asked = Counter(code for _, code, _ in api.asked.elements())
    assert [asked[code] for code in codes] == [2, 2, 2, 2, 2, 0, 0, 0]
    assert all(reason.startswith("answered 500") for reason in reasons[:5])
    assert all(
        "not asked: 5 deliveries from 127.0.0.1:" in reason and "failed in a row" in reason for reason in reasons[5:]
    )
    assert all("the next run asks again" in reason for reason in reasons[5:])


def test_a_shared_gateway_that_comes_back_loses_no_agency(
    warehouse: Connection, api: Paged, environment: Change, tmp_path: Path
) -> None:
    environment(LAPOR_EXTRACT_CONNECTIONS="1")
    api.refuse = lambda code, page: web.Response(status=500) if api.asked.total() <= 5 else None
    codes = [f"A{number}" for number in range(8)]
    assert run_night(registry_of(tmp_path / "registry", sources(*codes))).states == {"received": 8}


def test_the_breaker_of_one_server_does_not_touch_another(
    warehouse: Connection, api: Paged, environment: Change, tmp_path: Path
) -> None:
    environment(LAPOR_EXTRACT_CONNECTIONS="1")
    api.refuse = lambda code, page: web.Response(status=500)
    other = Paged()
    with serving(other) as served:
        environment(LAPOR_CONNECTION_OTHER=served.base())
        rows = [*sources(*(f"A{number}" for number in range(7))), *sources("Z", connection="other")]
        assert run_night(registry_of(tmp_path / "registry", rows)).states == {"failed": 7, "received": 1}


# -- patience ----------------------------------------------------------------------------------------------------------


def test_an_agency_that_recovers_is_had_in_the_retry_pass(warehouse: Connection, api: Paged, tmp_path: Path) -> None:
    api.refuse = lambda code, page: web.Response(status=503) if api.asked.total() == 1 else None
    outcome = run_night(registry_of(tmp_path / "registry", sources("A")))
    assert (outcome.states, outcome.messages) == ({"received": 1}, [])
    assert query(warehouse, DELIVERY, NIGHT)[0][:3] == ("received", 10, 10)


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_the_time_a_server_names_is_waited_for(
    warehouse: Connection, api: Paged, environment: Change, tmp_path: Path, form: str
) -> None:
    environment(LAPOR_EXTRACT_ATTEMPTS="2")
    times: list[float] = []

    def refuse(code: str, page: int) -> web.Response | None:
        times.append(time.monotonic())
        soon = (datetime.now(UTC) + timedelta(seconds=2)).strftime("%a, %d %b %Y %H:%M:%S GMT")
        wanted = "1" if form == "seconds" else soon
        return web.Response(status=429, headers={"Retry-After": wanted}) if len(times) == 1 else None

    api.refuse = refuse
    assert run_night(registry_of(tmp_path / "registry", sources("A"))).states == {"received": 1}
    assert 0.95 <= times[1] - times[0] < 5


def test_a_server_that_wants_to_be_left_alone_longer_than_a_night_has_is_not_waited_for(
    warehouse: Connection, api: Paged, environment: Change, tmp_path: Path
) -> None:
    environment(LAPOR_EXTRACT_AGENCY_DEADLINE_SECONDS="60")
    asked: list[int] = []

    def refuse(code: str, page: int) -> web.Response:
        asked.append(page)
        return web.Response(status=503, headers={"Retry-After": "61"})

    api.refuse = refuse
    assert run_night(registry_of(tmp_path / "registry", sources("A"))).states == {"failed": 1}
    assert len(asked) == 1


def test_a_wait_too_long_for_one_request_is_kept_before_the_retry_pass(
    warehouse: Connection, api: Paged, environment: Change, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("extract.connectors.http._LONGEST_PAUSE_SECONDS", 0.5)
    times: list[float] = []

    def refuse(code: str, page: int) -> web.Response | None:
        times.append(time.monotonic())
        return web.Response(status=503, headers={"Retry-After": "1"}) if len(times) == 1 else None

    api.refuse = refuse
    assert run_night(registry_of(tmp_path / "registry", sources("A"))).states == {"received": 1}
    assert 0.95 <= times[1] - times[0] < 5


def test_an_agency_that_hangs_is_given_up_at_its_deadline_and_delays_nobody(
    warehouse: Connection, api: Paged, environment: Change, tmp_path: Path
) -> None:
    registry = registry_of(tmp_path / "registry", sources("A", "B"))
    run_night(registry)  # a first load has more time

    async def hang_for_a(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30 if request.path.endswith("A") else 0)
        return await api(request)

    with serving(hang_for_a) as served:
        environment(LAPOR_CONNECTION_API=served.base(), LAPOR_EXTRACT_AGENCY_DEADLINE_SECONDS="1")
        began = time.monotonic()
        assert run_night(registry, NEXT).states == {"failed": 1, "received": 1}
    assert time.monotonic() - began < 5
    reason = query(warehouse, "select reason from ops.deliveries where state = 'failed'")[0][0]
    assert reason.startswith("not complete after 1 s (0 pages read). If it is only slow, raise LAPOR_EXTRACT_")


def test_a_database_that_never_answers_is_given_up_at_its_deadline(
    warehouse: Connection, environment: Change, tmp_path: Path, write_profile: Any
) -> None:
    (tmp_path / "a.db").touch()
    endless = "with recursive n(x) as (select 1 union all select x + 1 from n) select x as nomor, x as diubah from n"
    write_profile(
        "endless",
        f'description: x\nresource: complaints\nsql: {{updated_from: diubah, key_from: nomor, query: "{endless}"}}\n'
        "fields: {tracking_id: {from: nomor}}\n",
    )
    environment(LAPOR_CONNECTION_DB=f"sqlite:///{tmp_path}/a.db", LAPOR_EXTRACT_HISTORY_DEADLINE_SECONDS="1")
    began = time.monotonic()
    assert run_night(registry_of(tmp_path / "registry", ["A,complaints,sql,endless,db,x,nightly"])).states == {
        "failed": 1
    }
    assert time.monotonic() - began < 10
    assert query(warehouse, DELIVERY, NIGHT)[0][4].startswith("not complete after 1 s")


def test_the_nights_without_a_delivery_are_counted(warehouse: Connection, api: Paged, tmp_path: Path) -> None:
    registry = registry_of(tmp_path / "registry", sources("A"))
    api.refuse = refuse_pages(1)
    for night in (NIGHT, NEXT):
        run_night(registry, night)
    outcome = run_night(registry, THIRD)
    assert "(3 nights in a row without a delivery)" in query(warehouse, DELIVERY, THIRD)[0][4]
    assert "(3 nights in a row without a delivery)" in outcome.messages[0]
    api.refuse = lambda code, page: None
    run_night(registry, date(2021, 7, 1))
    api.refuse = refuse_pages(1)
    run_night(registry, date(2021, 7, 2))
    assert "nights in a row" not in query(warehouse, DELIVERY, date(2021, 7, 2))[0][4]


# -- going on where it broke off ---------------------------------------------------------------------------------------


def test_a_page_that_fails_keeps_the_parts_before_it_and_the_next_run_goes_on_behind_them(
    warehouse: Connection, api: Paged, tmp_path: Path
) -> None:
    registry = registry_of(tmp_path / "registry", sources("A"))
    api.refuse = refuse_pages(4)
    run_night(registry)
    state, received, loaded, parts, reason = query(warehouse, DELIVERY, NIGHT)[0]
    assert (state, received, loaded, parts) == ("failed", 4, 4, 1)
    assert reason.endswith("(1 parts are stored; the next run goes on behind them)")
    api.refuse = refuse_pages(5)
    run_night(registry)
    assert query(warehouse, DELIVERY, NIGHT)[0][:4] == ("failed", 8, 8, 2)
    api.refuse = lambda code, page: None
    run_night(registry)
    assert query(warehouse, DELIVERY, NIGHT) == [("received", 10, 10, 3, None)]
    assert api.asked == {(str(NIGHT), "A", page): times for page, times in {1: 1, 2: 1, 3: 2, 4: 2, 5: 2}.items()}
    assert len(set(api.windows)) == 1
    assert query(warehouse, "select attempt, page_count, stated_total from ops.deliveries") == [(1, 5, 10)]


def test_a_page_that_fails_for_a_moment_is_gone_on_from_in_the_retry_pass(
    warehouse: Connection, api: Paged, tmp_path: Path
) -> None:
    api.refuse = lambda code, page: (
        web.Response(status=500) if page == 4 and api.asked[str(NIGHT), "A", 4] == 1 else None
    )
    assert run_night(registry_of(tmp_path / "registry", sources("A"))).states == {"received": 1}
    assert query(warehouse, DELIVERY, NIGHT) == [("received", 10, 10, 3, None)]
    assert {page: times for (_, _, page), times in api.asked.items()} == {1: 1, 2: 1, 3: 2, 4: 2, 5: 1}


def test_rows_that_leave_the_window_between_two_runs_shift_no_other_out_of_it(
    warehouse: Connection, api: Paged, tmp_path: Path
) -> None:
    registry = registry_of(tmp_path / "registry", sources("A"))
    api.refuse = refuse_pages(4)
    run_night(registry)
    # Records 0 and 1 are changed in the morning: they belong to the next night now.
    api.refuse = lambda code, page: None
    api.rows, api.record = 8, lambda number: complaint(6_000_002 + number)
    run_night(registry)
    assert {row[1] for row in query(warehouse, EVERYTHING, NIGHT)} >= {str(6_000_000 + number) for number in range(10)}


def test_rows_of_an_unfinished_delivery_make_nothing_of_the_next_night_superseded(
    warehouse: Connection, api: Paged, tmp_path: Path
) -> None:
    registry = registry_of(tmp_path / "registry", sources("A"))
    api.refuse = refuse_pages(4)
    run_night(registry, NIGHT)
    api.refuse = lambda code, page: None
    run_night(registry, NEXT)
    assert query(warehouse, DELIVERY, NEXT)[0][:3] == ("received", 10, 10)


def test_what_is_read_twice_because_of_the_overlap_is_superseded_not_doubled(
    warehouse: Connection, api: Paged, tmp_path: Path
) -> None:
    registry = registry_of(tmp_path / "registry", sources("A"))
    for night in (NIGHT, NEXT):
        run_night(registry, night)
    assert query(warehouse, DELIVERY, NEXT)[0][:3] == ("received", 10, 0)
    since = datetime.fromisoformat(api.windows[-1][0] or "")
    assert since == ledger.cut_off(NIGHT) - timedelta(minutes=60)
    assert query(warehouse, "select count(*) from raw.complaints") == [(10,)]


def test_a_redo_that_fails_keeps_what_was_there(warehouse: Connection, api: Paged, tmp_path: Path) -> None:
    registry = registry_of(tmp_path / "registry", sources("A"))
    run_night(registry)
    before = query(warehouse, EVERYTHING, NIGHT)
    assert len(before) == 10
    api.refuse = refuse_pages(1, 2)
    run_night(registry, redo=True)
    assert query(warehouse, EVERYTHING, NIGHT) == before
    state, received, _, _, reason = query(warehouse, DELIVERY, NIGHT)[0]
    assert (state, received) == ("received", 10)
    assert reason.startswith("asked again without success, what came before stands: answered 404")
    api.refuse = lambda code, page: None
    run_night(registry, redo=True)
    assert query(warehouse, EVERYTHING, NIGHT) == before


def test_a_killed_backfill_goes_on_behind_its_checkpoint_and_ends_exact(
    warehouse: Connection, api: Paged, environment: Change, tmp_path: Path
) -> None:
    api.rows, api.size = BACKFILL_ROWS, 200
    pages = -(-api.rows // api.size)
    registry = registry_of(tmp_path / "registry", sources("A"))
    environment(LAPOR_REGISTRY_DIR=str(tmp_path / "registry"), LAPOR_EXTRACT_HISTORY_DEADLINE_SECONDS="36000")
    with closing(connect("loader")) as connection:
        ledger.open_night(connection, NIGHT, registry)
    for attempt in range(1, KILL_TRIES + 1):
        target = pages * attempt // (KILL_TRIES + 1)
        process = subprocess.Popen([sys.executable, "-m", "extract", "--night", str(NIGHT)], cwd=REPOSITORY)
        while not api.asked[str(NIGHT), "A", target]:
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    state, received, _, parts, _ = query(warehouse, DELIVERY, NIGHT)[0]
    assert state == "expected"
    assert received == parts * CHECKPOINT_PAGES * api.size
    asked_before = Counter(api.asked)
    outcome = run_night(registry)
    assert outcome.states == {"received": 1}
    first_new = min(page for _, _, page in (api.asked - asked_before))
    assert first_new == parts * CHECKPOINT_PAGES + 1
    times = Counter(page for _, _, page in api.asked.elements())
    assert set(times) == set(range(1, pages + 1))
    assert max(times.values()) <= 2
    twice = sum(1 for count in times.values() if count == 2)
    assert twice <= KILL_TRIES * (CHECKPOINT_PAGES + 1)
    assert query(warehouse, DELIVERY, NIGHT)[0][:3] == ("received", api.rows, api.rows)
    digest = (
        "select (select count(*) || md5(string_agg(tracking_id || content_hash::text, ',' order by tracking_id))"
        " from raw.complaints), (select count(*) || md5(string_agg(tracking_id || content_hash::text, ',' order by tracking_id))"
        " from raw.complaint_events), (select count(*) from restricted.complaint_texts)"
    )
    killed = query(warehouse, digest)
    run_night(registry, redo=True)  # undisturbed
    assert query(warehouse, digest) == killed
    assert killed[0][2] == api.rows


# -- backfill ----------------------------------------------------------------------------------------------------------


def backfill(first: str, last: str) -> int:
    return main(["backfill", "--night", str(NIGHT), "--from", first, "--to", last])


def test_a_backfill_adds_to_a_finished_delivery_and_may_be_repeated(
    warehouse: Connection, api: Paged, environment: Change, tmp_path: Path
) -> None:
    registry = registry_of(tmp_path / "registry", sources("A"))
    environment(LAPOR_REGISTRY_DIR=str(tmp_path / "registry"))
    run_night(registry)
    api.record = lambda number: complaint(7_000_000 + number)
    api.windows.clear()
    assert backfill("2020-01-01", "2020-12-31") == 0
    assert set(api.windows) == {("2020-01-01T00:00:00+07:00", "2021-01-01T00:00:00+07:00")}
    first = query(warehouse, EVERYTHING, NIGHT)
    assert len(first) == 20
    assert query(warehouse, DELIVERY, NIGHT)[0][:3] == ("received", 20, 20)
    assert query(warehouse, "select stated_total - received_rows from ops.deliveries") == [(0,)]
    assert backfill("2020-01-01", "2020-12-31") == 0
    assert query(warehouse, EVERYTHING, NIGHT) == first
    assert query(warehouse, "select count(*) from restricted.complaint_texts") == [(20,)]
    assert query(warehouse, "select count(*) from raw.complaint_events") == [(20,)]
    assert query(warehouse, DELIVERY, NIGHT)[0][0] == "received"


def test_a_backfill_that_breaks_off_goes_on_and_loses_nothing(
    warehouse: Connection, api: Paged, environment: Change, tmp_path: Path
) -> None:
    registry = registry_of(tmp_path / "registry", sources("A"))
    environment(LAPOR_REGISTRY_DIR=str(tmp_path / "registry"))
    run_night(registry)
    before = {row[1] for row in query(warehouse, EVERYTHING, NIGHT)}
    api.record = lambda number: complaint(7_000_000 + number)
    api.refuse = refuse_pages(4)
    backfill("2020-01-01", "2020-12-31")
    assert before < {row[1] for row in query(warehouse, EVERYTHING, NIGHT)}
    api.refuse = lambda code, page: None
    api.asked.clear()
    backfill("2020-01-01", "2020-12-31")
    assert sorted(page for _, _, page in api.asked) == [3, 4, 5]
    assert len(query(warehouse, EVERYTHING, NIGHT)) == 20
    assert query(warehouse, DELIVERY, NIGHT)[0][:3] == ("received", 20, 20)
    assert query(warehouse, "select stated_total - received_rows from ops.deliveries") == [(0,)]


def test_a_backfill_that_gets_nothing_leaves_the_delivery_as_it_was(
    warehouse: Connection, api: Paged, environment: Change, tmp_path: Path
) -> None:
    registry = registry_of(tmp_path / "registry", sources("A"))
    environment(LAPOR_REGISTRY_DIR=str(tmp_path / "registry"))
    run_night(registry)
    before = query(warehouse, EVERYTHING, NIGHT)
    api.refuse = refuse_pages(1)
    backfill("2020-01-01", "2020-12-31")
    assert query(warehouse, EVERYTHING, NIGHT) == before
    assert query(warehouse, DELIVERY, NIGHT)[0][:3] == ("received", 10, 10)


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def drops(tmp_path: Path, environment: Change, write_profile: Any) -> Path:
    write_profile("probe_file", FILE_PROFILE)
    write_profile("probe_done", FILE_PROFILE + "tabular: {done_suffix: .done}\n")
    write_profile("probe_settled", FILE_PROFILE + "tabular: {settle_seconds: 0.3}\n")
    folder = tmp_path / "drops"
    folder.mkdir()
    environment(LAPOR_CONNECTION_DROPS=f"file://{folder}")
    return folder


def drop(location: str, profile: str = "probe_file", frequency: str = "nightly") -> list[str]:
    return [f"A,complaints,tabular,{profile},drops,{location},{frequency}"]


def ids(warehouse: Connection, night: date) -> list[str]:
    return [
        row[0] for row in query(warehouse, "select tracking_id from raw.complaints where night = %s order by 1", night)
    ]


def test_a_file_that_comes_late_belongs_to_its_own_night(warehouse: Connection, drops: Path, tmp_path: Path) -> None:
    registry = registry_of(tmp_path / "registry", drop("{night}.csv"))
    assert run_night(registry, NIGHT).states == {"late": 1}
    (drops / f"{NIGHT}.csv").write_text(lines(named(1)))
    (drops / f"{NEXT}.csv").write_text(lines(named(2)))
    outcome = run_night(registry, NEXT)
    assert (ids(warehouse, NIGHT), ids(warehouse, NEXT)) == (["A-1"], ["A-2"])
    assert outcome.messages == [f"A complaints, night {NIGHT}: arrived late: 1 rows; gate and build that night again"]
    assert query(warehouse, DELIVERY, NIGHT)[0][0] == "received"


def test_a_corrected_file_is_taken_again_and_an_unchanged_one_is_not(
    warehouse: Connection, drops: Path, tmp_path: Path
) -> None:
    registry = registry_of(tmp_path / "registry", drop("*.csv"))
    (drops / "a.csv").write_text(lines(named(1)))
    (drops / "b.csv").write_text(lines(named(2)))
    run_night(registry, NIGHT)
    assert ids(warehouse, NIGHT) == ["A-1", "A-2"]
    (drops / "b.csv").write_text(lines(named(2, "selesai", *GOOD[2:])))
    (drops / "c.csv").write_text(lines(named(3)))
    run_night(registry, NEXT)
    assert query(warehouse, DELIVERY, NEXT)[0][:3] == ("received", 2, 2)
    assert ids(warehouse, NEXT) == ["A-2", "A-3"]
    assert run_night(registry, THIRD).states == {"empty": 1}


def test_a_file_of_a_delivery_that_broke_off_is_not_forgotten(
    warehouse: Connection, drops: Path, tmp_path: Path
) -> None:
    registry = registry_of(tmp_path / "registry", drop("*.csv"))
    (drops / "a.csv").write_text(lines(named(1)))
    (drops / "b.csv").write_text("")
    assert run_night(registry, NIGHT).states == {"failed": 1}
    (drops / "b.csv").write_text(lines(named(2)))
    assert run_night(registry, NIGHT).states == {"received": 1}
    assert ids(warehouse, NIGHT) == ["A-1", "A-2"]


def test_a_file_counts_when_its_mark_is_there(warehouse: Connection, drops: Path, tmp_path: Path) -> None:
    registry = registry_of(tmp_path / "registry", drop("{night}.csv", "probe_done"))
    (drops / f"{NIGHT}.csv").write_text(lines(named(1)))
    assert run_night(registry, NIGHT).states == {"late": 1}
    assert f"{NIGHT}.csv is there without its .done" in query(warehouse, DELIVERY, NIGHT)[0][4]
    (drops / f"{NIGHT}.csv.done").touch()
    assert run_night(registry, NIGHT).states == {"received": 1}


def test_a_file_that_is_still_growing_is_left_for_the_next_run(
    warehouse: Connection, drops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = registry_of(tmp_path / "registry", drop("{night}.csv", "probe_settled"))
    path = drops / f"{NIGHT}.csv"
    path.write_text(lines(named(1)))
    pause = asyncio.sleep
    looked: list[float] = []

    async def grow_meanwhile(seconds: float) -> None:
        if not looked:
            path.write_text(path.read_text() + ";".join(named(2)) + "\r\n")
        looked.append(seconds)
        await pause(0)

    monkeypatch.setattr("extract.connectors.tabular.sleep", grow_meanwhile)
    assert run_night(registry, NIGHT).states == {"late": 1}
    assert "is still being written" in query(warehouse, DELIVERY, NIGHT)[0][4]
    assert run_night(registry, NIGHT).states == {"received": 1}
    assert looked == [0.3, 0.3]
    assert ids(warehouse, NIGHT) == ["A-1", "A-2"]


# -- dry run, landing, replay ------------------------------------------------------------------------------------------


def test_a_dry_run_reads_everything_and_writes_nothing(
    warehouse: Connection, api: Paged, drops: Path, environment: Change, tmp_path: Path, capsys: Any
) -> None:
    environment(LAPOR_LANDING_URL=str(tmp_path / "landing"), LAPOR_REGISTRY_DIR=str(tmp_path / "registry"))
    (drops / "a.csv").write_text(lines(named(1)))
    file = drop("a.csv")[0].replace("A,", "B,", 1)
    registry = registry_of(tmp_path / "registry", [*sources("A"), file])
    with closing(connect("loader")) as connection:
        ledger.open_night(connection, NIGHT, registry)
    before = query(warehouse, "select * from ops.deliveries order by 1")
    assert main(["--night", str(NIGHT), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("dry run, nothing written: ")
    assert "2 received; 11 rows and 11 events read, 0 rows new or changed" in said
    assert query(warehouse, "select * from ops.deliveries order by 1") == before
    assert query(warehouse, "select count(*) from raw.complaints") == [(0,)]
    assert not (tmp_path / "landing").exists()


def replay(registry: Any) -> Outcome:
    with closing(connect("loader")) as connection:
        planned = ledger.plan(connection, NIGHT, registry, redo=True)
        return Shard(connection, NIGHT, settings()).replay(planned)


@pytest.mark.parametrize("place", ["folder", "s3"])
def test_a_delivery_of_several_parts_is_replayed_to_the_same_rows(
    warehouse: Connection, api: Paged, environment: Change, tmp_path: Path, place: str, request: pytest.FixtureRequest
) -> None:
    if place == "s3":
        url = f"s3://files/landing?endpoint={request.getfixturevalue('s3')}"
        environment(LAPOR_LANDING_URL=url, LAPOR_LANDING_CREDENTIAL="key:secret")
    else:
        environment(LAPOR_LANDING_URL=str(tmp_path / "landing"))
    registry = registry_of(tmp_path / "registry", sources("A", "B"))
    run_night(registry)
    facts = "select agency_code, state, received_rows, loaded_rows, received_events, part_count, stated_total, page_count, content_sha256 from ops.deliveries order by 1"
    before, told = query(warehouse, EVERYTHING, NIGHT), query(warehouse, facts)
    assert (len(before), told[0][5]) == (20, 3)
    asked = api.asked.total()
    store = landing_store(settings())
    assert (store.nights(), len(store.segments(NIGHT))) == ([NIGHT], 6)
    assert replay(registry).states == {"received": 2}
    assert (query(warehouse, EVERYTHING, NIGHT), query(warehouse, facts)) == (before, told)
    assert api.asked.total() == asked


@pytest.mark.parametrize("harm", ["gone", "altered"])
def test_a_delivery_whose_original_is_not_whole_stays_as_it_is(
    warehouse: Connection, api: Paged, environment: Change, tmp_path: Path, harm: str
) -> None:
    environment(LAPOR_LANDING_URL=str(tmp_path / "landing"))
    registry = registry_of(tmp_path / "registry", sources("A"))
    run_night(registry)
    before, told = query(warehouse, EVERYTHING, NIGHT), query(warehouse, DELIVERY, NIGHT)
    last = sorted((tmp_path / "landing" / str(NIGHT)).iterdir())[-1]
    if harm == "gone":
        last.unlink()
    else:
        last.write_bytes(last.read_bytes()[:-5])
    outcome = replay(registry)
    assert "not replayed" in outcome.messages[0]
    assert query(warehouse, EVERYTHING, NIGHT) == before
    assert query(warehouse, DELIVERY, NIGHT) == told


def test_originals_are_sealed_anew_and_forgotten_by_command(
    warehouse: Connection, api: Paged, environment: Change, tmp_path: Path, capsys: Any
) -> None:
    environment(LAPOR_LANDING_URL=str(tmp_path / "landing"))
    registry = registry_of(tmp_path / "registry", sources("A"))
    for night in (NIGHT, NEXT):
        run_night(registry, night)
    before = query(warehouse, EVERYTHING, NIGHT)
    environment(
        LAPOR_LANDING_OLD_KEYS=f"k1={os.environ['LAPOR_LANDING_KEY']}", LAPOR_LANDING_KEY_ID="k2",
        LAPOR_LANDING_KEY=base64.b64encode(b"another key of the test session!").decode(),
    )  # fmt: skip
    assert main(["rekey"]) == 0
    assert "6 segments sealed again under key k2" in capsys.readouterr().out
    environment(LAPOR_LANDING_OLD_KEYS="")
    assert main(["rekey"]) == 0
    assert "0 segments" in capsys.readouterr().out
    assert replay(registry).states == {"received": 1}
    assert query(warehouse, EVERYTHING, NIGHT) == before
    store, keys = landing_store(settings()), LandingKeys.from_settings(settings())
    for path in segment_paths(
        *query(warehouse, "select landing_path, part_count from ops.deliveries where night = %s", NEXT)[0]
    ):
        assert list(read_segment(store.get(path), keys, path))
    assert main(["prune", "--keep-nights", "1"]) == 0
    assert f"3 segments of nights before {NEXT} removed" in capsys.readouterr().out
    assert store.nights() == [NEXT]
    assert "is gone" in replay(registry).messages[0]
    assert query(warehouse, EVERYTHING, NIGHT) == before
