"""Where the records stand in a sample, and what stands around them: totals, hints of paging, events beside them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from extract.connectors import Page
from extract.profile_tools.guessing import fields_of
from extract.profile_tools.sampling import Grid, SampleUnusable, decode, form_of, grids
from extract.profile_tools.vocabulary import field_names, plain_name

_HEADING_SEARCH_ROWS = 30
_MAX_DEPTH = 6
_TAIL_WORDS = frozenset({"JUMLAH", "TOTAL"})
_OPEN311_ID = "service_request_id"


@dataclass(frozen=True, slots=True)
class Beside:
    """Events that stand beside the records: where, and the field that names their record."""

    path: str
    key: str
    entries: list[dict[str, Any]]


@dataclass(slots=True)
class Found:
    """The records of a sample and what the place they stand in tells."""

    kind: str
    records: list[dict[str, Any]]
    records_at: str = ""
    record_at: str | None = None
    total_at: str | None = None
    paging: dict[str, Any] = field(default_factory=dict)
    beside: Beside | None = None
    sheet: str | None = None
    form: str = "json"

    @property
    def is_table(self) -> bool:
        """Whether the records are rows below a heading."""
        return self.form in ("text", "workbook")


def find_records(page: Page, table: str, kind: str | None) -> Found:
    """The records of a sample. Raises SampleUnusable when there are none."""
    form = form_of(page.content)
    if form == "html":
        raise SampleUnusable(f"{page.name} is an HTML page: ask the agency for the data themselves")
    if form in ("text", "workbook"):
        return _in_tables(page, table, form)
    body = decode(page)
    if form == "xml":
        found = Found(kind or "open311", _objects(body), form=form)
    else:
        found = _in_json(body, table)
        is_open311 = not found.records_at and any(_OPEN311_ID in record for record in found.records)
        found.kind = kind or ("open311" if is_open311 else "rest")
    if not found.records:
        raise SampleUnusable(f"{page.name} holds no record: take a sample with some")
    return found


# -- JSON --------------------------------------------------------------------------------------------------------------


def _in_json(body: Any, table: str) -> Found:
    lists = [(path, _objects(entries)) for path, entries in _lists(body, "", 0) if _objects(entries)]
    if not lists:
        return Found("rest", [])
    candidates = [(path, *_unwrapped(entries)) for path, entries in lists]
    path, records, record_at = max(candidates, key=lambda one: (_known_names(one[1], table), len(one[1])))
    found = Found("rest", records, path, record_at)
    found.beside = _beside([(place, entries) for place, entries in lists if place != path], records)
    hints = field_names()["paging"]
    scalars = dict(_scalars(body, "", 0))
    totals = [place for place in _called(scalars, hints["total"]) if _whole(scalars[place])]
    found.total_at = next((place for place in totals if scalars[place] >= len(records)), None)
    found.paging = _paging(scalars, hints)
    return found


def _lists(value: Any, path: str, depth: int) -> Iterator[tuple[str, list[Any]]]:
    """Lists that stand in no other list."""
    if isinstance(value, list):
        yield path, value
    elif isinstance(value, dict) and depth < _MAX_DEPTH:
        for name, inner in value.items():
            yield from _lists(inner, f"{path}.{name}" if path else str(name), depth + 1)


def _scalars(value: Any, path: str, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and depth < _MAX_DEPTH:
        for name, inner in value.items():
            yield from _scalars(inner, f"{path}.{name}" if path else str(name), depth + 1)
    elif path and not isinstance(value, (dict, list)):
        yield path, value


def _objects(entries: Any) -> list[dict[str, Any]]:
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _unwrapped(entries: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], str | None]:
    """Records that each stand in an object of their own (`{"node": {...}, "cursor": ...}`), and under which name."""
    names = {name for entry in entries for name in entry} - {"cursor"}
    name = next(iter(names)) if len(names) == 1 else None
    if name and all(isinstance(entry.get(name), dict) for entry in entries):
        return [entry[name] for entry in entries], name
    return entries, None


def _known_names(records: list[dict[str, Any]], table: str) -> int:
    """How many names of fields are ones that records of the table have."""
    vocabulary = field_names()
    known = {name for names in vocabulary[table].values() for name in names}
    known |= {name for part in ("identity", "text") for names in vocabulary[part].values() for name in names}
    return sum(plain_name(path) in known or plain_name(path.rpartition(".")[2]) in known for path in fields_of(records))


def _beside(others: list[tuple[str, list[dict[str, Any]]]], records: list[dict[str, Any]]) -> Beside | None:
    """A list whose entries name records: some field of theirs holds only values that one field of the records holds."""
    ids = [
        {str(value) for value in source.values}
        for source in fields_of(records).values()
        if len(source.values) == len(records) and len(set(map(str, source.values))) == len(records)
    ]
    for path, entries in others:
        for name, source in fields_of(entries).items():
            values = {str(value) for value in source.values}
            if len(source.values) == len(entries) and any(values <= known for known in ids) and _is_id(name):
                return Beside(path, name, entries)
    return None


def _is_id(name: str) -> bool:
    return plain_name(name) in field_names()["complaints"]["tracking_id"]


def _called(scalars: Mapping[str, Any], names: list[str]) -> list[str]:
    ranked = [(names.index(plain), path) for path in scalars if (plain := plain_name(path.rpartition(".")[2])) in names]
    return [path for _, path in sorted(ranked)]


def _paging(scalars: Mapping[str, Any], hints: Mapping[str, list[str]]) -> dict[str, Any]:
    """What the answer tells of its paging; the names of parameters are guesses from the names beside them."""
    size = next((path for path in scalars if _leaf(path) in _SIZES), None)
    sized = {"size_parameter": size.rpartition(".")[2]} | _size(scalars[size]) if size else {}
    for path in _called(scalars, hints["next_url"]):
        value = scalars[path]
        if isinstance(value, str) and value.startswith(("http://", "https://", "/", "?")):
            return {"style": "next_url", "next_at": path} | sized
    if cursors := _called(scalars, hints["cursor"]):
        return {"style": "cursor", "parameter": "cursor", "next_at": cursors[0]} | sized
    page = next(iter(_called(scalars, hints["page"])), None)
    pages = next((path for path in _called(scalars, hints["pages"]) if _whole(scalars[path])), None)
    if page or pages:
        named = page.rpartition(".")[2] if page else "page"
        first = {"first": 0} if page and scalars[page] == 0 else {}
        return {"style": "page", "parameter": named} | sized | first | ({"pages_at": pages} if pages else {})
    if urls := _called(scalars, hints["next_url"]):
        return {"style": "next_url", "next_at": urls[0]} | sized
    if offset := next((path for path in scalars if _leaf(path) in ("offset", "mulai", "skip")), None):
        return {"style": "offset", "parameter": offset.rpartition(".")[2]} | sized
    return {}


_SIZES = frozenset({"per_page", "per_halaman", "page_size", "limit", "size", "ukuran", "batas"})


def _leaf(path: str) -> str:
    return plain_name(path.rpartition(".")[2])


def _size(value: Any) -> dict[str, Any]:
    return {"size": value} if _whole(value) and value > 0 else {}


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# -- tables ------------------------------------------------------------------------------------------------------------


def _in_tables(page: Page, table: str, form: str) -> Found:
    """Rows below the heading that names most of what records of the table have."""
    best: tuple[int, Grid, int] | None = None
    for grid in grids(page):
        for index, row in enumerate(grid.rows[:_HEADING_SEARCH_ROWS]):
            names = [cell for cell in row if isinstance(cell, str) and cell.strip()]
            if len(names) < 2 or len(set(names)) < len(names):
                continue
            score = _known_names([dict.fromkeys(names, "x")], table)
            if best is None or score > best[0]:
                best = (score, grid, index)
    if best is None:
        raise SampleUnusable(f"{page.name} has no row of headings among its first {_HEADING_SEARCH_ROWS}")
    _, grid, index = best
    headings = [str(cell).strip() for cell in grid.rows[index]]
    while headings and not headings[-1]:
        headings.pop()
    records = [
        dict(zip(headings, row, strict=False))
        for row in grid.rows[index + 1 :]
        if any(cell not in (None, "") for cell in row) and str(row[0]).strip().upper() not in _TAIL_WORDS
    ]
    if not records:
        raise SampleUnusable(f"{page.name} has headings and no rows: take a sample with some")
    return Found("tabular", records, sheet=grid.sheet if grid.sheet_count > 1 else None, form=form)
