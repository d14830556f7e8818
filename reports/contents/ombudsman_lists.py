"""The Ombudsman's sections of indications by province, category and agency, and of repeated complaints."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from reports.charts import province_map
from reports.contents.frame import CENTRAL, FAMILY
from reports.contents.ombudsman_figures import (
    CATEGORY,
    CONFIDENTIAL,
    DELAY,
    INDICATIONS,
    LEAST_CASES,
    REPEATED,
    SILENT,
    Category,
    Finding,
    Total,
    World,
    base_family,
    by_province_of,
    delay_label,
    of_words,
    quarter_members,
    received_members,
    totals_of,
)
from reports.contents.wording import category_words, counted, listed, sentence
from reports.intervals import is_apart
from reports.language import number, percent
from reports.periods import Period
from reports.report import Column, Hidden, Section, Table, Value

REPEATED_HELP = "Menyangkut pelapor: 1 sampai 4 disamarkan."


def provinces_section(world: World) -> Section:
    """Indications by the province of the agency, as a map and a table."""
    by_province = by_province_of(world.agencies.values())
    province_of = {agency.code: agency.province_code for agency in world.agencies.values()}
    cases: dict[str, dict[str, list[Finding]]] = defaultdict(lambda: defaultdict(list))
    for finding in world.findings:
        cases[province_of[finding.agency_code]][finding.indication].append(finding)
    rows, shares = [], {}
    for code, group in by_province.items():
        totals = totals_of(finding for group_findings in cases[code].values() for finding in group_findings)
        hidden = {
            indication: world.small.hides(
                base_family(indication),
                {member for finding in cases[code][indication] for member in finding.base_cell.members},
            )
            for indication in (DELAY, SILENT)
        }
        figures: list[Value] = [sum(agency.received for agency in group)]
        for indication in INDICATIONS:
            is_delay_hidden = indication == DELAY and world.hides_delay(group)
            is_repeated_hidden = indication == REPEATED and world.hides_repeated(group)
            figures.append(Hidden.SMALL if is_delay_hidden or is_repeated_hidden else totals[indication].cases)
            if indication in hidden:
                is_hidden = hidden[indication] or is_delay_hidden
                figures.append(Hidden.SMALL if is_hidden else totals[indication].share)
        secret = world.small.mask(
            CONFIDENTIAL, quarter_members(group, world.period), (sum(agency.secret for agency in group),)
        )
        masked = world.small.mask(FAMILY, received_members(group, world.period.months), figures)
        share = masked[4]
        shares[code] = share if isinstance(share, Decimal) else None
        rows.append((world.provinces.get(code, code), *masked, *secret))
    places = {code: share for code, share in shares.items() if share is not None and code != CENTRAL}
    ranked = sorted(places, key=lambda code: (-places[code], code))
    if ranked:
        told = listed([f"{world.provinces[code]} ({percent(places[code])})" for code in ranked[:3]])
        found = f"Porsi indikasi tidak menanggapi paling tinggi di {told}."
        title = f"Indikasi tidak menanggapi paling tinggi di {world.provinces[ranked[0]]}"
    else:
        found, title = "Data tidak cukup (n < 10) di semua provinsi.", "Data tidak cukup"
    chart = province_map(
        {code: float(share) if share is not None else None for code, share in shares.items() if code in places},
        kind="rate",
        name="peta_tidak_menanggapi",
        is_more_worse=True,
        title=title,
        unit="indikasi tidak menanggapi, % dari yang batasnya sudah lewat",
        n=sum(finding.base for code in places for finding in cases[code][SILENT]),
        is_simulated=world.basis.is_simulated,
    )
    table = Table(
        "provinsi",
        "Indikasi menurut provinsi",
        (
            Column("province_name", "Provinsi", "text"),
            Column("received_count", "Diterima", "count"),
            Column("penundaan_berlarut_count", "Berlarut", "count", help=_delay_help(world.period)),
            Column("penundaan_berlarut_share", "% berlarut", "rate"),
            Column("tidak_menanggapi_count", "Tidak ditanggapi", "count"),
            Column("tidak_menanggapi_share", "% tidak ditanggapi", "rate"),
            Column("bolak_balik_disposisi_count", "Bolak-balik", "count"),
            Column("dibuka_kembali_count", "Dibuka kembali", "count"),
            Column("pengaduan_berulang_count", "Berulang", "count", help=REPEATED_HELP),
            Column("secret_count", "Rahasia", "count"),
        ),
        tuple(rows),
        note="Seluruh instansi di wilayah provinsi (satu kantor perwakilan); instansi pusat tersendiri.",
    )
    return Section("Menurut provinsi", (found,), (chart, table))


def category_section(categories: Sequence[Category], world: World) -> Section:
    """Indications by main category, without secret complaints."""
    rows = tuple(
        (
            category_words(category.name),
            *world.small.mask(
                CATEGORY,
                category.members(world.period),
                (
                    category.received,
                    category.due,
                    category.unanswered,
                    Total(category.unanswered, category.due).share,
                    category.closed,
                    category.reopened,
                    Total(category.reopened, category.closed).share,
                ),
            ),
        )
        for category in categories
    )
    table = Table(
        "kategori",
        "Indikasi menurut kategori utama",
        (
            Column("category_main", "Kategori utama", "text"),
            Column("received_count", "Diterima", "count"),
            Column("due_count", "Batas lewat", "count", help="Yang batas tindak lanjutnya sudah lewat."),
            Column("tidak_menanggapi_count", "Tidak ditanggapi", "count"),
            Column("tidak_menanggapi_share", "% tidak ditanggapi", "rate", help="Dari yang batasnya sudah lewat."),
            Column("closed_count", "Pernah selesai", "count"),
            Column("dibuka_kembali_count", "Dibuka kembali", "count"),
            Column("dibuka_kembali_share", "% dibuka kembali", "rate", help="Dari yang pernah selesai."),
        ),
        rows,
        note="Tanpa laporan rahasia; laporan yang ditangani beberapa instansi dihitung di tiap instansi.",
    )
    return Section("Menurut kategori", (_category_finding(categories, world),), (table,))


def _category_finding(categories: Sequence[Category], world: World) -> str:
    """The category most clearly above all that are shown, and none where chance may have put it there."""
    shown = [each for each in categories if not world.small.hides(CATEGORY, each.members(world.period)) and each.due]
    whole = Total(sum(each.unanswered for each in shown), sum(each.due for each in shown))
    if len(shown) < 2 or whole.share is None:
        return "Data tidak cukup untuk membandingkan kategori."
    apart = [each for each in shown if is_apart(each.unanswered, each.due, float(whole.share)) > 0]
    if not apart:
        return f"Tidak ada kategori yang porsinya jelas di atas porsi seluruh kategori ({percent(whole.share)})."
    highest = max(apart, key=lambda each: (Decimal(each.unanswered) / each.due, each.name))
    return (
        f"Porsi indikasi tidak menanggapi jelas di atas porsi seluruh kategori ({percent(whole.share)}) pada"
        f" {counted(len(apart), 'kategori')}, paling tinggi pada {category_words(highest.name)}:"
        f" {number(highest.unanswered)} dari {number(highest.due)}"
        f" ({percent(Decimal(highest.unanswered) / highest.due)})."
    )


def repeated_section(world: World) -> Section:
    """Agencies with five or more repeated complaints."""
    cases = _cases_by_agency(world.findings)
    many = [
        (code, by_indication[REPEATED])
        for code, by_indication in cases.items()
        if by_indication[REPEATED] >= LEAST_CASES
        and not world.hides(world.agencies[code])
        and not world.hides_repeated([world.agencies[code]])
    ]
    many.sort(key=lambda item: (-item[1], item[0]))
    total = totals_of(world.findings)[REPEATED]
    held = sum(count for _, count in many)
    found = f"{sentence(counted(total.cases, 'laporan'))} adalah indikasi pengaduan berulang{of_words(total)}"
    if world.hides_repeated(world.agencies.values()):
        found = "Jumlah indikasi pengaduan berulang terlalu sedikit untuk ditampilkan (n < 5)."
    elif many:
        found += f"; {number(held)} di antaranya pada {counted(len(many), 'instansi')} dengan lima atau lebih."
    else:
        found += "; tidak ada instansi dengan lima atau lebih."
    table = Table(
        "pengaduan_berulang",
        "Instansi dengan lima atau lebih pengaduan berulang",
        (
            Column("agency_name", "Instansi", "text"),
            Column("kind", "Jenis", "text"),
            Column("province_name", "Provinsi", "text"),
            Column("received_count", "Diterima", "count"),
            Column("pengaduan_berulang_count", "Berulang", "count"),
        ),
        tuple((*world.words(code), world.agencies[code].received, count) for code, count in many),
        note="Pelapor anonim tidak dapat dikenali berulang, jadi angka ini adalah batas bawah.",
        in_pdf_rows=12,
    )
    return Section("Pengaduan berulang", (found,), (table,))


def _cases_by_agency(findings: Iterable[Finding]) -> dict[str, Counter[str]]:
    cases: dict[str, Counter[str]] = defaultdict(Counter)
    for finding in findings:
        cases[finding.agency_code][finding.indication] += finding.cases
    return cases


def agencies_section(world: World) -> Section:
    """Every agency, those with most unanswered first, those that are hidden last."""
    cases = _cases_by_agency(world.findings)
    rows = []
    for code, agency in world.agencies.items():
        figures: tuple[Value, ...] = (
            agency.received,
            Hidden.SMALL if world.hides_delay([agency]) else cases[code][DELAY],
            *(cases[code][indication] for indication in INDICATIONS if indication not in (DELAY, REPEATED)),
            Hidden.SMALL if world.hides_repeated([agency]) else cases[code][REPEATED],
            agency.backlog,
            agency.over_limit,
        )
        received, *others = world.small.mask(FAMILY, received_members([agency], world.period.months), figures)
        secret = world.small.mask(CONFIDENTIAL, quarter_members([agency], world.period), (agency.secret,))
        is_hidden = world.hides(agency)
        order = 0 if is_hidden else -cases[code][SILENT]
        rows.append((is_hidden, order, (*world.words(code), received, *secret, *others)))
    rows.sort(key=lambda row: (row[0], row[1], row[2][0]))
    hidden = sum(1 for is_hidden, *_ in rows if is_hidden)
    received_any = sum(1 for agency in world.agencies.values() if agency.received)
    found = (
        f"{sentence(counted(received_any, 'instansi'))} menerima laporan pada {world.period.label};"
        f" angka {counted(hidden, 'instansi')} disamarkan (n < 5)."
    )
    table = Table(
        "instansi",
        "Indikasi menurut instansi",
        (
            Column("agency_name", "Instansi", "text"),
            Column("kind", "Jenis", "text"),
            Column("province_name", "Provinsi", "text"),
            Column("received_count", "Diterima", "count"),
            Column("secret_count", "Rahasia", "count"),
            Column("penundaan_berlarut_count", "Berlarut", "count", help=_delay_help(world.period)),
            Column("tidak_menanggapi_count", "Tidak ditanggapi", "count"),
            Column("bolak_balik_disposisi_count", "Bolak-balik", "count"),
            Column("dibuka_kembali_count", "Dibuka kembali", "count"),
            Column("pengaduan_berulang_count", "Berulang", "count", help=REPEATED_HELP),
            Column("backlog_count", "Tunggakan", "count", help="Terbuka pada batas waktu data."),
            Column("backlog_over_limit_count", "Lewat batas", "count", help="Dari tunggakan, melewati batas waktunya."),
        ),
        tuple(row for _, _, row in rows),
        note="Urut menurut jumlah indikasi tidak menanggapi. Jumlah mengikuti besarnya instansi: ini bukan peringkat.",
        in_pdf_rows=15,
    )
    return Section("Seluruh instansi", (found,), (table,))


def _delay_help(period: Period) -> str:
    return f"Dari laporan yang masuk {delay_label(period)}."
