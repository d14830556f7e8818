"""A portal behind OAuth2: UTC times, all events in a list beside the cases, each page naming the next's address.

Cases come in the order of their last change; the address of the next page holds the place to go on from.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

from simulator.dialects.words import category_words, ticket
from simulator.dirt import UNKNOWN_STATUS_WORD, UNPARSABLE_DATE, Defect
from simulator.reports import Report

PAGE_SIZE = 80
LARGEST_PAGE = 200
ID_FIELD = "case_id"

TYPE_WORDS = {"PENGADUAN": "keluhan", "ASPIRASI": "usulan", "PERMINTAAN_INFORMASI": "pertanyaan"}
MEDIUM_WORDS = {
    "WEBSITE": "situs",
    "SMS": "sms",
    "TWITTER_X": "cuitan",
    "ANDROID": "aplikasi",
    "WHATSAPP": "wa",
    "TATAP_MUKA": "datang langsung",
    "SURAT_EMAIL_TELEPON": "surat/telepon",
    "CALL_CENTER_112": "panggilan 112",
}
STATE_WORDS = {
    "BELUM_TERVERIFIKASI": "baru",
    "TERDISPOSISI": "diteruskan",
    "DIPROSES": "ditangani",
    "TERTUNDA": "menunggu data",
    "SELESAI": "tuntas",
    "DIARSIPKAN": "ditutup tanpa tindak lanjut",
}
EVENT_WORDS = {
    "MASUK": "received",
    "VERIFIKASI": "verified",
    "DISPOSISI": "forwarded",
    "BUKAN_WEWENANG": "sent_back",
    "REDISPOSISI": "forwarded_again",
    "TUNDA": "data_requested",
    "LENGKAPI": "data_completed",
    "TINDAK_LANJUT": "response",
    "TANGGAPAN_PELAPOR": "reporter_response",
    "SELESAI_MANUAL": "closed_by_officer",
    "SELESAI_OTOMATIS": "closed_by_timer",
    "BUKA_KEMBALI": "reopened",
    "ARSIP": "filed",
    "RATING": "rated",
}
BY_WORDS = {
    "PELAPOR": "reporter",
    "ADMIN_NASIONAL": "national_desk",
    "ADMIN_INSTANSI": "agency_desk",
    "PEJABAT_PENGHUBUNG": "officer",
    "SISTEM": "timer",
}

_encode = msgspec.json.Encoder().encode


def record(report: Report, seen: int) -> dict[str, Any]:
    """The case as the portal gives it when the first `seen` of its events have happened."""
    main, label = category_words(report)
    unit = report.unit(seen)
    known = None if report.is_anonymous else report.reporter
    return {
        ID_FIELD: ticket(report),
        "case_type": TYPE_WORDS[report.report_class],
        "category": f"{main} / {label}" if label else main or None,
        "medium": MEDIUM_WORDS[report.channel],
        "by_officer": "ya" if report.by_staff else "tidak",
        "anonymous": "ya" if report.is_anonymous else "tidak",
        "secret": "ya" if report.is_secret else "tidak",
        "region_code": report.region,
        "division": None if unit is None else report.unit_name(unit),
        "case_state": UNKNOWN_STATUS_WORD
        if report.defect is Defect.UNKNOWN_STATUS
        else STATE_WORDS[report.status(seen)],
        "received": UNPARSABLE_DATE if report.defect is Defect.UNPARSABLE_DATE else _utc(report.shown_receipt),
        "changed": _utc(report.events[seen - 1].at),
        "title": report.title,
        "description": report.body,
        "person": known and {"name": known.name, "nik": known.nik, "phone": known.phone, "email": known.email},
    }


def events(report: Report, seen: int) -> list[dict[str, Any]]:
    """The events that have happened, each with the id of its case."""
    return [
        {
            ID_FIELD: ticket(report),
            "number": position,
            "event": EVENT_WORDS[event.kind],
            "at": _utc(report.shown_at(event)),
            "division": None if event.unit is None else report.unit_name(event.unit),
            "by": BY_WORDS[event.actor],
        }
        for position, event in enumerate(report.events[:seen], start=1)
    ]


def encode(report: Report, seen: int) -> bytes:
    """The case as JSON."""
    return _encode(record(report, seen))


def encode_events(report: Report, seen: int) -> bytes:
    """Its events as JSON objects with commas between them."""
    return _encode(events(report, seen))[1:-1]


def page(records: list[bytes], case_events: list[bytes], next_url: str | None) -> bytes:
    """One page of encoded cases, their events beside them, and where the next page is."""
    following = b',"next_url":' + _encode(next_url) + b"}"
    return b'{"cases":[' + b",".join(records) + b'],"case_events":[' + b",".join(case_events) + b"]" + following


def _utc(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
