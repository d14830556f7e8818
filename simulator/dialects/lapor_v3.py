"""The national system's API, version 3: nested Indonesian JSON, pages by number, ISO dates with the agency's offset."""

from typing import Any

import msgspec

from simulator.dialects.words import CLASS_WORDS, category_words, channel_word, local_time, status_word
from simulator.dirt import UNPARSABLE_DATE, Defect, Quirk
from simulator.reports import Report

PAGE_SIZE = 200
LARGEST_PAGE = 500

_encode = msgspec.json.Encoder().encode


def record(report: Report, seen: int) -> dict[str, Any]:
    """The complaint as the API gives it when the first `seen` of its events have happened."""
    offset = report.agency.utc_offset
    main, label = category_words(report)
    unit = report.unit(seen)
    reporter = report.reporter
    return {
        "nomor_laporan": _number(report),
        "judul": report.title,
        "isi": report.body,
        "klasifikasi": CLASS_WORDS[report.report_class],
        "kategori": f"{main} > {label}" if label else main or None,
        "kanal": channel_word(report),
        "cara_input": "petugas" if report.by_staff else "mandiri",
        "anonim": report.is_anonymous,
        "rahasia": report.is_secret,
        "wilayah": report.region,
        "unit": _unit(report, unit),
        "kadar_pengawasan": report.supervision and report.supervision.lower().replace("_", " "),
        "status": status_word(report, seen),
        "tanggal_masuk": UNPARSABLE_DATE
        if report.defect is Defect.UNPARSABLE_DATE
        else local_time(report.shown_receipt, offset).isoformat(),
        "tanggal_ubah": local_time(report.events[seen - 1].at, offset).isoformat(),
        "pelapor": None
        if report.is_anonymous
        else {
            "nama": reporter.name,
            "nik": reporter.nik,
            "telepon": reporter.phone,
            "email": reporter.email,
            "alamat": reporter.address,
        },
        "riwayat": [
            {
                "urutan": position,
                "jenis": event.kind.lower().replace("_", " "),
                "waktu": local_time(report.shown_at(event), offset).isoformat(),
                "unit": _unit(report, event.unit),
                "aktor": event.actor.lower().replace("_", " "),
            }
            for position, event in enumerate(report.events[:seen], start=1)
        ],
    }


def encode(report: Report, seen: int) -> bytes:
    """The record as JSON."""
    return _encode(record(report, seen))


def page(records: list[bytes], number: int, page_count: int, total: int) -> bytes:
    """One page of encoded records, with where it stands."""
    meta = b'],"meta":{"halaman":%d,"jumlah_halaman":%d,"total":%d}}' % (number, page_count, total)
    return b'{"data":[' + b",".join(records) + meta


def _number(report: Report) -> str | int | float | None:
    if report.defect is Defect.MISSING_ID:
        return None
    if report.has(Quirk.NUMBER_ID):
        return float(report.number) if report.number % 2 else report.number
    return f"#{report.number}"


def _unit(report: Report, unit: int | None) -> dict[str, str] | None:
    return None if unit is None else {"kode": f"U-{unit + 1:02d}", "nama": report.unit_name(unit)}
