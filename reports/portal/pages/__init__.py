"""The portal's pages, for people: rendered on the server, in Bahasa Indonesia or English, without a script.

Each page is a module here (its queries, what its template needs) and a template; `frame` is what they share. A
page never decides what its reader may see: it asks in the reader's own transaction, and the database decides. The menu
offers each role what it may open.
"""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from starlette.requests import Request
from starlette.responses import Response

from reports.fonts import web_font_directory
from reports.portal.pages import (
    agencies,
    completeness,
    indications,
    issues,
    library,
    national,
    provinces,
    satisfaction,
    scorecard,
)
from reports.portal.pages.agencies import USUAL_WINDOW
from reports.portal.pages.frame import HERE, NoSuchThing, NotForThisRole, named, plain, show
from reports.portal.pages.prepare import prepared
from reports.portal.readers import Reader
from reports.portal.sign_in import CurrentReader, by_session, local_path, optional_reader
from reports.portal.words import WINDOWS

__all__ = ["NoSuchThing", "NotForThisRole", "error_page", "router"]

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse, lifespan=prepared)

STATIC = {"portal.css": "text/css; charset=utf-8", "favicon.svg": "image/svg+xml"}
FONTS = ("Regular", "SemiBold", "Bold")
KEEP_A_YEAR = {"Cache-Control": "public, max-age=31536000, immutable"}

MaybeReader = Annotated[Reader | None, Depends(optional_reader)]
Text = Annotated[str, Query(max_length=60)]
PageNumber = Annotated[int, Query(ge=1, le=10_000)]


@router.get("/")
def front(request: Request, reader: CurrentReader) -> Response:
    """The nation; an agency lands on its own scorecard."""
    if reader.role == "agency_reader":
        return RedirectResponse("/instansi-saya", 303)
    return show(request, reader, "national.html", None, national.compose)


@router.get("/provinsi")
def all_provinces(request: Request, reader: CurrentReader) -> Response:
    """The provinces as map and table."""
    return show(request, reader, "provinces.html", None, provinces.compose_all)


@router.get("/provinsi/{code}")
def one_province(request: Request, reader: CurrentReader, code: str) -> Response:
    """A province, and its governments for those who may see agencies."""
    return show(
        request, reader, "province.html", code, lambda cursor, frame: provinces.compose_one(cursor, frame, code)
    )


@router.get("/instansi")
def all_agencies(
    request: Request,
    reader: CurrentReader,
    jenis: Text = "",
    provinsi: Text = "",
    kelompok: Text = "",
    jendela: Text = "",
    ukuran: Text = "",
    urut: Text = "",
    halaman: PageNumber = 1,
) -> Response:
    """The comparison, filtered and sorted by its address."""
    filters = agencies.asked(jenis, provinsi, kelompok, jendela, ukuran, urut, halaman)
    return show(
        request, reader, "agencies.html", filters, lambda cursor, frame: agencies.compose(cursor, frame, filters)
    )


@router.get("/instansi-saya")
def own_agency(request: Request, reader: CurrentReader, jendela: Text = "") -> Response:
    """An agency's reader's own scorecard."""
    return _scorecard(request, reader, reader.agency_code or "", jendela)


@router.get("/instansi/{code}")
def one_agency(request: Request, reader: CurrentReader, code: str, jendela: Text = "") -> Response:
    """An agency's scorecard."""
    if code == reader.agency_code:
        return RedirectResponse("/instansi-saya", 303)
    return _scorecard(request, reader, code, jendela)


@router.get("/isu")
def priority_issues(request: Request, reader: CurrentReader, program: Text = "") -> Response:
    """Priority programmes and rising topics."""
    return show(request, reader, "issues.html", program, lambda cursor, frame: issues.compose(cursor, frame, program))


@router.get("/indikasi")
def quarter_of_indications(request: Request, reader: CurrentReader, triwulan: date | None = None) -> Response:
    """A quarter of indications."""
    return show(
        request,
        reader,
        "indications.html",
        triwulan,
        lambda cursor, frame: indications.compose(cursor, frame, triwulan),
    )


@router.get("/kepuasan")
def four_families(request: Request, reader: CurrentReader) -> Response:
    """Satisfaction."""
    return show(request, reader, "satisfaction.html", None, satisfaction.compose)


@router.get("/kelengkapan")
def coverage(request: Request, reader: CurrentReader) -> Response:
    """Completeness and quality."""
    return show(request, reader, "completeness.html", None, completeness.compose)


@router.get("/laporan")
def issued_reports(
    request: Request,
    reader: CurrentReader,
    lembaga: Text = "",
    masa: Text = "",
    instansi: Text = "",
    halaman: PageNumber = 1,
) -> Response:
    """The library."""
    wanted = library.Wanted(lembaga, masa, instansi.strip(), halaman)
    return show(request, reader, "library.html", wanted, lambda cursor, frame: library.compose(cursor, frame, wanted))


@router.get("/kamus")
def dictionary(request: Request, reader: CurrentReader) -> Response:
    """The metric dictionary."""
    return show(request, reader, "dictionary.html", None, library.compose_dictionary)


@router.get("/api")
def api_page(request: Request, reader: CurrentReader) -> Response:
    """How to pull by program."""
    return show(request, reader, "api.html", None, library.compose_api)


@router.get("/masuk")
def sign_in_page(
    request: Request, reader: MaybeReader, next_path: Annotated[str | None, Query(alias="next")] = None
) -> Response:
    """Where nobody lands; who has signed in goes on."""
    after = local_path(next_path)
    if reader is not None:
        return RedirectResponse(after, 303)
    return plain(request, None, "sign_in.html", {"next_path": after if after != "/" else ""})


@router.get("/static/{name}")
def static_file(name: str) -> Response:
    """The style sheet and the icon."""
    if name not in STATIC:
        raise NoSuchThing(name)
    return FileResponse(HERE / "static" / name, media_type=STATIC[name], headers=KEEP_A_YEAR)


@router.get("/huruf/{style}.woff")
def font(style: str) -> Response:
    """The typeface, from our own house."""
    if style not in FONTS:
        raise NoSuchThing(style)
    path = web_font_directory() / f"PlusJakartaSans-{style}.woff"
    return FileResponse(path, media_type="font/woff", headers=KEEP_A_YEAR)


def error_page(request: Request, status: int, title: str, detail: str) -> Response:
    """What a person sees when a request is refused: what happened, why, and whom to ask."""
    reader = by_session(request)
    if reader is not None and status in (403, 404):
        reader = named(reader)
    context = {"code": status, "heading": title, "detail": detail, "role": reader.label if reader else None}
    return plain(request, reader, "error.html", context, status)


def _scorecard(request: Request, reader: Reader, code: str, window: str) -> Response:
    window_kind = window if window in WINDOWS else USUAL_WINDOW
    return show(
        request, reader, "scorecard.html", (code, window_kind),
        lambda cursor, frame: {
            **scorecard.compose(cursor, frame, code, window_kind),
            "windows": [(kind, frame.speech.say(*words)) for kind, words in WINDOWS.items()],
        },
    )  # fmt: skip
