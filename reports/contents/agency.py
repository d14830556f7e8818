"""An agency's scorecard: its own figures, how sure they are, and its place among peers, none of which is named.

For a month, a quarter, a semester or a year. Scorecards are made many at a time: every query reads all of the agencies
asked for, and charts are drawn only where there is something to see.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from psycopg2.extensions import cursor as Cursor

from reports.contents import frame
from reports.contents.agency_answers import completeness_section, satisfaction_section
from reports.contents.agency_card import Card
from reports.contents.agency_figures import MEASURES, Earlier, World, cells_of, read, read_quantiles, year_to_date
from reports.contents.agency_handling import handling_section, units_section
from reports.contents.agency_peers import peers_section
from reports.contents.agency_results import headlines, results_section
from reports.contents.frame import KIND_LABELS, Basis
from reports.contents.restatements import restatements
from reports.periods import Period
from reports.report import Metric, Report, Section

TITLE = "Rapor Pengelolaan Pengaduan"

METRICS = (
    *MEASURES, "shrunk_value", "funnel_z_adjusted", "ended_by_limit_rate", "working_days_median",
    "backlog_over_limit_rate_of_backlog", "rating", "rated_rate_of_completions", "agency_coverage",
)  # fmt: skip

# Metrics that only these tables speak of, or the section of ratings: without them the dictionary leaves them out.
TOLD_BY_TABLES = {
    "completed_rate_of_valid": {"indikator", "perbandingan"},
    "completion_within_limit_rate_of_due": {"indikator", "perbandingan"},
    "routing_accuracy_rate_of_routed": {"indikator", "perbandingan"},
    "shrunk_value": {"perbandingan"},
    "funnel_z_adjusted": {"perbandingan"},
    "ended_by_limit_rate": {"kecepatan"},
    "working_days_median": {"kecepatan"},
    "backlog_over_limit_rate_of_backlog": {"bulanan"},
}
TOLD_BY_RATINGS = {"rating", "rated_rate_of_completions"}

DENOMINATORS = (
    *frame.DENOMINATORS[:2],
    "Ketepatan waktu dibagi laporan yang batas waktunya sudah lewat pada batas waktu data.",
    "Selang 95% (Wilson) menunjukkan nilai jangka panjang yang masih mungkin; laporan sedikit, selangnya lebar.",
    "Kelompok sebanding: instansi sejenis dengan volume laporan serupa; tidak satu pun disebut namanya.",
    "Rasio tidak ditampilkan bila penyebutnya kurang dari 10 (data tidak cukup).",
)


def compose(cursor: Cursor, period: Period, *, agency_code: str, night: date | None = None) -> Report:
    """One agency's scorecard.

    Raises ValueError for a week or an agency the warehouse does not know, frame.NotPublished without marts at `night`.
    """
    report = next(compose_all(cursor, period, agency_codes=[agency_code], night=night), None)
    if report is None:
        raise ValueError(f"{agency_code} is no agency of marts.dim_agencies. Codes look like KOTA-21.71.")
    return report


def compose_all(
    cursor: Cursor, period: Period, *, agency_codes: Sequence[str] | None = None, night: date | None = None
) -> Iterator[Report]:
    """The scorecards of these agencies, or of all, in order of their codes; unknown codes are left out."""
    if period.kind == "week":
        raise ValueError(f"{period.id}: scorecards are made for months and longer. Write for instance 2021-06.")
    basis = frame.stand_on(cursor, "agency", period, night=night)
    worlds = read(cursor, basis, agency_codes)
    quantiles = read_quantiles(cursor, worlds.values())
    metrics = frame.metrics(cursor, METRICS)
    earlier = Earlier.read(cursor, basis, list(worlds))
    for code, world in worlds.items():
        own = replace(basis, agency_code=code)
        yield _report(cursor, own, world, quantiles, metrics, earlier)


def _report(
    cursor: Cursor,
    basis: Basis,
    world: World,
    quantiles: Mapping[tuple[str, str, str], tuple[float, ...]],
    metrics: tuple[Metric, ...],
    earlier: Earlier,
) -> Report:
    small = earlier.decide(world.code, cells_of(basis.period, world))
    card = Card(basis, world, small, quantiles)
    parts: list[Section | None]
    if world.total(year_to_date(basis.period)).received == 0 and not world.stock:
        parts = [Section("Capaian", (f"Tidak ada laporan yang diterima sampai dengan {basis.period.label}.",))]
    else:
        parts = [
            results_section(card),
            peers_section(card),
            handling_section(card),
            units_section(card),
            satisfaction_section(card),
        ]
    parts.append(completeness_section(card))
    sections = tuple(section for section in parts if section is not None)
    kind = KIND_LABELS.get(world.kind, world.kind)
    return frame.report(
        basis,
        small,
        institution=world.name.upper(),
        title=TITLE,
        subtitle=f"{frame.span(basis.period)} · {kind}" + (f", {world.province}" if world.province else ""),
        headlines=headlines(card),
        sections=sections,
        metrics=tuple(metric for metric in metrics if _is_told(metric.metric_id, sections, world)),
        denominators=DENOMINATORS,
        restatements=restatements(cursor, basis, small),
    )


def _is_told(metric: str, sections: Sequence[Section], world: World) -> bool:
    """Whether the scorecard speaks of the metric."""
    if metric in TOLD_BY_RATINGS:
        return any(row["rating_count"] for row in world.ratings)
    tables = {block.name for section in sections for block in section.blocks}
    return metric not in TOLD_BY_TABLES or not tables.isdisjoint(TOLD_BY_TABLES[metric])
