"""One night in which everything goes wrong that can: each broken delivery ends in its own ledger row, and says why.

A table of cases. All of them run in one night (a few in two, where drift needs a night before), each beside a healthy
agency that must not notice. A case says what its source gives, the state and the words of its ledger row, and what
became of its rows.
"""

import asyncio
import datetime as dt
import gzip
import json
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import asyncssh
import psycopg2
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from extract.runner import Outcome
from extract.storage import s3_filesystem
from tests.extract.servers import (
    FILE_PROFILE,
    GOOD,
    HEAD,
    NEXT,
    NIGHT,
    TIME,
    complaint,
    lines,
    listening,
    named,
    ods,
    page_of,
    profiles_in,
    query,
    registry_of,
    rezipped,
    run_night,
    serving,
    sftp_server,
    xlsx,
    zipped,
)
from warehouse.connection import connect
from warehouse.server import SUPERUSER, socket_dsn
from warehouse.settings import settings

PAGE_BYTES, ROWS = 16_000_000, 500
Answer = web.StreamResponse | Awaitable[web.StreamResponse]
Give = Callable[[web.Request], Answer]

OPEN311_PROFILE = """
description: An Open311 server of the tests.
resource: complaints
open311: {format: xml, cap: 1000, window_days: 400, history_start: "2021-01-01", services: false}
fields:
  source_system: {constant: probe}
  tracking_id: {from: service_request_id, required: true}
  report_class: {constant: PENGADUAN}
  is_anonymous: {constant: true}
  is_secret: {constant: false}
  status: {from: status, required: true, words: {open: TERDISPOSISI, closed: SELESAI}}
  received_at: {from: requested_datetime, type: timestamp, required: true}
events: {columns: [{from: requested_datetime, event_type: MASUK}]}
"""
API_PROFILES = {
    "probe_next_url": "{records_at: data, paging: {style: next_url, next_at: next}}",
    "probe_cursor": "{records_at: data, paging: {style: cursor, parameter: cursor, next_at: next}}",
    "probe_keyset": "{records_at: data, paging: {style: keyset, parameter: after, key_from: nomor}}",
    "probe_link": "{records_at: data, paging: {style: link}}",
    "probe_offset": "{records_at: data, total_header: X-Total-Count, paging: {style: offset, parameter: offset}}",
    "probe_error": "{records_at: data, error_at: errors}",
}
SQL_PROFILE = FILE_PROFILE.replace(
    "resource:", "sql: {updated_from: diubah, key_from: nomor, timeout_seconds: 1}\nresource:"
)
SQL_WRITING = SQL_PROFILE.replace("key_from: nomor,", 'key_from: nomor, query: "{query}",')


@dataclass(frozen=True)
class Case:
    """What a source gives and what must stand in the ledger for it.

    `source` is connector,profile; `give` an API's handler or a file's bytes. `says` are parts of the reason, `problems`
    parts of the rows' problems, `ledger` columns of the ledger row, `rows` how many were received.
    """

    title: str
    source: str
    give: Any
    state: str
    says: tuple[str, ...] = ()
    rows: int | None = None
    problems: tuple[str, ...] = ()
    ledger: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    base: str = ""
    credential: str = ""
    host_key: str = ""
    before: Give | None = None

    @property
    def code(self) -> str:
        return self.title.upper().replace("_", "-").replace(" ", "-")[:30]


def loaded(rows: int = 1) -> dict[str, Any]:
    return {"state": "received", "rows": rows}


# -- what an API may answer --------------------------------------------------------------------------------------------


def api(title: str, give: Give, state: str, *says: str, profile: str = "lapor_v3", **facts: Any) -> Case:
    return Case(title, f"rest,{profile}", give, state, says, **facts)


def text(body: str | bytes, **options: Any) -> Give:
    content = body.encode() if isinstance(body, str) else body
    return lambda request: web.Response(
        body=content, content_type=options.pop("content_type", "application/json"), **options
    )


def status(code: int, **headers: str) -> Give:
    return lambda request: web.Response(
        status=code, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def records(*given: Any, **meta: Any) -> Give:
    return lambda request: web.json_response(page_of(list(given), **meta))


def raw_record(**values: str) -> Give:
    """One good record with some of its fields replaced by literal JSON."""
    body = json.dumps(page_of([complaint() | dict.fromkeys(values, "@")]))
    for name, literal in values.items():
        body = body.replace(f'"{name}": "@"', f'"{name}": {literal}')
    return text(body)


def without(record: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in names}


async def hang(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(60)
    return web.Response()


async def drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    for _ in range(600):
        await response.write(b" ")
        await asyncio.sleep(0.1)
    return response


async def cut_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"data": [')
    assert request.transport is not None
    request.transport.close()
    return response


async def endless_body(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    for _ in range(40):
        await response.write(b" " * 1_000_000)
    return response


def gzip_bomb(request: web.Request) -> web.Response:
    bomb = gzip.compress(b"[" + b" " * 64_000_000, 1)
    return web.Response(body=bomb, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})


def same_host_redirect(request: web.Request) -> web.Response:
    if "moved" in request.query:
        return web.json_response(page_of([complaint()]))
    return web.Response(status=307, headers={"Location": f"{request.path}?moved=1"})


def pages_for_ever(request: web.Request) -> web.Response:
    page = int(request.query["halaman"])
    return web.json_response(page_of([complaint(page * 1000 + number) for number in range(100)], page, page + 1))


def circle(request: web.Request) -> web.Response:
    following = {"": "b", "b": "c", "c": "b"}[request.query.get("cursor", "")]
    return web.json_response({"data": [complaint(6100000 + len(following))], "next": following})


def go_to(address: str) -> Give:
    """A page whose next page is elsewhere; {origin} and {host} are the server's own."""

    def respond(request: web.Request) -> web.Response:
        if "page" in request.query:
            return web.json_response({"data": [complaint(6100002)], "next": None})
        return web.json_response(
            {"data": [complaint()], "next": address.format(origin=request.url.origin(), host=request.host)}
        )

    return respond


def in_two_link_headers(request: web.Request) -> web.Response:
    if request.query.get("page") == "2":
        return web.json_response({"data": [complaint(6100002)]})
    response = web.json_response({"data": [complaint()]})
    response.headers.add("Link", f'<{request.path}?page=0>; rel="first"')
    response.headers.add("Link", f'<{request.path}?page=2>; rel="next"')
    return response


def in_a_tight_link_header(request: web.Request) -> web.Response:
    if request.query.get("page") == "2":
        return web.json_response({"data": [complaint(6100002)]})
    link = f'<{request.path}?page=0>;rel="first",<{request.path}?page=2>;rel="next last"'
    return web.json_response({"data": [complaint()]}, headers={"Link": link})


def no_progress(request: web.Request) -> web.Response:
    return web.json_response({"data": [complaint()]}, headers={"X-Total-Count": "2"})


def huge(name: str, size: int = 10_000_000) -> dict[str, Any]:
    return complaint() | {name: "Jalan rusak. " * (size // 13)}


SOON = format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(days=1), usegmt=True)
BROKEN_EVENT = {"urutan": 2, "jenis": "entah", "waktu": "kemarin"}
MANY = [complaint(6100000 + number) for number in range(25)]

API = [
    # it does not answer, or says no
    api("hang", hang, "failed", "no answer within 5 s", "raise LAPOR_EXTRACT_REQUEST_TIMEOUT_SECONDS"),
    api("drip", drip, "failed", "no answer within 5 s", "raise LAPOR_EXTRACT_REQUEST_TIMEOUT_SECONDS"),
    api("cut off", cut_off, "failed", "connection to 127.", "failed: ClientPayloadError", "See whether the server is up"),
    api("500", status(500), "failed", "answered 500", "it is asked again tonight and tomorrow"),
    api("503 seconds", status(503, Retry_After="120"), "failed", "answered 503", "it is asked again"),
    api("503 date", status(503, Retry_After=SOON), "failed", "answered 503", "it is asked again"),
    api("503 absurd", status(503, Retry_After="9" * 400), "failed", "answered 503", "it is asked again"),
    api("503 nonsense", status(503, Retry_After="²"), "failed", "answered 503", "it is asked again"),
    api("429", status(429, Retry_After="99"), "failed", "answered 429", "LAPOR_EXTRACT_CONNECTIONS_PER_HOST"),
    api("401", status(401), "failed", "answered 401", "Check the credential", "LAPOR_CREDENTIAL_"),
    api("403", status(403), "failed", "answered 403", "Check the credential", "LAPOR_CREDENTIAL_"),
    api("404", status(404), "failed", "answered 404", "ask the agency for the new one and change sources.csv"),
    api("204", status(204), "failed", "answered 204"),
    # it sends us elsewhere
    api("301 elsewhere", status(301, Location="http://elsewhere.example/"), "failed", "answered 301", "redirects to elsewhere.example", "put the new address into the connection"),
    api("302 metadata", status(302, Location="http://169.254.169.254/latest/meta-data/"), "failed", "redirects to 169.254.169.254", "Redirects to other servers are not followed"),
    api("302 unreadable", status(302, Location="http://[::1"), "failed", "answered 302", "put the new address"),
    api("302 file", status(302, Location="file:///etc/passwd"), "failed", "answered 302", "put the new address"),
    api("redirect loop", lambda request: web.Response(status=302, headers={"Location": request.path_qs}), "failed", "redirects more than 5 times", "Put the final address into sources.csv"),
    api("redirect same host", same_host_redirect, "received", rows=1),
    api("next elsewhere", go_to("http://elsewhere.example/page2"), "failed", "points to elsewhere.example", "change the connection's base URL", profile="probe_next_url"),
    api("next private", go_to("http://10.0.0.1/page2"), "failed", "points to 10.0.0.1", "change the connection's base URL", profile="probe_next_url"),
    api("next https", go_to("https://127.0.0.1/page2"), "failed", "points to 127.0.0.1", profile="probe_next_url"),
    api("next unreadable", go_to("http://[::1"), "failed", "change the connection's base URL", profile="probe_next_url"),
    api("next with user", go_to("http://user:word@{host}/x?page=2"), "received", rows=2, profile="probe_next_url"),
    api("next same host", go_to("{origin}/x?page=2"), "received", rows=2, profile="probe_next_url"),
    api("next is no address", lambda request: web.json_response({"data": [complaint()], "next": {"a": 1}}), "received", rows=1, profile="probe_next_url"),
    # it answers, but no data
    api("plain text", text("Sistem sedang dalam pemeliharaan", content_type="text/plain"), "failed", "answered 200 with 32 bytes that cannot be read", "Ask the agency what its system answers"),
    api("html", text("<!DOCTYPE html><title>Masuk ke Akun</title>", content_type="text/html"), "failed", "an HTML page (Masuk ke Akun) instead of data", "Ask the agency"),
    api("empty body", text(""), "failed", "answered 200 with 0 bytes", "Ask the agency"),
    api("truncated", text(json.dumps(page_of([complaint()]))[:-20]), "failed", "cannot be read", "Ask the agency"),
    api("bom", text(b"\xef\xbb\xbf" + json.dumps(page_of([complaint()])).encode()), **loaded()),
    api("utf-16", text(json.dumps(page_of([complaint()])).encode("utf-16")), "failed", "cannot be read", "Ask the agency"),
    api("invalid utf-8", text(json.dumps(page_of([complaint(judul="@")])).encode().replace(b"@", b"\xff")), **loaded(1)),
    api("not gzip", lambda request: web.Response(body=b"no gzip", headers={"Content-Encoding": "gzip"}), "failed", "connection to 127.", "See whether the server is up"),
    api("gzip bomb", gzip_bomb, "failed", f"a page is larger than {PAGE_BYTES} bytes", "raise LAPOR_EXTRACT_PAGE_BYTES"),
    api("too large", endless_body, "failed", f"a page is larger than {PAGE_BYTES} bytes", "Ask for smaller pages"),
    api("nested deep", text("[" * 100_000 + "]" * 100_000), "failed", "nested too deeply", "Ask the agency"),
    api("an error at 200", lambda request: web.json_response({"errors": [{"message": "no"}], "data": []}), "failed", "answered 200 with an error at 'errors'", "agency's documentation", profile="probe_error"),
    api("html title nul", text(b"<html><title>a\0\nb\xed\xa0\x80</title>"), "failed", "an HTML page (a", "instead of data", "Ask the agency"),
    api("reason of bytes", records(), "failed", "answered 500", "it is asked again", base="{odd_reason}"),
    api("location of bytes", records(), "failed", "answered 302", "put the new address", base="{odd_location}"),
    # its data is odd
    api("field name nul", text(json.dumps(page_of([complaint() | {"a\0b": 1}]))), **loaded(), ledger={"unknown_fields": ["ab"]}),
    api("field name odd", text(json.dumps(page_of([complaint() | {"": 1, " \n": 2, "x" * 500: 3, "\\": 4, '"{,}': 5}]))), **loaded()),
    api("control signs", raw_record(unit='{"nama": "Di\\u0001nas \\u001b[31m\\\\N"}'), **loaded(), ledger={"units": ["Dinas [31m\\N"]}),
    api("quotes and slashes", raw_record(unit='{"nama": "a\\\\\\"b, \\\\\\\\, null, {}\\\\"}'), **loaded(), ledger={"units": ['a\\"b, \\\\, null, {}\\']}),
    api("null as a word", raw_record(unit='{"nama": "null"}'), **loaded(), ledger={"units": ["null"]}),
    api("nul", raw_record(judul='"Ju\\u0000dul"'), **loaded()),
    api("lone surrogate", raw_record(judul='"Ju\\ud800dul"'), **loaded(1)),
    api("nan", raw_record(wilayah="NaN"), **loaded(1)),
    api("infinite", raw_record(wilayah="1e999"), **loaded(1)),
    api("400 digits", raw_record(wilayah="9" * 400), **loaded(), problems=("kemendagri_code: a value of shape '9",)),
    api("400 digits id", raw_record(nomor_laporan="9" * 400), **loaded(), problems=("tracking_id: a value of shape '9",)),
    api("5000 digits", raw_record(wilayah="9" * 5000), "failed", "cannot be read", "Ask the agency"),
    api("400 digits seq", records(complaint(riwayat=[{"urutan": 10**400, "jenis": "masuk", "waktu": "2021-06-01T09:00:00+07:00"}])), **loaded(), ledger={"received_events": 1, "loaded_events": 1}),
    api("10 mb field", records(huge("isi"), complaint(6100002)), **loaded(2)),
    api("10 mb id", records(huge("nomor_laporan"), complaint(6100002)), **loaded(2), problems=("tracking_id:",)),
    api("phone is a fraction", raw_record(pelapor='{"telepon": 1234567890123456.5}', anonim="false"), **loaded()),
    api("events of a long float", records(complaint(pelapor={"nama": 1.5e300, "nik": 3171012345678901.5})), **loaded()),
    api("records null", lambda request: web.json_response({"data": None, "meta": {"jumlah_halaman": 1}}), "failed", "page 1 has no list of records at 'data'", "check-profile"),
    api("data an object", lambda request: web.json_response({"data": {"a": 1}, "meta": {"jumlah_halaman": 1}}), "failed", "page 1 has no list of records at 'data'", "check-profile"),
    api("null records", records(None, complaint()), **loaded(2), problems=("row: is no object",)),
    api("number records", records(1, 2.5, True, complaint()), **loaded(4), problems=("row: is no object",)),
    api("list records", records([], [complaint()], complaint()), **loaded(3), problems=("row: is no object",)),
    api("id int", raw_record(nomor_laporan="6100001"), **loaded(), ledger={"ids": ["6100001"]}),
    api("id float", raw_record(nomor_laporan="12.0"), **loaded(), ledger={"ids": ["12"]}),
    api("id text float", raw_record(nomor_laporan='"12.0"'), **loaded(), ledger={"ids": ["12"]}),
    api("id bool", raw_record(nomor_laporan="true"), **loaded(), problems=("tracking_id: is a flag",), ledger={"ids": [None]}),
    api("id dict", raw_record(nomor_laporan='{"a": 1}'), **loaded(), problems=("tracking_id: is a structure",)),
    api("id null", raw_record(nomor_laporan="null"), **loaded(), problems=("tracking_id: missing",)),
    api("id nik", raw_record(nomor_laporan='"3171012345678901"'), **loaded(), problems=("tracking_id: a value of shape '9999999999999999' is no tracking_id",)),
    api("id 500", raw_record(nomor_laporan='"' + "A1" * 250 + '"'), **loaded(), problems=("tracking_id: a value of shape",)),
    api("no fields", records({}, {}), "failed", "page 1: field 'nomor_laporan' is missing in every record", "profile lapor_v3 requires it", "check-profile"),
    api("one field missing once", records(without(complaint(), "status"), complaint(6100002)), **loaded(2), problems=("status: field 'status' is missing",)),
    api("one field missing", records(*(without(record, "status") for record in MANY)), "failed", "field 'status' is missing in every record", "check-profile"),
    api("unknown status", records(complaint(status="entah")), **loaded(), problems=("status: 'entah' is not a word of profile lapor_v3",)),
    api("field retyped", records(*(record | {"unit": "Dinas"} for record in MANY)), before=records(*(record | {"unit": {"nama": "Dinas"}} for record in MANY)), **loaded(25), ledger={"retyped_fields": ["unit"]}),
    api("field gone", records(*(without(record, "kanal") for record in MANY)), before=records(*MANY), **loaded(25), ledger={"missing_fields": ["kanal"]}),
    api("field new", records(complaint(prioritas="tinggi")), before=records(complaint()), **loaded(), ledger={"unknown_fields": ["prioritas"]}),
    api("events text", records(complaint(riwayat="kosong")), **loaded(), problems=("events: field 'riwayat' is no list of events",)),
    api("events object", records(complaint(riwayat={"urutan": 1})), **loaded(), problems=("events: field 'riwayat' is no list of events",)),
    api("events numbers", records(complaint(riwayat=[1, None, "x"])), **loaded(), ledger={"received_events": 3, "loaded_events": 3}),
    api("events broken", records(complaint(riwayat=[BROKEN_EVENT])), **loaded(), ledger={"received_events": 1}),
    api("duplicates", records(complaint(), complaint(), complaint()), **loaded(3), ledger={"loaded_rows": 1, "superseded_rows": 2}),
    # its paging is odd
    api("circular cursor", circle, "failed", "page 3 points back to a page already read: the source turns in a circle", "Show the agency", profile="probe_cursor"),
    api("keyset without key", lambda request: web.json_response({"data": [{"nomor": {"a": 1}}]}), "failed", "page 1", profile="probe_keyset"),
    api("pages for ever", pages_for_ever, "failed", f"more than {ROWS} rows", "See whether the source repeats itself"),
    api("no page count", lambda request: web.json_response({"data": [complaint()]}), "failed", "page 1 does not state the number of pages at 'meta.jumlah_halaman'", "check-profile"),
    api("page count text", records(complaint(), pages="1"), "failed", "page 1 does not state the number of pages", "check-profile"),
    api("two link headers", in_two_link_headers, "received", rows=2, profile="probe_link"),
    api("tight link header", in_a_tight_link_header, "received", rows=2, profile="probe_link"),
    api("total too large", records(complaint(), total=99), **loaded(), ledger={"stated_total": 99}),
    api("total too small", records(complaint(), complaint(6100002), total=1), **loaded(2), ledger={"stated_total": 1}),
    api("total absurd", records(complaint(), total=10**12), **loaded(), ledger={"loaded_rows": 1}),
    api("total no number", records(complaint(), total="²"), **loaded(), ledger={"stated_total": None}),
    api("total in a header", no_progress, "received", rows=2, profile="probe_offset", ledger={"stated_total": 2, "loaded_rows": 1}),
    api("self-signed", records(complaint()), "failed", "the certificate of 127.", "is not to be trusted", "LAPOR_EXTRACT_CA_FILE", base="{tls}"),
    api("down", records(), "failed", "connection to 127.", "See whether the server is up and reachable", base="http://127.0.2.1:1"),
    api("no http", records(), "failed", "connection to 127.", "See whether the server is up", base="{garbage}"),
]  # fmt: skip


# -- what a file may hold ----------------------------------------------------------------------------------------------


def file(title: str, give: str | bytes, state: str, *says: str, name: str = "laporan.csv", **facts: Any) -> Case:
    content = give.encode() if isinstance(give, str) else give
    return Case(title, "tabular,probe_file", content, state, says, name=name, **facts)


def sheet(*rows: list[Any]) -> bytes:
    return xlsx({"Laporan": [HEAD, *rows]})


def with_entities(name: str, content: bytes) -> bytes:
    if name != "xl/sharedStrings.xml":
        return content
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    return content.replace(b"?>", f'?><!DOCTYPE sst [<!ENTITY e0 "haha">{entities}]>'.encode(), 1).replace(
        b"Jalan rusak", b"&e11;"
    )


def lying(content: bytes) -> bytes:
    """The same zip with the sizes of its parts stated as ten bytes."""
    changed = bytearray(content)
    start = 0
    while (start := changed.find(b"PK\x01\x02", start)) >= 0:
        changed[start + 24 : start + 28] = (10).to_bytes(4, "little")
        start += 4
    return bytes(changed)


def far_cell(name: str, content: bytes) -> bytes:
    return content.replace(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>')


ODS_BOMB = (
    '<table:table-row table:number-rows-repeated="1048576"><table:table-cell table:number-columns-repeated="16384"'
    ' office:value-type="string"><text:p>x</text:p></table:table-cell></table:table-row>'
)
ODS_TAIL = (
    "".join(
        "<table:table-row>" + "".join(f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row)
        + '<table:table-cell table:number-columns-repeated="16379"/></table:table-row>'
        for row in (HEAD, GOOD)
    )
    + '<table:table-row table:number-rows-repeated="1048570"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
)  # fmt: skip
FORMULA = "=cmd|' /C calc'!A0"

FILES = [
    file("csv empty", "", "failed", "laporan.csv is empty", "check-profile"),
    file("csv only spaces", "\r\n \r\n", "failed", "laporan.csv is empty", "check-profile"),
    file("csv heading only", lines(), "empty", rows=0),
    file("csv bom", b"\xef\xbb\xbf" + lines(GOOD).encode(), **loaded()),
    file("csv utf-16", lines(GOOD).encode("utf-16"), **loaded(), ledger={"ids": ["A-1"]}),
    file("csv utf-16 no bom", lines(GOOD).encode("utf-16-le"), **loaded(), ledger={"ids": ["A-1"]}),
    file("csv cp1252", lines(named(1, "baru", "Dinas Café", TIME, "x")).encode("cp1252"), **loaded(), ledger={"units": ["Dinas Café"]}),
    file("csv sep", "sep=|\r\n" + lines(GOOD, delimiter="|").replace(";", "|"), **loaded(), ledger={"ids": ["A-1"]}),
    file("csv nul", lines(named(1, "baru", "Di\0nas", TIME, "x")), **loaded(), ledger={"units": ["Dinas"]}),
    file("csv comma", lines(GOOD).replace(";", ","), **loaded(), ledger={"ids": ["A-1"]}),
    file("csv wrong delimiter", lines(GOOD).replace(";", "^"), "failed", "laporan.csv has no heading row", "check-profile"),
    file("csv no heading", lines(GOOD, named(2), heading=False), "failed", "has no heading row: none of the first 30 rows names half of", "check-profile"),
    file("csv heading doubled", lines(GOOD).replace("isi", "unit", 1), "failed", "has the heading ['unit'] twice", "check-profile"),
    file("csv heading again", lines(GOOD, HEAD, named(2)), **loaded(3), problems=("status: 'status' is not a word",)),
    file("csv ragged", lines(GOOD, ["A-2", "baru"], [*named(3), "x"], named(4)), **loaded(4), problems=("row: 2 cells instead of 5", "row: 6 cells instead of 5")),
    file("csv quote in the middle", lines(GOOD, named(2, "baru", '"Dinas', TIME, "x"), named(3), named(4)), **loaded(4), problems=("row: is no line of the file's form",), ledger={"ids": ["A-1", "A-3", "A-4", None]}),
    file("csv quote at the end", lines(GOOD, named(2), named(3, "baru", "Dinas", TIME, '"x')), **loaded(3), problems=("row: is no line of the file's form",), ledger={"ids": ["A-1", "A-2", None]}),
    file("csv quoted break", lines(GOOD, named(2, "baru", "Dinas", TIME, '"dua\r\nbaris"'), named(3)), **loaded(3), ledger={"ids": ["A-1", "A-2", "A-3"]}),
    file("csv 1001 broken", lines(GOOD, *(f'"x"y{n};baru' for n in range(1001))), "failed", "has more than 1000 lines that are no CSV by ';'", "check-profile"),
    file("csv 300 broken", lines(GOOD, *(f'"x"y{n};baru' for n in range(300)), named(2)), **loaded(302)),
    file("csv total", lines(GOOD, named(2), ["TOTAL", "2", "", "", ""]), **loaded(2), ledger={"stated_total": 2}),
    file("csv total absurd", lines(GOOD, ["TOTAL", "9" * 30, "", "", ""]), **loaded(1)),
    file("csv formula", lines(GOOD, [FORMULA, "baru", "Dinas", TIME, FORMULA]), **loaded(2), problems=("tracking_id: a value of shape '=aaa|' /a aaaa'!a9' is no tracking_id",)),
    file("csv 10 mb field", lines(GOOD, named(2, "baru", "Dinas", TIME, "Jalan rusak " * 900_000)), **loaded(2), ledger={"ids": ["A-1", "A-2"]}),
    file("csv 10 mb line", lines(GOOD) + "x" * 10_000_000, **loaded(2), problems=("row: 1 cells instead of 5",)),
    file("csv too large", b"x" * (PAGE_BYTES + 1), "failed", f"has {PAGE_BYTES + 1} bytes, more than {PAGE_BYTES}", "LAPOR_EXTRACT_PAGE_BYTES"),
    file("csv binary", os.urandom(3000), "failed", "laporan.csv", "check-profile"),
    file("csv html", "<html><title>Masuk</title></html>", "failed", "laporan.csv is an HTML page, not a table", "check-profile"),
    file("csv path out", b"", "failed", "the location climbs out of its connection's folder", "Correct it in sources.csv", name="../HEALTHY-FILE/laporan.csv"),
    file("csv absolute", b"", "failed", "passwd is a link out of its folder", name="/etc/passwd"),
    file("csv symlink", b"-> /etc/hostname", "failed", "laporan.csv is a link out of its folder", "Put the file itself there"),
    file("csv link to itself", b"-> laporan.csv", "failed", "laporan.csv"),
    file("csv absent", b"-> nothing", "late", "no file", "Ask the agency"),
    file("xlsx good", sheet(GOOD), **loaded(), name="laporan.xlsx", ledger={"ids": ["A-1"]}),
    file("xlsx bomb", rezipped(sheet(GOOD), lambda name, part: part + b" " * 20_000_000 if name == "xl/styles.xml" else part), "failed", "laporan.xlsx inflates", "ask the agency before anybody opens it", name="laporan.xlsx"),
    file("xlsx liar", lying(rezipped(sheet(GOOD), lambda name, part: part + b" " * 2_000_000 if "sheet1" in name else part)), "failed", "laporan.xlsx is no readable workbook", "check-profile", name="laporan.xlsx"),
    file("xlsx far cell", rezipped(sheet(GOOD), lambda name, part: far_cell(name, part) if "sheet1" in name else part), "failed", "laporan.xlsx", "ask the agency", name="laporan.xlsx"),
    file("xlsx ole garbage", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 4000, "failed", "laporan.xlsx is no readable workbook", "check-profile", name="laporan.xlsx"),
    file("xlsx truncated", sheet(GOOD)[:-500], "failed", "laporan.xlsx is no readable workbook", "check-profile", name="laporan.xlsx"),
    file("xlsx is html", "<html><table><tr><td>nomor</td></tr></table></html>", "failed", "laporan.xlsx is an HTML page", "check-profile", name="laporan.xlsx"),
    file("xlsx is csv", lines(GOOD), **loaded(), name="laporan.xlsx", ledger={"ids": ["A-1"]}),
    file("xlsx is any zip", zipped({"a.txt": b"x"}), "failed", "laporan.xlsx is no readable workbook", "check-profile", name="laporan.xlsx"),
    file("xlsx hidden sheet", xlsx({"Kosong": [["x"]], "Laporan": [HEAD, GOOD]}, hidden=["Laporan"]), "failed", "none of the sheets ['Kosong'] has a heading row", "check-profile", name="laporan.xlsx"),
    file("xlsx no sheet fits", xlsx({"Satu": [["a"]], "Dua": [["b"]]}), "failed", "none of the sheets ['Satu', 'Dua'] has a heading row", "check-profile", name="laporan.xlsx"),
    file("xlsx cover first", xlsx({"Sampul": [["Laporan"]], "Laporan": [["Judul"], [], HEAD, GOOD]}), **loaded(), name="laporan.xlsx", ledger={"ids": ["A-1"]}),
    file("xlsx 16 digits", sheet([3171012345678901, *GOOD[1:]]), **loaded(), problems=("tracking_id: is a number too long for a spreadsheet",), name="laporan.xlsx"),
    file("xlsx entities", rezipped(sheet(GOOD), with_entities), "failed", "laporan.xlsx", "check-profile", name="laporan.xlsx"),
    file("ods good", ods([HEAD, GOOD]), **loaded(), name="laporan.ods", ledger={"ids": ["A-1"]}),
    file("ods of libreoffice", ods([], cells=ODS_TAIL), **loaded(), name="laporan.ods", ledger={"ids": ["A-1"]}),
    file("ods cut off", rezipped(ods([HEAD, GOOD]), lambda name, part: part[:-60] if name == "content.xml" else part), "failed", "laporan.ods is no readable workbook", "check-profile", name="laporan.ods"),
    file("xlsb", zipped({"xl/workbook.bin": b"x"}), "failed", "laporan.xlsb is a binary workbook (XLSB)", "check-profile", name="laporan.xlsb"),
    file("ods bomb", ods([], cells=ODS_BOMB), "failed", "laporan.ods", "ask the agency", name="laporan.ods"),
]  # fmt: skip


# -- what an Open311 server may say --------------------------------------------------------------------------------------

REQUEST = (
    "<request><service_request_id>R-1</service_request_id><status>open</status>"
    "<requested_datetime>2021-06-01T09:00:00+07:00</requested_datetime></request>"
)
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


def xml(title: str, body: str | bytes, state: str, *says: str, **facts: Any) -> Case:
    return Case(title, "open311,probe_open311", text(body, content_type="text/xml"), state, says, **facts)


OPEN311 = [
    xml("xml good", f"<service_requests>{REQUEST}</service_requests>", **loaded(), ledger={"ids": ["R-1"]}),
    xml("xml laughs", f'<!DOCTYPE r [<!ENTITY l0 "haha">{LAUGHS}]><r><request>&l9;</request></r>', "failed", "forbidden document type or entity", "Ask the agency"),
    xml("xml external", '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r><request>&x;</request></r>', "failed", "forbidden document type or entity", "Ask the agency"),
    xml("xml dtd", f"<!DOCTYPE service_requests><service_requests>{REQUEST}</service_requests>", "failed", "forbidden document type", "Ask the agency"),
    xml("xml deep", "<r>" + "<a>" * 5000 + "</a>" * 5000 + "</r>", "failed", "nested too deeply", "Ask the agency"),
    xml("xml truncated", f"<service_requests>{REQUEST}", "failed", "cannot be read", "Ask the agency"),
    xml("xml encoding", f'<?xml version="1.0" encoding="entah"?><service_requests>{REQUEST}</service_requests>', "failed", "cannot be read", "Ask the agency"),
    xml("xml is json", "[]", "failed", "cannot be read", "Ask the agency"),
    xml("xml is html", "<!doctype html><title>Maaf</title>", "failed", "an HTML page (Maaf) instead of data", "Ask the agency"),
    xml("xml of texts", "<service_requests>x<a/><b>y</b></service_requests>", "failed", "field 'service_request_id' is missing in every record", "check-profile"),
    xml("xml capped", f"<service_requests>{REQUEST * 1000}</service_requests>", "failed", "the server's cap of 1000 hides what there is more", "raise `cap` in the profile"),
]  # fmt: skip


# -- what the other places of files and rows may do ----------------------------------------------------------------------


def place(title: str, source: str, base: str, name: str, state: str, *says: str, **facts: Any) -> Case:
    return Case(title, source, None, state, says, name=name, base=base, **facts)


PLACES = [
    place("sftp good", "tabular,probe_file", "{sftp}", "laporan.csv", **loaded(), credential="secret", host_key="right"),
    place("sftp not pinned", "tabular,probe_file", "{sftp}", "laporan.csv", "failed", "the key of 127.0.0.1 is not pinned", "LAPOR_HOST_KEY_", credential="secret"),
    place("sftp wrong key", "tabular,probe_file", "{sftp}", "laporan.csv", "failed", "shows another key than the pinned one", "LAPOR_HOST_KEY_", credential="secret", host_key="wrong"),
    place("sftp no key at all", "tabular,probe_file", "{sftp}", "laporan.csv", "failed", "LAPOR_HOST_KEY_", credential="secret", host_key="ssh-ed25519 nonsense"),
    place("sftp wrong password", "tabular,probe_file", "{sftp}", "laporan.csv", "failed", "refuses user and secret", "Check LAPOR_CREDENTIAL_", credential="wrong", host_key="right"),
    place("sftp no secret", "tabular,probe_file", "{sftp}", "laporan.csv", "failed", "LAPOR_CREDENTIAL_", host_key="right"),
    place("sftp bad private key", "tabular,probe_file", "{sftp}", "laporan.csv", "failed", "LAPOR_CREDENTIAL_", credential="-----BEGIN OPENSSH PRIVATE KEY-----\nx", host_key="right"),
    place("sftp absent", "tabular,probe_file", "{sftp}", "x.csv", "late", "no file", credential="secret", host_key="right"),
    place("sftp a folder", "tabular,probe_file", "{sftp}", "folder", "failed", "SFTP failed", credential="secret", host_key="right"),
    place("sftp down", "tabular,probe_file", "sftp://agency@127.0.0.1:1/", "laporan.csv", "failed", "127.0.0.1: SFTP failed (ConnectionRefusedError)", "See whether the server is up", host_key="right"),
    place("s3 good", "tabular,probe_file", "s3://files?endpoint={s3}", "laporan.csv", **loaded(), credential="key:secret"),
    place("s3 no bucket", "tabular,probe_file", "s3://absent?endpoint={s3}", "laporan.csv", "failed", "there is no bucket absent", "Correct the connection", credential="key:secret"),
    place("s3 refused", "tabular,probe_file", "s3://files?endpoint={refusing}", "laporan.csv", "failed", "the storage refuses access", "Check the credential", credential="key:wrong"),
    place("s3 down", "tabular,probe_file", "s3://files?endpoint=http://127.0.0.1:1", "laporan.csv", "failed", "the storage does not answer", "See whether its endpoint is up", credential="key:secret"),
    place("http file 404", "tabular,probe_file", "{refusing}", "absent.csv", "late", "no file absent.csv"),
    place("ftp", "tabular,probe_file", "ftp://127.0.0.1/", "laporan.csv", "failed", "is ftp://, which holds no files", "Use file://, sftp://, s3:// or https://"),
    place("no connection", "tabular,probe_file", "", "laporan.csv", "failed", "LAPOR_CONNECTION_", "Set its base URL"),
    place("sql good", "sql,probe_sql", "{database}", "laporan", **loaded()),
    place("sql wrong table", "sql,probe_sql", "{database}", "tidak_ada", "failed", "the database refused: UndefinedTable 42P01", "Compare the profile's columns with the table"),
    place("sql injection", "sql,probe_sql", "{database}", "laporan; drop table laporan", "failed", "its location is no table name", "Write table or schema.table"),
    place("sql wrong user", "sql,probe_sql", "{database}", "laporan", "failed", "the database refused: OperationalError", "Check address, credential", credential="nobody:x"),
    place("sql down", "sql,probe_sql", "postgresql://agency@127.0.0.1:1/aduan", "laporan", "failed", "the database refused: OperationalError", "whether it is up"),
    place("sql silent", "sql,probe_sql", "postgresql://agency@127.0.0.1:{silent}/aduan", "laporan", "failed", "whether it is up"),
    place("sql writes", "sql,probe_sql_write", "{database}", "", "failed", "the database refused: FeatureNotSupported 0A000"),
    place("sql writes by function", "sql,probe_sql_function", "{database}", "", "failed", "the database refused: ReadOnlySqlTransaction 25006"),
    place("sql slow", "sql,probe_sql_slow", "{database}", "", "failed", "57014", "timeout_seconds"),
    place("sql strange time", "sql,probe_sql_strange", "{database}", "", "failed", "check-profile"),
    place("sql lacks column", "sql,probe_sql", "{database}", "tanpa_ubah", "failed", "UndefinedColumn 42703", "Compare the profile's columns"),
    place("sql unknown dialect", "sql,probe_sql", "foxpro://127.0.0.1/aduan", "laporan", "failed", "is no database URL that can be used (NoSuchModuleError)", "Write dialect://host/database"),
    place("sql no url", "sql,probe_sql", "aduan", "laporan", "failed", "is no database URL that can be used", "Write dialect://host/database"),
    place("sqlite absent", "sql,probe_sql", "sqlite:///{folder}/absent.db", "laporan", "failed", "absent.db"),
]  # fmt: skip

CASES = [*API, *FILES, *OPEN311, *PLACES]


# -- the night -----------------------------------------------------------------------------------------------------------


@dataclass
class Night:
    """What the ledger and the shard said of every delivery."""

    outcome: Outcome
    deliveries: dict[str, dict[str, Any]]
    problems: dict[str, str]
    ids: dict[str, list[Any]]
    units: dict[str, list[Any]]


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@contextmanager
def agency_database(state_dir: Path) -> Iterator[str]:
    """An agency's own database on the tests' server; its SQLAlchemy URL."""
    administrator = psycopg2.connect(socket_dsn(state_dir, SUPERUSER))
    administrator.autocommit = True
    with administrator.cursor() as cursor:
        cursor.execute("drop database if exists aduan_agency")
        cursor.execute("create database aduan_agency")
    dsn = socket_dsn(state_dir, "aduan_agency")
    own = psycopg2.connect(dsn)
    with own, own.cursor() as cursor:
        cursor.execute(
            "create table laporan (nomor text, status text, unit text, masuk timestamptz, isi text, diubah timestamptz);"
            "insert into laporan values ('A-1', 'baru', 'Dinas', '2021-06-01', 'x', '2021-06-02');"
            "create table tanpa_ubah (nomor text, status text);"
            "create table ditulis (x int);"
            "create function menulis() returns timestamptz language sql as 'insert into ditulis values (1) returning now()';"
        )
    own.close()
    yield dsn
    with administrator.cursor() as cursor:
        cursor.execute("drop database aduan_agency with (force)")
    administrator.close()


SETTINGS = {
    "REQUEST_TIMEOUT_SECONDS": "5", "ATTEMPTS": "1", "CONNECTIONS": "300", "PAGE_BYTES": str(PAGE_BYTES),
    "DELIVERY_ROWS": str(ROWS), "AGENCY_DEADLINE_SECONDS": "60", "HISTORY_DEADLINE_SECONDS": "60",
}  # fmt: skip


@pytest.fixture(scope="module")
def night(server: Path, s3_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """All cases, run."""
    folder = tmp_path_factory.mktemp("hostile")
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        stack.callback(settings.cache_clear)
        _write_profiles(stack.enter_context(profiles_in(folder / "profiles")))
        # Each case has a host of its own: what one does must not trip the breaker of another.
        hosts = [f"127.0.1.{number}" for number in range(1, len(CASES) + 2)]
        served = stack.enter_context(serving(_respond, hosts=hosts))
        places, keys = _places(stack, server, s3_server, folder)
        patch.setenv("LAPOR_CONNECTION_GOOD", served.base(hosts[0]))
        patch.setenv("LAPOR_CONNECTION_GOODFILE", f"file://{folder}/drops/HEALTHY-FILE")
        for name, value in SETTINGS.items():
            patch.setenv(f"LAPOR_EXTRACT_{name}", value)
        rows = []
        for case, host in zip(CASES, hosts[1:], strict=True):
            connection = f"C{case.code.replace('-', '_')}"
            base, location = served.base(host), "{night}/{agency_code}"
            if isinstance(case.give, bytes):
                base, location = f"file://{_put(folder, case)}", case.name
            elif case.give is None:
                base, location = case.base, case.name
            patch.setenv(f"LAPOR_CONNECTION_{connection}", (case.base or base).format(**places))
            patch.setenv(f"LAPOR_CREDENTIAL_{connection}", case.credential)
            patch.setenv(f"LAPOR_HOST_KEY_{connection}", keys.get(case.host_key, case.host_key))
            rows.append(f"{case.code},complaints,{case.source},{connection.lower()},{location},nightly")
        settings.cache_clear()

        warehouse = stack.enter_context(_emptied())
        drifting = [row for case, row in zip(CASES, rows, strict=True) if case.before]
        run_night(registry_of(folder / "registry", drifting), NIGHT)
        outcome = run_night(registry_of(folder / "registry", [*rows, *HEALTHY]), NEXT)
        yield _told(warehouse, outcome)


HEALTHY = [
    "HEALTHY,complaints,rest,lapor_v3,good,{night}/{agency_code},nightly",
    "HEALTHY-FILE,complaints,tabular,probe_file,goodfile,laporan.csv,nightly",
]
BY_CODE = {case.code: case for case in CASES if callable(case.give)}


async def _respond(request: web.Request) -> web.StreamResponse:
    """Every API of the night: the case's answer, by night and agency in the path."""
    when, _, code = request.match_info["path"].partition("/")
    case = BY_CODE.get(code.partition("/")[0])
    if code == "HEALTHY":
        return web.json_response(page_of([complaint()]))
    if case is None:  # the next page of a case
        return web.json_response({"data": [complaint(6100002)], "next": None})
    answer = (case.before if when == str(NIGHT) and case.before else case.give)(request)
    return answer if isinstance(answer, web.StreamResponse) else await answer


def _places(stack: ExitStack, server: Path, s3_server: str, folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The other servers of the night: where each is, and the right and a wrong key of the SFTP server."""
    (folder / "sftp" / "folder").mkdir(parents=True)
    (folder / "sftp" / "laporan.csv").write_text(lines(GOOD))
    (folder / "drops" / "HEALTHY-FILE").mkdir(parents=True)
    (folder / "drops" / "HEALTHY-FILE" / "laporan.csv").write_text(lines(GOOD))
    bucket, _ = s3_filesystem(f"s3://files?endpoint={s3_server}", "key:secret")
    bucket.mkdir("files")
    stack.callback(bucket.rm, "files", recursive=True)
    bucket.pipe_file("files/laporan.csv", lines(GOOD).encode())
    sftp = stack.enter_context(sftp_server(folder / "sftp"))
    odd = {
        "garbage": b"SSH-2.0-x\r\n\r\n",
        "odd_reason": b"HTTP/1.1 500 \xff\xfe\x01oops\r\nContent-Length: 0\r\n\r\n",
        "odd_location": b"HTTP/1.1 302 x\r\nLocation: http://\xff\xed\xa0\x80.example/\r\nContent-Length: 0\r\n\r\n",
    }
    places = {
        name: f"http://127.0.0.1:{stack.enter_context(listening(answering(answer)))}" for name, answer in odd.items()
    }
    places |= {
        "tls": stack.enter_context(serving(_respond, tls=self_signed(folder))).base(),
        "refusing": stack.enter_context(serving(_refuse_s3)).base(),
        "silent": str(stack.enter_context(listening(lambda connection: None))),
        "database": stack.enter_context(agency_database(server)),
        "sftp": sftp.base(),
        "s3": s3_server,
        "folder": str(folder),
    }
    wrong = asyncssh.generate_private_key("ssh-ed25519").export_public_key("openssh").decode().strip()
    return places, {"right": sftp.host_key, "wrong": wrong}


def _write_profiles(write: Callable[[str, str], str]) -> None:
    national = (Path(__file__).parents[2] / "extract" / "profiles" / "lapor_v3.yml").read_text()
    before, _, rest = national.partition("rest:\n")
    after = rest[rest.index("\nfields:") :]
    for name, section in API_PROFILES.items():
        write(name, f"{before}rest: {section}\n{after}")
    write("probe_file", FILE_PROFILE)
    write("probe_open311", OPEN311_PROFILE)
    write("probe_sql", SQL_PROFILE)
    columns = "nomor, status, unit, masuk, isi"
    for name, sql in {
        "write": f"with gone as (delete from laporan returning *) select {columns}, diubah from gone",
        "function": f"select {columns}, menulis() as diubah from laporan",
        "slow": f"select {columns}, diubah from laporan, (select pg_sleep(30)) as wait",
        "strange": f"select {columns}, timestamptz '20000-01-01' as diubah from laporan",
    }.items():
        write(f"probe_sql_{name}", SQL_WRITING.replace("{query}", sql))


def answering(answer: bytes) -> Callable[[socket.socket], None]:
    def handle(connection: socket.socket) -> None:
        while connection.recv(65_536):
            connection.sendall(answer)

    return handle


async def _refuse_s3(request: web.Request) -> web.StreamResponse:
    if "absent" in request.path:
        return web.Response(status=404)
    body = '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>'
    return web.Response(status=403, text=body, content_type="application/xml")


def _put(folder: Path, case: Case) -> Path:
    """The folder of a case's file, with the file in it; `-> x` is a link to x."""
    own = folder / "drops" / case.code
    own.mkdir(parents=True)
    if case.give.startswith(b"-> "):
        if case.give != b"-> nothing":
            (own / case.name).symlink_to(case.give[3:].decode())
    elif not {"..", "/"} & set(Path(case.name).parts):
        (own / case.name).write_bytes(case.give)
    return own


@contextmanager
def _emptied() -> Iterator[Any]:
    connection = connect("owner", "lapor/test")
    tables = "select string_agg(format('%I.%I', schemaname, tablename), ', ') from pg_tables where schemaname in ('raw', 'restricted', 'ops', 'quality')"
    (listed,) = query(connection, tables)[0]
    with connection, connection.cursor() as cursor:
        cursor.execute(f"truncate {listed} restart identity cascade")
    yield connection
    connection.close()


def _told(warehouse: Any, outcome: Outcome) -> Night:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("select * from ops.deliveries where night = %s", [NEXT])
        names = [column.name for column in cursor.description]
        deliveries = {row["agency_code"]: row for row in (dict(zip(names, row, strict=True)) for row in cursor)}
    collected = query(
        warehouse,
        "select agency_code, string_agg(array_to_string(_problems, ' | '), ' | '), array_agg(tracking_id order by tracking_id),"
        " array_agg(unit_name order by tracking_id) from raw.complaints where night = %s group by 1",
        NEXT,
    )
    return Night(
        outcome,
        deliveries,
        {code: problems for code, problems, _, _ in collected},
        {code: ids for code, _, ids, _ in collected},
        {code: units for code, _, _, units in collected},
    )


@pytest.mark.parametrize("case", CASES, ids=[case.title for case in CASES])
def test_a_broken_delivery_ends_in_its_own_ledger_row(case: Case, night: Night) -> None:
    delivery = night.deliveries[case.code]
    reason = delivery["reason"] or ""
    assert (delivery["state"], reason if case.state == "received" else "") == (case.state, ""), reason
    for fragment in case.says:
        assert fragment in reason
    assert "nobody foresaw" not in reason
    assert delivery["resource"] == "complaints"
    assert delivery["received_rows"] == delivery["superseded_rows"] + delivery["loaded_rows"]
    if case.state in ("failed", "late"):
        said = f"{case.code} complaints, night {NEXT}: {case.state}: {reason}"
        assert said in night.outcome.messages
    if case.rows is not None:
        assert delivery["received_rows"] == case.rows
    for fragment in case.problems:
        assert fragment in night.problems[case.code]
    for name, value in case.ledger.items():
        found = {"ids": night.ids, "units": night.units}.get(name, {case.code: delivery.get(name)}).get(case.code)
        assert found == value, name
    for healthy in ("HEALTHY", "HEALTHY-FILE"):
        row = night.deliveries[healthy]
        assert (row["state"], row["loaded_rows"]) == ("received", 1)


def test_the_table_is_long_and_every_case_has_a_row_of_its_own(night: Night) -> None:
    assert len({case.code for case in CASES}) == len(CASES) >= 60
    assert len(night.deliveries) == len(CASES) + len(HEALTHY)
    assert sum(night.outcome.states.values()) == len(night.deliveries)
