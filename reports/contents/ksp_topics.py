"""KSP's section of the topics that rise: categories and areas with far more complaints than their usual week."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from psycopg2.extensions import cursor as Cursor

from reports.contents.frame import Basis, SmallCells
from reports.contents.wording import category_words, counted, sentence
from reports.language import date_long, number
from reports.periods import Period
from reports.report import Column, Section, Table, Value
from reports.suppression import Cell

TOPICS = "received_by_category_area_week"


@dataclass(frozen=True, slots=True)
class Topic:
    """A main category in an area and a week. areas: the base cells of its complaints, for the nation those of all."""

    category: str
    area_code: str
    area_name: str
    week: date
    received: int
    expected: Decimal | None
    score: Decimal | None
    is_rising: bool
    areas: Sequence[str]

    @property
    def members(self) -> frozenset[str]:
        return frozenset(self.areas)

    @property
    def cell(self) -> Cell:
        return Cell(TOPICS, self.members, self.received)


@dataclass(frozen=True, slots=True)
class Topics:
    """What rose in the weeks that end in the period, and the nation's topics in the last of these weeks."""

    rising: tuple[Topic, ...]
    national: tuple[Topic, ...]
    last_week: date | None

    @property
    def all(self) -> tuple[Topic, ...]:
        return (*self.rising, *(topic for topic in self.national if topic not in self.rising))


def read_topics(cursor: Cursor, period: Period) -> Topics:
    """What rose in the weeks that end in the period, the most surprising first, and all national topics of the last."""
    cursor.execute(
        "select category_main, area_code, area_name, week, received_count, expected_count, surprise_score::numeric,"
        " coalesce(is_rising, false), case when area_code = 'NASIONAL' then array("
        " select areas.category_main || '/' || areas.area_code || to_char(areas.week, '/IYYY-\"W\"IW')"
        " from marts.rpt_category_trends_weekly as areas where areas.category_main = trends.category_main"
        " and areas.week = trends.week and areas.area_code <> 'NASIONAL')"
        " else array[category_main || '/' || area_code || to_char(week, '/IYYY-\"W\"IW')] end"
        " from marts.rpt_category_trends_weekly as trends"
        " where week + 6 between %(first)s and %(last)s and (is_rising or area_code = 'NASIONAL')"
        " order by surprise_score desc nulls last, category_main, area_code, week",
        {"first": period.first_date, "last": period.last_date},
    )
    topics = [Topic(*row) for row in cursor.fetchall()]
    last = max((topic.week for topic in topics), default=None)
    national = [topic for topic in topics if topic.area_code == "NASIONAL" and topic.week == last]
    return Topics(
        tuple(topic for topic in topics if topic.is_rising),
        tuple(sorted(national, key=lambda topic: (-topic.received, topic.category))),
        last,
    )


def rising_section(period: Period, basis: Basis, topics: Topics, small: SmallCells) -> Section:
    """What rose beyond the limit, and what is usual."""
    if topics.last_week is None:
        return Section("Topik yang naik", (f"Belum ada minggu penuh yang berakhir pada {period.label}.",))
    if not topics.rising:
        found = f"Tidak ada topik yang naik melampaui batas pada {period.label}."
    else:
        top = topics.rising[0]
        found = (
            f"{sentence(counted(len(topics.rising), 'kenaikan topik'))} melampaui batas; yang paling menonjol"
            f" {category_words(top.category)} di {_area_words(top)} pada pekan {date_long(top.week)}:"
            f" {counted(top.received, 'laporan')}, biasanya sekitar {number(top.expected)}."
        )
    score = "–log10 peluang menerima sebanyak ini pada minggu biasa: 4 berarti satu banding sepuluh ribu."
    category = Column("category_main", "Kategori utama", "text")
    figures = (
        Column("received_count", "Diterima", "count"),
        Column("expected_count", "Diperkirakan", "count", help="Median pekan pembanding, disesuaikan hari libur."),
        Column("surprise_score", "Skor kejutan", "number", help=score),
    )
    rising = Table(
        "topik_naik",
        "Topik yang naik melampaui batas",
        (category, Column("area_name", "Wilayah", "text"), Column("week", "Pekan mulai", "date"), *figures),
        tuple(
            (category_words(topic.category), topic.area_name, topic.week, *_topic_figures(topic, small))
            for topic in topics.rising
        ),
    )
    usual = Table(
        "topik_nasional",
        f"Topik nasional pada pekan {date_long(topics.last_week)}",
        (category, *figures),
        tuple((category_words(topic.category), *_topic_figures(topic, small)) for topic in topics.national),
        note="Satu laporan dihitung satu kali, siapa pun yang menanganinya. Skor tidak dihitung di bawah 10 laporan.",
        in_pdf_rows=8,
    )
    how = "Sebuah topik disebut naik bila jumlahnya hampir mustahil pada minggu biasa (skor kejutan sedikitnya 4)."
    return Section("Topik yang naik", (found, how), (rising, usual) if topics.rising else (usual,))


def _topic_figures(topic: Topic, small: SmallCells) -> tuple[Value, ...]:
    return small.mask(TOPICS, topic.members, (topic.received, topic.expected, topic.score))


def _area_words(topic: Topic) -> str:
    return "seluruh Indonesia" if topic.area_code == "NASIONAL" else topic.area_name
