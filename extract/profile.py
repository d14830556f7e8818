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
from extract.records import COLUMNS, COMPLAINTS, EVENTS, RATINGS, SURVEYS, TABLE_OF_RESOURCE
from extract.times import parser
from warehouse.settings import settings

PROFILES = Path(__file__).parent / "profiles"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class FieldSpec(_Strict):
    """Where one canonical column comes from and how its value reads."""

    source: str | None = Field(
        default=None, alias="from", description="Dotted path of the field, or the heading of the column."
    )
    constant: Any = Field(default=None, description="The value of every record; {agency_code} stands for the agency.")
    type: Literal["text", "timestamp", "date", "integer", "decimal", "boolean", "period_start", "period_end", "key"] = (
        Field(default="text", description="How the value reads; `key` makes a key of what names a person.")
    )
    required: bool = Field(default=False, description="A source without this field at all fails the delivery.")
    words: dict[str, str | bool] | None = Field(
        default=None, description="Source word -> code; case and spacing do not count."
    )
    split: str | None = Field(default=None, description="Cut the text here ...")
    part: int = Field(default=0, description="... and take this piece, counted from 0; absent pieces are null.")
    strip: str | None = Field(default=None, description="Characters taken off both ends.")
    upper: bool = Field(default=False, description="Whether to write it in capitals.")
    formats: list[str] = Field(default_factory=list, description="Overrides the profile's time formats.")
    default: Any = Field(default=None, description="Value when the source leaves it empty.")

    @model_validator(mode="after")
    def _has_a_source(self) -> "FieldSpec":
        if (self.source is None) == (self.constant is None):
            raise ValueError("give either `from` or `constant`")
        return self


class IdentitySpec(_Strict):
    """Where a record names its reporter; these values never leave privacy.py."""

    name: str | None = Field(default=None, description="Field of the reporter's name.")
    national_id: str | None = Field(default=None, description="Field of the NIK.")
    phone: str | None = Field(default=None, description="Field of the telephone number.")
    email: str | None = Field(default=None, description="Field of the e-mail address.")
    address: str | None = Field(default=None, description="Field of the street address.")


class TextSpec(_Strict):
    """Free text: redacted, then kept in the restricted schema only."""

    title: str | None = Field(default=None, description="Field of the title.")
    body: str | None = Field(default=None, description="Field of what the citizen wrote.")


class EventColumn(_Strict):
    """A time column of a flat export read as one event; `kinds` chooses the event type by another column's word."""

    source: str = Field(alias="from", description="Heading of the column of times.")
    event_type: str | None = Field(default=None, description="The event that each of its times is ...")
    kind_from: str | None = Field(default=None, description="... or the column whose word says which event it is,")
    kinds: dict[str, str | None] = Field(
        default_factory=dict, description="by these: word -> event type; null: this time is no event."
    )

    @model_validator(mode="after")
    def _names_its_type(self) -> "EventColumn":
        if (self.event_type is None) == (self.kind_from is None):
            raise ValueError("give either `event_type` or `kind_from` with `kinds`")
        return self


class EventsSpec(_Strict):
    """The event log of a complaint, in one of four shapes.

    `list`: a list of objects inside the record (or JSON text of one). `parallel`: one list per field inside the record,
    the n-th entries belong together. `body_list` with `key_from`: a list beside the records, joined by the complaint's
    id. `columns`: one time column each.
    """

    list: str | None = Field(default=None, description="Path of the list of events in the record.")
    parallel: dict[str, str] = Field(
        default_factory=dict, description="Name of an event field -> path of its list in the record."
    )
    body_list: str | None = Field(default=None, description="Path of the list of events in the whole answer ...")
    key_from: str | None = Field(default=None, description="... and the field of an event that holds the tracking id.")
    fields: dict[str, FieldSpec] = Field(default_factory=dict)
    columns: tuple[EventColumn, ...] = ()
    ignore: tuple[str, ...] = Field(default=(), description="Fields of an event that are known and not wanted.")

    @model_validator(mode="after")
    def _has_one_shape(self) -> "EventsSpec":
        if sum(map(bool, (self.list, self.parallel, self.body_list, self.columns))) > 1:
            raise ValueError("give one of `list`, `parallel`, `body_list` and `columns`")
        if bool(self.body_list) != bool(self.key_from):
            raise ValueError("`body_list` and `key_from` belong together")
        return self


class AnswersSpec(_Strict):
    """Survey attributes: source column -> attribute code, and the score of each answer word."""

    attributes: dict[str, str] = Field(description="Column of the source -> attribute code.")
    scores: dict[str, int] = Field(description="Word of an answer -> its score.")


class PagingSpec(_Strict):
    """How an API hands out its pages. A server that gives fewer rows a page than asked for is understood.

    page: by number, up to `pages_at` or the first empty page. offset: by the number of rows read so far. cursor: the
    token at `next_at`. keyset: the last record's value at `key_from`. next_url: the address at `next_at`. link: the
    `next` of the Link header. Addresses must stay on the connection's own server.
    """

    style: Literal["none", "page", "offset", "cursor", "keyset", "next_url", "link"] = "none"
    parameter: str | None = Field(default=None, description="Query parameter that asks for the next page.")
    size_parameter: str | None = Field(default=None, description="Query parameter that asks for so many rows a page.")
    size: int = Field(default=100, ge=1, description="Rows a page that are asked for.")
    first: int = Field(default=1, ge=0, description="Number of the first page (style page).")
    pages_at: str | None = Field(default=None, description="Path of the number of pages (style page).")
    next_at: str | None = Field(default=None, description="Path of the next cursor or address.")
    key_from: str | None = Field(default=None, description="Field of the last record that asks for what follows it.")

    @model_validator(mode="after")
    def _names_what_its_style_needs(self) -> "PagingSpec":
        needed = {"cursor": "next_at", "next_url": "next_at", "keyset": "key_from"}.get(self.style)
        if needed and not getattr(self, needed):
            raise ValueError(f"paging style {self.style} needs {needed}")
        return self


class WindowSpec(_Strict):
    """Query parameters that limit an answer to changes between two times."""

    since_parameter: str = Field(description="Parameter of the earliest change that is wanted.")
    until_parameter: str | None = Field(default=None, description="Parameter of the end of the window.")
    format: str = Field(default="iso", description="iso, unix, or a pattern of strftime.")


class AuthSpec(_Strict):
    """How a connection proves who asks; the secret is the environment's LAPOR_CREDENTIAL_<connection>.

    api_key: the secret, in `header` or `query`. bearer: the secret. basic: `user:password`. oauth2: `id:secret`, for a
    token of client credentials at `token_path` of the same server.
    """

    style: Literal["none", "api_key", "basic", "bearer", "oauth2"] = Field(default="none", description="See above.")
    header: str | None = Field(default=None, description="Header of an api_key.")
    query: str | None = Field(default=None, description="Query parameter of an api_key.")
    token_path: str | None = Field(default=None, description="Where oauth2 asks for its token.")
    scope: str | None = Field(default=None, description="Scope that oauth2 asks for.")

    @model_validator(mode="after")
    def _says_where(self) -> "AuthSpec":
        if self.style == "api_key" and (self.header is None) == (self.query is None):
            raise ValueError("an api_key stands in either `header` or `query`")
        if self.style == "oauth2" and not self.token_path:
            raise ValueError("oauth2 needs token_path")
        return self


class RestSpec(_Strict):
    """An HTTP API that answers JSON."""

    method: Literal["GET", "POST"] = Field(default="GET", description="How the API is asked.")
    query: dict[str, str] = Field(default_factory=dict, description="Parameters sent with every request.")
    headers: dict[str, str] = Field(default_factory=dict, description="Headers sent with every request; no secrets.")
    body: dict[str, Any] | None = Field(
        default=None,
        description="JSON of a POST. {since} {until} {size} {page} {offset} {cursor} {key} stand for what is asked; "
        "a value that is only such a mark takes its type, null before it is known.",
    )
    records_at: str = Field(default="", description="Path of the list of records; empty when the answer is the list.")
    record_at: str | None = Field(default=None, description="Path of the record in each entry of the list.")
    total_at: str | None = Field(default=None, description="Path of the number of records that the source states.")
    total_header: str | None = Field(default=None, description="The same in a header, such as X-Total-Count.")
    error_at: str | None = Field(default=None, description="Whatever stands here in an answer of 200 is a refusal.")
    paging: PagingSpec = PagingSpec()
    window: WindowSpec | None = None

    @model_validator(mode="after")
    def _sends_what_it_can(self) -> "RestSpec":
        if self.body is not None and self.method != "POST":
            raise ValueError("a body needs method POST")
        return self


class Open311Spec(_Strict):
    """A GeoReport v2 server: walked by windows of time, halved while an answer is as long as the cap."""

    format: Literal["json", "xml"] = Field(default="json", description="Which of the two formats to ask for.")
    jurisdiction_id: str | None = Field(default=None, description="Sent with every request, where a server wants it.")
    window_days: int = Field(default=30, ge=1, description="Width of the windows it is asked for.")
    cap: int = Field(default=1000, ge=2, description="An answer of so many requests is taken to be cut off.")
    page_size: int | None = Field(default=None, description="Set when the server understands page and page_size.")
    history_start: str = Field(default="2010-01-01", description="From when on the first load asks.")
    services: bool = Field(default=True, description="Whether to read the list of services first.")


class TabularSpec(_Strict):
    """Files of rows: CSV or a workbook (XLSX, XLS, ODS), in a folder, on SFTP, S3 or HTTP.

    A location with * takes every file that matches and was not taken before in the same state.
    """

    tail_words: tuple[str, ...] = Field(
        default=("JUMLAH", "TOTAL"), description="First cells of a row that states the number of rows."
    )
    delimiter: str | None = Field(default=None, description="Of a CSV; default: the likeliest of ; , tab and |.")
    encoding: str | None = Field(default=None, description="Default: UTF-8, and Windows-1252 where it is not that.")
    sheet: str | None = Field(default=None, description="Name of the sheet; default: the first that fits.")
    done_suffix: str | None = Field(default=None, description="A file counts when its twin with this suffix is there.")
    settle_seconds: float = Field(default=0, ge=0, description="A file counts when it did not change for so long.")


class SqlSpec(_Strict):
    """A database: a `query` with :since and :until, or the table that the source's location names."""

    query: str | None = Field(default=None, description="Must return updated_from and key_from; no `order by`.")
    updated_from: str = Field(description="Column of the last change; rows come in its order.")
    key_from: str = Field(description="Column that tells rows of the same time apart.")
    page_size: int = Field(default=1000, ge=1, description="Rows fetched at once.")
    timeout_seconds: int = Field(default=60, ge=1, description="Limit of one statement, where the server knows one.")


class Profile(_Strict):
    """One source system."""

    name: str
    description: str = Field(description="What the source is, for whoever meets it at 2 a.m.")
    resource: Literal["complaints", "surveys", "recaps", "ratings", "units", "activity"] = Field(
        description="What it delivers."
    )
    time_zone: str = Field(default="Asia/Jakarta", description="IANA name, or `agency`: the agency's own zone.")
    formats: list[str] = Field(
        default_factory=lambda: ["iso"], description="How it writes times, tried in this order; see extract/times.py."
    )
    overlap_minutes: int = Field(default=60, ge=0, description="How far back of the last night changes are read again.")
    trailing_days: int | None = Field(
        default=None, ge=1, description="For a source that cannot say what changed: read so many days again each night."
    )
    decimal_comma: bool = Field(default=False, description="Numbers are written 1.250,50.")
    true_words: tuple[str, ...] = Field(default=("ya", "true", "1", "yes"), description="Words that mean yes.")
    false_words: tuple[str, ...] = Field(default=("tidak", "false", "0", "no"), description="Words that mean no.")
    fields: dict[str, FieldSpec]
    identity: IdentitySpec = IdentitySpec()
    text: TextSpec = TextSpec()
    events: EventsSpec = EventsSpec()
    answers: AnswersSpec | None = None
    auth: AuthSpec = AuthSpec()
    rest: RestSpec = RestSpec()
    open311: Open311Spec = Open311Spec()
    tabular: TabularSpec = TabularSpec()
    sql: SqlSpec | None = None
    ignore: tuple[str, ...] = Field(default=(), description="Fields that are known and not wanted.")

    @property
    def table(self) -> str:
        """The raw table its records land in."""
        return TABLE_OF_RESOURCE[self.resource]

    @model_validator(mode="after")
    def _speaks_of_known_things(self) -> "Profile":
        computed = {COMPLAINTS: {"completed_at", "reporter_key"}, SURVEYS: {"answers"}, RATINGS: {"reporter_key"}}.get(
            self.table, set()
        )
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


def read_profile(name: str, directory: Path | None = None) -> Profile:
    """The profile of that name: in `directory` if given, else in the registry's own folder `profiles`, else in ours.

    Raises ProfileInvalid, naming the file and the key.
    """
    of_the_registry = settings().registry_dir / "profiles" / f"{name}.yml"
    if directory is None and of_the_registry.is_file():
        return _read(of_the_registry)
    return _read((directory or PROFILES) / f"{name}.yml")


@lru_cache(maxsize=256)
def _read(path: Path) -> Profile:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProfileInvalid(f"{path} does not exist: the registry names a profile that nobody wrote") from None
    except yaml.YAMLError as error:
        raise ProfileInvalid(f"{path}: {error}") from None
    try:
        return Profile(name=path.stem, **content)
    except (ValidationError, TypeError) as error:
        raise ProfileInvalid(f"{path}: {error}") from None
