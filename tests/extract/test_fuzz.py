"""Mutated pages and files: whatever comes, reading ends in rows or in DeliveryFailed, and no record gets lost.

LAPOR_TEST_FUZZ_ROUNDS (1,500) mutations, from LAPOR_TEST_FUZZ_SEED (0) on; a failure names its seed.
"""

import json
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from psycopg2.extensions import connection as Connection

from extract.connectors import Connector, Page, connector_for
from extract.connectors.answers import decode_json
from extract.errors import DeliveryFailed
from extract.mapping import Mapper
from extract.profile import Profile, read_profile
from extract.records import EVENTS
from extract.values import MISSING, Unreadable, as_text, value_at
from tests.extract.servers import NIGHT, complaint, ods, page_of, query, registry_of, rezipped, run_night, serving, xlsx

ROUNDS = int(os.environ.get("LAPOR_TEST_FUZZ_ROUNDS", "1500"))
SEED = int(os.environ.get("LAPOR_TEST_FUZZ_SEED", "0"))
TIME = "2021-06-01T09:00:00+07:00"
PERSON = {"nama": "Velindro Tasmuk", "nik": "3171012345678901", "telepon": "0812-3456-7890", "email": "v@contoh.id"}


# -- what is mutated ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sample:
    """A page as an agency of a profile sends it."""

    profile: str
    kind: str
    content: bytes

    def connector(self) -> tuple[Profile, Connector]:
        profile = read_profile(self.profile)
        return profile, connector_for(self.kind, profile, None)


def _events(number: int) -> list[dict[str, Any]]:
    return [
        {
            "urutan": seq,
            "jenis": kind,
            "waktu": f"2021-06-0{seq}T09:00:00+07:00",
            "unit": {"kode": "PU", "nama": "Dinas PU"},
            "aktor": "sistem",
        }
        for seq, kind in enumerate(("masuk", "verifikasi", "disposisi", "selesai manual")[: number % 5], start=1)
    ]


def _national() -> Any:
    return page_of(
        [
            complaint(
                6100000 + n,
                anonim=n % 2 == 0,
                pelapor=PERSON,
                riwayat=_events(n),
                unit={"kode": "PU", "nama": "Dinas PU"},
                kategori="Infrastruktur>Jalan",
            )
            for n in range(4)
        ],
        total=4,
    )


def _link() -> Any:
    log = {
        "n": [1, 2],
        "at": ["2021-06-01T09:00:00", "2021-06-02T09:00:00"],
        "kind": ["created", "resolved"],
        "team": ["PU", None],
        "role": ["Citizen", "Agent"],
    }
    return [
        {"reference": f"R-{n}", "type": "Complaint", "topic": {"group": "Jalan", "name": "Lubang"}, "source": "Portal", "enteredByAgent": False, "isAnonymous": n > 1,
         "isConfidential": False, "area": "73.71", "team": "PU", "state": "RESOLVED", "createdAt": "2021-06-01T09:00:00", "updatedAt": "2021-06-02T09:00:00",
         "reporter": {"fullName": "Velindro", "mobile": "08123456789"}, "details": {"title": "Jalan", "text": "Rusak, hubungi 08123456789"}, "history": log}
        for n in range(3)
    ]  # fmt: skip


def _beside() -> Any:
    cases = [
        {"case_id": n, "case_type": "keluhan", "category": "Jalan / Lubang", "medium": "wa", "by_officer": "ya", "anonymous": False, "secret": False, "region_code": "73.71",
         "division": "PU", "case_state": "baru", "received": TIME, "changed": TIME, "person": {"name": "Velindro", "nik": 3171012345678901.5}, "title": "x", "description": "y"}
        for n in range(1, 4)
    ]  # fmt: skip
    events = [
        {"case_id": n, "number": 1, "event": "received", "at": TIME, "division": "PU", "by": "reporter"}
        for n in (1, 2, 3)
    ]
    return {"cases": cases, "case_events": events, "next_url": None}


FILE_HEAD = [
    "instansi",
    "periode_awal",
    "periode_akhir",
    "laporan_diterima",
    "terdisposisi",
    "belum_terverifikasi",
    "belum_ditindaklanjuti",
    "dalam_proses",
    "selesai",
    "tunda",
    "arsip",
]
FILE_ROWS = [
    [f"KOTA-{n}", "2021-01-01", "2021-06-30", str(70 + n), "61", "1.250", "", "10", '4"6', "a;b", "=1+1"]
    for n in range(5)
]
CSV = "".join(
    ";".join(f'"{cell}"'.replace('4"6', '4""6') for cell in row) + "\r\n"
    for row in (FILE_HEAD, *FILE_ROWS, ["JUMLAH", "5"])
)
BOOK_ROWS: list[list[Any]] = [
    FILE_HEAD,
    *([row[0], row[1], row[2], 70, 61.0, 1.5, None, 10, 46, "x", 3171012345678901] for row in FILE_ROWS),
]
REQUEST = (
    "<request><service_request_id>{n}</service_request_id><service_code>7</service_code><status>open</status><anonymous>ya</anonymous>"
    "<confidential>tidak</confidential><requested_datetime>2021-06-01T09:00:00+07:00</requested_datetime><description>x &amp; y</description></request>"
)


def _xml(count: int = 3) -> bytes:
    inner = "".join(REQUEST.format(n=n) for n in range(count))
    return f'<?xml version="1.0" encoding="utf-8"?><service_requests>{inner}</service_requests>'.encode()


SAMPLES = [
    Sample("lapor_v3", "rest", json.dumps(_national()).encode()),
    Sample("link_api", "rest", json.dumps(_link()).encode()),
    Sample("next_url_api", "rest", json.dumps(_beside()).encode()),
    Sample("recap_statement", "tabular", CSV.encode()),
    Sample("recap_statement", "tabular", CSV.encode("utf-16")),
    Sample("recap_statement", "tabular", xlsx({"Sampul": [["x"]], "Data": BOOK_ROWS})),
    Sample("recap_statement", "tabular", ods([["" if cell is None else cell for cell in row] for row in BOOK_ROWS])),
    Sample("georeport_xml", "open311", _xml()),
    Sample("georeport_json", "open311", json.dumps([{"service_request_id": str(n), "status": "open", "requested_datetime": TIME, "anonymous": True, "confidential": "tidak"} for n in range(3)]).encode()),
    Sample("sql_sqlite", "sql", json.dumps([{"id": n, "nomor": f"N-{n}", "status": "proses", "dibuat": TIME, "diubah": TIME, "anonim": 1, "rahasia": "0", "riwayat": "[]"} for n in range(3)]).encode()),
]  # fmt: skip


# -- how ---------------------------------------------------------------------------------------------------------------


def _flip(content: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 1, 2, 8))):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _cut(content: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(content))
    del content[start : chance.choice((len(content), start + chance.randrange(1, 40)))]


def _insert(content: bytearray, chance: random.Random) -> None:
    odd = (
        b"\0",
        b"\xff\xfe",
        b'"',
        b";",
        b"\r",
        b"\n",
        b"\\",
        b"\\ud800",
        b"9" * 30,
        b"1e400",
        b"-",
        b"<",
        b"&",
        b"\xef\xbb\xbf",
        b"=",
        b"{",
        b"[[[",
        b"null",
    )
    content[(at := chance.randrange(len(content))) : at] = chance.choice((*odd, chance.randbytes(8)))


def _double(content: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(content))
    piece = content[start : start + chance.randrange(1, 400)]
    content[(at := chance.randrange(len(content))) : at] = piece * chance.choice((1, 1, 3))


def _swap(content: bytearray, chance: random.Random) -> None:
    lines = bytes(content).split(b"\n")
    first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    content[:] = b"\n".join(lines)


def mutated_bytes(content: bytes, chance: random.Random) -> bytes:
    """A few blind changes; those of a workbook mostly inside its parts, where they get past the zip's checksums."""
    if content.startswith(b"PK") and chance.random() < 0.8:
        touched = chance.random()

        def change(name: str, part: bytes) -> bytes:
            inside = name.endswith((".xml", ".rels")) and chance.random() < touched
            return mutated_bytes(part, chance) if inside and part else part

        return rezipped(content, change)
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        if not changed:
            break
        chance.choice((_flip, _cut, _insert, _double, _swap))(changed, chance)
    return bytes(changed)


def _odd_value(chance: random.Random) -> Any:
    return chance.choice(
        (None, True, False, 0, -1, 12.0, 1.5, 2**53, 2**63, 10**30, 10**400, 1e300, 3171012345678901.5, "", " ", "x" * 5000, "a\0b", "\u2028", "\x01\x1b",
         "🙂" * 30, "İ", "=1+1", "12.0", "2021-02-30", "9999-12-31T23:59:59-12:00", "0001-01-01", "²", "٣", "NaN", "\\", '"', "\\N", "null", "a\tb\nc", "\ufeffx",
         [], {}, [None], [[[]]], {"a": {"b": {}}}, [{"urutan": 1}], {"": ""}, "[]", "{", chance.random(), chance.randrange(10**12))
    )  # fmt: skip


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _places(inner, (*path, index))


def mutated_json(content: bytes, chance: random.Random) -> bytes:
    """Changes that leave it JSON: other types, dropped and new keys, nesting, nulls, repeated and swapped records."""
    document = json.loads(content)
    for _ in range(chance.choice((1, 1, 2, 4, 10))):
        places = list(_places(document))
        if not places:
            break
        *above, last = chance.choice(places)
        parent = document
        for step in above:
            parent = parent[step]
        match chance.randrange(7):
            case 0 | 1 | 2:
                parent[last] = _odd_value(chance)
            case 3:
                del parent[last]
            case 4:
                parent[last] = chance.choice(([parent[last]], {"a": parent[last]}, [parent[last]] * 3))
            case 5 if isinstance(parent, list):
                parent.insert(chance.randrange(len(parent) + 1), json.loads(json.dumps(parent[last])))
            case 5:
                parent[chance.choice(("", "x" * 300, "a.b", "0", "\0", "riwayat", last))] = parent[last]
            case 6 if isinstance(parent, list):
                chance.shuffle(parent)
            case 6:
                parent[last] = str(parent[last])
    return msgspec.json.encode(document)


# -- what must hold ----------------------------------------------------------------------------------------------------


def read(sample: Sample, content: bytes) -> int | None:
    """How many rows came of a page; None when the delivery is refused. The straight way must say what the other says."""
    profile, connector = sample.connector()
    mapper, careful = (Mapper(profile, "KOTA-73.71", "Asia/Makassar", b"s" * 32, {"status": "text"}) for _ in range(2))
    count = 0
    try:
        records = list(connector.read(Page("page 1", content)).records)
        rows, events = mapper.take(records)
        plain = [careful.rows(record) for record in records]
        assert [row.line(profile.table) for row in rows] == [row.line(profile.table) for row, _ in plain]
        assert [event.line(EVENTS) for event in events] == [event.line(EVENTS) for _, log in plain for event in log]
        count = len(records)
        mapper.require_fields("page 1")
    except DeliveryFailed:
        return None
    for told in (mapper.unknown_fields, mapper.missing_fields(), mapper.retyped_fields()):
        assert all(isinstance(name, str) for name in told)
    return count


def sent(sample: Sample, content: bytes) -> int | None:
    """How many records a JSON page holds, counted without our reader; None when it has no list where one belongs."""
    document = decode_json(content)
    profile = read_profile(sample.profile)
    at = profile.rest.records_at if sample.kind == "rest" else ""
    entries = value_at(document, at) if at else document
    if not isinstance(entries, list):
        return None
    orphans = 0
    if profile.events.body_list and profile.events.key_from:
        known = {_id(entry.get("case_id")) for entry in entries if isinstance(entry, dict)}
        events = value_at(document, profile.events.body_list)
        if events is not MISSING and events is not None and not isinstance(events, list):
            return None
        keys = [
            _id(event.get(profile.events.key_from, MISSING)) if isinstance(event, dict) else None
            for event in (events if isinstance(events, list) else [])
        ]
        orphans = sum(1 for key in keys if key not in known)
    return len(entries) + orphans


def _id(value: Any) -> str | None:
    """What joins an event with its case: ids are compared as text, a structure is none."""
    try:
        return None if isinstance(value, (dict, list)) or value is MISSING else as_text(value)
    except Unreadable:
        return None


@pytest.mark.parametrize("sample", SAMPLES, ids=[f"{number} {sample.profile}" for number, sample in enumerate(SAMPLES)])
def test_blindly_changed_pages_end_in_rows_or_in_a_refused_delivery(sample: Sample) -> None:
    assert read(sample, sample.content)
    for number in range(ROUNDS // 2 // len(SAMPLES)):
        seed = f"{SEED} {sample.profile} {number}"
        content = mutated_bytes(sample.content, random.Random(seed))
        try:
            read(sample, content)
        except Exception as error:
            error.add_note(f"seed {seed!r}: {content[:2000]!r}")
            raise


JSON_SAMPLES = [sample for sample in SAMPLES if sample.content[:1] in (b"{", b"[")]


@pytest.mark.parametrize("sample", JSON_SAMPLES, ids=[sample.profile for sample in JSON_SAMPLES])
def test_changed_records_are_all_accounted_for(sample: Sample) -> None:
    for number in range(ROUNDS // 2 // len(JSON_SAMPLES)):
        seed = f"{SEED} {sample.profile} {number} json"
        content = mutated_json(sample.content, random.Random(seed))
        try:
            rows, expected = read(sample, content), sent(sample, content)
            assert rows is None or rows == expected
            assert rows is None or expected is not None
        except Exception as error:
            error.add_note(f"seed {seed!r}: {content[:3000]!r}")
            raise


def test_changed_pages_load_into_postgresql_row_by_row(
    warehouse: Connection, environment: Callable[..., None], tmp_path: Path
) -> None:
    count = max(40, min(ROUNDS // 25, 400))
    pages = {
        f"A{number:03d}": mutated_json(SAMPLES[0].content, random.Random(f"{SEED} load {number}"))
        for number in range(count)
    }

    async def respond(request: web.Request) -> web.StreamResponse:
        return web.Response(body=pages[request.path[1:]], content_type="application/json")

    rows = [f"{code},complaints,rest,lapor_v3,api,{{agency_code}},nightly" for code in pages]
    with serving(respond) as served:
        environment(
            LAPOR_CONNECTION_API=served.base(), LAPOR_EXTRACT_ATTEMPTS="1", LAPOR_EXTRACT_CONNECTIONS_PER_HOST="4"
        )
        outcome = run_night(registry_of(tmp_path / "registry", rows), NIGHT)
    assert [message for message in outcome.messages if "nobody foresaw" in message] == []
    had = query(
        warehouse,
        "select agency_code, received_rows, loaded_rows, superseded_rows from ops.deliveries where state in ('received', 'empty')",
    )
    assert len(had) > count / 2
    for code, received, loaded, superseded in had:
        assert received == loaded + superseded == sent(SAMPLES[0], pages[code]), code
    stored = dict(query(warehouse, "select agency_code, count(*) from raw.complaints group by 1"))
    assert all(stored.get(code, 0) == loaded for code, _, loaded, _ in had)
