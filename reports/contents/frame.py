"""What every report says alike: the night it stands on, how complete the data is, its metrics, what changed.

A body's module calls `stand_on` first, collects the counts of people its tables show, asks `small_cells` which of them
stay hidden, and puts the rest of this module's parts around its own sections.
"""

import csv
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from psycopg2.extensions import cursor as Cursor

from reports.language import date_long, number
from reports.periods import Period
from reports.report import Body, Column, Headline, Hidden, Kind, Metric, Report, Section, Table, Value
from reports.suppression import Cell, decide

METRIC_WORDS = Path(__file__).resolve().parent.parent / "data" / "metric_words.csv"

# Below it a percentage change of a count, or a change in points of its rate, is noise: the marts' own rule
# (received_change, relative_difference).
LEAST_FOR_CHANGE = 20

# A rate of what was received compares with an earlier one only when the youngest complaint is about 60 working days
# old, the longest wait there should be (Perpres 76/2013): before, the later period is worse for its age alone.
SETTLED_DAYS = 90

LEAST_FOR_RATE = 10  # the warehouse's own rule: below it read counts, not rates

FAMILY = "received_by_agency_month"  # the cells that every body's report counts: complaints an agency received
# Pixels of a chart across the page, and of one beside another: letters are as large in both.
WHOLE_WIDTH, HALF_WIDTH = 640, 312
CENTRAL = "00"  # the province of agencies of the centre in the marts

DENOMINATORS = (
    "Tingkat tindak lanjut dan tingkat penyelesaian dibagi laporan diterima pada periode, termasuk yang diarsipkan.",
    "Laporan dihitung pada bulan diterimanya; keadaannya dilihat pada batas waktu data, sehingga angka bulan"
    " terakhir masih akan naik.",
    "Satu laporan yang ditangani beberapa instansi dihitung satu kali secara nasional dan satu kali di tiap instansi;"
    " jumlah antarinstansi karena itu lebih besar daripada angka nasional.",
)

SUPPRESSION_NOTE = (
    "Baris yang dasarnya hanya 1 sampai 4 laporan atau penilaian disamarkan dengan tanda *, begitu pula baris lain yang"
    " dengannya dasar itu dapat dihitung kembali. Hasil penanganan dari 5 laporan atau lebih ditampilkan, juga bila"
    " hasil itu sendiri hanya 1 sampai 4. Tanda – berarti tidak diketahui atau tidak dapat diukur; bukan nol."
)

KIND_LABELS = {
    "kementerian": "Kementerian",
    "lembaga": "Lembaga",
    "provinsi": "Pemerintah provinsi",
    "kabupaten": "Pemerintah kabupaten",
    "kota": "Pemerintah kota",
}

KIND_SHORT = {kind: kind.capitalize() for kind in KIND_LABELS}  # in lists, beside the name of the agency


class NotPublished(Exception):
    """The marts do not hold what the report would stand on; the message says what to run."""


@dataclass(frozen=True, slots=True)
class Basis:
    """The published night a report stands on, and which report it is."""

    body: Body
    period: Period
    agency_code: str | None
    night: date
    cut_off_at: datetime
    is_simulated: bool
    delivered: int
    expected: int
    completeness: Table

    @property
    def is_settled(self) -> bool:
        """Whether rates of what the period received may be compared with those of the period before."""
        return (self.night - self.period.last_date).days >= SETTLED_DAYS


def stand_on(
    cursor: Cursor, body: Body, period: Period, *, agency_code: str | None = None, night: date | None = None
) -> Basis:
    """The last published night with its completeness.

    The marts say what was known at that night and at no other: raises NotPublished when `night` is another one, or when
    none is published.
    """
    cursor.execute(
        "select night, cut_off_at, is_simulated from ops.nights where published_at is not null"
        " order by night desc limit 1"
    )
    row = cursor.fetchone()
    if row is None:
        raise NotPublished("No night has been published yet. Run one (dags/lapor_nightly.py), or: make demo")
    if night not in (None, row[0]):
        raise NotPublished(
            f"The marts stand at night {row[0]}, not at {night}: a report is made of the last published night."
            f" Leave the night out, or publish {night} first (dags/lapor_nightly.py)."
        )
    table = _completeness(cursor, row[0])
    expected, delivered, empty = (sum(int(str(values[column])) for values in table.rows) for column in range(1, 4))
    return Basis(body, period, agency_code, row[0], row[1], row[2], delivered + empty, expected, table)


def _completeness(cursor: Cursor, night: date) -> Table:
    cursor.execute(
        "select kind, sum(expected_count)::integer, sum(delivered_count)::integer, sum(empty_count)::integer,"
        " sum(late_count)::integer, sum(failed_count)::integer, sum(held_count)::integer,"
        " sum(not_connected_count)::integer,"
        " sum(delivered_count + empty_count)::numeric / nullif(sum(expected_count), 0)"
        " from marts.rpt_coverage_daily where night = %(night)s group by kind"
        " order by array_position(%(kinds)s, kind), kind",
        {"night": night, "kinds": list(KIND_LABELS)},
    )
    return Table(
        name="kelengkapan",
        title="Kelengkapan data menurut jenis instansi",
        columns=(
            Column("kind", "Jenis instansi", "text"),
            Column("expected_count", "Diharapkan", "count"),
            Column("delivered_count", "Masuk", "count"),
            Column("empty_count", "Nihil", "count", help="Instansi menyatakan tidak ada yang baru."),
            Column("late_count", "Terlambat", "count"),
            Column("failed_count", "Gagal", "count"),
            Column("held_count", "Ditahan", "count", help="Ditahan pemeriksaan mutu data sampai jelas."),
            Column("not_connected_count", "Belum terhubung", "count"),
            Column("coverage", "Kelengkapan", "rate", help="(Masuk + nihil) dibagi diharapkan."),
        ),
        rows=tuple((KIND_LABELS.get(kind, kind), *counts) for kind, *counts in cursor.fetchall()),
    )


@dataclass(frozen=True, slots=True)
class SmallCells:
    """Which counts of a report stay hidden, and all of them for the library."""

    cells: tuple[Cell, ...]
    hidden: frozenset[tuple[str, frozenset[str]]]

    def hides(self, family: str, members: Iterable[str]) -> bool:
        """Whether the count of these members is not shown. Shown too: what nobody has counted."""
        return (family, frozenset(members)) in self.hidden

    def mask(self, family: str, members: Iterable[str], values: Sequence[Value]) -> tuple[Value, ...]:
        """The values as they are, or every one of them hidden with their base."""
        return tuple(Hidden.SMALL for _ in values) if self.hides(family, members) else tuple(values)


def small_cells(cursor: Cursor, basis: Basis, cells: Sequence[Cell]) -> SmallCells:
    """Decide over the cells of one report, in view of the issues that were made before it.

    The sums that other bodies' reports will show of the same agencies and months are decided with them: what would give
    a cell away there must be hidden here already, as no later report can take back what this one shows.
    A report made again from the same marts sees what it saw the first time, and comes out the same.
    """
    families = {cell.family for cell in cells}
    before = None
    latest = _latest_issue(cursor, basis)
    if latest is not None:
        issue_id, issued_at = latest
        cursor.execute(
            "select family, members, cell_count from library.cells where issue_id = %s and family = any(%s)",
            (issue_id, sorted(families)),
        )
        issued = {(family, frozenset(members), count) for family, members, count in cursor.fetchall()}
        before = issued_at if issued == {(cell.family, cell.members, cell.count) for cell in cells} else None
    told = {(cell.family, cell.members) for cell in cells}
    elsewhere = [
        cell for cell in _sums_elsewhere(cursor, basis.period, cells) if (cell.family, cell.members) not in told
    ]
    decided = decide([*cells, *elsewhere], earlier_cells(cursor, basis.period, cells, before))[: len(cells)]
    hidden = frozenset((cell.family, cell.members) for cell in decided if cell.is_hidden)
    return SmallCells(tuple(decided), hidden)


def report(
    basis: Basis, small: SmallCells, *, institution: str, title: str, subtitle: str,
    headlines: tuple[Headline, ...], sections: tuple[Section, ...],
    metrics: tuple[Metric, ...], denominators: tuple[str, ...], restatements: Table | None,
) -> Report:  # fmt: skip
    """The report on what `stand_on` found, with the cells that were decided on.

    An agency's tells nothing of how complete the others are.
    """
    return Report(
        body=basis.body, period=basis.period, agency_code=basis.agency_code,
        institution=institution, title=title, subtitle=subtitle,
        night=basis.night,
        cut_off_at=basis.cut_off_at,
        is_simulated=basis.is_simulated,
        is_preview=False,
        delivered=basis.delivered,
        expected=basis.expected,
        headlines=headlines,
        sections=sections,
        metrics=metrics,
        denominators=denominators,
        restatements=restatements,
        cells=small.cells,
        completeness=basis.completeness if basis.agency_code is None else None,
    )  # fmt: skip


def _latest_issue(cursor: Cursor, basis: Basis) -> tuple[str, datetime] | None:
    """The issue of this very report on this night, if there is one."""
    cursor.execute(
        "select issue_id, issued_at from library.issues where body = %s and period = %s"
        " and agency_code is not distinct from %s and night = %s and not is_preview order by version desc limit 1",
        (basis.body, basis.period.id, basis.agency_code, basis.night),
    )
    row = cursor.fetchone()
    return None if row is None else (row[0], row[1])


def _sums_elsewhere(cursor: Cursor, period: Period, cells: Collection[Cell]) -> list[Cell]:
    """What all agencies of a province, a kind and the nation received over the months that `cells` tell of an agency.

    Of the calendar year, and as PANRB's report counts them.
    """
    spans = {
        frozenset(months)
        for cell in cells
        if cell.family == FAMILY
        for code, *others in [{member.partition("/")[0] for member in cell.members}]
        for months in [sorted(member.partition("/")[2] for member in cell.members)]
        if not others and months[0] >= period.id[:4]
    }
    cursor.execute(
        "select agency_code, kind, coalesce(province_code, %(central)s), to_char(month, 'YYYY-MM') as month_name,"
        " received_count from marts.rpt_panrb_monev_monthly where to_char(month, 'YYYY-MM') = any(%(months)s)",
        {"central": CENTRAL, "months": sorted({month for span in spans for month in span})},
    )
    received: dict[str, int] = {}
    groups: dict[str, set[str]] = defaultdict(set)
    for code, kind, province, month, count in cursor.fetchall():
        received[f"{code}/{month}"] = count
        for group in (kind, province, "nation"):
            groups[group].add(code)
    return [
        Cell(FAMILY, members, sum(received.get(member, 0) for member in members))
        for span in sorted(spans, key=sorted)
        for codes in groups.values()
        if len(members := frozenset(f"{code}/{month}" for code in codes for month in span)) > len(span)
    ]


def earlier_cells(
    cursor: Cursor, period: Period, cells: Collection[Cell], before: datetime | None = None
) -> list[Cell]:
    """What issues have shown and hidden of the families of `cells`, the oldest first.

    Those of the period's calendar year, and of the year before what is about one agency and meets `cells`: a window of
    twelve months, or the quarter before the first, is made of months that were reported then.
    before: only of issues made before that moment.
    """
    last_year = f"{int(period.id[:4]) - 1}"
    met = {(cell.family, member) for cell in cells for member in cell.members if last_year in member}
    cursor.execute(
        "select cells.family, cells.members, cells.cell_count, cells.is_hidden, left(issues.period, 4) = %(last_year)s"
        " from library.cells as cells inner join library.issues as issues using (issue_id)"
        " where cells.family = any(%(families)s) and not issues.is_preview"
        " and (left(issues.period, 4) = %(year)s"
        " or %(meets)s and left(issues.period, 4) = %(last_year)s and cardinality(cells.members) <= 12)"
        " and issues.issued_at < coalesce(%(before)s, 'infinity'::timestamptz)"
        " group by 1, 2, 3, 4, 5 order by max(issues.issued_at), 1, 2, 4",
        {
            "families": sorted({cell.family for cell in cells}),
            "year": period.id[:4],
            "last_year": last_year,
            "meets": bool(met),
            "before": before,
        },
    )
    told = []
    for family, members, count, is_hidden, is_of_last_year in cursor.fetchall():
        is_of_one = len({member.partition("/")[0] for member in members}) == 1
        if not is_of_last_year or (is_of_one and any((family, member) in met for member in members)):
            told.append(Cell(family, frozenset(members), count, is_hidden))
    return told


def change(
    now: Decimal | float | None,
    before: Decimal | float | None,
    kind: Kind,
    period: Period,
    *,
    before_n: int | None,
    unit: str = "",
) -> str | None:
    """The change of a headline in words: "▲ 1,5 poin dari triwulan lalu"; None when nothing can be said.

    before_n: complaints the earlier figure rests on; below 20 there is no change to speak of. Counts change by percent,
    rates (shares of 1) by points, numbers by their unit.
    """
    if now is None or before is None or (before_n or 0) < LEAST_FOR_CHANGE:
        return None
    than = f"dari {period.kind_label} lalu"
    difference = Decimal(str(now)) - Decimal(str(before))
    if kind == "count":
        told, size = "%", difference / Decimal(str(before)) * 100
    elif kind == "rate":
        told, size = " poin", difference * 100
    else:
        told, size = f" {unit}".rstrip(), difference
    words = number(abs(size), 1)
    if words == number(0, 1):
        return f"tetap {than}"
    return f"{'▲' if size > 0 else '▼'} {words}{told} {than}"


def metrics(cursor: Cursor, names: Sequence[str]) -> tuple[Metric, ...]:
    """The entries of the dictionary, in the order asked for, with formula and source in Indonesian words.

    Raises KeyError for a metric without words: add a line to reports/data/metric_words.csv.
    """
    cursor.execute(
        "select metric, name_id from marts.metric_dictionary where metric = any(%(names)s)", {"names": list(names)}
    )
    labels = dict(cursor.fetchall())
    words = metric_words()
    return tuple(Metric(name, labels[name], *words[name]) for name in names if name in labels)


@lru_cache(maxsize=1)
def metric_words() -> dict[str, tuple[str, str]]:
    """By metric: what is divided by what, and the source of the rule."""
    with METRIC_WORDS.open(encoding="utf-8", newline="") as file:
        return {row["metric"]: (row["formula_words"], row["source"]) for row in csv.DictReader(file)}


def span(period: Period) -> str:
    """The period and its days: Juni 2021 (1 Juni 2021 – 30 Juni 2021)."""
    return f"{period.label} ({date_long(period.first_date)} – {date_long(period.last_date)})"


@lru_cache(maxsize=65_536)  # a report of a semester asks for each of its cells ten times
def base_cell(agency_code: str, month: date) -> str:
    """The name of an agency's month as a member of cells: KOTA-21.71/2021-06."""
    return f"{agency_code}/{month:%Y-%m}"
