"""A scorecard's place among peers, none of which is named."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from reports.charts import Chart, FunnelPoint, funnel, peers
from reports.contents.agency_card import Card
from reports.contents.agency_figures import MEASURES
from reports.contents.frame import HALF_WIDTH, LEAST_FOR_RATE, WHOLE_WIDTH
from reports.contents.peers import POSITIONS, POSITIONS_HELP, POSITIONS_SHORT, funnel_limits
from reports.language import date_long, number
from reports.report import Column, Hidden, Section, Table, Value
from reports.suppression import K_ANONYMITY


def peers_section(card: Card) -> Section:
    """The comparison by indicator, and the place in follow-up as charts."""
    title = "Di antara instansi sebanding"
    if not card.world.comparison:
        return Section(title, ("Gudang data belum memuat perbandingan untuk rentang yang berakhir pada periode ini.",))
    window = card.window
    if window is None:
        return Section(title, ("Laporan dalam rentang perbandingan terlalu sedikit untuk ditampilkan (n < 5).",))
    rows = tuple(
        _compared(card, measure, card.world.comparison[measure])
        for measure in MEASURES
        if measure in card.world.comparison
    )
    table = Table(
        "perbandingan",
        f"Kelompok {window['peer_group']}, {date_long(window['first_date'])} – {date_long(window['last_date'])}",
        (
            Column("measure", "Indikator", "text"),
            Column("value", "Nilai", "rate"),
            Column("shrunk_value", "Tersesuaikan", "rate", help="Ditarik ke rata-rata kelompok bila laporan sedikit."),
            Column("shrunk_low", "Bawah 95%", "rate"),
            Column("shrunk_high", "Atas 95%", "rate"),
            Column("median", "Median kelompok", "rate"),
            Column("rank", "Peringkat", "text", help="Dalam kurung: tempat yang masih mungkin (95%)."),
            Column("position", "Terhadap batas", "text", help=POSITIONS_HELP),
        ),
        rows,
    )
    return Section(title, (_place(card, window),), (table, *_charts(card, window)))


def _place(card: Card, window: Mapping[str, Any]) -> str:
    if window["rank"] is None:
        return f"Instansi ini tidak diperingkat: {card.why_no_rank()}."
    return (
        f"Tingkat tindak lanjut di peringkat {number(window['rank'])} dari {number(window['ranked_count'])} instansi"
        f" sebanding; rentang peringkat {number(window['rank_low'])}–{number(window['rank_high'])} (95%)."
    )


def _compared(card: Card, measure: str, row: Mapping[str, Any]) -> tuple[Value, ...]:
    if 0 < row["denominator_count"] < K_ANONYMITY:
        return (MEASURES[measure][0], *(Hidden.SMALL,) * 7)
    is_enough = row["denominator_count"] >= LEAST_FOR_RATE
    quantiles = card.quantiles.get((row["peer_group"], row["window_id"], measure))
    rank = (
        f"{number(row['rank'])} ({number(row['rank_low'])}–{number(row['rank_high'])})"
        f" dari {number(row['ranked_count'])}"
        if row["rank"] is not None
        else None
    )
    values = (row["value"], row["shrunk_value"], row["shrunk_low"], row["shrunk_high"])
    return (
        MEASURES[measure][0],
        *(value if is_enough else None for value in values),
        None if quantiles is None else Decimal(str(quantiles[2])),
        rank,
        POSITIONS_SHORT.get(row["funnel_position"] or ""),
    )


def _charts(card: Card, window: Mapping[str, Any]) -> list[Chart]:
    charts: list[Chart] = []
    quantiles = card.quantiles.get((window["peer_group"], window["window_id"], "followed_up_rate"))
    is_enough = window["denominator_count"] >= LEAST_FOR_RATE
    has_funnel = is_enough and window["funnel_position"] and window["funnel_tau_squared"] is not None
    if quantiles is not None and is_enough and window["shrunk_value"] is not None:
        here = float(window["shrunk_value"])
        middle = quantiles[1] <= here <= quantiles[3]
        where = "di" if middle else "di atas" if here > quantiles[3] else "di bawah"
        charts.append(
            peers(
                quantiles,
                here,
                kind="rate",
                name="kelompok",
                title=f"Tingkat tindak lanjut {where} rentang tengah kelompok sebanding",
                unit="tingkat tindak lanjut tersesuaikan",
                n=window["denominator_count"],
                width=HALF_WIDTH if has_funnel else WHOLE_WIDTH,
                is_simulated=card.basis.is_simulated,
            )
        )
    if has_funnel:
        count, target = window["denominator_count"], float(window["funnel_target"])
        charts.append(
            funnel(
                (),
                target=target,
                limits=funnel_limits(target, float(window["funnel_tau_squared"]), [max(count // 5, 5), count * 5]),
                here=FunnelPoint("instansi ini", count, float(window["value"]), window["funnel_position"] != "within"),
                target_label="kelompok",
                name="corong",
                title=f"Tingkat tindak lanjut {POSITIONS[window['funnel_position']]} kelompok",
                unit="tingkat tindak lanjut menurut jumlah laporan",
                n=count,
                width=HALF_WIDTH,
                is_simulated=card.basis.is_simulated,
            )
        )
    return charts
