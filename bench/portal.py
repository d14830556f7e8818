"""The portal under load: how long each page takes when twenty people read at once, and what memory it needs.

The portal is started as `python -m reports.portal` starts it, after `prepare`, on a warehouse that is there already or
on one with a history that the bench writes and builds. Its readers hold sessions that the bench has signed itself, so
that no identity provider is measured. Each reader asks for one page after the other without a pause, in an order of its
own: which agency, province and filter is drawn anew every time, so that most scorecards and comparisons are not the
ones somebody has just seen. What is timed is the whole answer, as a browser without a cache would wait for it; readers
and portal share the machine.

Before that one reader alone asks for each page in turns: the processor time of portal and PostgreSQL for one request
says the same on a machine that others use as well.
"""

import json
import os
import random
import secrets
import socket
import statistics
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import psycopg2
from itsdangerous import TimestampSigner

from bench.marts import scale
from bench.marts.fill import fill_history, publish
from bench.night import REPOSITORY
from warehouse.connection import warehouse_dsn
from warehouse.server import socket_dsn
from warehouse.settings import settings

USERS = 20
SECONDS = 60.0
P95_BAR_MS, MEMORY_BAR_MB = 150.0, 300.0
STARTING_SECONDS = 120.0
TURNS, OF_A_TURN = 8, 10  # requests of the one reader for each page
WITHOUT_LIMIT = "1000000/minute"
PORTAL = (sys.executable, "-W", "ignore", "-m", "reports.portal")

Draw = Callable[[random.Random], str]


@dataclass(frozen=True, slots=True)
class Page:
    """What a reader of a role asks for; `address` draws one of its addresses. label: how the table names it."""

    label: str
    role: str
    address: Draw


@dataclass(frozen=True, slots=True)
class Answer:
    """One request: milliseconds until the whole answer was there; of how many bytes; whether it was 200."""

    label: str
    milliseconds: float
    byte_count: int
    is_well: bool


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of processor time that one request for a page takes, the middle one of TURNS turns.

    server: None where PostgreSQL runs on another machine.
    """

    portal: float
    server: float | None


@dataclass(frozen=True, slots=True)
class Load:
    """What was measured. complaints: in the warehouse. prepare_seconds: once a night, before readers come.

    first: each page asked for once, by one reader, before the others came. costs: by page, of one reader alone.
    """

    complaints: int
    prepare_seconds: float
    users: int
    seconds: float
    costs: Mapping[str, Cost]
    first: Sequence[Answer]
    answers: Sequence[Answer]
    start_megabytes: float
    peak_megabytes: float
    portal_cpu_seconds: float


def measure(
    dsn: str | None = None,
    users: int = USERS,
    seconds: float = SECONDS,
    state: Path | None = None,
    history: int | None = None,
) -> Load:
    """Load the portal of a warehouse: by default the one that runs.

    dsn: of its owner. state: a state directory with a built warehouse, whose server is started if it is not. history:
    so many complaints, written and built first in a warehouse of its own, which is gone afterwards (1,000,000: 6 GB).
    Raises RuntimeError if the portal does not start or has no night to show.
    """
    if history is not None:
        with scale.warehouse(None) as own:
            fill_history(socket_dsn(own), history)
            print(f"history of {history:,} complaints written", flush=True)
            cost = scale._build(own)
            publish(socket_dsn(own))
            print(f"built in {cost.wall_seconds:.0f} s", flush=True)
            _settle(socket_dsn(own))
            return _measure(socket_dsn(own), own, users, seconds)
    if state is not None:
        environment = {**os.environ, "LAPOR_STATE_DIR": str(state)}
        subprocess.run([sys.executable, "-m", "warehouse", "up"], cwd=REPOSITORY, env=environment, check=True)
        return _measure(socket_dsn(state), state, users, seconds)
    return _measure(dsn or warehouse_dsn(), settings().state_dir, users, seconds)


def _measure(dsn: str, state: Path, users: int, seconds: float) -> Load:
    pages, agencies = pages_of(dsn), _column(dsn, AGENCIES)
    facts = {"WAREHOUSE_DSN": dsn, "LAPOR_STATE_DIR": str(state), "LAPOR_PORTAL_KEY": secrets.token_hex(32)}
    os.environ |= facts
    began = time.monotonic()
    subprocess.run([*PORTAL, "prepare"], cwd=REPOSITORY, check=True)
    prepared = time.monotonic() - began
    with _portal() as (port, process):
        sessions = _sessions(agencies)
        first = [_ask_once(port, page, sessions, random.Random(0)) for page in pages]  # noqa: S311
        costs = _costs(port, process, pages, sessions, dsn)
        started_with, cpu = _memory(process, "VmRSS"), _cpu_seconds(process)
        until = time.monotonic() + seconds
        with ThreadPoolExecutor(users) as readers:
            asked = [readers.submit(_read, port, pages, sessions, until, number) for number in range(users)]
            answers = [answer for reader in asked for answer in reader.result()]
        used = _cpu_seconds(process) - cpu
        return Load(
            complaints=int(_column(dsn, "select count(*) from marts.fct_complaints")[0]),
            prepare_seconds=prepared,
            users=users,
            seconds=seconds,
            costs=costs,
            first=first,
            answers=answers,
            start_megabytes=started_with,
            peak_megabytes=_memory(process, "VmHWM"),
            portal_cpu_seconds=used,
        )


def _settle(dsn: str) -> None:
    """What autovacuum would have done by the morning."""
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("vacuum analyze")


def _costs(
    port: int, process: int, pages: Sequence[Page], sessions: Mapping[str, list[str]], dsn: str
) -> dict[str, Cost]:
    """What a request costs, page by page in turns, so that what else goes on meets all pages alike."""
    portal: dict[str, list[float]] = {page.label: [] for page in pages}
    server: dict[str, list[float]] = {page.label: [] for page in pages}
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("select inet_server_addr() is null")
        is_here = cursor.fetchone() == (True,)
        for turn in range(TURNS):
            for page in pages:
                chance = random.Random(turn)  # noqa: S311 - the same order every time
                with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as reader:
                    _ask(reader, page, sessions, chance)  # opens what connections it needs
                    cursor.execute("select pid from pg_stat_activity where application_name = 'lapor/portal'")
                    backends = [pid for (pid,) in cursor.fetchall()] if is_here else []
                    before = _cpu_seconds(process), sum(map(_cpu_seconds, backends))
                    for _ in range(OF_A_TURN):
                        _ask(reader, page, sessions, chance)
                    after = _cpu_seconds(process), sum(map(_cpu_seconds, backends))
                portal[page.label].append((after[0] - before[0]) / OF_A_TURN * 1000)
                server[page.label].append((after[1] - before[1]) / OF_A_TURN * 1000)
    return {
        label: Cost(statistics.median(portal[label]), statistics.median(server[label]) if is_here else None)
        for label in portal
    }


def report(load: Load) -> str:
    """The table of docs/portal-speed.md, and a line that says whether the bars were held."""
    lines = [
        f"{load.complaints:,} complaints; prepared in {load.prepare_seconds:.0f} s",
        f"{load.users} readers at once for {load.seconds:.0f} s: {len(load.answers)} answers,"
        f" {len(load.answers) / load.seconds:.0f} a second; portal: {load.portal_cpu_seconds / load.seconds:.2f} cores,"
        f" {load.peak_megabytes:.0f} MB at most ({load.start_megabytes:.0f} MB before them)",
        "",
        "| page | answers | KB | portal CPU, ms | PostgreSQL CPU, ms | first, ms | median, ms | p95, ms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    slow = []
    for alone in load.first:
        of = sorted(answer.milliseconds for answer in load.answers if answer.label == alone.label)
        if not of:
            raise RuntimeError(f"{alone.label} was never asked for in {load.seconds:.0f} s: measure for longer")
        told = percentile(of, 0.95)
        kilobytes = sum(answer.byte_count for answer in load.answers if answer.label == alone.label) / len(of) / 1000
        cost = load.costs[alone.label]
        server = "–" if cost.server is None else f"{cost.server:.1f}"
        lines.append(
            f"| {alone.label} | {len(of)} | {kilobytes:.0f} | {cost.portal:.1f} | {server}"
            f" | {alone.milliseconds:.0f} | {percentile(of, 0.5):.0f} | {told:.0f} |"
        )
        slow += [alone.label] if told >= P95_BAR_MS else []
    unwell = sorted({answer.label for answer in (*load.first, *load.answers) if not answer.is_well})
    large = load.peak_megabytes >= MEMORY_BAR_MB
    missed = [
        *([f"p95 of {', '.join(slow)}"] if slow else []),
        *([f"memory {load.peak_megabytes:.0f} MB"] if large else []),
        *([f"not answered with 200: {', '.join(unwell)}"] if unwell else []),
    ]
    bars = f"p95 under {P95_BAR_MS:.0f} ms, memory under {MEMORY_BAR_MB:.0f} MB"
    return "\n".join([*lines, "", f"{bars}: {'MISSED: ' + '; '.join(missed) if missed else 'held'}"])


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    return ordered[max(0, -(-int(share * len(ordered) * 1000) // 1000) - 1)]


AGENCY_MONTHS = "/api/v1/marts/rpt_agency_performance_monthly"
AGENCIES = "select agency_code from marts.dim_agencies where is_current order by 1"
PROVINCES = "select distinct province_code from marts.rpt_province_performance_monthly order by 1"
GROUPS = "select distinct peer_group from marts.rpt_agency_comparison where peer_group is not null order by 1"
PROGRAMMES = "select distinct programme from marts.rpt_ksp_strategic_issues_weekly order by 1"


def pages_of(dsn: str) -> list[Page]:
    """Every page, and the pull API, with addresses from what the warehouse holds."""
    agencies, provinces, groups, programmes = (
        _column(dsn, query) for query in (AGENCIES, PROVINCES, GROUPS, PROGRAMMES)
    )
    analyst, ombudsman, ksp, agency = "panrb_analyst", "ombudsman_reader", "ksp_reader", "agency_reader"
    marts = ("rpt_agency_performance_monthly", "rpt_agency_comparison", "rpt_national_performance_monthly")
    return [
        Page("/ (nation)", analyst, _one("/")),
        Page("/ (nation, KSP)", ksp, _one("/?bahasa=id", "/?bahasa=en")),
        Page("/provinsi", ksp, _one("/provinsi")),
        Page("/provinsi/{code}", analyst, _each("/provinsi/{}", provinces)),
        Page("/instansi", analyst, _comparison(provinces, groups)),
        Page("/instansi/{code}", analyst, _each("/instansi/{}", agencies)),
        Page("/instansi-saya (own scorecard)", agency, _one("/instansi-saya", "/instansi-saya?jendela=year")),
        Page("/isu", ksp, _each("/isu?program={}", ["", *programmes])),
        Page("/indikasi", ombudsman, _one("/indikasi")),
        Page("/kepuasan", analyst, _one("/kepuasan")),
        Page("/kelengkapan", analyst, _one("/kelengkapan")),
        Page("/laporan", ombudsman, _one("/laporan", "/laporan?lembaga=agency")),
        Page("/kamus", agency, _one("/kamus")),
        Page("/api", agency, _one("/api")),
        Page("API reports", ksp, _one("/api/v1/reports")),
        Page("API marts", analyst, _one("/api/v1/marts")),
        Page("API metrics", ksp, _one("/api/v1/metrics")),
        Page("API mart, 100 rows, JSON", analyst, _each("/api/v1/marts/{}?limit=100", marts)),
        Page("API mart of an agency, CSV", analyst, _each(f"{AGENCY_MONTHS}?format=csv&agency_code={{}}", agencies)),
    ]  # fmt: skip


def _one(*addresses: str) -> Draw:
    return lambda chance: chance.choice(addresses)


def _each(template: str, values: Sequence[str]) -> Draw:
    return lambda chance: template.format(chance.choice(values))


def _comparison(provinces: Sequence[str], groups: Sequence[str]) -> Draw:
    """The comparison as people use it: by kind, province or peers, of one of three measures, sorted somehow."""

    def draw(chance: random.Random) -> str:
        chosen = chance.choice(
            ["", "&jenis=kota", f"&provinsi={chance.choice(provinces)}", f"&kelompok={chance.choice(groups)}"]
        )
        measure = chance.choice(["followed_up_rate", "completed_rate"])
        return f"/instansi?ukuran={measure}&urut={chance.choice(['-tersesuaikan', 'instansi', '-n'])}{chosen}".replace(
            " ", "+"
        )

    return draw


def _sessions(agencies: Sequence[str]) -> Mapping[str, list[str]]:
    """Cookies of signed-in readers by role; of many agencies, as each sees another scorecard."""
    nationwide = {role: [_session(role, None, 0)] for role in ("panrb_analyst", "ombudsman_reader", "ksp_reader")}
    own = [_session("agency_reader", code, number) for number, code in enumerate(agencies)]
    return {**nationwide, "agency_reader": own}


def _session(role: str, agency_code: str | None, number: int) -> str:
    # Signed as the portal signs: by the key that it derives from its own.
    from reports.portal.sign_in import session_key  # reads the settings, which `_measure` has put down by now

    now = int(time.time())
    told = {"reader": [role, agency_code, f"bench-{number}"], "id": secrets.token_hex(8), "csrf": "-"}
    signed = TimestampSigner(session_key()).sign(b64encode(json.dumps({**told, "since": now, "seen": now}).encode()))
    return f"lapor={signed.decode()}"


def _read(port: int, pages: Sequence[Page], sessions: Mapping[str, list[str]], until: float, seed: int) -> list[Answer]:
    """One reader after another page, until the time is up."""
    chance = random.Random(seed)  # noqa: S311 - the same order every time
    answers: list[Answer] = []
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        while time.monotonic() < until:
            for page in chance.sample(pages, len(pages)):
                answers.append(_ask(connection, page, sessions, chance))
    return answers


def _ask(connection: HTTPConnection, page: Page, sessions: Mapping[str, list[str]], chance: random.Random) -> Answer:
    """One request, on a connection that may have been used before."""
    address, cookie = page.address(chance), chance.choice(sessions[page.role])
    started = time.perf_counter()
    connection.request("GET", address, headers={"Cookie": cookie})
    response = connection.getresponse()
    content = response.read()
    return Answer(page.label, (time.perf_counter() - started) * 1000, len(content), response.status == 200)


def _ask_once(port: int, page: Page, sessions: Mapping[str, list[str]], chance: random.Random) -> Answer:
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        return _ask(connection, page, sessions, chance)


@contextmanager
def _portal() -> Iterator[tuple[int, int]]:
    """The portal on a free port, on the warehouse the environment names: its port and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    limits = {f"LAPOR_PORTAL_{name}_LIMIT": WITHOUT_LIMIT for name in ("READER", "DOWNLOAD", "SIGN_IN", "ADDRESS")}
    place = {"LAPOR_PORTAL_URL": f"http://127.0.0.1:{port}", "LAPOR_PORTAL_PORT": str(port)}
    environment = {**os.environ, **limits, **place, "MALLOC_ARENA_MAX": "2"}  # as the Makefile starts it
    process = subprocess.Popen(PORTAL, cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL)
    try:
        _wait(process, port)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(30)


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + STARTING_SECONDS
    while process.poll() is None and time.monotonic() < until:
        with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            try:
                connection.request("GET", "/sehat")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                pass
        time.sleep(0.1)
    raise RuntimeError(f"The portal does not answer at port {port}; what it printed stands above.")


def _memory(process: int, name: str) -> float:
    """Megabytes of a process by the kernel: VmRSS now, VmHWM at most so far."""
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines() if ":" in line
    )
    return int(status[name].split()[0]) / 1024


def _cpu_seconds(process: int) -> float:
    """Processor time of a process so far, to the nanosecond; 0 for one that has ended.

    By the clock that clock_getcpuclockid(3) names: /proc tells hundredths of a second only.
    """
    try:
        return time.clock_gettime((~process << 3) | 2)
    except OSError:
        return 0.0


def _column(dsn: str, query: str) -> list[str]:
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        found = [str(value) for (value,) in cursor.fetchall()]
    if not found:
        raise RuntimeError(f"The warehouse has no rows for: {query}. Build a night first: make demo")
    return found
