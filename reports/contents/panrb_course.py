"""PANRB's section of how the nation went, month by month, and how long follow-up and completion took."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import dropwhile

from reports.charts import Line, trend
from reports.contents import panrb_figures as figures
from reports.contents.frame import Basis, SmallCells, change
from reports.contents.panrb_figures import NATIONAL, NationalMonth, Speed, rate
from reports.language import month as month_label
from reports.language import number, percent
from reports.periods import Period
from reports.report import Column, Section, Table

TREND_MONTHS = 12
CLOCKS = {"first_response": ("tindak lanjut", "ditindaklanjuti"), "completion": ("penyelesaian", "selesai")}


def is_nation_hidden(small: SmallCells, period: Period) -> bool:
    """Whether what the nation received in the period is not shown."""
    return small.hides(NATIONAL, figures.national_members(period.months))


def nation_of(nation: Sequence[NationalMonth], period: Period) -> NationalMonth:
    """The months of the period taken together."""
    months = [month for month in nation if month.month in period.months]
    received, followed_up, completed = (
        sum(getattr(month, name) for month in months) for name in ("received", "followed_up", "completed")
    )
    return NationalMonth(period.first_date, received, followed_up, completed)


def course_section(
    nation: Sequence[NationalMonth], speeds: Mapping[str, Speed], small: SmallCells, basis: Basis
) -> Section:
    def is_shown(month: NationalMonth) -> bool:
        return not small.hides(NATIONAL, figures.national_members([month.month]))

    # What is hidden before the first month that may be shown is how the data began.
    months = list(dropwhile(lambda month: not is_shown(month), nation[-TREND_MONTHS:]))
    now, before = nation_of(nation, basis.period), nation_of(nation, basis.period.before())
    if now.received == 0:
        return Section("Perkembangan bulanan", (f"Tidak ada laporan yang diterima pada {basis.period.label}.",))
    if is_nation_hidden(small, basis.period):
        words = f"Laporan yang diterima pada {basis.period.label} terlalu sedikit untuk ditampilkan (n < 5)."
        return Section("Perkembangan bulanan", (words,))
    followed_up = percent(rate(now.followed_up, now.received))
    finding = (
        f"Pada {basis.period.label} diterima {number(now.received)} laporan; {followed_up} di antaranya sudah"
        f" ditindaklanjuti dan {percent(rate(now.completed, now.received))} selesai per batas waktu data."
    )
    is_before_hidden = is_nation_hidden(small, basis.period.before())
    before_n = None if is_before_hidden else before.received
    told = change(now.received, before.received, "count", basis.period, before_n=before_n)
    title = f"{number(now.received)} laporan pada {basis.period.label}" + (f", {told}" if told else "")
    shown = [month for month in months if is_shown(month)]
    lines = [
        Line(label, [(month.month, float(getattr(month, name))) for month in shown])
        for label, name in (("Diterima", "received"), ("Ditindaklanjuti", "followed_up"), ("Selesai", "completed"))
    ]
    chart = trend(
        lines,
        name="panrb_perkembangan",
        title=title,
        unit="Laporan per bulan diterima",
        n=sum(month.received for month in shown),
        is_simulated=basis.is_simulated,
    )
    rows = tuple(
        (
            month_label(month.month),
            *small.mask(
                NATIONAL,
                figures.national_members([month.month]),
                (
                    month.received, month.followed_up, month.completed,
                    rate(month.followed_up, month.received), rate(month.completed, month.received),
                ),
            ),
        )
        for month in months
    )  # fmt: skip
    table = Table(
        name="nasional_per_bulan",
        title="Nasional menurut bulan diterima",
        columns=(
            Column("month", "Bulan", "text"),
            Column("received_count", "Diterima", "count"),
            Column("followed_up_count", "Ditindaklanjuti", "count"),
            Column("completed_count", "Selesai", "count"),
            Column("followed_up_rate", "Tindak lanjut", "rate"),
            Column("completed_rate", "Penyelesaian", "rate"),
        ),
        rows=rows,
        note="Tiap laporan dihitung satu kali; angka bulan terbaru masih akan naik.",
    )
    return Section("Perkembangan bulanan", (finding,), (chart, table, *_speed(speeds)))


def _speed(speeds: Mapping[str, Speed]) -> Iterator[Table]:
    """How long the steps took. How many were routed is told by the hundred: exact, it would complete a hidden one."""
    if not speeds:
        return
    span = next(iter(speeds.values()))
    yield Table(
        name="kecepatan",
        title="Lama tindak lanjut dan penyelesaian sejak disposisi, dalam hari kerja",
        columns=(
            Column("clock", "Tahap", "text"),
            Column("routed_count", "Terdisposisi (dibulatkan)", "text"),
            Column("working_days_median", "Median", "count"),
            Column("working_days_p90", "Persentil ke-90", "count"),
            Column("ended_only_working_days_mean", "Rata-rata yang sudah tuntas", "number", 1),
        ),
        rows=tuple(
            (CLOCKS[clock][0].capitalize(), _by_hundred(speed.routed), speed.median, speed.p90, speed.mean)
            for clock in CLOCKS
            if (speed := speeds.get(clock))
        ),
        note=f"Laporan yang diterima {month_label(span.first)} – {month_label(span.last)} di semua instansi. Median dan"
        " persentil: Kaplan–Meier, laporan yang masih terbuka ikut dihitung; tanda – berarti belum tercapai. Rata-rata"
        " hanya dari yang sudah tuntas, sehingga terlalu rendah.",
    )


def _by_hundred(count: int) -> str:
    return f"sekitar {number((count + 50) // 100 * 100)}" if count >= 1000 else "kurang dari 1.000"
