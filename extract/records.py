"""The canonical contract: the columns of each raw table that a profile can fill, and what a value may look like.

The tables themselves are defined in `warehouse/sql/040_raw.sql`; `tests/extract/test_records.py` keeps both in step.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from operator import itemgetter
from typing import Any

import msgspec

COMPLAINTS = "complaints"
EVENTS = "complaint_events"
SURVEYS = "survey_responses"
RECAPS = "recaps"
RATINGS = "ratings"
UNITS = "units"
ACTIVITY = "agency_activity"

# A resource lands in one table; the event log of a complaint comes with it.
TABLE_OF_RESOURCE = {
    "complaints": COMPLAINTS, "surveys": SURVEYS, "recaps": RECAPS, "ratings": RATINGS, "units": UNITS,
    "activity": ACTIVITY,
}  # fmt: skip

COLUMNS: dict[str, tuple[str, ...]] = {
    COMPLAINTS: (
        "source_system", "tracking_id", "report_class", "category_main", "category_label", "channel", "input_method",
        "is_anonymous", "is_secret", "kemendagri_code", "unit_code", "unit_name", "supervision_level", "status",
        "received_at", "completed_at", "updated_at", "reporter_key",
    ),
    EVENTS: (
        "source_system", "tracking_id", "event_seq", "event_type", "occurred_at", "unit_code", "unit_name",
        "actor_level",
    ),
    SURVEYS: (
        "survey_code", "respondent_key", "wave", "kemendagri_code", "responded_on", "stratum", "sampling_weight",
        "answers",
    ),
    RECAPS: (
        "subject_code", "subject_name", "period_start", "period_end", "received_count", "routed_count",
        "unverified_count", "unanswered_count", "in_progress_count", "completed_count", "on_hold_count",
        "archived_count",
    ),
    RATINGS: ("source_system", "tracking_id", "stars", "rated_at", "reporter_key"),
    UNITS: ("unit_code", "unit_name", "parent_unit_code", "unit_kind", "valid_from", "valid_to"),
    ACTIVITY: (
        "as_of_date", "decree_number", "decree_date", "last_login_at", "action_plan_stated", "action_plan_date",
        "liaison_officer_count", "admin_count",
    ),
}  # fmt: skip

# What makes a row the same thing as an earlier one, besides the agency that delivers it.
KEYS: dict[str, tuple[str, ...]] = {
    COMPLAINTS: ("source_system", "tracking_id"),
    EVENTS: ("source_system", "tracking_id", "event_seq"),
    SURVEYS: ("survey_code", "respondent_key"),
    RECAPS: ("subject_code", "period_start", "period_end"),
    RATINGS: ("source_system", "tracking_id"),
    UNITS: ("unit_code",),
    ACTIVITY: ("as_of_date",),
}

# Where a record carries the events that its source hands over beside the records.
BESIDE = "events beside the records"

# What a row brings along besides its columns.
CARRIED = ("source_position", "content_hash", "_problems")

# A source that only touches a record has not changed it.
NOT_CONTENT = frozenset({"updated_at"})

# Codes are short and shaped; anything else in their place is another column's value, perhaps a person's.
SHAPES = {
    "tracking_id": re.compile(r"^(?!\d{16}$)[0-9A-Za-z][0-9A-Za-z/_.\-]{0,39}$"),
    "kemendagri_code": re.compile(r"^\d{2}(\.\d{2}(\.\d{2}(\.\d{4})?)?)?$"),
    "unit_code": re.compile(r"^[0-9A-Za-z/_.\-]{1,20}$"),
    "parent_unit_code": re.compile(r"^[0-9A-Za-z/_.\-]{1,20}$"),
}


# Tables of which not every column is content, and how to take what is.
_CONTENT = {
    table: itemgetter(*(index for index, column in enumerate(columns) if column not in NOT_CONTENT))
    for table, columns in COLUMNS.items()
    if not NOT_CONTENT.isdisjoint(columns)
}
_KEY_PLACES = {table: [COLUMNS[table].index(column) for column in key] for table, key in KEYS.items()}
_EMPTY = blake2b(digest_size=16)
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Record:
    """One thing as the source said it. `problem` is set when it is no record at all (ragged row, not an object)."""

    position: str
    data: dict[str, Any]
    problem: str | None = None


@dataclass(slots=True)
class Row:
    """One row for a raw table. `values` follow COLUMNS of the table; `title` and `body` go to the restricted schema."""

    position: str
    values: list[Any]
    problems: list[str]
    title: str | None = None
    body: str | None = None

    def line(self, table: str) -> "Line":
        """The row for COPY. Python's csv writer takes ten times longer, most of it for the times."""
        values = self.values
        if table == SURVEYS:
            values = [_encode(value).decode() if isinstance(value, dict) else value for value in values]
        carried = [self.position, f"\\x{self.content_hash(table).hex()}", _array(self.problems)]
        key = [self.values[index] for index in _KEY_PLACES[table]]
        return Line(
            b"" if None in key else _encode(key)[1:-1],
            _encode(values + carried)[1:-1],
            _encode([self.title, self.body])[1:-1] if table == COMPLAINTS else b"",
        )

    def content_hash(self, table: str) -> bytes:
        """What tells versions apart; see digest."""
        take = _CONTENT.get(table)
        texts = _encode([self.title, self.body])[1:-1] if table == COMPLAINTS else b""
        content = _encode(list(take(self.values)) if take else self.values)[1:-1]
        return digest(content, texts + _encode(self.problems) if self.problems else texts)


class Line(msgspec.Struct, gc=False):
    """A row as COPY takes it: JSON arrays without their brackets, which are CSV (escape = backslash, null = the word).

    `key` are the columns of KEYS, empty when one of them is null: such a row is like no other. `columns` are those of
    COLUMNS and CARRIED, `texts` the title and body of a complaint.
    """

    key: bytes
    columns: bytes
    texts: bytes = b""

    def line(self, _table: str) -> "Line":
        """The row for COPY: itself."""
        return self

    def position(self, table: str) -> str:
        """Where the row stands in its delivery."""
        return str(msgspec.json.decode(b"[" + self.columns + b"]")[len(COLUMNS[table])])


def digest(content: bytes, rest: bytes = b"") -> bytes:
    """128 bits over a row's content: equal for equal content, whatever night, page or time of update it came with.

    `content` are the columns but those of NOT_CONTENT, `rest` the texts and problems, all as JSON.
    """
    hashed = _EMPTY.copy()  # half the cost of making one
    hashed.update(content + b"|" + rest)
    return hashed.digest()


def _array(items: Sequence[str]) -> str:
    if not items:
        return "{}"
    return "{" + ",".join('"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' for item in items) + "}"
