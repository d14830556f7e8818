"""An Open311 GeoReport v2 server, in JSON or XML: requests by the time they were made, open or closed, and no log.

`updated_datetime` is empty until the agency first acted. An answer holds at most `cap` requests, the newest first;
without dates it covers the last 90 days. Reporters stand in elements that the standard does not name.
"""

from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape

import msgspec

from simulator.attributes import categories
from simulator.dialects.words import category_words, local_time, ticket
from simulator.dirt import UNKNOWN_STATUS_WORD, UNPARSABLE_DATE, Defect
from simulator.lifecycle import Slot
from simulator.reports import Event, Report

DEFAULT_DAYS = 90
ID_FIELD = "service_request_id"
UNCATEGORISED = ("000", "Lain-lain")
CLOSED = {"SELESAI": "Selesai ditangani", "DIARSIPKAN": "Ditutup tanpa tindak lanjut"}
ACTS = frozenset({Slot.ANSWERED, Slot.ANSWERED_AGAIN, Slot.COMPLETED, Slot.ANSWERED_REOPENED, Slot.COMPLETED_AGAIN})
XML_HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n'

_encode = msgspec.json.Encoder().encode


def services_list(*, as_xml: bool) -> tuple[bytes, str, str]:
    """The list of services (the national tree, each main category a group), its id field and its media type."""
    names = [(service_code(place), label or main, main) for place, (main, label) in enumerate(categories())]
    listed = [
        {
            "service_code": code,
            "service_name": _title(name),
            "description": None,
            "metadata": "false",
            "type": "batch",
            "keywords": None,
            "group": _title(group),
        }
        for code, name, group in [*names, (*UNCATEGORISED, UNCATEGORISED[1])]
    ]
    if as_xml:
        return xml_list("services", (element("service", entry) for entry in listed)), "service_code", "text/xml"
    return _encode(listed), "service_code", "application/json"


def service_code(position: int) -> str:
    """The code of the category at a position of the national tree, from 001."""
    return f"{position + 1:03d}"


def last_act(report: Report, seen: int) -> Event | None:
    """The last answer or closing among the first `seen` events: all that the server shows besides the receipt."""
    archived = report.status(seen) == "DIARSIPKAN"
    return next(
        (
            event
            for event in reversed(report.events[:seen])
            if event.slot in ACTS or (archived and event.kind == "ARSIP")
        ),
        None,
    )


def record(report: Report, seen: int) -> dict[str, Any]:
    """The request as the server gives it when the first `seen` of its events have happened."""
    offset = report.agency.utc_offset
    act = last_act(report, seen)
    unit = report.unit(seen)
    known = None if report.is_anonymous else report.reporter
    main, label = category_words(report)
    status = report.status(seen)
    return {
        ID_FIELD: ticket(report),
        "status": UNKNOWN_STATUS_WORD
        if report.defect is Defect.UNKNOWN_STATUS
        else ("closed" if status in CLOSED else "open"),
        "status_notes": CLOSED.get(status),
        "service_name": label or main or UNCATEGORISED[1],
        "service_code": UNCATEGORISED[0]
        if report.category is None
        else service_code(categories().index(report.category)),
        "description": report.body,
        "agency_responsible": None if unit is None else report.unit_name(unit),
        "service_notice": None,
        "requested_datetime": UNPARSABLE_DATE
        if report.defect is Defect.UNPARSABLE_DATE
        else local_time(report.shown_receipt, offset).isoformat(),
        "updated_datetime": None if act is None else local_time(report.shown_at(act), offset).isoformat(),
        "expected_datetime": None,
        "address": None,
        "area_code": report.region,
        "summary": report.title,
        "anonymous": "true" if report.is_anonymous else "false",
        "confidential": "true" if report.is_secret else "false",
        "contact_name": known and known.name,
        "contact_nik": known and known.nik,
        "contact_phone": known and known.phone,
        "contact_email": known and known.email,
    }


def encode_json(report: Report, seen: int) -> bytes:
    """The request as JSON."""
    return _encode(record(report, seen))


def encode_xml(report: Report, seen: int) -> bytes:
    """The request as an XML element."""
    return element("request", record(report, seen))


def json_list(entries: list[bytes]) -> bytes:
    """A JSON answer: a bare list."""
    return b"[" + b",".join(entries) + b"]"


def xml_list(name: str, entries: Iterable[bytes]) -> bytes:
    """An XML answer: the entries below a root."""
    return XML_HEAD + f"<{name}>".encode() + b"".join(entries) + f"</{name}>\n".encode()


def element(name: str, fields: dict[str, Any]) -> bytes:
    """One XML element with a child for each field; what is null is an empty element."""
    children = "".join(
        f"<{field}/>" if value is None else f"<{field}>{escape(str(value))}</{field}>"
        for field, value in fields.items()
    )
    return f"<{name}>{children}</{name}>".encode()


def _title(text: str) -> str:
    return text.title().replace(" Dan ", " dan ")
