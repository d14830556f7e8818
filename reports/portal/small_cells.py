"""Which small counts the pages hide: decided once per night, over all agencies and in view of what was issued.

Hiding one number takes knowing its neighbours, so this is the one thing that is not asked in the reader's own role. It
says which cells are hidden, never a count. Families and members are those of the reports (reports/contents), so that a
page and a file about the same complaints are one system of equations: docs/adr/0016-small-cells.md.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from psycopg2.extensions import cursor as Cursor

from reports.periods import Period
from reports.portal import database, workshop
from reports.portal.figures import Night, Row, fetch
from reports.portal.readers import Reader
from reports.suppression import Cell, decide
from warehouse.settings import settings

RECEIVED = "received_by_agency_month"
UNITS = "received_by_unit_month"
OPEN = "open_by_programme_agency_province_week"
CAME = "came_by_programme_week"
TOPICS = "received_by_category_area_week"
PARTS = "received_by_part_of_the_nation_month"
NATION = "NASIONAL"  # the area code of the nation's topics
WEEKS = 26  # of the programmes' stock, as the page of priority issues draws it
CENTRAL = "00"  # the province of the central agencies in the marts
CENTRAL_KINDS = ("kementerian", "lembaga")
LEAST = 1  # what a hidden cell of an issue counts at least; that is all the portal is told of it

AREAS = {
    "rpt_agency_performance_monthly": "agency",
    "rpt_panrb_monev_monthly": "agency",
    "rpt_province_performance_monthly": "province",
    "rpt_panrb_monev_province_monthly": "province",
    "rpt_national_performance_monthly": "nation",
}
TELLS_THE_YEAR = {"rpt_panrb_monev_monthly", "rpt_panrb_monev_province_monthly"}
TOPICS_MART, PARTS_MART = "rpt_category_trends_weekly", "rpt_national_mix_monthly"
A_YEAR = timedelta(weeks=52)  # year_before_count speaks of the same weekday
KEPT = 5  # decisions on the disk

# Who sees every agency: small cells are decided on in this role, whoever reads.
ALL_AGENCIES = Reader(role="panrb_analyst", agency_code=None, label="", subject="")

Key = tuple[str, ...]
Cells = Mapping[Key, Cell]


@dataclass(frozen=True, slots=True)
class SmallCells:
    """Keys of the cells that are hidden, as the functions below name them.

    digest: of what was decided on. issued_at: of the last report that was looked at.
    """

    hidden: frozenset[Key]
    digest: str
    issued_at: datetime | None

    def hides(self, area: str, code: str, first: date, last: date | None = None) -> bool:
        """Whether what an area ("agency", "province", "nation" with code "") received in these months is not shown."""
        return (area, code, first.isoformat(), (last or first).isoformat()) in self.hidden

    def hides_open(self, programme: str, week: date, agency_code: str = "") -> bool:
        """Whether what a programme had open at the end of a week, at one agency or at all, is not shown."""
        return ("open", programme, agency_code, week.isoformat()) in self.hidden

    def hides_unit(self, agency_code: str, basis: str, unit: str) -> bool:
        """Whether what a unit received in the year so far is not shown."""
        return ("unit", agency_code, basis, unit) in self.hidden

    def hides_topic(self, category: str, area_code: str, week: date) -> bool:
        """Whether what was received of a category in an area and a week is not shown."""
        return ("topic", category, area_code, week.isoformat()) in self.hidden

    def rows_of(self, mart: str) -> frozenset[str]:
        """Keys, as `catalog.row_key` writes them, of a mart's rows that are hidden, small ones or not."""
        return _rows_of(self, mart)

    def hides_came(self, programme: str, week: date) -> bool:
        """Whether what came in to a programme in a week is not shown."""
        return ("came", programme, week.isoformat()) in self.hidden


@lru_cache(maxsize=2 * (len(AREAS) + 1))  # a decision has thousands of cells, and each page of a mart asks
def _rows_of(small: SmallCells, mart: str) -> frozenset[str]:
    area = AREAS.get(mart)
    if mart == TOPICS_MART:
        told = {key[1:] for key in small.hidden if key[0] == "topic"}
        year_later = {(*key[:2], (date.fromisoformat(key[2]) + A_YEAR).isoformat()) for key in told}
        return frozenset("/".join(key) for key in told | year_later)
    if mart == PARTS_MART:
        return frozenset("/".join(key[1:]) for key in small.hidden if key[0] == "part")
    # A row that tells the year so far as well is hidden with either.
    spans = [key[1:] for key in small.hidden if key[0] == area]
    return frozenset(
        "/".join(part for part in (code, last) if part)
        for code, first, last in spans
        if first == last or (mart in TELLS_THE_YEAR and first.endswith("-01-01"))
    )


def small_cells(night: Night) -> SmallCells:
    """Which cells of the night are hidden: small ones, and what they would follow from.

    Takes seconds for the nation, in the other process, so it is kept in the state directory by what it was decided on:
    the night may be built again with other figures, and another report may be issued.
    """
    issued_at = last_issued_at()  # before the others: what comes meanwhile is looked at next time
    kept = workshop.order_of(_decide, night)
    return SmallCells(frozenset(tuple(key) for key in json.loads(kept.read_text())), kept.stem, issued_at)


def last_issued_at() -> datetime | None:
    """When a report was last issued, so that small cells are to be decided anew."""
    with database.ask(ALL_AGENCIES) as cursor:
        cursor.execute("set local role none")  # as the portal itself: see `issued`
        found = fetch(cursor, "select library.last_issued_at() as at")[0]["at"]
        assert found is None or isinstance(found, datetime)
        return found


def _decide(night: Night) -> Path:
    """Read, decide, and where the decision stands."""
    with database.ask(ALL_AGENCIES) as cursor:
        cells = {**received(cursor, night), **units(cursor, night), **stocks(cursor), **topics(cursor, night)}
        cells |= parts_of_the_nation(cursor)
        # What a page says of an agency as a whole, it says whatever is hidden of its units; so of the nation.
        earlier = [*issued(cursor, night, cells.values()), *_totals(cells)]
    kept = settings().state_dir / "portal" / f"small-cells-{_digest(cells, earlier)}.json"
    if not kept.exists():
        distinct = {(cell.family, cell.members): cell for cell in cells.values()}
        decided = decide(list(distinct.values()), earlier)
        hidden = {(cell.family, cell.members) for cell in decided if cell.is_hidden}
        workshop.write(kept, [key for key, cell in cells.items() if (cell.family, cell.members) in hidden])
        for old in sorted(kept.parent.glob("small-cells-*.json"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
            old.unlink(missing_ok=True)
    return kept


def received(cursor: Cursor, night: Night) -> dict[Key, Cell]:
    """The sums of complaints received over agencies and months that pages and the pull API show.

    Each agency's months, its windows of comparison and its year so far, month by month; the same of each province's
    governments; and of the nation.
    """
    rows = fetch(
        cursor,
        "select agency_code, month, kind = any(%(central)s) as is_central, province_code, received_count"
        " from marts.rpt_agency_performance_monthly where month >= %(first)s - interval '12 months'",
        {"first": night.first_month, "central": list(CENTRAL_KINDS)},
    )
    windows = fetch(cursor, "select distinct first_date, last_date from marts.dim_agency_peer_groups order by 1, 2")
    spans = {(row["first_date"].replace(day=1), row["last_date"].replace(day=1)) for row in windows}
    this_year = {row["month"] for row in rows if row["month"] >= night.first_month} | {night.last_month}
    spans |= {(night.first_month, month) for month in this_year} | {(row["month"], row["month"]) for row in rows}
    cells: dict[Key, Cell] = {}
    for (area, code), group in _groups(rows).items():
        by_month: dict[date, list[Row]] = defaultdict(list)
        for row in group:
            by_month[row["month"]].append(row)
        for first, last in spans:
            part = [row for month, in_it in by_month.items() if first <= month <= last for row in in_it]
            if part and (first != last or first in by_month):
                members = frozenset(f"{row['agency_code']}/{row['month']:%Y-%m}" for row in part)
                count = sum(row["received_count"] for row in part)
                cells[area, code, first.isoformat(), last.isoformat()] = Cell(RECEIVED, members, count)
    return cells


def stocks(cursor: Cursor) -> dict[Key, Cell]:
    """What priority programmes have open at the ends of weeks, at all agencies and in the last weeks at each.

    And what came in to each in these: the running week, the last whole one that the page shows, and the one before.
    """
    rows = fetch(
        cursor,
        "select programme, agency_code, province_code, week, closing_count, in_count"
        " from marts.rpt_ksp_strategic_issues_weekly"
        " where week > (select max(week) from marts.rpt_ksp_strategic_issues_weekly) - 7 * %(weeks)s",
        {"weeks": WEEKS},
    )
    if not rows:
        return {}
    last = max(row["week"] for row in rows)
    cells: dict[Key, Cell] = {}
    for (programme, week), group in _by_programme_and_week(rows):
        cells["open", programme, "", week.isoformat()] = _open(group)
        if week >= last - timedelta(days=14):  # the stock of the week before is shown as the growth since
            by_agency: dict[str, list[Row]] = defaultdict(list)
            for row in group:
                by_agency[row["agency_code"]].append(row)
            for code, part in by_agency.items():
                cells["open", programme, code, week.isoformat()] = _open(part)
            came = sum(row["in_count"] for row in group)
            cells["came", programme, week.isoformat()] = Cell(CAME, frozenset({f"{programme}/{_name(week)}"}), came)
    return cells


def topics(cursor: Cursor, night: Night) -> dict[Key, Cell]:
    """What was received of each category by area and week of the year; the nation's weeks are the areas' sums."""
    rows = fetch(
        cursor,
        "select category_main, area_code, week, received_count from marts.rpt_category_trends_weekly"
        " where week >= %(first)s - 6",
        {"first": night.first_month},
    )
    areas: dict[tuple[str, date], set[str]] = defaultdict(set)
    for row in rows:
        if row["area_code"] != NATION:
            areas[row["category_main"], row["week"]].add(row["area_code"])
    cells: dict[Key, Cell] = {}
    for row in rows:
        category, area, week = row["category_main"], row["area_code"], row["week"]
        inside = areas[category, week] if area == NATION else {area}
        members = frozenset(f"{category}/{code}/{_name(week)}" for code in inside or {NATION})
        cells["topic", category, area, week.isoformat()] = Cell(TOPICS, members, row["received_count"])
    return cells


def units(cursor: Cursor, night: Night) -> dict[Key, Cell]:
    """What each agency's units received in the year so far."""
    rows = fetch(
        cursor,
        "select agency_code, unit_basis, unit_key, sum(received_count)::integer as received_count,"
        " array_agg(to_char(month, 'YYYY-MM')) as months from marts.rpt_unit_performance_monthly"
        " where month between %(first)s and %(last)s group by agency_code, unit_basis, unit_key",
        {"first": night.first_month, "last": night.last_month},
    )
    cells: dict[Key, Cell] = {}
    for row in rows:
        unit = f"{row['agency_code']}/{row['unit_basis']}:{row['unit_key']}"
        members = frozenset(f"{unit}/{month}" for month in row["months"])
        cells["unit", row["agency_code"], row["unit_basis"], row["unit_key"]] = Cell(
            UNITS, members, row["received_count"]
        )
    return cells


def parts_of_the_nation(cursor: Cursor) -> dict[Key, Cell]:
    """What was received in each month of each class, by each channel, and of each category."""
    rows = fetch(cursor, "select month, dimension, value, received_count from marts.rpt_national_mix_monthly")
    return {
        ("part", row["month"].isoformat(), row["dimension"], row["value"]): Cell(
            PARTS, frozenset({f"{row['dimension']}:{row['value']}/{row['month']:%Y-%m}"}), row["received_count"]
        )
        for row in rows
    }


def _totals(cells: Cells) -> list[Cell]:
    """The sums of each agency's units, and of the nation's parts of each kind and month."""
    groups: dict[Key, list[Cell]] = defaultdict(list)
    for (kind, *names), cell in cells.items():
        if kind == "unit":
            groups[kind, names[0]].append(cell)
        elif kind == "part":
            groups[kind, *names[:2]].append(cell)
    return [
        Cell(parts[0].family, frozenset().union(*(cell.members for cell in parts)), sum(cell.count for cell in parts))
        for parts in groups.values()
    ]


def issued(cursor: Cursor, night: Night, cells: Iterable[Cell]) -> list[Cell]:
    """What issues of the night's calendar year and the one before have shown and hidden of the families of `cells`.

    What is hidden counts here what the marts say, or LEAST.
    The transaction belongs to the portal itself afterwards: no reader may ask what others' issues hide.
    """
    now = {(cell.family, cell.members): cell.count for cell in cells}
    cursor.execute("set local role none")
    rows = fetch(
        cursor,
        "select family, members, shown_count, is_hidden"
        " from library.issued_cells(%(years)s, %(families)s) order by family, members, is_hidden",
        {
            "years": [str(night.night.year - 1), str(night.night.year)],
            "families": sorted({family for family, _ in now}),
        },
    )
    told = []
    for row in rows:
        family, members, count = row["family"], frozenset(row["members"]), row["shown_count"]
        if count is None:
            count = sum(now.get((family, frozenset({member})), LEAST) for member in members)
        told.append(Cell(family, members, count, row["is_hidden"]))
    return told


def _open(rows: list[Row]) -> Cell:
    members = frozenset(
        f"{row['programme']}/{row['agency_code']}/{row['province_code']}/{_name(row['week'])}" for row in rows
    )
    return Cell(OPEN, members, sum(row["closing_count"] for row in rows))


def _name(week: date) -> str:
    return Period.containing("week", week).id


def _by_programme_and_week(rows: list[Row]) -> Iterator[tuple[tuple[str, date], list[Row]]]:
    groups: dict[tuple[str, date], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["programme"], row["week"]].append(row)
    return iter(groups.items())


def _groups(rows: list[Row]) -> dict[tuple[str, str], list[Row]]:
    """The rows of each agency, of the governments of each province, of the centre, and of the nation."""
    groups: dict[tuple[str, str], list[Row]] = {("nation", ""): rows}
    for row in rows:
        groups.setdefault(("agency", row["agency_code"]), []).append(row)
        groups.setdefault(("province", CENTRAL if row["is_central"] else row["province_code"]), []).append(row)
    return groups


def _digest(cells: Cells, earlier: list[Cell]) -> str:
    """The same for the same cells and issues."""
    listed = sorted((*key, cell.count) for key, cell in cells.items())
    before = sorted((cell.family, sorted(cell.members), cell.count, cell.is_hidden) for cell in earlier)
    return sha256(repr((listed, before)).encode()).hexdigest()[:32]
