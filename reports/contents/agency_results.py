"""A scorecard's first page: headlines, and what came in and how far it got, by indicator and by month."""

from datetime import date

from reports.contents import frame
from reports.contents.agency_card import Card, wilson_bounds
from reports.contents.agency_figures import MEASURES, Counts, year_to_date
from reports.contents.frame import FAMILY, LEAST_FOR_RATE, base_cell
from reports.contents.wording import counted
from reports.language import month_short, number, percent
from reports.report import Column, Headline, Hidden, Section, Table, Value

BASES = {
    "received": "diterima",
    "valid": "tidak diarsipkan",
    "response_due": "jatuh tempo tindak lanjut",
    "completion_due": "jatuh tempo selesai",
    "routed": "terdisposisi",
}


def headlines(card: Card) -> tuple[Headline, ...]:
    """Six figures: received, three rates with their interval, what is open, and the rank among peers."""
    now, before = card.world.total(card.period.months), card.world.total(card.period.before().months)
    received: Value = Hidden.SMALL if card.is_hidden else now.received
    found = [
        Headline(
            "Laporan diterima",
            received,
            "count",
            None
            if card.is_hidden
            else frame.change(now.received, before.received, "count", card.period, before_n=before.received),
            "disamarkan (n < 5)" if card.is_hidden else None,
        )
    ]
    for measure in ("followed_up_rate", "completed_rate", "first_response_within_limit_rate_of_due"):
        label, part, whole = MEASURES[measure]
        value = now.rate(measure)
        # Whether a limit that has passed was kept is settled, however young the complaint.
        is_comparable = value is not None and (whole.endswith("_due") or card.basis.is_settled)
        told = frame.change(value, before.rate(measure), "rate", card.period, before_n=getattr(before, whole))
        note = _interval_words(getattr(now, part), getattr(now, whole))
        if card.is_hidden:
            found.append(Headline(label, Hidden.SMALL, "rate", note="disamarkan (n < 5)"))
        else:
            found.append(Headline(label, value, "rate", told if is_comparable else None, note))
    found.append(_open_headline(card))
    window = card.window
    rank = None if window is None else window["rank"]
    found.append(
        Headline(
            "Peringkat di kelompok sebanding",
            f"{number(rank)} dari {number(window['ranked_count'])}" if window and rank else None,
            "text",
            note=f"rentang peringkat {number(window['rank_low'])}–{number(window['rank_high'])} (95%)"
            if window and rank
            else card.why_no_rank(),
        )
    )
    return tuple(found)


def _open_headline(card: Card) -> Headline:
    label = "Terbuka, masuk tahun ini"
    if card.hides(year_to_date(card.period)) or any(card.hides([month]) for month in card.world.backlog):
        return Headline(label, Hidden.SMALL, "count", note="disamarkan (n < 5)")
    backlog, late = (sum(pair[place] for pair in card.world.backlog.values()) for place in (0, 1))
    return Headline(label, backlog, "count", note=f"{counted(late, 'melewati batas waktu')}")


def _interval_words(part: int, whole: int) -> str:
    if whole == 0:
        return "tidak ada yang dapat diukur"
    if whole < LEAST_FOR_RATE:
        return f"data tidak cukup (n = {number(whole)} < {LEAST_FOR_RATE})"
    low, high = wilson_bounds(part, whole)
    return f"selang 95% {percent(low)}–{percent(high)}, n = {number(whole)}"


def results_section(card: Card) -> Section:
    """The period by indicator and the year by month."""
    now = card.world.total(card.period.months)
    measures = Table(
        "indikator",
        f"Indikator {card.period.label}",
        (
            Column("measure", "Indikator", "text"),
            Column("numerator", "Laporan", "count"),
            Column("denominator", "Dari", "count"),
            Column("denominator_name", "Penyebut", "text"),
            Column("value", "Nilai", "rate"),
            Column("value_low", "Bawah 95%", "rate"),
            Column("value_high", "Atas 95%", "rate"),
        ),
        tuple(_measure(card, measure, now) for measure in MEASURES),
    )
    months = Table(
        "bulanan",
        "Menurut bulan diterima",
        (
            Column("month", "Bulan", "text"),
            Column("received_count", "Diterima", "count"),
            Column("followed_up_count", "Tindak lanjut", "count"),
            Column("completed_count", "Selesai", "count"),
            Column("completed_automatic_count", "Selesai otomatis", "count"),
            Column("followed_up_rate", "Tingkat tindak lanjut", "rate"),
            Column("completed_rate", "Tingkat selesai", "rate"),
            Column("backlog_count", "Terbuka", "count"),
            Column("backlog_over_limit_count", "Lewat batas", "count"),
        ),
        tuple(_month(card, month) for month in year_to_date(card.period)),
        note="Keadaan pada batas waktu data; angka bulan terbaru masih akan naik.",
    )
    # A table of nothing but stars says no more than the sentence.
    are_months_hidden = _are_months_hidden(card)
    blocks = (*(() if card.is_hidden else (measures,)), *(() if are_months_hidden else (months,)))
    told = (_finding(card, now), "Angka per bulan disamarkan.") if are_months_hidden else (_finding(card, now),)
    return Section("Capaian", told, blocks)


def _are_months_hidden(card: Card) -> bool:
    """Whether every month of the year that has complaints is hidden."""
    months = [month for month in year_to_date(card.period) if card.world.total([month]).received]
    return bool(months) and all(card.hides([month]) for month in months)


def _finding(card: Card, now: Counts) -> str:
    if card.is_hidden:
        return f"Laporan yang diterima pada {card.period.label} terlalu sedikit untuk ditampilkan (n < 5)."
    if now.received == 0:
        return f"Tidak ada laporan yang diterima pada {card.period.label}."
    return (
        f"Dari {counted(now.received, 'laporan')} yang diterima pada {card.period.label},"
        f" {counted(now.followed_up, 'sudah ditindaklanjuti')} dan {counted(now.completed, 'selesai')}"
        + (
            "."
            if now.received >= LEAST_FOR_RATE
            else "; jumlahnya terlalu sedikit untuk menyebut persentase (data tidak cukup, n < 10)."
        )
    )


def _measure(card: Card, measure: str, counts: Counts) -> tuple[Value, ...]:
    label, part, whole = MEASURES[measure]
    numerator, denominator = getattr(counts, part), getattr(counts, whole)
    value = counts.rate(measure)
    bounds = wilson_bounds(numerator, denominator) if value is not None else (None, None)
    figures: tuple[Value, ...] = (numerator, denominator, BASES[whole], value, *bounds)
    if card.is_hidden:
        figures = (Hidden.SMALL, Hidden.SMALL, BASES[whole], *(Hidden.SMALL,) * 3)
    return (label, *figures)


def _month(card: Card, month: date) -> tuple[Value, ...]:
    counts = card.world.months.get(month, Counts())
    backlog, late = card.world.backlog.get(month, (0, 0))
    figures: tuple[Value, ...] = (
        counts.received,
        counts.followed_up,
        counts.completed,
        counts.automatic,
        counts.rate("followed_up_rate"),
        counts.rate("completed_rate"),
        backlog,
        late,
    )
    return (month_short(month), *card.small.mask(FAMILY, {base_cell(card.world.code, month)}, figures))
