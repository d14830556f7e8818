"""A local system read at its database: one row a complaint, its log as JSON text in a column.

SQLite keeps the agency's wall clock as text, PostgreSQL an instant; `dibuat`, typed by hand, is text in both.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

from simulator.dialects.words import category_words, local_time, ticket
from simulator.dirt import UNKNOWN_STATUS_WORD, UNPARSABLE_DATE, Defect
from simulator.reports import Report

# Column -> type in SQLite and in PostgreSQL.
COLUMNS = {
    "id": ("integer", "bigint"),
    "nomor": ("text", "text"),
    "jenis": ("text", "text"),
    "topik": ("text", "text"),
    "subtopik": ("text", "text"),
    "saluran": ("text", "text"),
    "petugas": ("integer", "integer"),
    "anonim": ("integer", "integer"),
    "rahasia": ("integer", "integer"),
    "wilayah": ("text", "text"),
    "unit": ("text", "text"),
    "status": ("text", "text"),
    "dibuat": ("text", "text"),
    "diubah": ("text", "timestamptz"),
    "judul": ("text", "text"),
    "isi": ("text", "text"),
    "nama": ("text", "text"),
    "nik": ("text", "text"),
    "telepon": ("text", "text"),
    "email": ("text", "text"),
    "riwayat": ("text", "text"),
}
NUMBER_COLUMN = "nomor"

KIND_WORDS = {"PENGADUAN": "pengaduan", "ASPIRASI": "aspirasi", "PERMINTAAN_INFORMASI": "informasi"}
CHANNEL_WORDS = {
    "WEBSITE": "website",
    "SMS": "sms",
    "TWITTER_X": "twitter",
    "ANDROID": "android",
    "WHATSAPP": "whatsapp",
    "TATAP_MUKA": "loket",
    "SURAT_EMAIL_TELEPON": "surat",
    "CALL_CENTER_112": "112",
}
STATUS_WORDS = {
    "BELUM_TERVERIFIKASI": "masuk",
    "TERDISPOSISI": "disposisi",
    "DIPROSES": "proses",
    "TERTUNDA": "tunda",
    "SELESAI": "selesai",
    "DIARSIPKAN": "arsip",
}
ACTOR_WORDS = {
    "PELAPOR": "pelapor",
    "ADMIN_NASIONAL": "nasional",
    "ADMIN_INSTANSI": "admin",
    "PEJABAT_PENGHUBUNG": "petugas",
    "SISTEM": "sistem",
}

_encode = msgspec.json.Encoder().encode


def row(report: Report, seen: int, position: int, *, instants: bool) -> tuple[Any, ...]:
    """The row when the first `seen` events have happened; `position` is its id in the table.

    With `instants` times are written with their offset, else as the agency's wall clock shows them.
    """

    def written(at: int) -> str:
        local = local_time(at, report.agency.utc_offset)
        return local.isoformat(sep=" ") if instants else local.strftime("%Y-%m-%d %H:%M:%S")

    main, label = category_words(report)
    unit = report.unit(seen)
    known = None if report.is_anonymous else report.reporter
    changed = report.events[seen - 1].at
    log = [
        {
            "no": number,
            "apa": event.kind.lower(),
            "waktu": written(report.shown_at(event)),
            "unit": None if event.unit is None else report.unit_name(event.unit),
            "oleh": ACTOR_WORDS[event.actor],
        }
        for number, event in enumerate(report.events[:seen], start=1)
    ]
    return (
        position,
        ticket(report),
        KIND_WORDS[report.report_class],
        main or None,
        label or None,
        CHANNEL_WORDS[report.channel],
        int(report.by_staff),
        int(report.is_anonymous),
        int(report.is_secret),
        report.region,
        None if unit is None else report.unit_name(unit),
        UNKNOWN_STATUS_WORD if report.defect is Defect.UNKNOWN_STATUS else STATUS_WORDS[report.status(seen)],
        UNPARSABLE_DATE if report.defect is Defect.UNPARSABLE_DATE else written(report.shown_receipt),
        datetime.fromtimestamp(changed, UTC).isoformat(sep=" ") if instants else written(changed),
        report.title,
        report.body,
        known and known.name,
        known and known.nik,
        known and known.phone,
        known and known.email,
        _encode(log).decode(),
    )
