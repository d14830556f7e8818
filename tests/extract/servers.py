"""The other side: servers, folders and databases as agencies have them, each a real one, and a night run against them."""

import asyncio
import io
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import zipfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import asyncssh
import pymysql
import xlsxwriter
from aiohttp import web
from psycopg2.extensions import connection as Connection

from extract import ledger, profile
from extract.runner import Outcome, Shard
from extract.sources import Registry, read_registry
from tests.extract.conftest import AGENCIES, SOURCES
from warehouse.connection import connect
from warehouse.settings import settings

NIGHT, NEXT, THIRD = date(2021, 6, 28), date(2021, 6, 29), date(2021, 6, 30)
Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


# -- what agencies say -------------------------------------------------------------------------------------------------


def complaint(number: int = 6100001, status: str = "terdisposisi", **changes: Any) -> dict[str, Any]:
    """A complaint as the national API (profile lapor_v3) tells it."""
    time = "2021-06-01T09:00:00+07:00"
    return {
        "nomor_laporan": f"#{number}", "judul": "Judul", "isi": "Isi", "klasifikasi": "Pengaduan", "kategori": None,
        "kanal": "Website", "cara_input": "mandiri", "anonim": True, "rahasia": False, "wilayah": None, "unit": None,
        "kadar_pengawasan": None, "status": status, "tanggal_masuk": time, "tanggal_ubah": time, "pelapor": None,
        "riwayat": [{"urutan": 1, "jenis": "masuk", "waktu": time, "unit": None, "aktor": "pelapor"}], **changes,
    }  # fmt: skip


def page_of(records: Any, page: int = 1, pages: int = 1, total: Any = None) -> dict[str, Any]:
    """A page of the national API."""
    return {"data": records, "meta": {"halaman": page, "jumlah_halaman": pages, "total": total}}


FILE_PROFILE = """
description: A flat file of the tests.
resource: complaints
formats: ["%d/%m/%Y %H:%M", iso]
fields:
  source_system: {constant: probe}
  tracking_id: {from: nomor, required: true}
  report_class: {constant: PENGADUAN}
  is_anonymous: {constant: true}
  is_secret: {constant: false}
  unit_name: {from: unit}
  status: {from: status, required: true, words: {baru: TERDISPOSISI, selesai: SELESAI}}
  received_at: {from: masuk, type: timestamp, required: true}
text: {body: isi}
events: {columns: [{from: masuk, event_type: MASUK}]}
"""
HEAD = ["nomor", "status", "unit", "masuk", "isi"]
GOOD = ["A-1", "baru", "Dinas PU", "01/06/2021 09:00", "Jalan rusak"]
TIME = GOOD[3]


def lines(*rows: list[str] | str, delimiter: str = ";", heading: bool = True) -> str:
    given = [HEAD, *rows] if heading else list(rows)
    return "".join((row if isinstance(row, str) else delimiter.join(row)) + "\r\n" for row in given)


def named(number: int, *cells: str) -> list[str]:
    return [f"A-{number}", *(cells or GOOD[1:])]


# -- a night -----------------------------------------------------------------------------------------------------------


def registry_of(folder: Path, sources: Sequence[str]) -> Registry:
    """The registry of the given rows of sources.csv, its agencies made up."""
    folder.mkdir(parents=True, exist_ok=True)
    codes = sorted({row.split(",")[0] for row in sources})
    agencies = "".join(f"{code},Badan {code},kota,,,Asia/Makassar,2021-01-01,guess\n" for code in codes)
    (folder / "agencies.csv").write_text(AGENCIES + agencies)
    (folder / "sources.csv").write_text(SOURCES + "".join(row + "\n" for row in sources))
    (folder / "registry.yml").write_text("name: test\nsimulated: true\n")
    return read_registry(folder)


def run_night(registry: Registry, night: date = NIGHT, **options: Any) -> Outcome:
    """Open the night and have its deliveries, as `python -m extract` does."""
    with closing(connect("loader")) as connection:
        ledger.open_night(connection, night, registry)
        planned = ledger.plan(connection, night, registry, **options)
        return Shard(connection, night, settings()).run(planned)


def query(connection: Connection, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """What the warehouse answers."""
    with connection, connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return cursor.fetchall()


@contextmanager
def profiles_in(folder: Path) -> Iterator[Callable[[str, str], str]]:
    """Let profiles be found in a folder of the test as well; gives a function that writes one (name, YAML)."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in profile.PROFILES.glob("*.yml"):
        (folder / path.name).symlink_to(path)
    before = profile.PROFILES
    profile.PROFILES = folder

    def write(name: str, text: str) -> str:
        (folder / f"{name}.yml").write_text(text)
        profile._read.cache_clear()
        return name

    try:
        yield write
    finally:
        profile.PROFILES = before
        profile._read.cache_clear()


# -- HTTP --------------------------------------------------------------------------------------------------------------


@dataclass
class Served:
    """A running HTTP server and what it saw."""

    port: int = 0
    scheme: str = "http"
    asked: list[web.Request] = field(default_factory=list)
    open_now: int = 0
    most_open: int = 0

    def base(self, host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}"


@contextmanager
def serving(
    respond: Respond, *, hosts: Sequence[str] = ("127.0.0.1",), tls: ssl.SSLContext | None = None
) -> Iterator[Served]:
    """A real HTTP server at each of the addresses, one port, every path answered by `respond`."""
    served = Served(scheme="https" if tls else "http")
    loop, ready = asyncio.new_event_loop(), threading.Event()

    async def route(request: web.Request) -> web.StreamResponse:
        served.asked.append(request)
        served.open_now += 1
        served.most_open = max(served.most_open, served.open_now)
        try:
            return await respond(request)
        finally:
            served.open_now -= 1

    async def start() -> web.AppRunner:
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_route("*", "/{path:.*}", route)
        runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        for host in hosts:
            await web.TCPSite(runner, host, served.port, ssl_context=tls).start()
            served.port = served.port or runner.addresses[0][1]
        return runner

    def forever() -> None:
        runner = loop.run_until_complete(start())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.run_until_complete(_end_what_still_runs())
        loop.close()

    thread = threading.Thread(target=forever, daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        yield served
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)


async def _end_what_still_runs() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


@contextmanager
def listening(handle: Callable[[socket.socket], None], host: str = "127.0.0.1") -> Iterator[int]:
    """A bare TCP server for what no HTTP library would send; yields its port."""
    server = socket.create_server((host, 0))
    connections: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            connections.append(connection)
            threading.Thread(target=handle, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        server.close()
        for connection in connections:
            connection.close()


# -- SFTP --------------------------------------------------------------------------------------------------------------


@dataclass
class Sftp:
    """A running SFTP server: user `agency`, password `secret` or the private key."""

    port: int
    host_key: str
    folder: Path
    private_key: str

    def base(self, folder: str = "") -> str:
        return f"sftp://agency@127.0.0.1:{self.port}/{folder}"


class _Door(asyncssh.SSHServer):
    client_key = asyncssh.generate_private_key("ssh-ed25519")

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("agency", "secret")

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == "agency" and key.public_data == self.client_key.public_data


@contextmanager
def sftp_server(folder: Path) -> Iterator[Sftp]:
    """A real SFTP server whose root is the folder."""
    loop, ready, stop = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    key = asyncssh.generate_private_key("ssh-ed25519")
    found: list[int] = []

    class Rooted(asyncssh.SFTPServer):
        def __init__(self, channel: Any) -> None:
            super().__init__(channel, chroot=str(folder).encode())

    async def serve() -> None:
        async with await asyncssh.listen(
            "127.0.0.1", 0, server_factory=_Door, server_host_keys=[key], sftp_factory=Rooted
        ) as server:
            found.append(server.get_port())
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(20)
    public = key.export_public_key("openssh").decode().strip()
    try:
        private = _Door.client_key.export_private_key("openssh").decode()
        yield Sftp(found[0], " ".join(public.split()[:2]), folder, private)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)


# -- MariaDB -----------------------------------------------------------------------------------------------------------


@dataclass
class MariaDb:
    """A running MariaDB: database `aduan`, user `agency`, password `secret`."""

    port: int

    @property
    def base(self) -> str:
        return f"mysql://127.0.0.1:{self.port}/aduan"

    def execute(self, *statements: str) -> None:
        connection = pymysql.connect(
            host="127.0.0.1", port=self.port, user="admin", password="secret", database="aduan", autocommit=True
        )
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def mariadbd() -> str | None:
    """The server's binary, if this machine has one."""
    return shutil.which("mariadbd") or next((path for path in ("/usr/sbin/mariadbd",) if Path(path).exists()), None)


@contextmanager
def mariadb_server() -> Iterator[MariaDb]:
    """A MariaDB of its own: its data in a new folder, a free port, ended afterwards."""
    binary = mariadbd()
    assert binary is not None
    folder = Path(tempfile.mkdtemp(prefix="lapor-mariadb-"))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    user = ["--user=mysql"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "mysql")
    install = shutil.which("mariadb-install-db") or "/usr/bin/mariadb-install-db"
    try:
        subprocess.run(
            [install, "--no-defaults", f"--datadir={folder}/data", "--auth-root-authentication-method=normal", "--skip-test-db", *user],
            check=True, capture_output=True,
        )  # fmt: skip
        init = folder / "init.sql"
        init.write_text(
            "create database aduan;\ncreate user 'agency'@'127.0.0.1' identified by 'secret';\n"
            "grant all on aduan.* to 'agency'@'127.0.0.1';\ncreate user 'admin'@'127.0.0.1' identified by 'secret';\n"
            "grant all on *.* to 'admin'@'127.0.0.1';\n"
        )
        init.chmod(0o644)
        log = (folder / "log").open("wb")
        server = subprocess.Popen(
            [binary, "--no-defaults", f"--datadir={folder}/data", f"--socket={folder}/socket", f"--port={port}",
             "--bind-address=127.0.0.1", f"--init-file={init}", "--skip-name-resolve", "--innodb-buffer-pool-size=8M",
             "--innodb-flush-log-at-trx-commit=0", "--performance-schema=off", *user],
            stdout=log, stderr=log,
        )  # fmt: skip
        try:
            _await_mariadb(port, server)
            yield MariaDb(port)
        finally:
            server.terminate()
            server.wait(30)
            log.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _await_mariadb(port: int, server: "subprocess.Popen[bytes]") -> None:
    give_up = time.monotonic() + 60
    while True:
        try:
            pymysql.connect(host="127.0.0.1", port=port, user="agency", password="secret", database="aduan").close()
        except pymysql.err.OperationalError:
            assert server.poll() is None, "mariadbd ended"
            assert time.monotonic() < give_up, "mariadbd does not answer"
            time.sleep(0.05)
        else:
            return


# -- workbooks ---------------------------------------------------------------------------------------------------------


def xlsx(sheets: dict[str, list[list[Any]]], hidden: Sequence[str] = ()) -> bytes:
    """A workbook of the given sheets; numbers stay numbers, everything else is text."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"strings_to_formulas": False, "strings_to_numbers": False}) as workbook:
        for name, rows in sheets.items():
            sheet = workbook.add_worksheet(name)
            for index, row in enumerate(rows):
                for column, value in enumerate(row):
                    if value is not None:
                        sheet.write(index, column, value)
            if name in hidden:
                sheet.hide()
    return buffer.getvalue()


def zipped(parts: dict[str, bytes], first: str | None = None) -> bytes:
    """A zip file; `first` is stored uncompressed at its beginning, as ODF wants its mimetype."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content, zipfile.ZIP_STORED if name == first else zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def rezipped(content: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """A zip file with its parts changed."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return zipped({name: change(name, archive.read(name)) for name in archive.namelist()})


def ods(rows: list[list[Any]], sheet: str = "Laporan", cells: str | None = None) -> bytes:
    """A minimal OpenDocument spreadsheet; `cells` is XML put in place of the rows."""
    body = cells or "".join(
        "<table:table-row>" + "".join(_ods_cell(value) for value in row) + "</table:table-row>" for row in rows
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    content = (
        '<?xml version="1.0" encoding="UTF-8"?><office:document-content office:version="1.2"'
        ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
        ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
        ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
        f'<table:table table:name="{sheet}">{body}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = (
        '<?xml version="1.0" encoding="UTF-8"?><manifest:manifest manifest:version="1.2"'
        ' xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    )
    parts = {"mimetype": kind.encode(), "content.xml": content.encode(), "META-INF/manifest.xml": manifest.encode()}
    return zipped(parts, first="mimetype")


def _ods_cell(value: Any) -> str:
    if value is None or value == "":
        return "<table:table-cell/>"
    if isinstance(value, (int, float)):
        return f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{value}</text:p></table:table-cell>'
    return f'<table:table-cell office:value-type="string"><text:p>{escape(str(value))}</text:p></table:table-cell>'
