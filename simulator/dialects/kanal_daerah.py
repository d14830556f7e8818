"""A regency's own complaint system: flat English JSON, a cursor from page to page, local dates without a zone."""

import base64
import binascii
from typing import Any

import msgspec

from simulator.dialects.words import category_words, ticket, written_date
from simulator.dirt import UNKNOWN_STATUS_WORD, UNPARSABLE_DATE, Defect
from simulator.reports import Report

PAGE_SIZE = 100
LARGEST_PAGE = 500

TYPE_WORDS = {"PENGADUAN": "complaint", "ASPIRASI": "aspiration", "PERMINTAAN_INFORMASI": "information"}
VIA_WORDS = {
    "WEBSITE": "web",
    "SMS": "sms",
    "TWITTER_X": "twitter",
    "ANDROID": "android",
    "WHATSAPP": "whatsapp",
    "TATAP_MUKA": "desk",
    "SURAT_EMAIL_TELEPON": "letter",
    "CALL_CENTER_112": "112",
}
STATE_WORDS = {
    "BELUM_TERVERIFIKASI": "Submitted (Terbuka)",
    "TERDISPOSISI": "Diterima (Terbuka)",
    "DIPROSES": "Proses (Terbuka)",
    "TERTUNDA": "Pending-Catatan (Terbuka)",
    "SELESAI": "Selesai (Tertutup)",
    "DIARSIPKAN": "Dibatalkan (Tutup)",
}
ACTION_WORDS = {
    "MASUK": "submitted",
    "VERIFIKASI": "verified",
    "DISPOSISI": "assigned",
    "BUKAN_WEWENANG": "returned",
    "REDISPOSISI": "reassigned",
    "TUNDA": "on_hold",
    "LENGKAPI": "completed_info",
    "TINDAK_LANJUT": "answered",
    "TANGGAPAN_PELAPOR": "reporter_reply",
    "SELESAI_MANUAL": "closed",
    "SELESAI_OTOMATIS": "auto_closed",
    "BUKA_KEMBALI": "reopened",
    "ARSIP": "archived",
    "RATING": "rated",
}
ACTOR_WORDS = {
    "PELAPOR": "citizen",
    "ADMIN_NASIONAL": "national",
    "ADMIN_INSTANSI": "agency",
    "PEJABAT_PENGHUBUNG": "officer",
    "SISTEM": "system",
}

_encode = msgspec.json.Encoder().encode


def record(report: Report, seen: int) -> dict[str, Any]:
    """The ticket as the system gives it when the first `seen` of its events have happened."""
    offset = report.agency.utc_offset
    main, label = category_words(report)
    unit = report.unit(seen)
    known = None if report.is_anonymous else report.reporter
    return {
        "ticket_no": ticket(report),
        "type": TYPE_WORDS[report.report_class],
        "topic": main or None,
        "sub_topic": label or None,
        "via": VIA_WORDS[report.channel],
        "entered_by": "staff" if report.by_staff else "citizen",
        "hide_name": int(report.is_anonymous),
        "confidential": int(report.is_secret),
        "area_code": report.region,
        "dept": None if unit is None else report.unit_name(unit),
        "state": UNKNOWN_STATUS_WORD if report.defect is Defect.UNKNOWN_STATUS else STATE_WORDS[report.status(seen)],
        "opened": UNPARSABLE_DATE
        if report.defect is Defect.UNPARSABLE_DATE
        else written_date(report.shown_receipt, offset),
        "modified": written_date(report.events[seen - 1].at, offset),
        "subject": report.title,
        "message": report.body,
        "contact_name": known and known.name,
        "contact_nik": known and known.nik,
        "contact_phone": known and known.phone,
        "contact_email": known and known.email,
        "log": [
            {
                "n": position,
                "action": ACTION_WORDS[event.kind],
                "at": written_date(report.shown_at(event), offset),
                "dept": None if event.unit is None else report.unit_name(event.unit),
                "by": ACTOR_WORDS[event.actor],
            }
            for position, event in enumerate(report.events[:seen], start=1)
        ],
    }


def encode(report: Report, seen: int) -> bytes:
    """The ticket as JSON."""
    return _encode(record(report, seen))


def page(records: list[bytes], next_offset: int | None, total: int) -> bytes:
    """One page of encoded tickets; `total` is how many the whole query has."""
    cursor = b"null" if next_offset is None else b'"' + write_cursor(next_offset).encode() + b'"'
    tail = b'],"next_cursor":' + cursor + b',"count":%d}}' % total
    return b'{"result":{"items":[' + b",".join(records) + tail


def write_cursor(offset: int) -> str:
    """An opaque word for a position in the listing."""
    return base64.urlsafe_b64encode(b"o:%d" % offset).decode().rstrip("=")


def read_cursor(cursor: str) -> int:
    """The position a cursor stands for; ValueError when it is not one of ours."""
    try:
        kind, _, offset = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError(f"not a cursor: {cursor!r}") from error
    if kind != "o" or not offset.isdigit():
        raise ValueError(f"not a cursor: {cursor!r}")
    return int(offset)
