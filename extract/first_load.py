"""The first load of an agency's complaints: what is told once and met nowhere goes straight into its tables.

There is no version to compare it with, so the staging table and its comparison are left out.
"""

import io

import msgspec
from psycopg2.extensions import cursor as Cursor

from extract.ledger import Planned
from extract.records import CARRIED, COLUMNS, COMPLAINTS, EVENTS, KEYS, Line
from extract.staging import COPY_BYTES, COPY_FORMAT

_NO_TEXTS = b"null,null"


def is_allowed(cursor: Cursor) -> bool:
    """Whether PostgreSQL lets us: a COPY into a table is refused to a role that its row security is for."""
    cursor.execute("select row_security_active('raw.complaints')")
    return cursor.fetchone() == (False,)


def repeats(lines: list[Line]) -> bool:
    """Whether the same thing is told twice among these rows."""
    keys = [line.key for line in lines if line.key]
    return len(set(keys)) < len(keys)


def may_meet(cursor: Cursor, planned: Planned, complaints: list[Line]) -> bool:
    """Whether an earlier part of this delivery brought one of these complaints, or its events.

    True as well where that cannot be known: a complaint that PostgreSQL refused has no key any more, its events have.
    """
    cursor.execute(
        """
        select exists (
            select from raw.complaints
            where delivery_id = %(delivery)s and agency_code = %(agency)s
                and source_system is null and tracking_id is null
        ) or exists (
            select from jsonb_array_elements(%(keys)s) as incoming
            inner join raw.complaints as known
                on known.source_system = incoming ->> 0 and known.tracking_id = incoming ->> 1
            where known.delivery_id = %(delivery)s and known.agency_code = %(agency)s
        )
        """,
        {
            "delivery": planned.delivery_id,
            "agency": planned.agency.agency_code,
            "keys": (b"[" + b",".join([b"[%b]" % line.key for line in complaints if line.key]) + b"]").decode(),
        },
    )
    return cursor.fetchone() == (True,)


def write(cursor: Cursor, planned: Planned, complaints: list[Line], events: list[Line]) -> None:
    """COPY complaints with their texts and events straight into their tables. Raises psycopg2.DataError."""
    whose = msgspec.json.encode((planned.delivery_id, planned.night, planned.agency.agency_code))[1:-1]
    begin = b"\n" + whose + b","
    for name, columns, lines in (
        ("raw.complaints", (*COLUMNS[COMPLAINTS], *CARRIED), [line.columns for line in complaints]),
        (
            "restricted.complaint_texts",
            (*KEYS[COMPLAINTS], "title", "body"),
            [b"%b,%b" % (line.key, line.texts) for line in complaints if line.key and line.texts != _NO_TEXTS],
        ),
        ("raw.complaint_events", (*COLUMNS[EVENTS], *CARRIED), [line.columns for line in events]),
    ):
        if lines:
            cursor.copy_expert(
                f"copy {name} (delivery_id, night, agency_code, {', '.join(columns)}) from stdin {COPY_FORMAT}",
                io.BytesIO(begin.join([b"", *lines])[1:]),
                size=COPY_BYTES,
            )
