"""The pull API, version 1: issued reports by body and period, the marts a reader may see, and what each figure means.

For machines with a bearer token, and for the downloads of the pages. A file or a mart that is handed out has first been
written down in library.access_log. Every answer has an ETag over its bytes: asked again with If-None-Match it is 304.
"""

import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Security
from fastapi.responses import Response
from fastapi.security import HTTPBearer
from psycopg2.extensions import cursor as Cursor

from reports.periods import Period
from reports.portal import database, limits
from reports.portal.catalog import Mart, concealed, page_query, readable_marts
from reports.portal.contract import (
    BYTES,
    NOT_ACCEPTABLE,
    NOT_MODIFIED,
    REFUSALS,
    Body,
    Format,
    Issues,
    IssueWithFiles,
    MartPage,
    Marts,
    Metrics,
)
from reports.portal.errors import Refused
from reports.portal.exports import MEDIA_TYPES, RENDERERS, Page
from reports.portal.pages.frame import Frame, present, shared
from reports.portal.paging import opened, sealed
from reports.portal.readers import AGENCY_CODE
from reports.portal.settings import portal_settings
from reports.portal.sign_in import CurrentReader, reader
from reports.report import STAMP

MOST_ROWS = 10_000
PERIOD = r"^20[0-9]{2}(-(0[1-9]|1[0-2]|W(0[1-9]|[1-4][0-9]|5[0-3])|Q[1-4]|S[12]))?$"
MONTH = r"^20[0-9]{2}-(0[1-9]|1[0-2])$"
MART, EXAMPLE = r"^[a-z][a-z0-9_]{0,62}$", "rpt_agency_performance_monthly"
FILE_NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$"
FILTERS = ("agency_code", "province_code", "month")

Cursor_ = Annotated[str | None, Query(alias="cursor", max_length=1000, description="next_cursor of the page before.")]
IfNoneMatch = Annotated[str | None, Header(max_length=1000)]
IssueId = Annotated[UUID, Path(description="issue_id of /reports.")]


async def only_what_there_is(request: Request) -> None:
    """Refuse a parameter that the operation does not have: a misspelt filter would be answered with everything."""
    known = {field.alias for field in request.scope["route"].dependant.query_params}
    if any(name not in known | {"bahasa"} for name in request.query_params):
        raise Refused(422, f"A parameter is not one of this operation: {', '.join(sorted(known)) or 'it has none'}.")


router = APIRouter(
    prefix="/api/v1",
    tags=["pull"],
    responses=REFUSALS,
    dependencies=[
        Security(HTTPBearer(auto_error=False, description="Access token of the identity provider.")),
        Depends(reader),
        Depends(only_what_there_is),
    ],
)


@router.get("/reports", response_model=Issues, responses=NOT_MODIFIED, operation_id="list_reports")
def list_reports(
    who: CurrentReader,
    body: Annotated[Body | None, Query(description="Whom the report is for.")] = None,
    period: Annotated[
        str | None, Query(pattern=PERIOD, description="2021-06, 2021-W25, 2021-Q2, 2021-S1, 2021.")
    ] = None,
    agency_code: Annotated[str | None, Query(max_length=41, pattern=f"^{AGENCY_CODE.pattern}$")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Cursor_ = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Issued reports the reader may have, the newest first."""
    if period is not None:
        period = _period(period)
    after = opened("reports", cursor, parts=2)
    with database.ask(who) as asked:
        rows = _issues(asked, body=body, period=period, agency=agency_code, after=after, limit=limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    last = [rows[-1]["issued_at"].isoformat(), str(rows[-1]["issue_id"])] if more else []
    return _json({"issues": rows, "next_cursor": sealed("reports", last) if more else None}, if_none_match)


@router.get("/reports/{issue_id}", response_model=IssueWithFiles, responses=NOT_MODIFIED, operation_id="read_report")
def read_report(who: CurrentReader, issue_id: IssueId, if_none_match: IfNoneMatch = None) -> Response:
    """One issue and its files."""
    with database.ask(who) as asked:
        found = _issues(asked, issue=str(issue_id))
        files = _rows(
            asked,
            "select name, media_type, byte_count, sha256 from library.files where issue_id = %s order by name",
            (str(issue_id),),
        )
    if not found:
        raise Refused(404, "No such issue, or not for this reader. GET /api/v1/reports lists those there are.")
    for file in files:
        file["url"] = f"{router.prefix}/reports/{issue_id}/files/{file['name']}"
    return _json(found[0] | {"files": files}, if_none_match)


@router.get(
    "/reports/{issue_id}/files/{name}",
    response_class=Response,
    responses={**NOT_MODIFIED, 200: {"description": "The file.", "content": {"application/octet-stream": BYTES}}},
    operation_id="read_file",
)
def read_file(
    who: CurrentReader,
    issue_id: IssueId,
    name: Annotated[str, Path(pattern=FILE_NAME, description="Name of one of the issue's files.")],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The bytes of a file, as they were issued. Its place is the library's own, nothing of it the request's."""
    limits.count(portal_settings().download_limit, "download", who.subject)
    with database.ask(who) as asked:
        found = _rows(
            asked,
            "select issues.folder, issues.body, issues.period, issues.agency_code, issues.version,"
            " files.name, files.media_type, files.sha256"
            " from library.files as files inner join library.issues as issues using (issue_id)"
            " where files.issue_id = %s and files.name = %s",
            (str(issue_id), name),
        )
    if not found:
        raise Refused(404, "No such file, or not for this reader. GET /api/v1/reports/{issue_id} lists them.")
    file = found[0]
    if _matches(if_none_match, etag := f'"{file["sha256"]}"'):
        return Response(status_code=304, headers={"ETag": etag})
    root = portal_settings().library.resolve()
    place = (root / file["folder"] / file["name"]).resolve()
    if not place.is_relative_to(root) or not place.is_file():
        raise Refused(503, "The library does not hold this file at present. Tell whoever runs the warehouse.")
    content = place.read_bytes()
    if sha256(content).hexdigest() != file["sha256"]:
        raise Refused(503, "The file is not as it was issued and is not handed out. Tell whoever runs the warehouse.")
    database.record(who, "download", f"{issue_id}/{file['name']}", {"sha256": file["sha256"], "bytes": len(content)})
    parts = [file["body"], file["agency_code"], file["period"], f"v{file['version']}", file["name"]]
    return Response(
        content,
        media_type=file["media_type"],
        headers={"ETag": etag, "Content-Disposition": f'attachment; filename="{_plain_name(parts)}"'},
    )


@router.get("/marts", response_model=Marts, responses=NOT_MODIFIED, operation_id="list_marts")
def list_marts(who: CurrentReader, if_none_match: IfNoneMatch = None) -> Response:
    """The marts the reader may pull, as the database grants them."""
    now = present(who)
    with database.ask(who) as asked:
        marts = _marts(asked, now)
    return _json({"marts": [_described(mart) for mart in marts.values()]}, if_none_match)


@router.get(
    "/marts/{mart}",
    response_model=MartPage,
    responses={
        **NOT_MODIFIED,
        200: {"content": {MEDIA_TYPES["csv"]: {"schema": {"type": "string"}}, MEDIA_TYPES["parquet"]: BYTES}},
        **NOT_ACCEPTABLE,
    },
    operation_id="read_mart",
)
def read_mart(
    request: Request,
    who: CurrentReader,
    mart: Annotated[str, Path(pattern=MART, description="A mart of /marts.", examples=[EXAMPLE])],
    format_: Annotated[Format | None, Query(alias="format", description="Else by Accept; JSON by default.")] = None,
    agency_code: Annotated[str | None, Query(max_length=41, pattern=f"^{AGENCY_CODE.pattern}$")] = None,
    province_code: Annotated[str | None, Query(max_length=20, pattern=r"^[A-Z0-9. ]+$")] = None,
    month: Annotated[str | None, Query(pattern=MONTH, description="2021-06")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 1000,
    cursor: Cursor_ = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """A page of a mart as JSON, CSV or Parquet. The next one: header `Lapor-Next-Cursor`, next_cursor in JSON."""
    limits.count(portal_settings().download_limit, "download", who.subject)
    chosen = format_ or _accepted(request.headers.get("accept", "*/*"))
    now = present(who)
    hidden = now.small.rows_of(mart) if now else frozenset()
    with database.ask(who) as asked:
        found = _marts(asked, now).get(mart)
        if found is None:
            raise Refused(404, "No such mart, or not for this reader. GET /api/v1/marts lists those there are.")
        wanted = _wanted(found, agency_code, province_code, month)
        page = _page(asked, found, wanted, hidden, cursor, limit)
    content = RENDERERS[chosen](page)
    headers = {"Vary": "Accept, Authorization, Cookie", "Lapor-Night": str(page.night or "")}
    headers |= {"Lapor-Stamp": STAMP} if page.is_simulated else {}
    headers |= {"Lapor-Next-Cursor": page.next_cursor} if page.next_cursor else {}
    answer = _tagged(content, MEDIA_TYPES[chosen], if_none_match, headers)
    if answer.status_code == 200:
        database.record(who, "download", f"marts.{mart}", {"rows": len(page.rows), "format": chosen})
    return answer


@router.get("/metrics", response_model=Metrics, responses=NOT_MODIFIED, operation_id="list_metrics")
def list_metrics(who: CurrentReader, if_none_match: IfNoneMatch = None) -> Response:
    """The metric dictionary: what every figure means."""
    with database.ask(who) as asked:
        return _json(
            {"metrics": _rows(asked, "select * from marts.metric_dictionary order by metric", ())}, if_none_match
        )


def _issues(
    asked: Cursor,
    *,
    body: str | None = None,
    period: str | None = None,
    agency: str | None = None,
    issue: str | None = None,
    after: list[str] | None = None,
    limit: int = 1,
) -> list[dict[str, Any]]:
    at, last = after or (None, None)
    found = _rows(
        asked,
        """
        select
            issue_id, body, period, agency_code, version, title, night, cut_off_at, is_simulated,
            coverage_delivered, coverage_expected, manifest_sha256, issued_at
        from library.issues
        where
            (%(body)s::text is null or body = %(body)s)
            and (%(period)s::text is null or period = %(period)s)
            and (%(agency)s::text is null or agency_code = %(agency)s)
            and (%(issue)s::uuid is null or issue_id = %(issue)s::uuid)
            and (%(at)s::timestamptz is null or (issued_at, issue_id) < (%(at)s::timestamptz, %(last)s::uuid))
        order by issued_at desc, issue_id desc
        limit %(limit)s
        """,
        {"body": body, "period": period, "agency": agency, "issue": issue, "at": at, "last": last, "limit": limit},
    )
    return [row | {"stamp": STAMP if row["is_simulated"] else None} for row in found]


def _page(
    asked: Cursor, mart: Mart, wanted: Mapping[str, str], hidden: frozenset[str], cursor: str | None, limit: int
) -> Page:
    asked.execute("select max(night), coalesce(bool_or(is_simulated), false) from marts.rpt_coverage_daily")
    night, is_simulated = asked.fetchone() or (None, False)
    after = opened(f"marts.{mart.name}", cursor, parts=len(mart.key))
    asked.execute(*page_query(mart, wanted, after, limit + 1))
    rows = asked.fetchall()
    width, more, rows = len(mart.columns) + 1, len(rows) > limit, concealed(mart, rows[:limit], hidden)
    return Page(
        mart=mart.name,
        night=night,
        is_simulated=is_simulated,
        columns={**mart.columns, "is_hidden": "boolean"},
        rows=[row[:width] for row in rows],
        next_cursor=sealed(f"marts.{mart.name}", list(rows[-1][width:])) if more else None,
    )


def _marts(asked: Cursor, now: Frame | None) -> Mapping[str, Mart]:
    """What the role may pull; read once a night, as only a build may change it. The database still says no."""
    return shared(now, "marts", lambda: readable_marts(asked), of_role=True) if now else readable_marts(asked)


def _wanted(mart: Mart, agency_code: str | None, province_code: str | None, month: str | None) -> dict[str, str]:
    asked = {"agency_code": agency_code, "province_code": province_code, "month": f"{month}-01" if month else None}
    wanted = {column: value for column, value in asked.items() if value is not None}
    if strangers := sorted(set(wanted) - set(mart.columns)):
        raise Refused(422, f"{mart.name} has no column {', '.join(strangers)} to filter by.")
    return wanted


def _described(mart: Mart) -> dict[str, Any]:
    return {
        "name": mart.name,
        "level": mart.level,
        "columns": [{"name": name, "type": kind} for name, kind in mart.columns.items()],
        "key": list(mart.key),
        "count_columns": list(mart.counts),
        "suppress_below": mart.below,
        "filters": [name for name in FILTERS if name in mart.columns],
        "url": f"{router.prefix}/marts/{mart.name}",
    }


def _accepted(accept: str) -> str:
    """The format an Accept header wants most. Raises Refused (406)."""
    wishes = []
    for place, part in enumerate(accept.lower().split(",")[:20]):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        weight = float(quality) if re.fullmatch(r"[01](\.\d{0,3})?", quality) else 0
        wishes.append((-weight, place, kind))
    for weight, _, kind in sorted(wishes):
        for name, media_type in MEDIA_TYPES.items():
            if weight < 0 and kind in {"*/*", media_type, f"{media_type.partition('/')[0]}/*"}:
                return name
    raise Refused(406, f"Accept one of {', '.join(MEDIA_TYPES.values())}, or name it: ?format=csv.")


def _period(text: str) -> str:
    try:
        return Period.parse(text).id
    except ValueError as error:
        raise Refused(422, str(error)) from None


def _rows(asked: Cursor, query: str, parameters: Mapping[str, Any] | tuple[str, ...]) -> list[dict[str, Any]]:
    asked.execute(query, parameters)
    names = [column.name for column in asked.description or ()]
    return [dict(zip(names, row, strict=True)) for row in asked.fetchall()]


def _json(told: Mapping[str, Any], if_none_match: str | None) -> Response:
    content = json.dumps(told, ensure_ascii=False, default=_json_text).encode()
    return _tagged(content, MEDIA_TYPES["json"], if_none_match, {})


def _json_text(value: object) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _tagged(content: bytes, media_type: str, if_none_match: str | None, headers: Mapping[str, str]) -> Response:
    etag = f'"{sha256(content).hexdigest()}"'
    if _matches(if_none_match, etag):
        return Response(status_code=304, headers={**headers, "ETag": etag})
    return Response(content, media_type=media_type, headers={**headers, "ETag": etag})


def _matches(if_none_match: str | None, etag: str) -> bool:
    stated = {one.strip().removeprefix("W/") for one in (if_none_match or "").split(",")}
    return etag in stated or "*" in stated


def _plain_name(parts: list[str | None]) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", "-".join(part for part in parts if part))
