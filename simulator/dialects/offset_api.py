"""A province's complaint desk: codes instead of words, unix seconds, pages by offset and never more than fifty rows."""

from typing import Any

import msgspec

from simulator.dialects.words import category_words, ticket
from simulator.dirt import UNKNOWN_STATUS_WORD, UNPARSABLE_DATE, Defect
from simulator.reports import Report

PAGE_SIZE = 50
# Whatever is asked for.
LARGEST_PAGE = 50
TOTAL_HEADER = "X-Total-Count"
ID_FIELD = "id"

CLASS_CODES = {"PENGADUAN": 1, "ASPIRASI": 2, "PERMINTAAN_INFORMASI": 3}
CHANNEL_CODES = {
    "WEBSITE": "WEB",
    "SMS": "SMS",
    "TWITTER_X": "TWT",
    "ANDROID": "APK",
    "WHATSAPP": "WA",
    "TATAP_MUKA": "LOKET",
    "SURAT_EMAIL_TELEPON": "SRT",
    "CALL_CENTER_112": "112",
}
STATUS_CODES = {
    "BELUM_TERVERIFIKASI": 0,
    "TERDISPOSISI": 10,
    "DIPROSES": 20,
    "TERTUNDA": 30,
    "SELESAI": 40,
    "DIARSIPKAN": 90,
}
STEP_CODES = {
    "MASUK": "A1",
    "VERIFIKASI": "A2",
    "DISPOSISI": "B1",
    "BUKAN_WEWENANG": "B8",
    "REDISPOSISI": "B2",
    "TUNDA": "C1",
    "LENGKAPI": "C2",
    "TINDAK_LANJUT": "D1",
    "TANGGAPAN_PELAPOR": "D2",
    "SELESAI_MANUAL": "E1",
    "SELESAI_OTOMATIS": "E2",
    "BUKA_KEMBALI": "E8",
    "ARSIP": "E9",
    "RATING": "F1",
}
ACTOR_CODES = {
    "PELAPOR": "warga",
    "ADMIN_NASIONAL": "pusat",
    "ADMIN_INSTANSI": "admin",
    "PEJABAT_PENGHUBUNG": "pejabat",
    "SISTEM": "mesin",
}

_encode = msgspec.json.Encoder().encode


def record(report: Report, seen: int) -> dict[str, Any]:
    """The complaint as the desk gives it when the first `seen` of its events have happened."""
    main, label = category_words(report)
    unit = report.unit(seen)
    known = None if report.is_anonymous else report.reporter
    return {
        ID_FIELD: ticket(report),
        "jenis": CLASS_CODES[report.report_class],
        "topik": main or None,
        "subtopik": label or None,
        "saluran": CHANNEL_CODES[report.channel],
        "lewat_petugas": report.by_staff,
        "tanpa_nama": report.is_anonymous,
        "rahasia": report.is_secret,
        "kode_wilayah": report.region,
        "bidang": None if unit is None else report.unit_name(unit),
        "status": UNKNOWN_STATUS_WORD if report.defect is Defect.UNKNOWN_STATUS else STATUS_CODES[report.status(seen)],
        "diterima": UNPARSABLE_DATE if report.defect is Defect.UNPARSABLE_DATE else report.shown_receipt,
        "diubah": report.events[seen - 1].at,
        "perihal": report.title,
        "uraian": report.body,
        "pelapor_nama": known and known.name,
        "pelapor_nik": known and known.nik,
        "pelapor_hp": known and known.phone,
        "pelapor_email": known and known.email,
        "jejak": [
            {
                "no": position,
                "langkah": STEP_CODES[event.kind],
                "pada": report.shown_at(event),
                "bidang": None if event.unit is None else report.unit_name(event.unit),
                "oleh": ACTOR_CODES[event.actor],
            }
            for position, event in enumerate(report.events[:seen], start=1)
        ],
    }


def encode(report: Report, seen: int) -> bytes:
    """The complaint as JSON."""
    return _encode(record(report, seen))


def page(records: list[bytes]) -> bytes:
    """One page of encoded complaints; the total stands in a header."""
    return b'{"aduan":[' + b",".join(records) + b"]}"
