"""KSP's report: which topics rise, which priority programmes are stuck, where, and who can move them.

Weekly or monthly. A month is the weeks that end in it. Everything is counted by what is open with an agency, so a
complaint that two agencies handle is there twice; the table of the marts that is behind it says so too.
"""

from collections.abc import Sequence
from datetime import date

from psycopg2.extensions import cursor as Cursor

from reports.contents import frame
from reports.contents.frame import SmallCells
from reports.contents.ksp_figures import (
    CAME,
    TOTAL,
    Names,
    Stay,
    Stock,
    came_cells,
    read_province_names,
    read_stays,
    read_weeks,
    summed,
)
from reports.contents.ksp_longest import longest_section, programme_pages, read_longest
from reports.contents.ksp_stock import agencies_section, pairs_section, programmes_section, provinces_section
from reports.contents.ksp_topics import Topics, read_topics, rising_section
from reports.language import number
from reports.periods import Period
from reports.report import Headline, Hidden, Report, Section, Value

INSTITUTION = "KANTOR STAF PRESIDEN"
TITLE = "Laporan Isu Strategis dan Program Prioritas"
METRICS = ("overdue_14_days_rate_of_closing", "growth_rate_of_opening", "surprise_score", "expected_count", "coverage")
DENOMINATORS = (
    "Yang dihitung adalah penanganan: laporan yang ditangani dua instansi, atau masuk dua program, dihitung dua kali.",
    "Lewat tenggat lebih dari 14 hari: lebih dari 14 hari kalender setelah batas penyelesaian. Laporan yang belum"
    " terdisposisi atau sedang tertunda tidak punya batas yang berjalan dan tidak termasuk.",
    "Porsi lewat tenggat dibagi laporan yang terbuka di akhir periode; tidak ditampilkan bila yang terbuka kurang"
    " dari 10 (data tidak cukup).",
    "Persentase pertumbuhan tidak ditampilkan bila yang terbuka di awal kurang dari 20.",
    "Topik yang naik berarti lebih banyak orang menulis tentangnya, bukan bahwa instansinya bekerja lebih buruk.",
)


class PeriodRefused(ValueError):
    """KSP's report is weekly or monthly."""


def compose(cursor: Cursor, period: Period, *, night: date | None = None) -> Report:
    """The report of a week or a month, from the marts of the last published night.

    Raises PeriodRefused for a longer period, frame.NotPublished where the marts stand at no or another night.
    """
    if period.kind not in ("week", "month"):
        raise PeriodRefused(f"{period.id}: KSP's report is weekly or monthly. Write for instance 2021-W25 or 2021-06.")
    basis = frame.stand_on(cursor, "ksp", period, night=night)
    weeks = read_weeks(cursor, period)
    stays = read_stays(cursor, weeks) if weeks else []
    provinces = read_province_names(cursor)
    topics = read_topics(cursor, period)

    by_programme = summed(stays, weeks, lambda stay: stay.programme)
    by_agency = summed(stays, weeks, lambda stay: stay.agency_code)
    by_pair = summed(stays, weeks, lambda stay: (stay.programme, stay.agency_code))
    by_province = summed(stays, weeks, lambda stay: stay.province_code)
    everything = summed(stays, weeks, lambda stay: TOTAL)
    total = everything.get(TOTAL)
    # Who has nothing open of a programme stands in no table, so a zero is not known there; provinces are all listed.
    at_agencies = [stock for stocks in (by_agency, by_pair) for stock in stocks.values()]
    everywhere = [stock for stocks in (by_programme, by_province, everything) for stock in stocks.values()]
    cells = [
        *(stock.cell for stock in everywhere),
        *(stock.cell for stock in at_agencies if stock.closing),
        *(stock.cell_before for stock in by_pair.values() if stock.closing and stock.opening),
        *(stock.cell_before for stock in [*by_programme.values(), *everything.values()]),
        *came_cells(cursor, weeks),
        *(topic.cell for topic in topics.all),
    ]
    small = frame.small_cells(cursor, basis, cells)

    names = Names.of(stays, provinces)
    sections = [rising_section(period, basis, topics, small)]
    if total is None:
        sections.append(
            Section(
                "Program prioritas",
                (f"Tidak ada laporan program prioritas yang terbuka atau bergerak pada {period.label}.",),
            )
        )
    else:
        assert weeks is not None
        longest = read_longest(cursor, by_programme, by_pair, stays, small, provinces)
        sections += [
            programmes_section(cursor, basis, weeks, by_programme, total, small, names),
            agencies_section(by_agency, total, small, names),
            pairs_section(by_pair, by_programme, small, names),
            provinces_section(basis, by_province, small, names),
            longest_section(longest),
        ]
        if period.kind == "month":  # the weekly issue is the short one
            sections += programme_pages(by_pair, by_programme, longest, small, names)
    return frame.report(
        basis,
        small,
        institution=INSTITUTION,
        title=TITLE,
        subtitle=f"{period.label} · program prioritas dan isu yang naik",
        headlines=_headlines(period, stays, total, topics, small),
        sections=tuple(sections),
        metrics=frame.metrics(cursor, METRICS),
        denominators=DENOMINATORS,
        restatements=None,
    )


def _headlines(
    period: Period, stays: Sequence[Stay], total: Stock | None, topics: Topics, small: SmallCells
) -> tuple[Headline, ...]:
    rising = Headline(
        "Topik yang naik",
        len(topics.rising) if topics.last_week else None,
        "count",
        note="kategori dan wilayah yang melampaui batas",
    )
    if total is None:
        return (rising,)
    is_hidden = total.is_hidden(small)
    growth = total.growth(small)
    came = [cell for cell in small.cells if cell.family == CAME]
    is_came_hidden = max(came, key=lambda cell: len(cell.members)).is_hidden  # the sum over all programmes
    change = None if isinstance(growth, Hidden) else _change_of_stock(total, period)
    overdue_before = sum(stay.overdue_before for stay in stays)
    return (
        Headline(
            "Penanganan terbuka", Hidden.SMALL if is_hidden else total.closing, "count", change, "di akhir periode"
        ),
        Headline(
            "Lewat tenggat > 14 hari",
            Hidden.SMALL if is_hidden else total.overdue,
            "count",
            None if is_hidden else _change_of_overdue(total, overdue_before, period),
            "dari yang terbuka",
        ),
        Headline(
            "Pertumbuhan tunggakan", growth, "count", note=_flow_words(total, growth, is_came_hidden=is_came_hidden)
        ),
        rising,
    )


def _change_of_stock(total: Stock, period: Period) -> str | None:
    return frame.change(total.closing, total.opening, "count", period, before_n=total.opening)


def _change_of_overdue(total: Stock, before: int, period: Period) -> str | None:
    return frame.change(total.overdue, before, "count", period, before_n=before)


def _flow_words(total: Stock, growth: Value, *, is_came_hidden: bool) -> str | None:
    if is_came_hidden or isinstance(growth, Hidden):
        return None
    return f"masuk {number(total.came)}, keluar {number(total.left)}"
