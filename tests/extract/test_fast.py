"""The straight way and the other give the same bytes; what is odd goes the other way."""

import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.mapping import Mapper
from extract.profile import read_profile
from extract.records import COMPLAINTS, EVENTS, Line, Record
from tests.extract.test_mapping import national

SECRET = b"s" * 32
TIME, LATER = "2021-03-04T09:12:44+07:00", "2021-03-05T10:00:00.250+09:00"


def both(data: dict[str, Any], profile: str = "lapor_v3") -> tuple[bool, list[Line], list[Line]]:
    """Whether the record went the straight way; the lines of both ways, its own first."""
    record = Record("page 1, row 1", data)
    (taken,), events = Mapper(read_profile(profile), "KOTA-21.71", "Asia/Makassar", SECRET).take([record])
    row, listed = Mapper(read_profile(profile), "KOTA-21.71", "Asia/Makassar", SECRET).rows(record)
    return (
        isinstance(taken, Line),
        [taken.line(COMPLAINTS), *(event.line(EVENTS) for event in events)],
        [row.line(COMPLAINTS), *(event.line(EVENTS) for event in listed)],
    )


def event(number: int, kind: str, time: str | None = TIME, **changes: Any) -> dict[str, Any]:
    unit = {"kode": "01.02", "nama": "Dinas Kesehatan"}
    return {"urutan": number, "jenis": kind, "waktu": time, "unit": unit, "aktor": "pelapor", **changes}


STRAIGHT: dict[str, dict[str, Any]] = {
    "a record as most are": {},
    "anonymous": {"anonim": True, "pelapor": None},
    "without unit and events": {"unit": None, "riwayat": None},
    "completed": {"riwayat": [event(1, "masuk"), event(2, "selesai manual", LATER)]},
    "a backslash, a quote, a letter beyond ASCII": {"judul": 'C:\\temp "x" é null', "isi": "null"},
    "an empty text": {"judul": "", "isi": None},
    "a number as id": {"nomor_laporan": 6123456.0},
    "times of another zone": {"tanggal_masuk": "2021-03-04T02:12:44Z", "tanggal_ubah": "2021-03-04"},
    "a phone number in the text": {"isi": "Hubungi 0812-3456-7890 segera"},
    "flags in words": {"anonim": "ya", "rahasia": "tidak"},
}
ODD: dict[str, dict[str, Any]] = {
    "an unknown word": {"status": "Selesai Bersyarat"},
    "no time": {"tanggal_masuk": "31/02/2021"},
    "no id": {"nomor_laporan": None},
    "an office called like the reporter": {
        "unit": {"kode": "1", "nama": "Posko Velindro"},
        "pelapor": {"nama": "Velindro Tasmuk", "nik": None, "telepon": None, "email": None, "alamat": None},
    },
    "completed twice": {
        "riwayat": [event(1, "selesai manual", LATER), event(2, "buka kembali", LATER), event(3, "selesai manual")]
    },
    "an event that is none": {"riwayat": ["masuk"]},
    "events that are no list": {"riwayat": "masuk"},
    "an unknown field in an event": {"riwayat": [event(1, "masuk", skor=1)]},
    "a structure as status": {"status": {"kode": 1}},
    "a structure as text": {"judul": ["x"]},
    "a unit that is a text": {"unit": "Dinas"},
    "a code of another shape": {"wilayah": "Kota Batam"},
}


@pytest.mark.parametrize("case", STRAIGHT)
def test_a_plain_record_goes_straight_and_says_the_same(case: str) -> None:
    straight, lines, rows = both(national(**STRAIGHT[case]))
    assert straight
    assert lines == rows


@pytest.mark.parametrize("case", ODD)
def test_an_odd_record_goes_the_other_way(case: str) -> None:
    straight, lines, rows = both(national(**ODD[case]))
    assert not straight
    assert lines == rows


def test_a_missing_field_is_missed_on_either_way() -> None:
    record = national()
    del record["status"]
    straight, lines, rows = both(record)
    assert not straight
    assert lines == rows


def test_a_page_of_plain_and_odd_records_keeps_its_order() -> None:
    cases = [*STRAIGHT.values(), *ODD.values()] * 2
    kinds = [national(**{"nomor_laporan": f"#{6_000_000 + n}", **case}) for n, case in enumerate(cases)]
    records = [Record(f"page 1, row {n}", data) for n, data in enumerate(kinds)]
    records.insert(7, Record("page 1, row 7b", {}, problem="is no object"))
    one, other = (Mapper(read_profile("lapor_v3"), "KOTA-21.71", "Asia/Makassar", SECRET) for _ in range(2))
    taken, events = one.take(records)
    plain = [other.rows(record) for record in records]
    assert sum(isinstance(row, Line) for row in taken) == 2 * len(STRAIGHT)
    assert [row.line(COMPLAINTS) for row in taken] == [row.line(COMPLAINTS) for row, _ in plain]
    assert [event.line(EVENTS) for event in events] == [event.line(EVENTS) for _, log in plain for event in log]
    assert one.unknown_fields == other.unknown_fields


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


@given(st.dictionaries(st.sampled_from(sorted(national())), values, max_size=4), st.randoms(use_true_random=False))
def test_whatever_a_source_sends_both_ways_agree(changes: dict[str, Any], chance: random.Random) -> None:
    record = national(**changes)
    for name in chance.sample(sorted(record), chance.randint(0, 2)):
        del record[name]
    as_sent = msgspec.json.decode(msgspec.json.encode(record, enc_hook=str)) if _fits(record) else record
    _, lines, rows = both(as_sent)
    assert lines == rows


def _fits(record: dict[str, Any]) -> bool:
    try:
        msgspec.json.encode(record)
    except (OverflowError, UnicodeEncodeError):
        return False
    return True
