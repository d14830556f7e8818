"""KSP's list of the longest open complaints, nobody recognisable, and the annex with a page for each programme."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from psycopg2.extensions import cursor as Cursor

from reports.contents.frame import SmallCells
from reports.contents.ksp_figures import Names, Stay, Stock
from reports.contents.ksp_stock import most_overdue, ranked_table
from reports.contents.wording import category_words, counted, listed, sentence
from reports.language import month_short, number
from reports.report import Column, Hidden, Section, Table, Value
from reports.suppression import K_ANONYMITY

LONGEST = 20


@dataclass(frozen=True, slots=True)
class Longest:
    """A complaint of the list. Agency and province are hidden where the programme's count there is."""

    programme: str
    programme_name: str
    agency_name: Value
    province_name: Value
    category: str
    received_month: date
    open_days: int
    is_overdue: bool | None


LONGEST_COLUMNS = (
    Column("agency_name", "Instansi", "text"),
    Column("province_name", "Provinsi", "text"),
    Column("category_id", "Kategori", "text"),
    Column("received_month", "Bulan masuk", "text"),
    Column("open_days", "Hari terbuka", "count"),
    Column("is_overdue_14_days", "Lewat 14 hari", "text", help="Lebih dari 14 hari setelah batas penyelesaian."),
)


def read_longest(
    cursor: Cursor,
    by_programme: Mapping[str, Stock],
    by_pair: Mapping[tuple[str, str], Stock],
    stays: Iterable[Stay],
    small: SmallCells,
    provinces: Mapping[str, str],
) -> list[Longest]:
    """The longest open of each programme, at most half of what it has open.

    The list leaves secret complaints out, so a whole list beside the stock would count them; and a complaint with its
    agency is one of the agency's complaints, so where these are too few to be counted the agency is not named.
    """
    open_in: Counter[tuple[str, str]] = Counter()
    for stay in stays:
        open_in[stay.programme, stay.province_code] += stay.closing
    cursor.execute(
        "select programme, rank, programme_name, agency_code, agency_name, province_code, category_id,"
        " received_month, open_days, is_overdue_14_days from marts.rpt_ksp_longest_open order by programme, rank"
    )
    found = []
    for (
        programme,
        rank,
        name,
        agency_code,
        agency_name,
        province_code,
        category,
        month,
        days,
        late,
    ) in cursor.fetchall():
        stock, pair = by_programme.get(programme), by_pair.get((programme, agency_code))
        if stock is None or stock.is_hidden(small) or rank > stock.closing // 2:
            continue
        agency: Value = Hidden.SMALL if pair is None or pair.is_hidden(small) else agency_name
        is_few = open_in[programme, province_code] < K_ANONYMITY
        province: Value = Hidden.SMALL if is_few else provinces.get(province_code)
        found.append(
            Longest(programme, name, agency, province, category_words(category.rpartition(" > ")[2]), month, days, late)
        )
    return found


def _longest_row(one: Longest) -> tuple[Value, ...]:
    return (
        one.agency_name,
        one.province_name,
        one.category,
        month_short(one.received_month),
        one.open_days,
        one.is_overdue,
    )


def longest_section(longest: Sequence[Longest]) -> Section:
    """The longest open of all programmes."""
    ordered = sorted(longest, key=lambda one: -one.open_days)[:LONGEST]
    table = Table(
        "terlama_terbuka",
        "Dua puluh laporan yang paling lama terbuka",
        (Column("programme_name", "Program", "text"), *LONGEST_COLUMNS),
        tuple((one.programme_name, *_longest_row(one)) for one in ordered),
        note="Tanpa nomor, unit, isi, dan tempat yang lebih kecil dari provinsi; laporan rahasia tidak tercantum.",
    )
    if not ordered:
        found = "Tidak ada laporan yang dapat dicantumkan."
    else:
        # Said with the word programme: its name may be that of an agency, which the list may have to hide.
        alike = [one for one in longest if one.open_days == ordered[0].open_days]
        programmes = sorted({one.programme_name for one in alike})
        told = [f"program {listed(programmes)}"] if len(programmes) < 3 else [f"{number(len(programmes))} program"]
        told += [f"{number(len(alike))} laporan sama lamanya"] if len(alike) > 1 else []
        found = (
            f"Yang paling lama terbuka sudah menunggu {number(ordered[0].open_days)} hari kalender"
            f" ({'; '.join(told)}). Hari dihitung sejak laporan sampai di instansi hingga batas waktu data."
        )
    return Section("Laporan yang paling lama terbuka", (found,), (table,))


def programme_pages(
    by_pair: Mapping[tuple[str, str], Stock],
    by_programme: Mapping[str, Stock],
    longest: Sequence[Longest],
    small: SmallCells,
    names: Names,
) -> list[Section]:
    """The annex: for each programme its agencies, where any may be named, and what is open longest."""
    pages = []
    for programme, stock in sorted(by_programme.items(), key=lambda item: (-item[1].closing, item[0])):
        key = programme.lower()
        if stock.is_hidden(small):
            found = "Jumlah yang terbuka disamarkan (n < 5)."
            pages.append(Section(f"Lampiran: {names.programmes[programme]}", (found,)))
            continue
        pairs = {code: pair for (name, code), pair in by_pair.items() if name == programme and pair.closing}
        agencies = most_overdue(pairs, small)
        found = (
            f"{sentence(counted(stock.closing, 'penanganan'))} terbuka; {counted(stock.overdue, 'di antaranya')} lewat"
            " tenggat lebih dari 14 hari."
            + ("" if agencies else " Tidak ada instansi dengan sedikitnya lima penanganan terbuka.")
        )
        by_agency = ranked_table(
            f"{key}_instansi",
            "Menurut instansi",
            [(names.agencies[code], pair) for code, pair in agencies],
            (Column("agency_name", "Instansi", "text"), Column("kind", "Jenis", "text")),
            stock,
            "Instansi lainnya",
            small,
            in_pdf_rows=6,
        )
        oldest = Table(
            f"{key}_terlama",
            "Paling lama terbuka",
            LONGEST_COLUMNS,
            tuple(_longest_row(one) for one in longest if one.programme == programme),
            note="Instansi dan provinsi dengan kurang dari lima penanganan program ini disamarkan.",
            in_pdf_rows=5,
        )
        tables = (by_agency, oldest) if agencies else (oldest,)
        pages.append(Section(f"Lampiran: {names.programmes[programme]}", (found,), tables))
    return pages
