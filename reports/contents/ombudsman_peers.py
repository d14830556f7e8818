"""The Ombudsman's section of the agencies whose share of an indication is above their peers' limit."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

from reports.charts import Chart, FunnelPoint, funnel
from reports.contents.ombudsman_figures import ABOVE, INDICATIONS, LEAST_CASES, REPEATED, REPETITION, Finding, World
from reports.contents.peers import funnel_limits, short_name
from reports.contents.wording import category_words, counted, listed
from reports.language import month_short, number
from reports.periods import Period
from reports.report import Column, Hidden, Section, Table, Value

CHANCE_ABOVE_95, CHANCE_ABOVE_998 = 0.025, 0.001  # of being above a limit of 95 % or 99.8 %: half of what is outside


def above_section(world: World) -> Section:
    """Agencies above their peers' limit, where the last quarter has most of them as a funnel, and examples."""
    title = "Instansi di atas batas kelompok sebanding"
    above = [finding for finding in world.findings if finding.is_above]
    judged = len({finding.agency_code for finding in world.findings if finding.is_judged})
    if not above:
        found = (
            f"Dari {counted(judged, 'instansi')} yang cukup datanya, tidak ada yang porsi indikasinya di atas batas"
            " kelompok sebandingnya."
        )
        return Section(title, (found,))
    order = list(INDICATIONS)
    above.sort(
        key=lambda finding: (finding.position == "above 95", order.index(finding.indication), -(finding.share or 0))
    )
    names = list(dict.fromkeys(world.agencies[finding.agency_code].name for finding in above))
    far = [finding for finding in above if finding.position == "above 99.8"]
    found = (
        f"Dari {counted(judged, 'instansi')} yang cukup datanya, {number(len(names))} berada di atas batas kelompok"
        " sebandingnya pada sedikitnya satu indikasi. Di atas batas 99,8%:"
        f" {listed([_named(world, finding) for finding in far]) if far else 'tidak ada'}."
    )
    tried = sum(1 for finding in world.findings if finding.is_judged and finding.cases >= LEAST_CASES)
    how = (
        f"Dari {counted(tried, 'penilaian')} (satu instansi pada satu indikasi, sedikitnya {LEAST_CASES} laporan"
        f" berindikasi) {number(len(above))} melampaui batas 95%; secara kebetulan saja sekitar"
        f" {number(tried * CHANCE_ABOVE_95, 1)} akan melampauinya (satu dari empat puluh), dan sekitar"
        f" {number(tried * CHANCE_ABOVE_998, 1)} batas 99,8% (satu dari seribu). Perbedaan yang lazim antarinstansi"
        " sekelompok sudah diperhitungkan."
    )
    rows = []
    for finding in above:
        figures: tuple[Value, ...] = (finding.cases, finding.base, finding.share, finding.low, finding.high)
        shown = (Hidden.SMALL,) * 5 if _hides_cases(world, finding) else figures
        rows.append(
            (
                INDICATIONS[finding.indication][0],
                world.agencies[finding.agency_code].name,
                Period.containing("quarter", finding.quarter).label.removeprefix("Triwulan "),
                *world.small.mask(finding.base_cell.family, finding.base_cell.members, shown),
                finding.peer_share,
                ABOVE[finding.position],
            )
        )
    table = Table(
        "di_atas_batas",
        "Indikasi di atas batas kelompok sebanding",
        (
            Column("indication", "Indikasi", "text"),
            Column("agency_name", "Instansi", "text"),
            Column("quarter", "Triwulan", "text"),
            Column("case_count", "Laporan", "count"),
            Column("base_count", "Diperiksa", "count"),
            Column("share", "Porsi", "rate"),
            Column("share_low", "Bawah 95%", "rate"),
            Column("share_high", "Atas 95%", "rate"),
            Column("peer_share", "Kelompok", "rate", help="Porsi seluruh kelompok sebanding."),
            Column("funnel_position", "Di atas batas", "text"),
        ),
        tuple(rows),
        note="Hanya instansi dengan sedikitnya 10 laporan diperiksa dan 5 laporan berindikasi.",
        in_pdf_rows=25,
    )
    return Section(title, (found, how), (table, *_funnel(world, above), *_examples(world, above)))


def _named(world: World, finding: Finding) -> str:
    return f"{world.agencies[finding.agency_code].name} ({INDICATIONS[finding.indication][0].lower()})"


def _hides_cases(world: World, finding: Finding) -> bool:
    return finding.indication == REPEATED and world.small.hides(REPETITION, finding.base_cell.members)


def _funnel(world: World, above: Sequence[Finding]) -> tuple[Chart, ...]:
    """The peer group and indication of the last quarter with most agencies above, and all judged ones of that group."""
    last = max(finding.quarter for finding in above)
    # A point for each agency would show how few repeated complaints it had.
    drawn = [finding for finding in above if finding.quarter == last and finding.indication != REPEATED]
    if not drawn:
        return ()
    groups = Counter((finding.indication, finding.peer_group) for finding in drawn)
    (indication, group), count = min(groups.items(), key=lambda item: (-item[1], item[0]))
    members = [
        finding
        for finding in world.findings
        if (finding.quarter, finding.indication, finding.peer_group) == (last, indication, group)
        and finding.is_judged
        and finding.share is not None
        and not world.hides(world.agencies[finding.agency_code])
    ]
    target, spread = members[0].peer_share, members[0].tau_squared
    if target is None or spread is None:
        return ()
    points = [
        FunnelPoint(
            short_name(world.agencies[finding.agency_code].name) if finding.is_above else "",
            finding.base,
            float(finding.share or 0),
            finding.is_above,
        )
        for finding in members
    ]
    label = INDICATIONS[indication][0].lower()
    return (
        funnel(
            points,
            target=float(target),
            limits=funnel_limits(float(target), float(spread), [finding.base for finding in members]),
            target_label="kelompok",
            name="corong",
            title=f"Kelompok {group}: {number(count)} dari {number(len(members))} instansi di atas batas, {label}",
            unit=f"porsi terindikasi {label}, {Period.containing('quarter', last).label}",
            n=sum(finding.base for finding in members),
            is_simulated=world.basis.is_simulated,
        ),
    )


def _examples(world: World, above: Sequence[Finding]) -> tuple[Table, ...]:
    rows = tuple(
        (
            INDICATIONS[finding.indication][0],
            world.agencies[finding.agency_code].name,
            category_words(str(example["category_id"])) if example.get("category_id") else None,
            month_short(date.fromisoformat(f"{example['month']}-01")),
            int(example["open_days"]),
        )
        for finding in above
        if finding.cases >= LEAST_CASES and not _hides_cases(world, finding)
        for example in finding.examples or ()
    )
    if not rows:
        return ()
    return (
        Table(
            "contoh",
            "Contoh laporan berindikasi",
            (
                Column("indication", "Indikasi", "text"),
                Column("agency_name", "Instansi", "text"),
                Column("category_id", "Kategori", "text"),
                Column("month", "Bulan masuk", "text"),
                Column("open_days", "Hari pada instansi", "count"),
            ),
            rows,
            note="Paling banyak tiga per instansi, yang paling lama menunggu; tanpa nomor, isi, dan laporan rahasia.",
            in_pdf_rows=15,
        ),
    )
