"""How a page comes about: who may open it, in which language, from one transaction, kept until the figures change.

A page is a function from a cursor to what its template needs. Two readers of the same role (and agency) see the same
page, so its own part is kept for them, at most CACHE_SECONDS and only for the night it was made from; the frame around
it, with the reader's label and the form to sign out, is made for each request.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from hashlib import sha256
from math import inf
from pathlib import Path
from threading import Lock
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from psycopg2 import Error, errors
from psycopg2.extensions import cursor as Cursor

from reports.language import Language
from reports.portal import database
from reports.portal.figures import Night, fetch, last_night
from reports.portal.readers import Reader
from reports.portal.sign_in import csrf_token
from reports.portal.small_cells import ALL_AGENCIES, SmallCells, last_issued_at, small_cells
from reports.portal.words import CODE_LISTS, LANGUAGE_COOKIE, Speech, Words, language_of

Value = TypeVar("Value")

HERE = Path(__file__).resolve().parent.parent
CACHE_SECONDS = 300
CACHED_PAGES = 1500  # of some 30 KB: two scorecards of every agency
SHARED_VALUES = 60
NIGHT_SECONDS = 15  # how long a new night may go unnoticed

ANALYSTS = frozenset({"panrb_analyst", "ombudsman_reader"})
READERS = ANALYSTS | {"ksp_reader"}
EVERYBODY = READERS | {"agency_reader"}


@dataclass(frozen=True, slots=True)
class Item:
    """A page of the menu: its path, its name, and which roles may open it."""

    path: str
    label: Words
    roles: frozenset[str]


MENU = (
    Item("/", ("Nasional", "Nation"), READERS),
    Item("/provinsi", ("Provinsi", "Provinces"), READERS),
    Item("/instansi", ("Perbandingan instansi", "Compare agencies"), ANALYSTS),
    Item("/instansi-saya", ("Instansi Anda", "Your agency"), frozenset({"agency_reader"})),
    Item("/isu", ("Isu strategis", "Priority issues"), frozenset({"ksp_reader", "panrb_analyst"})),
    Item("/indikasi", ("Indikasi", "Indications"), frozenset({"ombudsman_reader"})),
    Item("/kepuasan", ("Kepuasan", "Satisfaction"), READERS),
    Item("/kelengkapan", ("Kelengkapan data", "Completeness"), EVERYBODY),
    Item("/laporan", ("Laporan", "Reports"), EVERYBODY),
    Item("/kamus", ("Kamus metrik", "Metrics"), EVERYBODY),
    Item("/api", ("API", "API"), EVERYBODY),
)


class NotForThisRole(Exception):
    """The page is not for the reader's role."""


class NoSuchThing(Exception):
    """What the address names is not there, or not for this reader: the two are not told apart."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page knows: its reader, its language and the night its figures are of."""

    reader: Reader
    speech: Speech
    night: Night
    small: SmallCells


Compose = Callable[[Cursor, Frame], Mapping[str, Any]]
Part = tuple[str, Markup]  # a page's title and its own part


class Kept(Generic[Value]):
    """Values made once and kept for a while; whoever asks while one is being made waits for it."""

    def __init__(self, seconds: float, at_most: int) -> None:
        self._seconds, self._at_most, self._clock = seconds, at_most, time.monotonic
        self._values: OrderedDict[object, tuple[float, Future[Value]]] = OrderedDict()
        self._lock = Lock()

    def forget(self) -> None:
        """Keep nothing of it."""
        with self._lock:
            self._values.clear()

    def put(self, key: object, value: Value) -> None:
        """Have this as the value of the key from now on."""
        future: Future[Value] = Future()
        future.set_result(value)
        with self._lock:
            self._values[key] = (self._clock(), future)
            self._values.move_to_end(key)

    def get(self, key: object, make: Callable[[], Value]) -> Value:
        """The value of the key, made if there is none or it is too old; a failure is raised and not kept."""
        with self._lock:
            made_at, future = self._values.get(key, (0.0, None))
            mine = future is None or self._clock() - made_at > self._seconds
            if mine:
                future = Future()
                self._values[key] = (self._clock(), future)
                while len(self._values) > self._at_most:
                    self._values.popitem(last=False)
            self._values.move_to_end(key)
        assert future is not None, "made just now"
        if mine:
            try:
                future.set_result(make())
            except BaseException as failure:
                with self._lock:
                    self._values.pop(key, None)
                future.set_exception(failure)
        return future.result()


_parts: Kept[Part] = Kept(CACHE_SECONDS, CACHED_PAGES)
_shared: Kept[Any] = Kept(CACHE_SECONDS, SHARED_VALUES)
_names: Kept[str] = Kept(CACHE_SECONDS, CACHED_PAGES)  # of agencies, by code
_nights: Kept[Night | None] = Kept(NIGHT_SECONDS, 1)
_small_cells: Kept[SmallCells] = Kept(inf, 2)  # of a night: `renew` has them decided again when a report was issued

templates = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
templates.globals.update(CODE_LISTS)
SPOKEN = [name for name in vars(Speech) if not name.startswith("_") and callable(getattr(Speech, name))]
STYLESHEET = "/static/portal.css?" + sha256((HERE / "static" / "portal.css").read_bytes()).hexdigest()[:12]


def show(request: Request, reader: Reader, template: str, key: object, compose: Compose) -> HTMLResponse:
    """The page as this reader may see it.

    key: what besides the reader and the language the page depends on. Raises NotForThisRole and NoSuchThing.
    """
    item = here(request.url.path)
    if item is not None and reader.role not in item.roles:
        raise NotForThisRole(request.url.path)
    speech = Speech(language_of(request))
    frame = present(reader, speech.language)
    if frame is None:
        return around(request, reader, _part("empty.html", speech, None, {}))
    night = frame.night

    def make() -> Part:
        context = _read(reader, lambda cursor: dict(compose(cursor, frame)))
        return _part(template, speech, night, {"reader_role": reader.role} | context)

    kept_by = (template, reader.role, reader.agency_code, speech.language, night, frame.small.digest, key)
    return around(request, named(reader), _parts.get(kept_by, make))


def named(reader: Reader) -> Reader:
    """The reader with the agency's name for a label, where the registry can be asked; else with its code.

    Opens a transaction of its own once in a while: not to be called inside another.
    """
    code = reader.agency_code
    if code is None:
        return reader
    query = "select name from marts.dim_agencies where agency_code = %(code)s and is_current"

    def ask() -> str:
        rows = _read(reader, lambda cursor: fetch(cursor, query, {"code": code}))
        return str(rows[0]["name"]) if rows else code

    try:
        return replace(reader, label=_names.get(code, ask))
    except (Error, database.DatabaseBusy, NotForThisRole):
        return reader


def shared(frame: Frame, name: object, make: Callable[[], Value], *, of_role: bool = False) -> Value:
    """What several answers need, made once for readers of a role and agency, the night and what is hidden of it.

    of_role: it is about the role's rights and not about rows, so that all agencies share it. Not for what depends on
    the language. Whoever gets it must not change it.
    """
    reader = frame.reader
    agency_code = None if of_role else reader.agency_code
    value: Value = _shared.get((name, reader.role, agency_code, frame.night, frame.small.digest), make)
    return value


def around(request: Request, reader: Reader | None, part: Part, status: int = 200) -> HTMLResponse:
    """A page's own part in the frame; remembers the language the address asked for."""
    speech = Speech(language_of(request))
    other = "id" if speech.language == "en" else "en"
    title, content = part
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "bahasa"]
    present = here(request.url.path)
    menu = [
        {"path": item.path, "label": speech.say(*item.label), "is_here": item is present}
        for item in MENU
        if reader is not None and reader.role in item.roles
    ]
    html = templates.get_template("shell.html").render(
        **_words(speech),
        title=title,
        content=content,
        stylesheet=STYLESHEET,
        reader=reader,
        csrf_token=csrf_token(request) if reader else "",
        menu=menu,
        other_language=other,
        other_language_link="?" + urlencode([*kept, ("bahasa", other)]),
    )
    response = HTMLResponse(html, status)
    if "bahasa" in request.query_params:
        response.set_cookie(
            LANGUAGE_COOKIE,
            speech.language,
            max_age=31_536_000,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
    return response


def plain(
    request: Request, reader: Reader | None, template: str, context: Mapping[str, Any], status: int = 200
) -> HTMLResponse:
    """A page without figures: what was refused, how to sign in."""
    return around(request, reader, _part(template, Speech(language_of(request)), None, context), status)


def here(path: str) -> Item | None:
    """The page of the menu that an address belongs to; an agency's scorecard belongs to the comparison."""
    matching = [item for item in MENU if path == item.path or (item.path != "/" and path.startswith(item.path + "/"))]
    return max(matching, key=lambda item: len(item.path), default=None)


def renew() -> Night | None:
    """Decide on the small cells of the last night, if it or a report is new; the night, if there is one.

    So that no reader waits for it: pages go on meanwhile with the decision before a report, never with another night's.
    """
    night = _read(ALL_AGENCIES, last_night)
    if night is not None:
        last = last_issued_at()
        if _small_cells.get(night, lambda: small_cells(night)).issued_at != last:
            _small_cells.put(night, small_cells(night))
    return night


def present(reader: Reader, language: Language = "id") -> Frame | None:
    """What a page for the reader stands in now, and a mart that is pulled: the same night, the same cells hidden.

    None before the first night. Opens transactions of its own: not to be called inside another.
    """
    night = _nights.get("night", lambda: _read(ALL_AGENCIES, last_night))
    return None if night is None else frame_of(night, language, reader)


def hidden_rows(mart: str) -> frozenset[str]:
    """Keys (`catalog.row_key`) of the mart's rows that the pull API masks: the same cells as on pages and in files.

    Opens transactions of its own: not to be called inside another.
    """
    now = present(ALL_AGENCIES)
    return frozenset() if now is None else now.small.rows_of(mart)


def frame_of(night: Night, language: Language, reader: Reader = ALL_AGENCIES) -> Frame:
    """What a page of the night stands in; unless said otherwise for a reader who sees every agency."""
    return Frame(reader, Speech(language), night, _small_cells.get(night, lambda: small_cells(night)))


def _read(reader: Reader, ask: Callable[[Cursor], Value]) -> Value:
    try:
        with database.ask(reader) as cursor:
            return ask(cursor)
    except errors.InsufficientPrivilege as refused:
        raise NotForThisRole(str(refused)) from refused


def _part(template: str, speech: Speech, night: Night | None, context: Mapping[str, Any]) -> Part:
    module = templates.get_template(template).make_module({**_words(speech), "night": night, **context})
    return str(vars(module)["title"]), Markup(module)  # noqa: S704 - the template's own output, escaped there


def _words(speech: Speech) -> dict[str, Any]:
    return {"language": speech.language, **{name: getattr(speech, name) for name in SPOKEN}}


def forget() -> None:
    """Make everything anew when next asked: for another warehouse."""
    for kept in (_parts, _shared, _names, _nights, _small_cells):
        kept.forget()
