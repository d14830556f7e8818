"""KSP's sections of what is open and overdue: by programme, by agency, by both, and by province."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from psycopg2.extensions import cursor as Cursor

from reports.charts import Chart, Line, province_map, trend
from reports.contents.frame import LEAST_FOR_RATE, Basis, SmallCells
from reports.contents.ksp_figures import CAME, OPEN, Key, Names, Stock, Weeks, came_members
from reports.contents.wording import counted, listed, sentence
from reports.language import number, percent
from reports.report import Column, Hidden, Section, Table, Value

TREND_WEEKS = 26
WEEKS_OF_GROWTH = 8
TREND_PROGRAMMES = 4
LEAST_FOR_TREND = 20  # open at every point of a line: a smaller stock moves by chance, and may be hidden elsewhere
STOCK_COLUMNS = (
    Column("closing_count", "Terbuka", "count"),
    Column("overdue_14_days_count", "Lewat > 14 hari", "count"),
    Column("overdue_14_days_rate_of_closing", "Porsi", "rate", help="Lewat tenggat > 14 hari dibagi terbuka."),
)


def _stock_values(stock: Stock, small: SmallCells) -> tuple[Value, ...]:
    return small.mask(OPEN, stock.members, (stock.closing, stock.overdue, stock.overdue_share))


def _rest(shown: Iterable[Stock], whole: Stock, small: SmallCells) -> tuple[Value, ...]:
    """What is left of a shown whole when the shown parts are taken away: no more than the reader can reckon himself."""
    if whole.is_hidden(small):
        return (Hidden.SMALL,) * len(STOCK_COLUMNS)
    parts = list(shown)
    closing = whole.closing - sum(part.closing for part in parts)
    overdue = whole.overdue - sum(part.overdue for part in parts)
    return (closing, overdue, Decimal(overdue) / closing if closing >= LEAST_FOR_RATE else None)


def programmes_section(
    cursor: Cursor,
    basis: Basis,
    weeks: Weeks,
    by_programme: Mapping[str, Stock],
    total: Stock,
    small: SmallCells,
    names: Names,
) -> Section:
    """Flows, stock and what is overdue of each programme, the most overdue first; those hidden last."""
    ordered = sorted(by_programme.items(), key=lambda item: (-item[1].overdue, item[0]))
    rows = []
    for programme, stock in ordered:
        came = small.hides(CAME, came_members([programme], weeks))
        growth = stock.growth(small)
        flows: tuple[Value, ...] = (stock.opening, stock.came, stock.left)
        # With the stock at both ends, what left gives away what came.
        if came or isinstance(growth, Hidden):
            flows = (Hidden.SMALL,) * 3 if isinstance(growth, Hidden) else (stock.opening, Hidden.SMALL, Hidden.SMALL)
        values = _stock_values(stock, small)
        rows.append((names.programmes[programme], *flows, values[0], growth, stock.growth_percent(small), *values[1:]))
    table = Table(
        "program",
        "Tunggakan menurut program prioritas",
        (
            Column("programme_name", "Program", "text"),
            Column("opening_count", "Awal", "count"),
            Column("in_count", "Masuk", "count"),
            Column("out_count", "Keluar", "count", help="Selesai, diarsipkan, atau dialihkan."),
            STOCK_COLUMNS[0],
            Column("growth_count", "Pertumbuhan", "count"),
            Column("growth_percent_of_opening", "Pertumbuhan (%)", "number"),
            *STOCK_COLUMNS[1:],
        ),
        tuple(rows),
    )
    return Section(
        "Program prioritas yang tertahan",
        (_programme_finding(ordered, total, small, names),),
        (*_trend(cursor, basis, weeks, by_programme, small, names), table),
    )


def _programme_finding(ordered: Sequence[tuple[str, Stock]], total: Stock, small: SmallCells, names: Names) -> str:
    if total.is_hidden(small):
        return "Jumlah penanganan program prioritas yang terbuka disamarkan (n < 5)."
    if total.closing == 0:
        return "Tidak ada laporan program prioritas yang terbuka di akhir periode."
    whole = f"{sentence(counted(total.closing, 'penanganan'))} program prioritas masih terbuka di akhir periode"
    if total.overdue == 0:
        return f"{whole}; tidak ada yang lewat tenggat lebih dari 14 hari."
    overdue = f"{counted(total.overdue, 'di antaranya')} lewat tenggat lebih dari 14 hari"
    worst = [(names.programmes[name], stock) for name, stock in ordered if stock.overdue and not stock.is_hidden(small)]
    share = f" ({percent(total.overdue_share)})" if total.overdue_share is not None else ""
    if not worst:
        return f"{whole}; {overdue}{share}."
    return f"{whole}; {overdue}{share}, terbanyak pada {worst[0][0]} ({number(worst[0][1].overdue)})."


def _trend(
    cursor: Cursor,
    basis: Basis,
    weeks: Weeks,
    by_programme: Mapping[str, Stock],
    small: SmallCells,
    names: Names,
) -> tuple[Chart, ...]:
    """Stock of the largest programmes that may be shown over half a year, in the weeks when it was large."""
    cursor.execute(
        "select programme, week, sum(closing_count)::integer from marts.rpt_ksp_strategic_issues_weekly"
        " where week between %(first)s and %(last)s group by programme, week order by programme, week",
        {"first": weeks.last - timedelta(days=7 * (TREND_WEEKS - 1)), "last": weeks.last},
    )
    points: dict[str, list[tuple[date, float | None]]] = defaultdict(list)
    for programme, week, count in cursor.fetchall():
        points[programme].append((week, count if count >= LEAST_FOR_TREND else None))
    shown = [
        programme
        for programme, stock in sorted(by_programme.items(), key=lambda item: (-item[1].closing, item[0]))
        if stock.closing >= LEAST_FOR_TREND and not stock.is_hidden(small)
    ][:TREND_PROGRAMMES]
    known = [week for programme in shown for week, count in points[programme] if count is not None]
    lines = [
        Line(names.programmes[programme], [point for point in points[programme] if point[0] >= min(known)])
        for programme in shown
    ]
    if not lines:
        return ()
    return (
        trend(
            lines,
            name="tunggakan_program",
            title=_trend_title(lines),
            unit="penanganan terbuka di akhir minggu",
            n=sum(by_programme[programme].closing for programme in shown),
            is_simulated=basis.is_simulated,
        ),
    )


def _trend_title(lines: Sequence[Line]) -> str:
    """Which of the lines rose most over the last eight weeks: over all weeks the start of the data would tell."""
    ends: list[tuple[float, str]] = []
    for line in lines:
        values = {week: value for week, value in line.points if value is not None}
        last = max(values)
        before = values.get(last - timedelta(weeks=WEEKS_OF_GROWTH))
        if before is not None:
            ends.append((values[last] - before, line.label))
    if not ends:
        return "Penanganan terbuka di akhir minggu"
    grown, label = max(ends)
    if grown <= 0:
        return f"Tunggakan tidak bertambah dalam {WEEKS_OF_GROWTH} minggu terakhir"
    return f"Tunggakan {label} bertambah {number(grown)} dalam {WEEKS_OF_GROWTH} minggu terakhir"


def agencies_section(by_agency: Mapping[str, Stock], total: Stock, small: SmallCells, names: Names) -> Section:
    """Agencies by what is overdue with them; those that must not be shown stand together in the last row."""
    ordered = most_overdue(by_agency, small)
    table = ranked_table(
        "instansi",
        "Instansi menurut laporan yang lewat tenggat lebih dari 14 hari",
        [(names.agencies[code], stock) for code, stock in ordered],
        (Column("agency_name", "Instansi", "text"), Column("kind", "Jenis", "text")),
        total,
        "Instansi lainnya",
        small,
        in_pdf_rows=15,
    )
    if not ordered or ordered[0][1].overdue == 0:
        found = "Tidak ada instansi dengan sedikitnya lima penanganan terbuka yang lewat tenggat lebih dari 14 hari."
    else:
        top = [names.agencies[code][0] for code, stock in ordered[:3] if stock.overdue]
        held = sum(stock.overdue for _, stock in ordered[:3])
        share = f", {percent(Decimal(held) / total.overdue)} dari semuanya" if not total.is_hidden(small) else ""
        found = f"{listed(top)} memegang {counted(held, 'penanganan')} yang lewat tenggat lebih dari 14 hari{share}."
    return Section("Instansi dengan tunggakan terbanyak", (found,), (table,))


def most_overdue(stocks: Mapping[Key, Stock], small: SmallCells) -> list[tuple[Key, Stock]]:
    """Those with anything open that may be shown, most overdue first."""
    shown = [(key, stock) for key, stock in stocks.items() if stock.closing and not stock.is_hidden(small)]
    return sorted(shown, key=lambda item: (-item[1].overdue, -item[1].closing, str(item[0])))


def ranked_table(
    name: str,
    title: str,
    ranked: Sequence[tuple[tuple[str, ...], Stock]],
    key_columns: tuple[Column, ...],
    whole: Stock,
    others: str,
    small: SmallCells,
    in_pdf_rows: int | None = None,
) -> Table:
    """Shown stocks and, in a last row, the others together: who they are, and how much each has open, stays hidden."""
    rows = [(*words, *_stock_values(stock, small)) for words, stock in ranked]
    rest = _rest((stock for _, stock in ranked), whole, small)
    has_rest = rest[0] != 0
    if has_rest:
        rows.append((others, *("",) * (len(key_columns) - 1), *rest))
    return Table(
        name,
        title,
        (*key_columns, *STOCK_COLUMNS),
        tuple(rows),
        note="Yang disamarkan (n < 5) digabung di baris terakhir." if has_rest else None,
        in_pdf_rows=in_pdf_rows,
        kept_rows=(len(rows) - 1,) if has_rest else (),
    )


def pairs_section(
    by_pair: Mapping[tuple[str, str], Stock], by_programme: Mapping[str, Stock], small: SmallCells, names: Names
) -> Section:
    """Who holds which programme: pairs that may be shown, the most overdue first."""
    ordered = most_overdue(by_pair, small)
    rows = [
        (
            names.programmes[programme],
            *names.agencies[agency_code],
            *(values := _stock_values(stock, small))[:1],
            stock.growth(small),
            *values[1:],
        )
        for (programme, agency_code), stock in ordered
    ]
    table = Table(
        "program_instansi",
        "Program dan instansi",
        (
            Column("programme_name", "Program", "text"),
            Column("agency_name", "Instansi", "text"),
            Column("kind", "Jenis", "text"),
            STOCK_COLUMNS[0],
            Column("growth_count", "Pertumbuhan", "count"),
            *STOCK_COLUMNS[1:],
        ),
        tuple(rows),
        note="Pasangan dengan kurang dari lima penanganan terbuka disamarkan dan tidak tercantum.",
        in_pdf_rows=12,
    )
    if ordered:
        (programme, agency_code), stock = ordered[0]
        found = (
            f"Simpul terbesar: {names.programmes[programme]} di {names.agencies[agency_code][0]},"
            f" {counted(stock.overdue, 'penanganan')} lewat tenggat lebih dari 14 hari dari"
            f" {number(stock.closing)} yang terbuka."
        )
    else:
        found = "Tidak ada pasangan program dan instansi dengan sedikitnya lima penanganan terbuka."
    return Section("Program menurut instansi", (found,), (table,))


def provinces_section(basis: Basis, by_province: Mapping[str, Stock], small: SmallCells, names: Names) -> Section:
    """What is overdue by province, as a map and a table."""
    ordered = sorted(by_province.items(), key=lambda item: (item[1].is_hidden(small), -item[1].overdue, item[0]))
    rows = tuple((names.provinces.get(code, code), *_stock_values(stock, small)) for code, stock in ordered)
    table = Table(
        "provinsi",
        "Tunggakan program prioritas menurut provinsi",
        (Column("province_name", "Provinsi", "text"), *STOCK_COLUMNS),
        rows,
        note="Provinsi tempat yang dilaporkan; bila tidak diketahui, provinsi instansinya.",
        in_pdf_rows=12,
    )
    shown = [(code, stock) for code, stock in ordered if not stock.is_hidden(small)]
    places = [(code, stock) for code, stock in shown if code in names.provinces and code.isdigit() and code != "00"]
    hot = [(names.provinces[code], stock) for code, stock in places if stock.overdue][:3]
    if hot:
        told = [f"{name} ({number(stock.overdue)})" for name, stock in hot]
        found = f"Yang lewat tenggat lebih dari 14 hari paling banyak di {listed(told)}."
        title = f"Laporan program prioritas paling banyak tertahan di {hot[0][0]}"
    else:
        found = "Tidak ada provinsi dengan penanganan yang lewat tenggat lebih dari 14 hari yang dapat ditampilkan."
        title = "Tidak ada provinsi yang menonjol"
    tiles: dict[str, float | None] = {code: float(stock.overdue) for code, stock in places}
    chart = province_map(
        tiles,
        name="peta_tertahan",
        is_more_worse=True,
        title=title,
        unit="penanganan lewat tenggat > 14 hari",
        n=sum(stock.overdue for _, stock in places),
        is_simulated=basis.is_simulated,
    )
    return Section("Sebaran provinsi", (found,), (chart, table))
