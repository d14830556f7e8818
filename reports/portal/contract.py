"""What the pull API promises: the shapes of its answers, and how it refuses."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from reports.portal.errors import PROBLEM

Body = Literal["panrb", "ksp", "ombudsman", "agency"]
Format = Literal["json", "csv", "parquet"]


class Problem(BaseModel):
    """Why a request is refused, and what to do (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


class Issue(BaseModel):
    """An issue of a report; a changed figure makes a new version and leaves the old one as it was."""

    issue_id: UUID
    body: Body
    period: str
    agency_code: str | None
    version: int
    title: str
    night: date
    cut_off_at: datetime
    is_simulated: bool
    stamp: str | None
    coverage_delivered: int
    coverage_expected: int
    manifest_sha256: str
    issued_at: datetime


class File(BaseModel):
    """A file of an issue; sha256 is its ETag too."""

    name: str
    media_type: str
    byte_count: int
    sha256: str
    url: str


class Issues(BaseModel):
    """Issues, the newest first."""

    issues: list[Issue]
    next_cursor: str | None


class IssueWithFiles(Issue):
    """An issue and its files."""

    files: list[File]


class ColumnOfMart(BaseModel):
    """type: of PostgreSQL."""

    name: str
    type: str


class MartDescribed(BaseModel):
    """A mart the reader may pull. A row in which one of count_columns is under suppress_below shows no figure."""

    name: str
    level: str
    columns: list[ColumnOfMart]
    key: list[str]
    count_columns: list[str]
    suppress_below: int
    filters: list[str]
    url: str


class Marts(BaseModel):
    """The marts the reader may pull."""

    marts: list[MartDescribed]


class MartPage(BaseModel):
    """Rows of a mart, ordered by its key. is_hidden in a row: its figures are too small to be shown, and null."""

    mart: str
    night: date | None
    is_simulated: bool
    stamp: str | None
    next_cursor: str | None
    rows: list[dict[str, Any]]


class Metrics(BaseModel):
    """The metric dictionary."""

    metrics: list[dict[str, Any]]


def _problem(words: str) -> dict[str, Any]:
    return {"description": words, "content": {PROBLEM: {"schema": Problem.model_json_schema()}}}


REFUSALS: dict[int | str, dict[str, Any]] = {
    status: _problem(words)
    for status, words in {
        400: "The request cannot be read.",
        401: "No token, or one that is refused.",
        403: "The reader's role may not.",
        404: "Not there, or not for this reader: the two are not told apart.",
        413: "The request is too large.",
        422: "A parameter is not one.",
        429: "Too often; wait Retry-After seconds.",
        503: "The warehouse or the provider does not answer; try again after Retry-After seconds.",
    }.items()
}
NOT_ACCEPTABLE: dict[int | str, dict[str, Any]] = {406: _problem("None of the three formats.")}
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "As If-None-Match says."}}
BYTES = {"schema": {"type": "string", "format": "binary"}}
