"""A city's data platform in the manner of GraphQL: one address, questions by POST, edges and cursors.

Times are Indonesian text of Jakarta's clock, whatever the agency's zone.
"""

from typing import Any

import msgspec

from simulator.dialects.words import category_words, indonesian_text, ticket
from simulator.dirt import UNKNOWN_STATUS_WORD, UNPARSABLE_DATE, Defect
from simulator.reports import Report
from simulator.workdays import WIB_OFFSET

PAGE_SIZE = 100
LARGEST_PAGE = 100
ID_FIELD = "nomor"

KIND_WORDS = {"PENGADUAN": "PENGADUAN", "ASPIRASI": "SARAN", "PERMINTAAN_INFORMASI": "INFORMASI"}
CHANNEL_WORDS = {
    "WEBSITE": "WEB",
    "SMS": "SMS",
    "TWITTER_X": "TWITTER",
    "ANDROID": "ANDROID",
    "WHATSAPP": "WHATSAPP",
    "TATAP_MUKA": "TATAP_MUKA",
    "SURAT_EMAIL_TELEPON": "KORESPONDENSI",
    "CALL_CENTER_112": "CC112",
}
STAGE_WORDS = {
    "BELUM_TERVERIFIKASI": "VERIFIKASI_AWAL",
    "TERDISPOSISI": "DI_OPD",
    "DIPROSES": "PENANGANAN",
    "TERTUNDA": "MENUNGGU_PELAPOR",
    "SELESAI": "TUNTAS",
    "DIARSIPKAN": "TIDAK_DILANJUTKAN",
}
STEP_WORDS = {
    "MASUK": "TERIMA",
    "VERIFIKASI": "SAHKAN",
    "DISPOSISI": "TERUSKAN",
    "BUKAN_WEWENANG": "KEMBALIKAN",
    "REDISPOSISI": "ALIHKAN",
    "TUNDA": "TAHAN",
    "LENGKAPI": "LENGKAPI",
    "TINDAK_LANJUT": "TANGGAPI",
    "TANGGAPAN_PELAPOR": "BALASAN_PELAPOR",
    "SELESAI_MANUAL": "TUTUP",
    "SELESAI_OTOMATIS": "TUTUP_OTOMATIS",
    "BUKA_KEMBALI": "BUKA_LAGI",
    "ARSIP": "ARSIPKAN",
    "RATING": "NILAI",
}
ACTOR_WORDS = {
    "PELAPOR": "PELAPOR",
    "ADMIN_NASIONAL": "ADMIN_NASIONAL",
    "ADMIN_INSTANSI": "ADMIN_KOTA",
    "PEJABAT_PENGHUBUNG": "PETUGAS_OPD",
    "SISTEM": "SISTEM",
}
REFUSAL = {"errors": [{"message": 'only the query "reports" is known here'}]}

_encode = msgspec.json.Encoder().encode


def record(report: Report, seen: int) -> dict[str, Any]:
    """The node as the platform gives it when the first `seen` of its events have happened."""
    main, label = category_words(report)
    unit = report.unit(seen)
    known = None if report.is_anonymous else report.reporter
    return {
        ID_FIELD: ticket(report),
        "jenis": KIND_WORDS[report.report_class],
        "kategori": {"utama": main or None, "rinci": label or None},
        "kanal": CHANNEL_WORDS[report.channel],
        "diketikPetugas": report.by_staff,
        "anonim": report.is_anonymous,
        "rahasia": report.is_secret,
        "wilayah": report.region,
        "opd": None if unit is None else report.unit_name(unit),
        "tahap": UNKNOWN_STATUS_WORD if report.defect is Defect.UNKNOWN_STATUS else STAGE_WORDS[report.status(seen)],
        "diterima": UNPARSABLE_DATE
        if report.defect is Defect.UNPARSABLE_DATE
        else indonesian_text(report.shown_receipt, WIB_OFFSET),
        "diubah": indonesian_text(report.events[seen - 1].at, WIB_OFFSET),
        "judul": report.title,
        "isi": report.body,
        "pelapor": known
        and {
            "nama": known.name,
            "nik": known.nik,
            "kontak": {"telepon": known.phone, "surel": known.email},
            "alamat": known.address,
        },
        "langkah": [
            {
                "ke": position,
                "apa": STEP_WORDS[event.kind],
                "kapan": indonesian_text(report.shown_at(event), WIB_OFFSET),
                "opd": None if event.unit is None else report.unit_name(event.unit),
                "siapa": ACTOR_WORDS[event.actor],
            }
            for position, event in enumerate(report.events[:seen], start=1)
        ],
    }


def encode(report: Report, seen: int) -> bytes:
    """The node as JSON."""
    return _encode(record(report, seen))


def encode_refusal() -> bytes:
    """The answer, with status 200, to a question that is not understood."""
    return _encode(REFUSAL)


def page(records: list[bytes], end_cursor: str | None, total: int) -> bytes:
    """One page of encoded nodes; the cursor is null on the last."""
    edges = b",".join(b'{"node":' + one + b"}" for one in records)
    information = _encode({"endCursor": end_cursor, "hasNextPage": end_cursor is not None})
    return b'{"data":{"reports":{"totalCount":%d,"edges":[' % total + edges + b'],"pageInfo":' + information + b"}}}"
