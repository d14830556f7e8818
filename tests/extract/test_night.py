"""A night against real servers and files: the ledger tells what happened, rows are versions, reruns change nothing."""

import asyncio
import json
import os
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from psycopg2.extensions import connection as Connection

from extract import ledger
from extract.__main__ import main
from extract.errors import RegistryInvalid
from extract.load import Loader, Part
from extract.profile import PROFILES
from extract.records import COLUMNS, COMPLAINTS, EVENTS, Row
from extract.runner import Outcome, Shard
from extract.sources import Registry
from warehouse.connection import connect
from warehouse.settings import settings

NIGHT, NEXT, THIRD = date(2021, 6, 28), date(2021, 6, 29), date(2021, 6, 30)
API = "{code},complaints,rest,lapor_v3,api,{{night}}/{{agency_code}},nightly"


def complaint(number: int, status: str = "terdisposisi", **changes: Any) -> dict[str, Any]:
    time = "2021-06-01T09:00:00+07:00"
    return {
        "nomor_laporan": f"#{number}", "judul": "Judul", "isi": "Isi", "klasifikasi": "Pengaduan", "kategori": None,
        "kanal": "Website", "cara_input": "mandiri", "anonim": True, "rahasia": False, "wilayah": None, "unit": None,
        "kadar_pengawasan": None, "status": status, "tanggal_masuk": time, "tanggal_ubah": time, "pelapor": None,
        "riwayat": [{"urutan": 1, "jenis": "masuk", "waktu": time, "unit": None, "aktor": "pelapor"}], **changes,
    }  # fmt: skip


def answer(records: list[dict[str, Any]], page: int = 1, pages: int = 1, total: int | None = None) -> web.Response:
    meta = {"halaman": page, "jumlah_halaman": pages, "total": len(records) if total is None else total}
    return web.json_response({"data": records, "meta": meta})


class Api:
    """A pretend agency system: what each (night, agency) answers, and what was asked."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], Callable[[web.Request], Any]] = {}
        self.asked: list[web.Request] = []

    def on(self, night: date, code: str, respond: Callable[[web.Request], Any]) -> None:
        self.answers[(night.isoformat(), code)] = respond

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        night, code = request.match_info["path"].split("/")
        response = self.answers[(night, code)](request)
        if asyncio.iscoroutine(response):
            response = await response
        assert isinstance(response, web.StreamResponse)
        return response


@pytest.fixture
def api(serve: Callable[[Any], str], environment: Callable[..., None]) -> Api:
    handler = Api()
    environment(LAPOR_CONNECTION_API=serve(handler))
    return handler


def run(registry: Registry, night: date, **options: Any) -> Outcome:
    with closing(connect("loader")) as connection:
        ledger.open_night(connection, night, registry)
        planned = ledger.plan(connection, night, registry, **options)
        return Shard(connection, night, settings()).run(planned)


def query(warehouse: Connection, sql: str) -> list[tuple[Any, ...]]:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def states(warehouse: Connection, night: date) -> dict[str, str]:
    rows = query(warehouse, f"select agency_code, state from ops.deliveries where night = '{night}' order by 1")
    return dict(rows)  # type: ignore[arg-type]


def test_pages_are_read_to_the_last_and_the_stated_total_kept(
    warehouse: Connection, api: Api, build_registry: Any
) -> None:
    pages = [[complaint(6100001), complaint(6100002)], [complaint(6100003)]]
    api.on(
        NIGHT,
        "A",
        lambda request: answer(pages[int(request.query["halaman"]) - 1], int(request.query["halaman"]), 2, 3),
    )
    run(build_registry([API.format(code="A")]), NIGHT)
    assert query(warehouse, "select received_rows, stated_total, page_count, loaded_events from ops.deliveries") == [
        (3, 3, 2, 3)
    ]
    assert query(warehouse, "select tracking_id, source_position from raw.complaints order by 1") == [
        ("6100001", "page 1, row 1"), ("6100002", "page 1, row 2"), ("6100003", "page 2, row 1"),
    ]  # fmt: skip
    assert "diubah_sejak" not in api.asked[0].query
    assert api.asked[0].query["diubah_hingga"] == "2021-06-29T00:00:00+07:00"


def test_three_broken_agencies_cost_the_others_nothing(
    warehouse: Connection, api: Api, build_registry: Any, environment: Callable[..., None]
) -> None:
    environment(LAPOR_EXTRACT_REQUEST_TIMEOUT_SECONDS="0.3", LAPOR_EXTRACT_ATTEMPTS="2")
    healthy = [f"H{number:02d}" for number in range(20)]
    for number, code in enumerate(healthy):
        api.on(NIGHT, code, lambda request, number=number: answer([complaint(6200000 + number)]))
    api.on(NIGHT, "HANGS", lambda request: asyncio.sleep(30))
    api.on(NIGHT, "GARBAGE", lambda request: web.Response(text="<html><title>Situs dalam perbaikan</title></html>"))
    api.on(NIGHT, "ERROR", lambda request: web.Response(status=500))
    outcome = run(build_registry([API.format(code=code) for code in [*healthy, "HANGS", "GARBAGE", "ERROR"]]), NIGHT)
    assert outcome.states == {"received": 20, "failed": 3}
    reasons = dict(query(warehouse, "select agency_code, reason from ops.deliveries where state = 'failed'"))  # type: ignore[arg-type]
    assert reasons == {
        "HANGS": "no answer within 0.3 s. If the agency's system is only slow, raise LAPOR_EXTRACT_REQUEST_TIMEOUT_SECONDS.",
        "GARBAGE": "answered 200 with an HTML page (Situs dalam perbaikan) instead of data. "
        "Ask the agency what its system answers; it is asked again tonight.",
        "ERROR": "answered 500 Internal Server Error. The agency's system is in trouble; it is asked again tonight and tomorrow.",
    }
    assert query(warehouse, "select count(*) from raw.complaints") == [(20,)]


def test_a_passing_error_is_asked_again(warehouse: Connection, api: Api, build_registry: Any) -> None:
    tries: list[int] = []

    def respond(request: web.Request) -> web.Response:
        tries.append(1)
        return (
            web.Response(status=503, headers={"Retry-After": "0"}) if len(tries) < 3 else answer([complaint(6100001)])
        )

    api.on(NIGHT, "A", respond)
    assert run(build_registry([API.format(code="A")]), NIGHT).states == {"received": 1}
    assert len(tries) == 3


@pytest.mark.parametrize(
    ("respond", "reason"),
    [
        (lambda request: web.Response(status=403), "answered 403 Forbidden"),
        (
            lambda request: web.Response(status=302, headers={"Location": "http://elsewhere.example/"}),
            "answered 302: it redirects to elsewhere.example. Redirects to other servers are not followed",
        ),
        (
            lambda request: web.json_response({"data": "none", "meta": {"jumlah_halaman": 1}}),
            "has no list of records at 'data'",
        ),
        (lambda request: web.json_response({"data": [complaint(1)]}), "does not state the number of pages"),
        (lambda request: answer([{"judul": "x"}]), "field 'nomor_laporan' is missing"),
    ],
)
def test_what_cannot_pass_fails_once_with_its_reason(
    warehouse: Connection, api: Api, build_registry: Any, respond: Callable[[web.Request], web.Response], reason: str
) -> None:
    api.on(NIGHT, "A", respond)
    assert run(build_registry([API.format(code="A")]), NIGHT).states == {"failed": 1}
    assert len(api.asked) == 1
    assert reason in query(warehouse, "select reason from ops.deliveries")[0][0]


def test_zero_rows_and_no_answer_are_different_states(warehouse: Connection, api: Api, build_registry: Any) -> None:
    api.on(NIGHT, "QUIET", lambda request: answer([]))
    api.on(NIGHT, "DOWN", lambda request: web.Response(status=500))
    run(build_registry([API.format(code="QUIET"), API.format(code="DOWN")]), NIGHT)
    assert states(warehouse, NIGHT) == {"QUIET": "empty", "DOWN": "failed"}


def test_a_rerun_asks_only_those_that_are_not_final(warehouse: Connection, api: Api, build_registry: Any) -> None:
    registry = build_registry([API.format(code="GOOD"), API.format(code="BAD")])
    api.on(NIGHT, "GOOD", lambda request: answer([complaint(6100001)]))
    api.on(NIGHT, "BAD", lambda request: web.Response(status=404))
    run(registry, NIGHT)
    api.on(NIGHT, "BAD", lambda request: answer([complaint(6100002)]))
    api.asked.clear()
    assert run(registry, NIGHT).states == {"received": 1}
    assert [request.path for request in api.asked] == ["/2021-06-28/BAD"]
    assert states(warehouse, NIGHT) == {"GOOD": "received", "BAD": "received"}


def test_the_next_night_asks_from_the_last_success_with_overlap(
    warehouse: Connection, api: Api, build_registry: Any
) -> None:
    registry = build_registry([API.format(code="A")])
    api.on(NIGHT, "A", lambda request: answer([complaint(6100001)]))
    api.on(NEXT, "A", lambda request: web.Response(status=404))
    api.on(THIRD, "A", lambda request: answer([]))
    for night in (NIGHT, NEXT, THIRD):
        run(registry, night)
    assert api.asked[-1].query["diubah_sejak"] == "2021-06-28T23:00:00+07:00"


def test_a_version_is_kept_only_when_content_changed(warehouse: Connection, api: Api, build_registry: Any) -> None:
    registry = build_registry([API.format(code="A")])
    first, second = complaint(6100001), complaint(6100001, "dalam proses")
    api.on(NIGHT, "A", lambda request: answer([first]))
    api.on(NEXT, "A", lambda request: answer([second]))
    api.on(THIRD, "A", lambda request: answer([first, first]))
    for night in (NIGHT, NEXT, THIRD, date(2021, 7, 1)):
        api.on(date(2021, 7, 1), "A", lambda request: answer([first]))
        run(registry, night)
    assert query(warehouse, "select night::text, status from raw.complaints order by 1") == [
        ("2021-06-28", "TERDISPOSISI"), ("2021-06-29", "DIPROSES"), ("2021-06-30", "TERDISPOSISI"),
    ]  # fmt: skip
    assert query(warehouse, "select received_rows, superseded_rows, loaded_rows from ops.deliveries order by night") == [
        (1, 0, 1), (1, 0, 1), (2, 1, 1), (1, 1, 0),
    ]  # fmt: skip
    assert query(warehouse, "select count(*) from raw.complaint_events") == [(1,)]


def test_redoing_and_replaying_a_night_ends_in_the_same_rows(
    warehouse: Connection, api: Api, build_registry: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = build_registry([API.format(code="A")])
    api.on(NIGHT, "A", lambda request: answer([complaint(6100001), complaint(6100002)]))
    columns = ", ".join((*COLUMNS[COMPLAINTS], "source_position", "content_hash"))
    everything = f"select {columns} from raw.complaints order by tracking_id"
    run(registry, NIGHT)
    before = query(warehouse, everything)
    assert len(before) == 2
    run(registry, NIGHT, redo=True)
    assert query(warehouse, everything) == before
    api.answers.clear()  # a replay asks nobody
    with closing(connect("loader")) as connection:
        Shard(connection, NIGHT, settings()).replay(ledger.plan(connection, NIGHT, registry, redo=True))
    assert query(warehouse, everything) == before
    assert query(warehouse, "select attempt, received_rows from ops.deliveries") == [(3, 2)]


def test_a_row_that_postgresql_refuses_is_alone_in_its_misfortune(warehouse: Connection, build_registry: Any) -> None:
    registry = build_registry([API.format(code="A")])
    with closing(connect("loader")) as connection:
        ledger.open_night(connection, NIGHT, registry)
        (planned,) = ledger.plan(connection, NIGHT, registry)
        events = [Row(f"row {n}", ["lapor", "6100001", n, "MASUK", None, None, None, None], []) for n in range(9)]
        events[4].values[2] = 2**40
        Loader(connection).store(planned, Part(1, begins=True, state="received", events=events), COMPLAINTS)
    assert query(warehouse, "select received_events, loaded_events from ops.deliveries") == [(9, 9)]
    assert len(COLUMNS[EVENTS]) == len(events[0].values)
    assert query(warehouse, "select source_position, _problems from raw.complaint_events where event_seq is null") == [
        ("row 4", ["row: refused by PostgreSQL (SQLSTATE 22003)"])
    ]


def test_whatever_the_ledger_says_anew_makes_the_night_wait_for_a_build(
    warehouse: Connection, api: Api, build_registry: Any
) -> None:
    """A delivery that comes after all and has nothing in it brings no row; a mart would still call it failed."""

    def is_waiting() -> bool:
        return bool(query(warehouse, "select built_seq < changed_seq from ops.nights") == [(True,)])

    def build() -> None:
        with warehouse, warehouse.cursor() as cursor:
            cursor.execute("update ops.nights set built_seq = changed_seq, published_seq = changed_seq")

    registry = build_registry([API.format(code="A")])
    api.on(NIGHT, "A", lambda request: web.Response(status=404))
    run(registry, NIGHT)
    build()

    run(registry, NIGHT)
    assert states(warehouse, NIGHT) == {"A": "failed"}
    assert not is_waiting()  # failed again, in the same words

    api.on(NIGHT, "A", lambda request: web.Response(status=403))
    run(registry, NIGHT)
    assert is_waiting()  # failed in others
    build()

    api.on(NIGHT, "A", lambda request: answer([]))
    run(registry, NIGHT)
    assert states(warehouse, NIGHT) == {"A": "empty"}
    assert is_waiting()
    build()

    run(build_registry([API.format(code="A"), API.format(code="B")]), NIGHT, agencies=["A"])
    assert states(warehouse, NIGHT) == {"A": "empty", "B": "expected"}
    assert is_waiting()  # for a delivery that nobody had expected before


def test_of_two_extractions_of_a_night_the_one_that_comes_second_leaves_the_ledger_alone(
    warehouse: Connection, api: Api, build_registry: Any
) -> None:
    registry = build_registry([API.format(code="A")])
    api.on(NIGHT, "A", lambda request: answer([complaint(6100001)]))
    written = "select state, reason, attempt, loaded_rows, finished_at from ops.deliveries"
    with closing(connect("loader")) as connection:
        ledger.open_night(connection, NIGHT, registry)
        before_the_first = ledger.plan(connection, NIGHT, registry)
        Shard(connection, NIGHT, settings()).run(before_the_first)
    first = query(warehouse, written)
    assert first[0][:4] == ("received", None, 1, 1)

    with closing(connect("loader")) as connection:
        outcome = Shard(connection, NIGHT, settings()).run(before_the_first)
    assert query(warehouse, written) == first
    assert outcome.states == {}
    (message,) = outcome.messages
    assert message.endswith(
        "left: another extraction of this night has gone on with it meanwhile. Run it once more, and one at a time."
    )


def test_a_late_file_and_an_irregular_one_are_told_apart(
    warehouse: Connection, build_registry: Any, environment: Callable[..., None], tmp_path: Path
) -> None:
    environment(LAPOR_CONNECTION_DROPS=f"file://{tmp_path}")
    registry = build_registry(
        [
            "A,complaints,tabular,csv_drop,drops,{night}/{agency_code}/laporan.csv,nightly",
            "A,recaps,tabular,recap_statement,drops,rekap.csv,irregular",
        ]
    )
    run(registry, NIGHT)
    assert query(warehouse, "select resource, state, reason from ops.deliveries order by 1") == [
        (
            "complaints",
            "late",
            "no file 2021-06-28/A/laporan.csv yet. Ask the agency; it is looked for again for seven nights after its own.",
        ),
        ("recaps", "empty", "nothing handed over; this source delivers irregularly"),
    ]


def test_shards_split_a_night_without_gap_or_overlap(warehouse: Connection, build_registry: Any) -> None:
    registry = build_registry([API.format(code=f"A{number:02d}") for number in range(11)])
    with closing(connect("loader")) as connection:
        ledger.open_night(connection, NIGHT, registry)
        parts = [
            [item.agency.agency_code for item in ledger.plan(connection, NIGHT, registry, shard=(index, 3))]
            for index in range(3)
        ]
    assert sorted(code for part in parts for code in part) == sorted(registry.agencies)
    assert [len(part) for part in parts] == [4, 4, 3]


def test_an_unknown_agency_or_resource_is_refused_by_name(warehouse: Connection, build_registry: Any) -> None:
    registry = build_registry([API.format(code="A")])
    with closing(connect("loader")) as connection:
        ledger.open_night(connection, NIGHT, registry)
        with pytest.raises(RegistryInvalid, match="KOTA-99"):
            ledger.plan(connection, NIGHT, registry, agencies=["KOTA-99"])
        with pytest.raises(RegistryInvalid, match="complaint'"):
            ledger.plan(connection, NIGHT, registry, resources=["complaint"])


def test_a_dry_run_writes_nothing(warehouse: Connection, api: Api, build_registry: Any) -> None:
    registry = build_registry([API.format(code="A")])
    api.on(NIGHT, "A", lambda request: answer([complaint(6100001)]))
    with closing(connect("loader")) as connection:
        ledger.open_night(connection, NIGHT, registry)
        outcome = Shard(None, NIGHT, settings()).run(ledger.plan(connection, NIGHT, registry))
    assert (outcome.rows, outcome.states) == (1, {"received": 1})
    assert states(warehouse, NIGHT) == {"A": "expected"}
    assert query(warehouse, "select count(*) from raw.complaints") == [(0,)]


def test_the_commands_of_a_night_say_what_they_did(
    warehouse: Connection,
    api: Api,
    build_registry: Any,
    environment: Callable[..., None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    build_registry([API.format(code="A")])
    environment(LAPOR_REGISTRY_DIR=str(tmp_path / "registry"))
    api.on(NIGHT, "A", lambda request: answer([complaint(6100001)]))
    assert main(["--night", str(NIGHT)]) == 1
    assert "is not open; run: python -m extract open --night 2021-06-28" in capsys.readouterr().err
    assert main(["open", "--night", str(NIGHT)]) == 0
    assert main(["--night", str(NIGHT), "--shard", "0/1"]) == 0
    assert main(["close", "--night", str(NIGHT)]) == 0
    told = capsys.readouterr().out
    assert "1 deliveries of 1 agencies expected (test)" in told
    assert "1 received; 1 rows and 1 events read, 1 rows new or changed" in told


def test_originals_that_cannot_be_kept_are_our_trouble_and_no_agencys(
    warehouse: Connection,
    api: Api,
    build_registry: Any,
    environment: Callable[..., None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    build_registry([API.format(code="A")])
    (tmp_path / "no folder").touch()
    environment(LAPOR_REGISTRY_DIR=str(tmp_path / "registry"), LAPOR_LANDING_URL=str(tmp_path / "no folder"))
    api.on(NIGHT, "A", lambda request: answer([complaint(6100001)]))
    assert main(["open", "--night", str(NIGHT)]) == 0
    assert main(["--night", str(NIGHT)]) == 1
    assert f"originals cannot be written to {tmp_path}/no folder: " in capsys.readouterr().err
    assert states(warehouse, NIGHT) == {"A": "expected"}
    assert query(warehouse, "select count(*) from raw.complaints") == [(0,)]


def test_a_warehouse_that_goes_away_ends_the_command_in_one_line(
    warehouse: Connection,
    api: Api,
    build_registry: Any,
    environment: Callable[..., None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    build_registry([API.format(code="A")])
    environment(LAPOR_REGISTRY_DIR=str(tmp_path / "registry"))

    def cut(request: web.Request) -> web.Response:
        query(
            warehouse,
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'lapor/extract%'",
        )
        return answer([complaint(6100001)])

    api.on(NIGHT, "A", cut)
    assert main(["open", "--night", str(NIGHT)]) == 0
    assert main(["--night", str(NIGHT)]) == 1
    told = capsys.readouterr().err
    assert "python -m extract run: the warehouse gave up: " in told
    assert len(told.splitlines()) == 1
    assert states(warehouse, NIGHT) == {"A": "expected"}


def test_one_warehouse_never_mixes_registries(warehouse: Connection, build_registry: Any, tmp_path: Path) -> None:
    registry = build_registry([API.format(code="A")])
    other = Registry("another", False, registry.agencies, registry.sources)
    with closing(connect("loader")) as connection:
        ledger.open_night(connection, NIGHT, registry)
        with pytest.raises(RegistryInvalid, match="warehouse of its own"):
            ledger.open_night(connection, NEXT, other)


def test_the_cut_off_is_midnight_in_jakarta() -> None:
    assert ledger.cut_off(date(2021, 6, 30)) == datetime(2021, 6, 30, 17, 0, tzinfo=UTC)


def test_landing_files_hold_the_original_answer_sealed(warehouse: Connection, api: Api, build_registry: Any) -> None:
    api.on(NIGHT, "A", lambda request: answer([complaint(6100001, pelapor={"nama": "Velindro Tasmuk"})]))
    run(build_registry([API.format(code="A")]), NIGHT)
    path = Path(settings().landing) / str(NIGHT) / "A.complaints.1.0001.sealed"
    assert b"Velindro" not in path.read_bytes()
    assert os.environ["LAPOR_LANDING_KEY"] not in json.dumps(
        query(warehouse, "select landing_path from ops.deliveries")
    )


def test_a_ragged_row_is_counted_and_keeps_its_reason(
    warehouse: Connection, build_registry: Any, environment: Callable[..., None], tmp_path: Path
) -> None:
    environment(LAPOR_CONNECTION_DROPS=f"file://{tmp_path}")
    heading = "instansi;periode_awal;periode_akhir;laporan_diterima;terdisposisi;belum_terverifikasi;selesai"
    (tmp_path / "rekap.csv").write_text(f"{heading}\nA;2021-01-01;2021-06-30;5;4;1;2\nA;2021-01-01;2021\n")
    outcome = run(build_registry(["A,recaps,tabular,recap_statement,drops,rekap.csv,irregular"]), NIGHT)
    assert (outcome.rows, outcome.loaded_rows) == (2, 2)
    assert query(warehouse, "select received_count, _problems from raw.recaps order by row_id") == [
        (5, []), (None, ["row: 3 cells instead of 7"]),
    ]  # fmt: skip


def test_a_delivery_over_its_deadline_ends_with_what_it_had(
    warehouse: Connection, api: Api, build_registry: Any, environment: Callable[..., None]
) -> None:
    environment(LAPOR_EXTRACT_HISTORY_DEADLINE_SECONDS="1", LAPOR_EXTRACT_CHECKPOINT_PAGES="10000")

    async def endless(request: web.Request) -> web.Response:
        await asyncio.sleep(0.05)
        page = int(request.query["halaman"])
        return answer([complaint(6100000 + page)], page, 10_000)

    api.on(NIGHT, "A", endless)
    assert run(build_registry([API.format(code="A")]), NIGHT).states == {"failed": 1}
    (reason,) = query(warehouse, "select reason from ops.deliveries")[0]
    assert reason.startswith("not complete after 1 s (")
    assert query(warehouse, "select count(*) from raw.complaints") == [(0,)]


def test_a_registry_may_bring_profiles_of_its_own(
    warehouse: Connection, api: Api, build_registry: Any, environment: Callable[..., None], tmp_path: Path
) -> None:
    own = tmp_path / "registry" / "profiles"
    own.mkdir(parents=True)
    text = (PROFILES / "lapor_v3.yml").read_text()
    (own / "sistem_kota.yml").write_text(text.replace("{from: nomor_laporan,", "{from: nomor,"))
    environment(LAPOR_REGISTRY_DIR=str(tmp_path / "registry"))
    record = complaint(6100001)
    record["nomor"] = record.pop("nomor_laporan")
    api.on(NIGHT, "A", lambda request: answer([record]))
    registry = build_registry([API.format(code="A").replace("lapor_v3", "sistem_kota")])
    assert run(registry, NIGHT).states == {"received": 1}
    assert query(warehouse, "select tracking_id from raw.complaints") == [("6100001",)]
