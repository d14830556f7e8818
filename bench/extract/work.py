"""The work of the bench: complaints of pretend agencies, the same on every run, in the pages of an API of lapor_v3.

A complaint has 27 fields, three to five status events and about 300 characters of text: 1.36 kB of JSON. Nobody in
it is real: names are of syllables that are no words, a NIK has the serial number 0000, addresses end in example.org.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec

AGENCIES = 657
SILENT_AGENCIES = 24
NIGHT_ROWS = 10_000
BACKFILL_AGENCIES = 8
HOSTS = 32  # servers that the agencies stand on, turn by turn: addresses of this machine
EVENTS = (3, 4, 5)  # of one complaint, in turn
_SEED = 20210630
_WIB = timezone(timedelta(hours=7))
_FIRST_DAY = datetime(2021, 1, 1, tzinfo=UTC)
_MINUTES = 178 * 24 * 60
_TEXT = (
    "jalan berlubang lampu padam sudah dua minggu warga sekitar mohon segera diperbaiki karena membahayakan pengendara "
    "sampah menumpuk saluran tersumbat banjir setiap hujan petugas belum datang kami sudah melapor ke kelurahan namun "
    "belum ada tanggapan antrean panjang berkas ditolak tanpa alasan pelayanan lambat mohon penjelasan terima kasih"
)
_WORDS = _TEXT.split()
_NAMES = ("Qavri", "Zwezo", "Xilvhe", "Vrugxu", "Jhorwo", "Tzekzha", "Wuxphe", "Qhimtsu")
_SURNAMES = ("Zqelmbrix", "Vokhthuz", "Xarnqwim", "Jevtzbol", "Rhyxfzun", "Kjavwyrz")
_CATEGORIES = ("Infrastruktur > Jalan", "Kesehatan > Puskesmas", "Kependudukan > KTP", "Kebersihan > Sampah", None)
_CHANNELS = ("Website", "SMS 1708", "Android - dinas-pekerjaan-umum", "iOS", "WhatsApp", "Tatap Muka")
_STATUSES = ("belum diverifikasi", "terdisposisi", "sedang di proses", "diselesaikan", "tertunda")
_SUPERVISION = ("normatif", "tidak berkadar", "berkadar", None)
_STEPS = (
    ("masuk", "pelapor"),
    ("verifikasi", "admin nasional"),
    ("disposisi", "admin nasional"),
    ("tindak lanjut", "admin instansi"),
    ("selesai manual", "pejabat penghubung"),
)


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be fetched: each agency's complaints, the rows of a page, how far away and how shaky the server is."""

    name: str
    rows: dict[str, int]
    page_rows: int
    latency_seconds: float = 0.0
    error_share: float = 0.0

    @property
    def complaints(self) -> int:
        """Complaints in all; each must be in PostgreSQL afterwards."""
        return sum(self.rows.values())

    @property
    def events(self) -> int:
        """Status events in all."""
        return sum(EVENTS[number % len(EVENTS)] for count in self.rows.values() for number in range(count))

    @property
    def requests(self) -> int:
        """Requests it takes when none fails: one also where there is nothing."""
        return sum(max(1, -(-count // self.page_rows)) for count in self.rows.values())


def works(rows: int) -> dict[str, Work]:
    """The three works by name; `rows` are the complaints of the backfill."""
    share, rest = divmod(rows, BACKFILL_AGENCIES)
    backfill = {f"BENCH-{number:03}": share + (number < rest) for number in range(BACKFILL_AGENCIES)}
    night = Work("night", _skewed(), page_rows=100)  # a server may give less than the 200 that are asked for
    far = replace(night, name="far night", latency_seconds=0.15, error_share=0.01)
    return {work.name: work for work in (Work("backfill", backfill, page_rows=200), night, far)}


def _skewed() -> dict[str, int]:
    """NIGHT_ROWS complaints over the agencies by Zipf's law: the n-th has 1/n of what the first has, at least one."""
    talking = AGENCIES - SILENT_AGENCIES
    whole = sum(1 / rank for rank in range(1, talking + 1))
    rows = [max(1, round(NIGHT_ROWS / whole / rank)) for rank in range(1, talking + 1)]
    rows[0] += NIGHT_ROWS - sum(rows)
    return {f"BENCH-{number:03}": count for number, count in enumerate([*rows, *[0] * SILENT_AGENCIES])}


def host(number: int) -> str:
    """The server of the n-th agency: 127.0.0.1 and those after it."""
    return f"127.0.0.{1 + number % HOSTS}"


def pages(work: Work) -> Iterator[tuple[str, list[bytes]]]:
    """Every agency's pages as the bytes of their JSON; an agency with nothing has one empty page."""
    encode = msgspec.json.Encoder().encode
    for position, (code, count) in enumerate(work.rows.items()):
        complaints = [encode(complaint) for complaint in _complaints(position, count)]
        page_count = max(1, -(-count // work.page_rows))
        yield (
            code,
            [
                b'{"data":[%b],"meta":{"halaman":%d,"jumlah_halaman":%d,"total":%d}}'
                % (
                    b",".join(complaints[page * work.page_rows : (page + 1) * work.page_rows]),
                    page + 1,
                    page_count,
                    count,
                )
                for page in range(page_count)
            ],
        )


def _complaints(agency: int, count: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(_SEED + agency)  # noqa: S311
    units = [{"kode": f"{agency:03}.{unit:02}", "nama": f"Dinas Uji {agency}-{unit}"} for unit in range(12)]
    for number in range(count):
        yield _complaint(chance, agency * 100_000 + number + 10_000_000, EVENTS[number % len(EVENTS)], units)


def _complaint(chance: random.Random, number: int, events: int, units: list[dict[str, str]]) -> dict[str, Any]:
    received = _FIRST_DAY + timedelta(minutes=int(chance.random() * _MINUTES))
    times = [(received + timedelta(hours=7 * step)).astimezone(_WIB).isoformat() for step in range(events)]
    unit, anonymous = chance.choice(units), chance.random() < 0.2
    reporter = None if anonymous else _reporter(chance, number)
    body = " ".join(chance.choices(_WORDS, k=40))
    if reporter and number % 10 == 0:  # people sign, and leave a number to call
        body = f"{body}. Hubungi {reporter['telepon']}. Hormat saya, {reporter['nama']}"
    return {
        "nomor_laporan": f"#{number}",
        "judul": " ".join(chance.choices(_WORDS, k=6)).capitalize(),
        "isi": body,
        "klasifikasi": "Pengaduan",
        "kategori": chance.choice(_CATEGORIES),
        "kanal": chance.choice(_CHANNELS),
        "cara_input": "mandiri",
        "anonim": anonymous,
        "rahasia": number % 17 == 0,
        "wilayah": "21.71",
        "unit": unit,
        "kadar_pengawasan": chance.choice(_SUPERVISION),
        "status": chance.choice(_STATUSES),
        "tanggal_masuk": times[0],
        "tanggal_ubah": times[-1],
        "pelapor": reporter,
        "riwayat": [
            {"urutan": step + 1, "jenis": kind, "waktu": times[step], "unit": unit, "aktor": actor}
            for step, (kind, actor) in enumerate(_STEPS[:events])
        ],
    }


def _reporter(chance: random.Random, number: int) -> dict[str, str]:
    first, last = chance.choice(_NAMES), chance.choice(_SURNAMES)
    return {
        "nama": f"{first} {last}",
        "nik": f"217101{number % 28 + 1:02}0{number % 9 + 1}{70 + number % 30:02}0000",
        "telepon": f"08120{number % 10**7:07}",
        "email": f"{first}.{last}.{number}@example.org".lower(),
        "alamat": f"Jl. Percobaan No. {number % 300}",
    }
