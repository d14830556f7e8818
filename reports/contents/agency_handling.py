"""How an agency handles what it has: how long it takes, what is open, and which unit has it."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from reports.charts import Chart, Curve, FlowDay, stock_flow, survival
from reports.contents.agency_card import Card
from reports.contents.agency_figures import UNITS, Unit, year_to_date
from reports.contents.frame import HALF_WIDTH, LEAST_FOR_RATE, WHOLE_WIDTH
from reports.contents.wording import counted, sentence
from reports.intervals import is_apart
from reports.language import month_short, number, percent
from reports.report import Column, Hidden, Section, Table, Value
from reports.suppression import K_ANONYMITY

Drawing = Callable[[int], Chart]  # a chart of a width in pixels

UNITS_IN_PDF = 6
MONTHS_OF_GROWTH = 2
CLOCKS = {"first_response": "Tindak lanjut pertama", "completion": "Penyelesaian"}
CURVE_LABELS = {"first_response": "Tindak lanjut", "completion": "Selesai"}


def handling_section(card: Card) -> Section | None:
    """How long complaints take, and what came in, went out and is still open."""
    (speed, table, curves), (stock, flow) = _speed(card), _stock(card)
    told = speed + stock
    charts = [draw for draw in (curves, flow) if draw is not None]
    width = HALF_WIDTH if len(charts) > 1 else WHOLE_WIDTH
    blocks: tuple[Table | Chart, ...] = (*table, *(draw(width) for draw in charts))
    return Section("Kecepatan dan stok", tuple(told), blocks) if told else None


def _speed(card: Card) -> tuple[list[str], list[Table], Drawing | None]:
    if card.window is None or not card.world.timeliness:
        return [], [], None
    clocks = {clock: row for clock in CLOCKS if (row := card.world.timeliness.get(clock)) is not None}
    table = Table(
        "kecepatan",
        "Lama penanganan sejak disposisi, hari kerja",
        (
            Column("clock", "Sampai", "text"),
            Column("routed_count", "Terdisposisi", "count"),
            Column("open_count", "Masih berjalan", "count"),
            Column("working_days_median", "Median", "count"),
            Column("working_days_p90", "Persentil ke-90", "count"),
            Column("limit_working_days", "Batas", "count"),
            Column("ended_by_limit_rate", "Tuntas sampai batas", "rate"),
            Column("ended_by_limit_rate_low", "Bawah 95%", "rate"),
            Column("ended_by_limit_rate_high", "Atas 95%", "rate"),
        ),
        tuple(_clock(CLOCKS[clock], row) for clock, row in clocks.items()),
        note="Kaplan–Meier: laporan terbuka ikut dihitung. Tanda –: separuh (atau 9 dari 10) belum tuntas.",
    )
    return [_speed_words(clocks.get("first_response"))], [table], _survival(card, clocks)


def _clock(label: str, row: Mapping[str, Any]) -> tuple[Value, ...]:
    routed = row["routed_count"]
    if 0 < routed < K_ANONYMITY:
        return (label, *(Hidden.SMALL,) * 8)
    names = (
        "working_days_median", "working_days_p90", "limit_working_days", "ended_by_limit_rate",
        "ended_by_limit_rate_low", "ended_by_limit_rate_high",
    )  # fmt: skip
    figures = [_as_value(row[name]) if routed >= LEAST_FOR_RATE else None for name in names]
    return (label, routed, row["open_count"], *figures)


def _speed_words(first: Mapping[str, Any] | None) -> str:
    if first is None or first["routed_count"] < LEAST_FOR_RATE:
        return "Data tidak cukup untuk mengukur lama penanganan (n < 10)."
    limit = number(first["limit_working_days"])
    share_words = percent(first["ended_by_limit_rate"]) if first["ended_by_limit_rate"] is not None else None
    median = first["working_days_median"]
    half = (
        f"Separuh laporan ditindaklanjuti dalam {number(median)} hari kerja"
        if median is not None
        else "Separuh laporan belum sempat ditindaklanjuti"
    )
    return f"{half}" + (f"; {share_words} dalam batas {limit} hari kerja." if share_words else ".")


def _survival(card: Card, clocks: Mapping[str, Mapping[str, Any]]) -> Drawing | None:
    """Both curves with the limit of completion; none under 10 routed, where the mart's curves are not read."""
    curves = [Curve(CURVE_LABELS[clock], steps) for clock, steps in card.world.curves.items() if clock in clocks]
    completion = clocks.get("completion")
    if not curves or completion is None:
        return None
    median = completion["working_days_median"]
    return lambda width: survival(
        curves,
        limit_day=completion["limit_working_days"],
        name="bertahan",
        title=f"Separuh laporan selesai dalam {number(median)} hari kerja"
        if median is not None
        else "Lebih dari separuh laporan belum selesai",
        unit="belum tuntas menurut hari kerja sejak disposisi",
        n=completion["routed_count"],
        width=width,
        is_simulated=card.basis.is_simulated,
    )


def _stock(card: Card) -> tuple[list[str], Drawing | None]:
    stock = card.world.stock
    if not stock:
        return (["Stok terlalu kecil untuk ditampilkan (n < 5)."] if card.world.is_stock_small else []), None
    if any(card.hides([month]) for month in year_to_date(card.period)):
        return ["Aliran disamarkan: sebagian bulan memuat terlalu sedikit laporan (n < 5)."], None
    if card.world.is_stock_small:
        return ["Aliran tidak ditampilkan: stok, atau yang masuk dalam sebagian bulan, terlalu kecil (n < 5)."], None
    first, last = stock[0], stock[-1]
    came, went = sum(each.received for each in stock), sum(each.closed for each in stock)
    found = (
        f"Sejak {month_short(first.on)} masuk {counted(came, 'laporan')} dan keluar {counted(went, 'laporan')};"
        f" {counted(last.open_count, 'laporan')} terbuka di akhir {card.period.label}{_grown(stock)}."
    )
    if came + went == 0:
        return [found], None
    return [found], lambda width: stock_flow(
        stock,
        name="aliran",
        title=f"{sentence(counted(last.open_count, 'laporan'))} terbuka di akhir {card.period.label}",
        unit="laporan per bulan",
        n=came,
        width=width,
        is_simulated=card.basis.is_simulated,
    )


def _grown(stock: Sequence[FlowDay]) -> str:
    """How the stock changed over the last two months, in words: from its start on it would tell how data began."""
    if len(stock) <= MONTHS_OF_GROWTH:
        return ""
    ago, last = stock[-1 - MONTHS_OF_GROWTH], stock[-1]
    grown = last.open_count - ago.open_count
    if not grown:
        return f", sama dengan akhir {month_short(ago.on)}"
    more = "lebih banyak" if grown > 0 else "lebih sedikit"
    return f", {number(abs(grown))} {more} daripada akhir {month_short(ago.on)}"


def units_section(card: Card) -> Section | None:
    """Units by what they received; those with few complaints are counted and not listed."""
    units = sorted(card.world.units.values(), key=lambda unit: (-unit.counts.received, unit.name))
    if not units or card.is_hidden:
        return None
    shown = [unit for unit in units if not card.small.hides(UNITS, unit.members)]
    hidden = len(units) - len(shown)
    found, lowest = _lowest_unit(card, shown)
    rows = []
    for unit in shown:
        counts = unit.counts
        rows.append(
            (
                unit.name,
                counts.received,
                counts.followed_up,
                counts.completed,
                counts.rate("followed_up_rate"),
                counts.rate("completed_rate"),
                counts.rate("first_response_within_limit_rate_of_due"),
            )
        )
    table = Table(
        "unit",
        "Menurut unit kerja",
        (
            Column("unit_name", "Unit kerja", "text"),
            Column("received_count", "Diterima", "count"),
            Column("followed_up_count", "Tindak lanjut", "count"),
            Column("completed_count", "Selesai", "count"),
            Column("followed_up_rate", "Tingkat tindak lanjut", "rate"),
            Column("completed_rate", "Tingkat selesai", "rate"),
            Column("first_response_rate", "Tepat waktu", "rate"),
        ),
        tuple(rows),
        note=f"{sentence(counted(hidden, 'unit'))} disamarkan (n < 5) dan tidak tercantum." if hidden else None,
        in_pdf_rows=UNITS_IN_PDF,
        kept_rows=() if lowest is None else (shown.index(lowest),),
    )
    return Section("Unit kerja", (found,), (table,) if rows else ())


def _lowest_unit(card: Card, shown: Sequence[Unit]) -> tuple[str, Unit | None]:
    """The unit whose follow-up is clearly below the agency's, and none where chance may have put it last."""
    compared = [unit for unit in shown if unit.is_told and unit.counts.rate("followed_up_rate") is not None]
    whole = card.world.total(card.period.months).rate("followed_up_rate")
    if not compared or whole is None:
        return "Tidak ada unit dengan cukup laporan untuk dibandingkan (data tidak cukup, n < 10).", None
    below = [unit for unit in compared if is_apart(unit.counts.followed_up, unit.counts.received, float(whole)) < 0]
    if not below:
        words = f"Tidak ada unit yang tingkat tindak lanjutnya jelas di bawah seluruh instansi ({percent(whole)})."
        return words, None
    lowest = min(below, key=lambda unit: (unit.counts.rate("followed_up_rate") or 0, unit.name))
    return (
        f"Tindak lanjut paling rendah pada {lowest.name}: {number(lowest.counts.followed_up)} dari"
        f" {number(lowest.counts.received)} laporan ({percent(lowest.counts.rate('followed_up_rate'))}); seluruh"
        f" instansi {percent(whole)}."
    ), lowest


def _as_value(value: object) -> Value:
    return Decimal(str(value)) if isinstance(value, float) else value  # type: ignore[return-value]
