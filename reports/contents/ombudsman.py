"""The Ombudsman's report: where complaints show signs of maladministration, and where more than at an agency's peers.

For a quarter, or a semester or year as the sum of its quarters. Everything here is an indication (indikasi), a reason
to look; what it was is found by people. Complaints count once for every agency that had them.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from psycopg2.extensions import cursor as Cursor

from reports.contents import frame
from reports.contents.frame import FAMILY, LEAST_FOR_RATE
from reports.contents.ombudsman_figures import (
    CONFIDENTIAL,
    DELAY,
    INDICATIONS,
    REPEATED,
    SILENT,
    Total,
    World,
    cells_of,
    delay_label,
    of_words,
    quarter_members,
    read_agencies,
    read_categories,
    read_findings,
    read_province_names,
    received_members,
    totals_of,
)
from reports.contents.ombudsman_lists import agencies_section, category_section, provinces_section, repeated_section
from reports.contents.ombudsman_peers import above_section
from reports.contents.restatements import restatements
from reports.contents.wording import counted, sentence
from reports.intervals import wilson_interval
from reports.language import number
from reports.periods import Period
from reports.report import Column, Headline, Hidden, Kind, Report, Section, Table, Value
from reports.suppression import K_ANONYMITY

INSTITUTION = "OMBUDSMAN REPUBLIK INDONESIA"
TITLE = "Laporan Pengawasan Pengelolaan Pengaduan"
METRICS = (
    "indication_share",
    "indication_peer_share",
    "funnel_z_adjusted",
    "peer_dispersion",
    "peer_tau_squared",
    "coverage",
)
DENOMINATORS = (
    "Indikasi adalah alasan untuk melihat lebih dekat. Sebuah indikasi tidak menyatakan bahwa maladministrasi terjadi.",
    "Penundaan berlarut: terbuka pada instansi lebih dari 60 hari kerja (Perpres 76/2013), masa jeda tidak dihitung;"
    " dibagi laporan yang tidak diarsipkan. Dihitung atas laporan yang masuk satu triwulan lebih awal, karena yang"
    " lebih baru belum mungkin berumur 60 hari kerja.",
    "Tidak menanggapi: batas tindak lanjut pertama sudah lewat dan belum pernah ditindaklanjuti; dibagi laporan yang"
    " batasnya sudah lewat.",
    "Bolak-balik disposisi: dikembalikan atau dialihkan sedikitnya dua kali; dibagi laporan yang terdisposisi.",
    "Dibuka kembali: dibuka kembali setelah selesai; dibagi laporan yang pernah selesai.",
    "Pengaduan berulang: pelapor yang sama melaporkan hal yang sama; dibagi laporan yang pelapornya tidak anonim."
    " Karena menyangkut pelapor, jumlah 1 sampai 4 disamarkan seperti dasar sebuah baris.",
    "Laporan dihitung pada triwulan diterimanya, satu kali di tiap instansi yang menanganinya; keadaannya dilihat pada"
    " batas waktu data.",
    "Kelompok sebanding: instansi sejenis dengan volume laporan serupa. Instansi dengan kurang dari 10 laporan, atau"
    " kelompok dengan kurang dari 10 instansi, tidak dinilai (data tidak cukup).",
    "Zona kepatuhan pelayanan publik (hijau, kuning, merah) tidak dicantumkan di samping angka instansi: gudang data"
    " tidak menerima hasil penilaian kepatuhan.",
)


def compose(cursor: Cursor, period: Period, *, night: date | None = None) -> Report:
    """The report of a quarter, semester or year, from the marts of the last published night.

    Raises ValueError for a shorter period, frame.NotPublished where the marts stand at no or another night.
    """
    if period.kind not in ("quarter", "semester", "year"):
        raise ValueError(
            f"{period.id}: the Ombudsman's report is made for quarters and longer. Write for instance 2021-Q2."
        )
    basis = frame.stand_on(cursor, "ombudsman", period, night=night)
    agencies = read_agencies(cursor, period)
    findings = read_findings(cursor, period)
    before = totals_of(read_findings(cursor, period.before()))
    received_before = sum(agency.received for agency in read_agencies(cursor, period.before()).values())
    provinces = read_province_names(cursor)
    categories = read_categories(cursor, period)
    small = frame.small_cells(cursor, basis, cells_of(agencies, findings, categories, period))
    world = World(period, basis, agencies, findings, provinces, small)
    sections = [_national(world, before)]
    if any(agency.received for agency in agencies.values()):
        sections += [
            above_section(world),
            provinces_section(world),
            category_section(categories, world),
            repeated_section(world),
            agencies_section(world),
        ]
    return frame.report(
        basis,
        small,
        institution=INSTITUTION,
        title=TITLE,
        subtitle=f"{frame.span(period)} · indikasi, bukan temuan",
        headlines=_headlines(world, before, received_before),
        sections=tuple(sections),
        metrics=frame.metrics(cursor, METRICS),
        denominators=DENOMINATORS,
        restatements=restatements(cursor, basis, small),
    )


def _headlines(world: World, before: Mapping[str, Total], received_before: int) -> tuple[Headline, ...]:
    period, small = world.period, world.small
    everyone = list(world.agencies.values())
    if not any(agency.received for agency in everyone):
        return ()
    received, secret = (sum(values) for values in ([a.received for a in everyone], [a.secret for a in everyone]))
    totals = totals_of(world.findings)
    is_repeated_hidden = world.hides_repeated(everyone)
    headlines = [
        Headline(
            "Laporan diterima instansi",
            Hidden.SMALL if small.hides(FAMILY, received_members(everyone, period.months)) else received,
            "count",
            frame.change(received, received_before, "count", period, before_n=received_before),
        )
    ]
    for indication, (_, label) in INDICATIONS.items():
        total = totals[indication]
        headlines.append(
            Headline(
                label,
                *_share_first(total, is_hidden=indication == REPEATED and is_repeated_hidden),
                _change(total, before[indication], period) if world.basis.is_settled and indication != DELAY else None,
                None if indication == REPEATED and is_repeated_hidden else _headline_note(indication, total, period),
            )
        )
    headlines.append(
        Headline(
            "Laporan rahasia",
            Hidden.SMALL if small.hides(CONFIDENTIAL, quarter_members(everyone, period)) else secret,
            "count",
            note="hanya jumlah; termasuk whistleblowing",
        )
    )
    above = {finding.agency_code for finding in world.findings if finding.is_above}
    headlines.append(
        Headline("Instansi di atas batas kelompok", len(above), "count", note="sedikitnya satu indikasi, n ≥ 10")
    )
    return tuple(headlines)


def _share_first(total: Total, *, is_hidden: bool) -> tuple[Value, Kind]:
    """The share of a headline, or where it says nothing the number of cases."""
    if is_hidden:
        return Hidden.SMALL, "count"
    return (total.share, "rate") if total.share is not None else (counts_of(total)[0], "count")


def _change(now: Total, before: Total, period: Period) -> str | None:
    return frame.change(now.share, before.share, "rate", period, before_n=before.base)


def _headline_note(indication: str, total: Total, period: Period) -> str:
    if total.share is None:
        return _too_few(total.base)
    whose = f", masuk {delay_label(period)}" if indication == DELAY else ""
    return f"{number(total.cases)} dari {number(total.base)} laporan{whose}"


def _too_few(base: int) -> str:
    return f"data tidak cukup (n = {number(base)} < {LEAST_FOR_RATE})" if base else "tidak ada yang dapat diperiksa"


def _national(world: World, before: Mapping[str, Total]) -> Section:
    period = world.period
    if not any(agency.received for agency in world.agencies.values()):
        return Section("Indikasi secara nasional", (f"Tidak ada laporan yang diterima instansi pada {period.label}.",))
    totals = totals_of(world.findings)
    base_names = {
        DELAY: f"masuk {delay_label(period)}, tidak diarsipkan",
        SILENT: "tenggat sudah lewat",
        "bolak_balik_disposisi": "terdisposisi",
        "dibuka_kembali": "pernah selesai",
        REPEATED: "tidak anonim",
    }
    rows = []
    for indication, (label, _) in INDICATIONS.items():
        total, earlier = totals[indication], before[indication]
        interval = wilson_interval(total.cases, total.base) if total.share is not None else None
        bounds = [None if interval is None else Decimal(str(bound)) for bound in interval or (0, 0)]
        counts, counts_before = counts_of(total), counts_of(earlier)
        figures: tuple[Value, ...] = (*counts, base_names[indication], total.share, *bounds)
        if indication == REPEATED and world.hides_repeated(world.agencies.values()):
            figures = (Hidden.SMALL, counts[1], base_names[indication], *(Hidden.SMALL,) * 3)
        few_before = indication == REPEATED and 0 < earlier.cases < K_ANONYMITY
        told_before = (Hidden.SMALL, Hidden.SMALL) if few_before else (counts_before[0], earlier.share)
        rows.append((label, *figures, *told_before))
    than = f"{period.kind_label} lalu"
    table = Table(
        "indikasi_nasional",
        f"Indikasi pada {period.label} dan {than}",
        (
            Column("indication", "Indikasi", "text"),
            Column("case_count", "Laporan", "count"),
            Column("base_count", "Diperiksa", "count"),
            Column("base_name", "Yang diperiksa", "text"),
            Column("share", "Porsi", "rate"),
            Column("share_low", "Bawah 95%", "rate", help="Selang kepercayaan Wilson."),
            Column("share_high", "Atas 95%", "rate"),
            Column("case_count_before", f"Laporan {than}", "count"),
            Column("share_before", f"Porsi {than}", "rate"),
        ),
        tuple(rows),
        note="Penundaan berlarut dilihat pada laporan satu triwulan lebih awal. Laporan periode lalu lebih lama"
        " sempat diselesaikan: bandingkan porsinya dengan hati-hati.",
    )
    delay, silent = totals[DELAY], totals[SILENT]
    secret = sum(agency.secret for agency in world.agencies.values())
    is_secret_hidden = world.small.hides(CONFIDENTIAL, quarter_members(world.agencies.values(), period))
    paragraphs = (
        f"{sentence(counted(silent.cases, 'laporan'))} menunjukkan indikasi tidak menanggapi{of_words(silent)}."
        + (
            f" Dari laporan yang masuk {delay_label(period)}, {counted(delay.cases, '').strip()} menunjukkan indikasi"
            f" penundaan berlarut{of_words(delay)}."
            if delay.base
            else ""
        ),
        "Indikasi adalah alasan untuk melihat lebih dekat dan tidak menyatakan bahwa maladministrasi terjadi."
        + (
            " Jumlah laporan rahasia disamarkan (n < 5)."
            if is_secret_hidden
            else f" {sentence(counted(secret, 'laporan'))} bersifat rahasia; isinya tidak ada dalam laporan ini."
        ),
    )
    return Section("Indikasi secara nasional", paragraphs, (table,))


def counts_of(total: Total) -> tuple[Value, Value]:
    """Cases and base; no cases where nothing is looked at, and neither where the base is small."""
    if 0 < total.base < K_ANONYMITY:
        return (Hidden.SMALL, Hidden.SMALL)
    return (total.cases if total.base else None, total.base)
