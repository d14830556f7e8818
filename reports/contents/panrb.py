"""Kemen PANRB's report of monitoring and evaluation: which agencies need coaching.

For a month, a quarter, a semester or a year. Figures of an agency are of the complaints it received; the national ones
count each complaint once. Counts of complaints of an agency, a kind or a province pass through the suppression of small
cells, with the year to date and the window of the comparison beside the period.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

from psycopg2.extensions import cursor as Cursor

from reports.charts import province_map
from reports.contents import panrb_agencies, panrb_peers
from reports.contents import panrb_figures as figures
from reports.contents.frame import (
    CENTRAL,
    DENOMINATORS,
    FAMILY,
    KIND_LABELS,
    Basis,
    SmallCells,
    change,
    metrics,
    report,
    small_cells,
    span,
    stand_on,
)
from reports.contents.panrb_course import CLOCKS, TREND_MONTHS, course_section, is_nation_hidden, nation_of
from reports.contents.panrb_figures import Agency, NationalMonth, Share, Speed, Sum, rate
from reports.contents.restatements import restatements
from reports.contents.wording import category_words
from reports.language import month_short, number, percent
from reports.periods import Period
from reports.report import Column, Headline, Hidden, Kind, Report, Section, Table, Value
from reports.suppression import Cell

TITLE = "Laporan Monev Pengelolaan SP4N-LAPOR!"
INSTITUTION = "KEMENTERIAN PENDAYAGUNAAN APARATUR NEGARA DAN REFORMASI BIROKRASI"
LEAST_NAMED = 30  # complaints below which a province is not called the lowest: seed comparison_rules, min_count_ranked
METRICS = (
    "followed_up_rate", "completed_rate", "in_progress_rate", "first_response_within_limit_rate_of_due",
    "working_days_median", "ended_only_working_days_mean", "backlog_over_limit_rate_of_backlog",
    "year_followed_up_rate", "decree_rate_of_agencies",
    "active_rate_of_agencies", "shrunk_value", "funnel_z_adjusted", "national_satisfaction", "coverage",
)  # fmt: skip
CLASS_LABELS = {
    "PENGADUAN": "Pengaduan",
    "ASPIRASI": "Aspirasi",
    "PERMINTAAN_INFORMASI": "Permintaan informasi",
    "WBS": "Whistleblowing (WBS)",
}
UNNAMED = "BELUM DIKATEGORIKAN"
LATEST = "Angka bulan terbaru masih akan naik"
PROFILES = {
    "report_class": ("klasifikasi", "Menurut klasifikasi", "Klasifikasi"),
    "channel": ("kanal", "Menurut kanal masuk", "Kanal"),
    "category_main": ("kategori", "Menurut kategori utama", "Kategori"),
}


def compose(cursor: Cursor, period: Period, *, night: date | None = None) -> Report:
    """The report of a month, quarter, semester or year. Raises ValueError for a week, NotPublished without marts."""
    if period.kind == "week":
        raise ValueError(f"PANRB's report is made for months and longer, not for the week {period.id}.")
    basis = stand_on(cursor, "panrb", period, night=night)
    agencies = figures.read_agencies(cursor, period)
    provinces = figures.read_provinces(cursor, period)
    nation = figures.read_nation(cursor, period.last_date, max(TREND_MONTHS, len(period.months) * 2))
    shares = {by: figures.read_shares(cursor, period, by) for by in PROFILES}
    peers = panrb_peers.read_peers(cursor, period)
    speeds = figures.read_speeds(cursor, period)
    groups = [*_by_kind(agencies).values(), *_by_province(agencies, provinces).values(), agencies]
    small = small_cells(
        cursor,
        basis,
        [
            *_once(figures.agency_cells(groups, agencies, period), panrb_peers.peer_cells(peers)),
            *figures.national_cells(nation, period),
            *(cell for by in PROFILES for cell in figures.share_cells(shares[by], by, period)),
        ],
    )
    return report(
        basis,
        small,
        institution=INSTITUTION,
        title=TITLE,
        subtitle=f"{span(period)} · {number(len(agencies))} instansi",
        headlines=tuple(_headlines(cursor, agencies, nation, speeds, small, basis)),
        sections=(
            course_section(nation, speeds, small, basis),
            _kinds(agencies, small, period),
            _provinces(agencies, provinces, small, basis),
            _profile(shares, small, period),
            panrb_agencies.threshold_section(agencies, provinces, small, period),
            panrb_peers.section(peers, small, basis),
            panrb_agencies.management_section(agencies),
            Section(
                "Rincian seluruh instansi", blocks=(panrb_agencies.details_table(agencies, provinces, small, period),)
            ),
        ),
        metrics=metrics(cursor, METRICS),
        denominators=DENOMINATORS,
        restatements=restatements(cursor, basis, small),
    )


def _once(*lists: Iterable[Cell]) -> list[Cell]:
    return list({cell.members: cell for cells in lists for cell in cells}.values())


def _by_kind(agencies: Sequence[Agency]) -> dict[str, list[Agency]]:
    chosen = {kind: [agency for agency in agencies if agency.kind == kind] for kind in KIND_LABELS}
    return {kind: group for kind, group in chosen.items() if group}


def _by_province(agencies: Sequence[Agency], provinces: dict[str, str]) -> dict[str, list[Agency]]:
    return {code: [agency for agency in agencies if agency.province_code == code] for code in provinces}


def _headlines(
    cursor: Cursor,
    agencies: Sequence[Agency],
    nation: Sequence[NationalMonth],
    speeds: Mapping[str, Speed],
    small: SmallCells,
    basis: Basis,
) -> Iterator[Headline]:
    period, latest = basis.period, None if basis.is_settled else LATEST
    now, before = (nation_of(nation, span) for span in (period, period.before()))
    is_hidden = is_nation_hidden(small, period)
    is_change_hidden = is_hidden or is_nation_hidden(small, period.before())
    told: tuple[tuple[str, Kind, Decimal | int | None, Decimal | int | None, str | None], ...] = (
        ("Laporan diterima", "count", now.received, before.received, "Tiap laporan dihitung satu kali"),
        (
            "Tingkat tindak lanjut", "rate", rate(now.followed_up, now.received),
            rate(before.followed_up, before.received), latest,
        ),
        (
            "Tingkat penyelesaian", "rate", rate(now.completed, now.received),
            rate(before.completed, before.received), latest,
        ),
    )  # fmt: skip
    for label, kind, value, earlier, note in told:
        is_comparable = not is_change_hidden and (kind == "count" or basis.is_settled)
        changed = change(value, earlier, kind, period, before_n=before.received) if is_comparable else None
        yield Headline(label, Hidden.SMALL if is_hidden else value, kind, changed, note)
    for clock, (label, ended) in CLOCKS.items():
        if clock in speeds:
            speed = speeds[clock]
            note = (
                f"hari kerja, laporan {month_short(speed.first)}–{month_short(speed.last)} (Kaplan–Meier);"
                f" rata-rata yang sudah {ended} {number(speed.mean, 1)}"
            )
            yield Headline(f"Median {label}", speed.median, "count", None, note)
    within, due = figures.read_within_limit(cursor, period)
    yield Headline(
        "Tindak lanjut tepat waktu",
        rate(within, due),
        "rate",
        None,
        f"dari {number(due)} yang jatuh tempo",
    )
    summed = figures.total(agencies)
    yield Headline(
        "Instansi berpredikat baik", rate(summed.good, summed.judged), "rate", None,
        f"{number(summed.good)} dari {number(summed.judged)} yang dapat dinilai",
    )  # fmt: skip
    for label, answers in (
        ("Keterhubungan (memiliki SK)", [agency.has_decree for agency in agencies]),
        ("Keaktifan (login 30 hari)", [agency.is_active for agency in agencies]),
    ):
        told_count = len(agencies) - answers.count(None)
        yield Headline(
            label, answers.count(True) if told_count else None, "count", None,
            f"dari {number(told_count)} instansi yang melaporkan; {number(answers.count(None))} belum diketahui",
        )  # fmt: skip
    survey = figures.read_satisfaction(cursor, period)
    if survey is not None:
        wave, value, count = survey
        yield Headline(
            "Kepuasan pengguna LAPOR!", value / 100, "rate", None, f"survei {wave}, n = {number(count)}; bukan IKM"
        )


SUM_COLUMNS = (
    Column("agency_count", "Instansi", "count"),
    Column("received_count", "Laporan", "count"),
    Column("followed_up_count", "Tindak lanjut", "count"),
    Column("completed_count", "Selesai", "count"),
    Column("in_progress_count", "Proses", "count"),
    Column("not_followed_up_count", "Belum", "count"),
    Column("followed_up_rate", "Tingkat tindak lanjut", "rate"),
    Column("completed_rate", "Tingkat selesai", "rate"),
    Column("good_count", "Baik", "count", help="instansi dengan tindak lanjut tahun berjalan sedikitnya 50%."),
    Column("judged_count", "Dinilai", "count", help="instansi dengan laporan cukup untuk dinilai."),
)


def _sum_row(label: str, group: Sequence[Agency], small: SmallCells, period: Period) -> tuple[Value, ...]:
    summed: Sum = figures.total(group)
    counted = (
        summed.received, summed.followed_up, summed.completed, summed.in_progress,
        summed.received - summed.followed_up,
        rate(summed.followed_up, summed.received), rate(summed.completed, summed.received),
    )  # fmt: skip
    masked = small.mask(FAMILY, figures.period_members(group, period), counted)
    return (label, summed.agencies, *masked, summed.good, summed.judged)


def _kinds(agencies: Sequence[Agency], small: SmallCells, period: Period) -> Section:
    groups = _by_kind(agencies)
    rates = {
        kind: rate(summed.followed_up, summed.received)
        for kind, group in groups.items()
        if (summed := figures.total(group)).received >= LEAST_NAMED
        and not small.hides(FAMILY, figures.period_members(group, period))
    }
    ranked = sorted((share, kind) for kind, share in rates.items() if share is not None)
    finding: tuple[str, ...] = ()
    if len(ranked) > 1:
        (low, lowest), (high, highest) = ranked[0], ranked[-1]
        finding = (
            f"Tindak lanjut tertinggi pada {KIND_LABELS[highest].lower()} ({percent(high)}), terendah pada"
            f" {KIND_LABELS[lowest].lower()} ({percent(low)}).",
        )
    rows = [_sum_row(KIND_LABELS[kind], group, small, period) for kind, group in groups.items()]
    rows.append(_sum_row("Seluruh instansi", agencies, small, period))
    table = Table(
        "jenis_instansi",
        "Laporan dan tindak lanjut menurut jenis instansi",
        (Column("kind", "Jenis", "text"), *SUM_COLUMNS),
        tuple(rows),
    )
    return Section("Menurut jenis instansi", finding, (table,))


def _provinces(agencies: Sequence[Agency], provinces: dict[str, str], small: SmallCells, basis: Basis) -> Section:
    groups = _by_province(agencies, provinces)
    rates: dict[str, Decimal] = {}
    for code, group in groups.items():
        summed = figures.total(group)
        followed_up = rate(summed.followed_up, summed.received)
        if followed_up is not None and not small.hides(FAMILY, figures.period_members(group, basis.period)):
            rates[code] = followed_up
    ranked = sorted(
        (share, provinces[code])
        for code, share in rates.items()
        if code != CENTRAL and figures.total(groups[code]).received >= LEAST_NAMED
    )
    told = f"Terendah: {_listed(ranked[:3])}. Tertinggi: {_listed(ranked[:-4:-1])}." if len(ranked) > 6 else ""
    chart = province_map(
        {code: float(rates[code]) if code in rates else None for code in provinces if code != CENTRAL},
        name="panrb_provinsi",
        title=f"Tindak lanjut terendah di {ranked[0][1]}, tertinggi di {ranked[-1][1]}" if ranked else "Tindak lanjut",
        kind="rate",
        unit="Tingkat tindak lanjut (% laporan diterima)",
        n=sum(agency.received for agency in agencies if agency.province_code in rates.keys() - {CENTRAL}),
        is_simulated=basis.is_simulated,
    )
    rows = [_sum_row(provinces[code], group, small, basis.period) for code, group in groups.items()]
    rows.append(_sum_row("Seluruh instansi", agencies, small, basis.period))
    table = Table(
        name="provinsi",
        title="Laporan, tindak lanjut, selesai, proses dan belum menurut provinsi",
        columns=(Column("province_name", "Provinsi", "text"), *SUM_COLUMNS),
        rows=tuple(rows),
        note="Instansi menurut wilayahnya; satu laporan pada dua instansi dihitung pada keduanya. Sedikitnya 30 laporan"
        " untuk disebut terendah atau tertinggi.",
    )
    return Section("Menurut provinsi", (told,) if told else (), (chart, table))


def _listed(ranked: Iterable[tuple[Decimal, str]]) -> str:
    return ", ".join(f"{name} ({percent(share)})" for share, name in ranked)


def _profile(shares: dict[str, list[Share]], small: SmallCells, period: Period) -> Section:
    tables = []
    for by, (name, title, label) in PROFILES.items():
        whole = sum(share.received for share in shares[by])
        rows = tuple(
            (
                CLASS_LABELS.get(share.label, category_words(share.label) if by == "category_main" else share.label),
                *small.mask(
                    figures.share_family(by),
                    figures.share_members(share.label, period),
                    (
                        share.received, rate(share.received, whole), rate(share.followed_up, share.received),
                        rate(share.completed, share.received),
                    ),
                ),
            )
            for share in shares[by]
        )  # fmt: skip
        columns = (
            Column(by, label, "text"),
            Column("received_count", "Diterima", "count"),
            Column("share_of_received", "Porsi", "rate"),
            Column("followed_up_rate", "Tindak lanjut", "rate"),
            Column("completed_rate", "Penyelesaian", "rate"),
        )
        tables.append(Table(name, title, columns, rows, in_pdf_rows=12))
    whole = sum(share.received for share in shares["category_main"])
    told = [
        share
        for share in shares["category_main"]
        if not small.hides(figures.share_family("category_main"), figures.share_members(share.label, period))
    ]
    finding = [
        f"Kategori terbanyak: {category_words(share.label)}, {number(share.received)} laporan"
        f" ({percent(rate(share.received, whole))})."
        for share in told
        if share.label != UNNAMED
    ][:1]
    finding += [f"Tanpa kategori: {percent(rate(share.received, whole))}." for share in told if share.label == UNNAMED]
    return Section("Klasifikasi, kanal, dan kategori", (" ".join(finding),) if finding else (), tuple(tables))
