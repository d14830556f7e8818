"""A profile: how one source system speaks. YAML in `profiles/`, checked here; never a class per agency.

Every canonical column says where it comes from (`from`, a dotted path or a column heading) and how it reads: a list of
`words` (source word -> code), a `type`, a `split`. What a source sends and no field takes must stand under `ignore`,
otherwise it is reported as drift.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any, Literal
from zoneinfo import available_timezones

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from extract.errors import ProfileInvalid
from extract.records import COLUMNS, COMPLAINTS, EVENTS, SURVEYS, TABLE_OF_RESOURCE
from extract.times import parser

PROFILES = Path(__file__).parent / "profiles"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class FieldSpec(_Strict):
    """Where one canonical column comes from and how its value reads."""

    source: str | None = Field(default=None, alias="from")
    constant: Any = None
    type: Literal["text", "timestamp", "date", "integer", "decimal", "boolean", "period_start", "period_end", "key"] = (
        "text"
    )
    required: bool = Field(default=False, description="A source without this field at all fails the delivery.")
    words: dict[str, str | bool] | None = Field(
        default=None, description="Source word -> code; case and spacing do not count."
    )
    split: str | None = Field(default=None, description="Cut the text here ...")
    part: int = Field(default=0, description="... and take this piece, counted from 0; absent pieces are null.")
    strip: str | None = Field(default=None, description="Characters taken off both ends.")
    upper: bool = False
    formats: list[str] = Field(default_factory=list, description="Overrides the profile's time formats.")
    default: Any = Field(default=None, description="Value when the source leaves it empty.")

    @model_validator(mode="after")
    def _has_a_source(self) -> "FieldSpec":
        if (self.source is None) == (self.constant is None):
            raise ValueError("give either `from` or `constant`")
        return self


class IdentitySpec(_Strict):
    """Where a record names its reporter; these values never leave privacy.py."""

    name: str | None = None
    national_id: str | None = None
    phone: str | None = None
    email: str | None = None
    address: str | None = None


class TextSpec(_Strict):
    """Free text: redacted, then kept in the restricted schema only."""

    title: str | None = None
    body: str | None = None


class EventColumn(_Strict):
    """A time column of a flat export read as one event; `kinds` chooses the event type by another column's word."""

    source: str = Field(alias="from")
    event_type: str | None = None
    kind_from: str | None = None
    kinds: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_its_type(self) -> "EventColumn":
        if (self.event_type is None) == (self.kind_from is None):
            raise ValueError("give either `event_type` or `kind_from` with `kinds`")
        return self


class EventsSpec(_Strict):
    """The event log: a nested `list` with its own fields, or `columns` with one time each."""

    list: str | None = None
    fields: dict[str, FieldSpec] = Field(default_factory=dict)
    columns: tuple[EventColumn, ...] = ()
    unit_from: str | None = None
    ignore: tuple[str, ...] = ()


class AnswersSpec(_Strict):
    """Survey attributes: source column -> attribute code, and the score of each answer word."""

    attributes: dict[str, str]
    scores: dict[str, int]


class PagingSpec(_Strict):
    """How an API hands out its pages."""

    style: Literal["none", "page", "cursor"] = "none"
    parameter: str | None = None
    size_parameter: str | None = None
    size: int = Field(default=100, ge=1)
    pages_at: str | None = Field(default=None, description="Path of the number of pages (style page).")
    next_at: str | None = Field(default=None, description="Path of the next cursor (style cursor).")


class WindowSpec(_Strict):
    """Query parameters that limit an answer to changes between two times."""

    since_parameter: str
    until_parameter: str
    format: str = "iso"


class RestSpec(_Strict):
    """An HTTP API that answers JSON."""

    records_at: str = ""
    total_at: str | None = None
    paging: PagingSpec = PagingSpec()
    window: WindowSpec | None = None


class TabularSpec(_Strict):
    """Files of rows: CSV or a workbook."""

    tail_words: tuple[str, ...] = ("JUMLAH", "TOTAL")
    delimiter: str | None = None


class Profile(_Strict):
    """One source system."""

    name: str
    description: str
    resource: Literal["complaints", "surveys", "recaps"]
    time_zone: str = Field(default="Asia/Jakarta", description="IANA name, or `agency`: the agency's own zone.")
    formats: list[str] = Field(default_factory=lambda: ["iso"])
    overlap_minutes: int = Field(default=60, ge=0, description="How far back of the last night changes are read again.")
    true_words: tuple[str, ...] = ("ya", "true", "1", "yes")
    false_words: tuple[str, ...] = ("tidak", "false", "0", "no")
    fields: dict[str, FieldSpec]
    identity: IdentitySpec = IdentitySpec()
    text: TextSpec = TextSpec()
    events: EventsSpec = EventsSpec()
    answers: AnswersSpec | None = None
    rest: RestSpec = RestSpec()
    tabular: TabularSpec = TabularSpec()
    ignore: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        """The raw table its records land in."""
        return TABLE_OF_RESOURCE[self.resource]

    @model_validator(mode="after")
    def _speaks_of_known_things(self) -> "Profile":
        computed = {COMPLAINTS: {"completed_at", "reporter_key"}, SURVEYS: {"answers"}}.get(self.table, set())
        if unknown := set(self.fields) - set(COLUMNS[self.table]) - {"event_seq"}:
            raise ValueError(f"fields {sorted(unknown)} are no columns of {self.table}")
        if by_hand := set(self.fields) & (computed - {"completed_at"}):
            raise ValueError(f"fields {sorted(by_hand)} are computed, not mapped")
        if unknown := set(self.events.fields) - set(COLUMNS[EVENTS]):
            raise ValueError(f"events.fields {sorted(unknown)} are no columns of {EVENTS}")
        if self.time_zone != "agency" and self.time_zone not in available_timezones():
            raise ValueError(f"time_zone {self.time_zone!r} is no IANA zone")
        for time_format in [*self.formats, *(text for spec in self.fields.values() for text in spec.formats)]:
            parser(time_format, "UTC")
        return self

    def zone_for(self, agency_zone: str) -> str:
        """The IANA zone of times that carry none, for an agency in `agency_zone`."""
        return agency_zone if self.time_zone == "agency" else self.time_zone


@lru_cache(maxsize=128)
def read_profile(name: str, directory: Path = PROFILES) -> Profile:
    """The profile of that name. Raises ProfileInvalid, naming the file and the key."""
    path = directory / f"{name}.yml"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProfileInvalid(f"{path} does not exist: the registry names a profile that nobody wrote") from None
    except yaml.YAMLError as error:
        raise ProfileInvalid(f"{path}: {error}") from None
    try:
        return Profile(name=name, **content)
    except (ValidationError, TypeError) as error:
        raise ProfileInvalid(f"{path}: {error}") from None
