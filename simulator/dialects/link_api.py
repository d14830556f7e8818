"""A city's service desk bought abroad: a bare array of camel-case English records, pages by the HTTP Link header.

Times are of the agency's wall clock and carry no offset. The history is one list per field, side by side.
"""

from typing import Any

import msgspec

from simulator.dialects.words import category_words, local_time, ticket
from simulator.dirt import UNKNOWN_STATUS_WORD, UNPARSABLE_DATE, Defect
from simulator.reports import Report

PAGE_SIZE = 100
LARGEST_PAGE = 200
ID_FIELD = "reference"

TYPE_WORDS = {"PENGADUAN": "Complaint", "ASPIRASI": "Suggestion", "PERMINTAAN_INFORMASI": "Inquiry"}
SOURCE_WORDS = {
    "WEBSITE": "Portal",
    "SMS": "Text message",
    "TWITTER_X": "Twitter",
    "ANDROID": "Mobile app",
    "WHATSAPP": "WhatsApp",
    "TATAP_MUKA": "Front desk",
    "SURAT_EMAIL_TELEPON": "Mail and phone",
    "CALL_CENTER_112": "Call 112",
}
STATE_WORDS = {
    "BELUM_TERVERIFIKASI": "NEW",
    "TERDISPOSISI": "ASSIGNED",
    "DIPROSES": "IN_PROGRESS",
    "TERTUNDA": "WAITING_FOR_CITIZEN",
    "SELESAI": "RESOLVED",
    "DIARSIPKAN": "CANCELLED",
}
KIND_WORDS = {
    "MASUK": "created",
    "VERIFIKASI": "accepted",
    "DISPOSISI": "assigned",
    "BUKAN_WEWENANG": "rejectedByTeam",
    "REDISPOSISI": "reassigned",
    "TUNDA": "paused",
    "LENGKAPI": "resumed",
    "TINDAK_LANJUT": "replied",
    "TANGGAPAN_PELAPOR": "citizenReplied",
    "SELESAI_MANUAL": "resolved",
    "SELESAI_OTOMATIS": "autoResolved",
    "BUKA_KEMBALI": "reopened",
    "ARSIP": "cancelled",
    "RATING": "surveyed",
}
ROLE_WORDS = {
    "PELAPOR": "Citizen",
    "ADMIN_NASIONAL": "National",
    "ADMIN_INSTANSI": "Dispatcher",
    "PEJABAT_PENGHUBUNG": "Agent",
    "SISTEM": "System",
}

_encode = msgspec.json.Encoder().encode


def record(report: Report, seen: int) -> dict[str, Any]:
    """The case as the desk gives it when the first `seen` of its events have happened."""
    main, label = category_words(report)
    unit = report.unit(seen)
    known = None if report.is_anonymous else report.reporter
    events = report.events[:seen]
    return {
        ID_FIELD: ticket(report),
        "type": TYPE_WORDS[report.report_class],
        "topic": {"group": main or None, "name": label or None},
        "source": SOURCE_WORDS[report.channel],
        "enteredByAgent": report.by_staff,
        "isAnonymous": report.is_anonymous,
        "isConfidential": report.is_secret,
        "area": report.region,
        "team": None if unit is None else report.unit_name(unit),
        "state": UNKNOWN_STATUS_WORD if report.defect is Defect.UNKNOWN_STATUS else STATE_WORDS[report.status(seen)],
        "createdAt": UNPARSABLE_DATE
        if report.defect is Defect.UNPARSABLE_DATE
        else _clock(report, report.shown_receipt),
        "updatedAt": _clock(report, report.events[seen - 1].at),
        "details": {"title": report.title, "text": report.body},
        "reporter": known
        and {"fullName": known.name, "idNumber": known.nik, "mobile": known.phone, "mail": known.email},
        "history": {
            "n": list(range(1, seen + 1)),
            "at": [_clock(report, report.shown_at(event)) for event in events],
            "kind": [KIND_WORDS[event.kind] for event in events],
            "team": [None if event.unit is None else report.unit_name(event.unit) for event in events],
            "role": [ROLE_WORDS[event.actor] for event in events],
        },
    }


def encode(report: Report, seen: int) -> bytes:
    """The case as JSON."""
    return _encode(record(report, seen))


def page(records: list[bytes]) -> bytes:
    """One page of encoded cases and nothing else."""
    return b"[" + b",".join(records) + b"]"


def _clock(report: Report, at: int) -> str:
    return local_time(at, report.agency.utc_offset).strftime("%Y-%m-%dT%H:%M:%S")
