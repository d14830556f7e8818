"""What the Ombudsman's report counts: indications at agencies by quarter, and what of it may be shown."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from psycopg2.extensions import cursor as Cursor

from reports.contents.frame import CENTRAL, FAMILY, KIND_SHORT, LEAST_FOR_RATE, Basis, SmallCells, base_cell
from reports.language import month_short, number, percent
from reports.periods import Period
from reports.suppression import Cell

CONFIDENTIAL = "secret_by_agency_quarter"
REPETITION = "repeated_by_agency_quarter"  # who repeats is a trait of the person: few are hidden, as few people are
CATEGORY = "public_received_by_category_quarter"
DELAY = "penundaan_berlarut"
SILENT = "tidak_menanggapi"
REPEATED = "pengaduan_berulang"
# In the order of the report: label of a column, and of a headline.
INDICATIONS = {
    DELAY: ("Penundaan berlarut", "Indikasi penundaan berlarut"),
    SILENT: ("Tidak menanggapi", "Indikasi tidak menanggapi"),
    "bolak_balik_disposisi": ("Bolak-balik disposisi", "Indikasi bolak-balik disposisi"),
    "dibuka_kembali": ("Dibuka kembali", "Indikasi tidak tuntas (dibuka kembali)"),
    REPEATED: ("Pengaduan berulang", "Indikasi pengaduan berulang"),
}
ABOVE = {"above 95": "95%", "above 99.8": "99,8%"}
LEAST_CASES = 5  # seed oversight_thresholds, min_case_count: fewer are chance, and may be recognised


@dataclass(frozen=True, slots=True)
class Agency:
    """What an agency received in the period and in the months of DELAY, and what of the period is still open."""

    code: str
    name: str
    kind: str
    province_code: str
    received: int
    received_for_delay: int
    secret: int
    backlog: int
    over_limit: int


@dataclass(frozen=True, slots=True)
class Finding:
    """An indication at an agency in one quarter: cases of base, and what its peers say to that."""

    agency_code: str
    quarter: date
    indication: str
    cases: int
    base: int
    peer_group: str
    share: Decimal | None
    low: Decimal | None
    high: Decimal | None
    peer_share: Decimal | None
    tau_squared: Decimal | None
    position: str
    examples: Sequence[Mapping[str, Any]] | None

    @property
    def is_above(self) -> bool:
        return self.position in ABOVE

    @property
    def is_judged(self) -> bool:
        return self.position != "not judged" and self.base >= LEAST_FOR_RATE

    @property
    def base_cell(self) -> Cell:
        members = frozenset({f"{self.agency_code}/{_quarter_id(self.quarter)}"})
        return Cell(base_family(self.indication), members, self.base)


@dataclass(frozen=True, slots=True)
class Total:
    """Cases of base over some agencies."""

    cases: int = 0
    base: int = 0

    @property
    def share(self) -> Decimal | None:
        """None under a base of 10, where a share says nothing."""
        return Decimal(self.cases) / self.base if self.base >= LEAST_FOR_RATE else None


def base_family(indication: str) -> str:
    """The family of what an indication is looked for in."""
    return f"{indication}_base_by_agency_quarter"


@dataclass(frozen=True, slots=True)
class World:
    """What every section looks at."""

    period: Period
    basis: Basis
    agencies: Mapping[str, Agency]
    findings: Sequence[Finding]
    provinces: Mapping[str, str]
    small: SmallCells

    def words(self, code: str) -> tuple[str, str, str]:
        """Name, kind and province of an agency."""
        agency = self.agencies[code]
        province = self.provinces.get(agency.province_code, agency.province_code)
        return agency.name, KIND_SHORT.get(agency.kind, agency.kind), province

    def hides(self, agency: Agency) -> bool:
        return self.small.hides(FAMILY, received_members([agency], self.period.months))

    def hides_repeated(self, agencies: Iterable[Agency]) -> bool:
        """Whether the number of their repeated complaints is not shown."""
        return self.small.hides(REPETITION, quarter_members(agencies, self.period))

    def hides_delay(self, agencies: Sequence[Agency]) -> bool:
        return self.small.hides(FAMILY, received_members(agencies, delay_months(self.period)))


def _quarters(period: Period) -> list[date]:
    return [month for month in period.months if month.month % 3 == 1]


@lru_cache(maxsize=64)
def _quarter_id(day: date) -> str:
    return Period.containing("quarter", day).id


@lru_cache(maxsize=64)
def delay_months(period: Period) -> tuple[date, ...]:
    """Months of receipt that are looked at for delay: a quarter earlier, so that 60 working days can have passed."""
    earlier = [Period.containing("quarter", start).before() for start in _quarters(period)]
    return tuple(month for quarter in earlier for month in quarter.months)


def _delay_quarters(period: Period) -> list[date]:
    return [month for month in delay_months(period) if month.month % 3 == 1]


def delay_label(period: Period) -> str:
    """The months of DELAY: Jan 2021–Mar 2021."""
    months = delay_months(period)
    return f"{month_short(months[0])}–{month_short(months[-1])}"


def read_agencies(cursor: Cursor, period: Period) -> dict[str, Agency]:
    """What every agency received in the period and in the months of DELAY, by code."""
    cursor.execute(
        "select agency_code, min(agency_name), min(kind), coalesce(min(province_code), %(central)s),"
        " coalesce(sum(received_count) filter (where quarter = any(%(quarters)s)), 0)::integer,"
        " coalesce(sum(received_count) filter (where quarter = any(%(delay_quarters)s)), 0)::integer,"
        " coalesce(sum(secret_count) filter (where quarter = any(%(quarters)s)), 0)::integer,"
        " coalesce(sum(backlog_count) filter (where quarter = any(%(quarters)s)), 0)::integer,"
        " coalesce(sum(backlog_over_limit_count) filter (where quarter = any(%(quarters)s)), 0)::integer"
        " from marts.rpt_ombudsman_agencies_quarterly"
        " where quarter = any(%(quarters)s) or quarter = any(%(delay_quarters)s)"
        " group by agency_code order by agency_code",
        {"quarters": _quarters(period), "delay_quarters": _delay_quarters(period), "central": CENTRAL},
    )
    return {row[0]: Agency(*row) for row in cursor.fetchall()}


def read_findings(cursor: Cursor, period: Period) -> list[Finding]:
    """Indications of the period's quarters; of DELAY those of the quarters before."""
    cursor.execute(
        "select agency_code, quarter, indication, case_count, base_count, peer_group, share, share_low, share_high,"
        " peer_share, peer_tau_squared, coalesce(funnel_position, 'not judged'), examples"
        " from marts.rpt_ombudsman_indications_quarterly"
        " where quarter = any(case when indication = %(delay)s then %(delay_quarters)s else %(quarters)s end::date[])"
        " order by quarter, indication, agency_code",
        {"quarters": _quarters(period), "delay_quarters": _delay_quarters(period), "delay": DELAY},
    )
    return [Finding(*row) for row in cursor.fetchall()]


def read_province_names(cursor: Cursor) -> dict[str, str]:
    """Names of the provinces by code, the centre among them."""
    cursor.execute("select kemendagri_code, name from marts.dim_regions where kind = 'provinsi' and is_current")
    return {CENTRAL: "Instansi pusat", **dict(cursor.fetchall())}


@dataclass(frozen=True, slots=True)
class Category:
    """Complaints of a main category that are not secret, each counted at every agency that had it."""

    name: str
    received: int
    due: int
    unanswered: int
    closed: int
    reopened: int

    def members(self, period: Period) -> frozenset[str]:
        return frozenset(f"{self.name}/{Period.containing('quarter', quarter).id}" for quarter in _quarters(period))


def read_categories(cursor: Cursor, period: Period) -> list[Category]:
    """Main categories of the period's complaints that are not secret, the most unanswered first."""
    cursor.execute(
        "with mains as (select distinct on (category_id) category_id, category_main from marts.dim_categories"
        " order by category_id, valid_from desc)"
        " select coalesce(mains.category_main, 'BELUM DIKATEGORIKAN') as name, count(*),"
        " count(*) filter (where is_first_response_due),"
        " count(*) filter (where is_first_response_due and first_response_outcome = 'missed'"
        " and followed_up_at is null),"
        " count(*) filter (where status_code = 'SELESAI' or reopened_count > 0),"
        " count(*) filter (where reopened_count > 0)"
        " from marts.fct_assignments as assignments left join mains using (category_id)"
        " where received_month between %(first)s and %(last)s and not is_secret"
        " group by name order by 4 desc, name",
        {"first": period.first_date, "last": period.last_date},
    )
    return [Category(*row) for row in cursor.fetchall()]


def totals_of(findings: Iterable[Finding]) -> dict[str, Total]:
    """Cases and bases by indication, every indication among them."""
    summed = dict.fromkeys(INDICATIONS, Total())
    for finding in findings:
        so_far = summed[finding.indication]
        summed[finding.indication] = Total(so_far.cases + finding.cases, so_far.base + finding.base)
    return summed


def received_members(agencies: Iterable[Agency], months: Sequence[date]) -> frozenset[str]:
    """The base cells of what these agencies received in these months, as the other bodies' reports count."""
    return frozenset(base_cell(agency.code, month) for agency in agencies for month in months)


def quarter_members(agencies: Iterable[Agency], period: Period) -> frozenset[str]:
    """The base cells of their secret complaints, and of their repeated ones."""
    quarters = [_quarter_id(quarter) for quarter in _quarters(period)]
    return frozenset(f"{agency.code}/{quarter}" for agency in agencies for quarter in quarters)


def by_province_of(agencies: Iterable[Agency]) -> dict[str, list[Agency]]:
    """The agencies by the code of their province, in its order."""
    groups: dict[str, list[Agency]] = defaultdict(list)
    for agency in agencies:
        groups[agency.province_code].append(agency)
    return dict(sorted(groups.items()))


def cells_of(
    agencies: Mapping[str, Agency], findings: Sequence[Finding], categories: Sequence[Category], period: Period
) -> list[Cell]:
    """Received, secret, repeated, the bases of what stands in lists and in provinces, categories; each with its sum.

    The sum of all categories is what was received less what is secret, so it is known too.
    """
    everyone = list(agencies.values())
    groups = [[agency] for agency in everyone] + [*by_province_of(everyone).values()] + ([everyone] if everyone else [])
    cells: dict[tuple[str, frozenset[str]], Cell] = {}
    repeated: dict[str, int] = defaultdict(int)
    for finding in findings:
        if finding.indication == REPEATED:
            repeated[finding.agency_code] += finding.cases
    for group in groups:
        received = Cell(FAMILY, received_members(group, period.months), sum(agency.received for agency in group))
        earlier = sum(agency.received_for_delay for agency in group)
        delay = Cell(FAMILY, received_members(group, delay_months(period)), earlier)
        secret = Cell(CONFIDENTIAL, quarter_members(group, period), sum(agency.secret for agency in group))
        again = sum(repeated[agency.code] for agency in group)
        repetition = Cell(REPETITION, quarter_members(group, period), again)
        cells |= {(cell.family, cell.members): cell for cell in (received, delay, secret, repetition)}
    for finding in findings:
        if finding.is_above:
            cells[finding.base_cell.family, finding.base_cell.members] = finding.base_cell
            if finding.indication == REPEATED:
                cases = Cell(REPETITION, finding.base_cell.members, finding.cases)
                cells[cases.family, cases.members] = cases
    for indication in (DELAY, SILENT):
        by_province: dict[str, list[Finding]] = defaultdict(list)
        for finding in findings:
            if finding.indication == indication:
                by_province[agencies[finding.agency_code].province_code].append(finding)
        everywhere = [finding for found in by_province.values() for finding in found]
        for found in [*by_province.values(), everywhere] if everywhere else []:
            members = frozenset(member for finding in found for member in finding.base_cell.members)
            cell = Cell(base_family(indication), members, sum(finding.base for finding in found))
            cells[cell.family, cell.members] = cell
    parts = [Cell(CATEGORY, category.members(period), category.received) for category in categories]
    if parts:
        members = frozenset(member for cell in parts for member in cell.members)
        parts.append(Cell(CATEGORY, members, sum(cell.count for cell in parts)))
    cells |= {(cell.family, cell.members): cell for cell in parts}
    return list(cells.values())


def of_words(total: Total) -> str:
    """The share and its base in brackets, as a sentence goes on; nothing under a base of 10."""
    return f" ({percent(total.share)} dari {number(total.base)})" if total.share is not None else ""
