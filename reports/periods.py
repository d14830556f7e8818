"""The periods reports are made for: week, month, quarter, semester and year, written as people and files write them."""

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, Self

from reports.language import Language, day_and_month
from reports.language import month as month_and_year

PeriodKind = Literal["week", "month", "quarter", "semester", "year"]

FORMS = "2021-W25 (a week), 2021-06 (a month), 2021-Q2 (a quarter), 2021-S1 (a semester), 2021 (a year)"

ROMAN = ("I", "II", "III", "IV")
KINDS: dict[Language, dict[PeriodKind, str]] = {
    "id": {"week": "Minggu", "month": "Bulan", "quarter": "Triwulan", "semester": "Semester", "year": "Tahun"},
    "en": {"week": "Week", "month": "Month", "quarter": "Quarter", "semester": "Half-year", "year": "Year"},
}
MONTHS_OF: dict[PeriodKind, int] = {"month": 1, "quarter": 3, "semester": 6, "year": 12}
PATTERN = re.compile(
    r"(?P<year>[12]\d{3})(-(W(?P<week>\d{2})|Q(?P<quarter>[1-4])|S(?P<semester>[12])|(?P<month>0[1-9]|1[0-2])))?"
)


@dataclass(frozen=True, slots=True)
class Period:
    """A whole calendar period, both dates inside. Weeks are ISO weeks, Monday to Sunday."""

    kind: PeriodKind
    first_date: date
    last_date: date

    @classmethod
    def parse(cls, text: str) -> Self:
        """The period that `text` names. Raises ValueError, naming the five forms, for anything else."""
        found = PATTERN.fullmatch(text)
        if found is None:
            raise ValueError(f'"{text}" is no period. Write one of: {FORMS}')
        year = int(found["year"])
        if found["week"]:
            try:
                monday = date.fromisocalendar(year, int(found["week"]), 1)
            except ValueError as error:
                raise ValueError(f'"{text}" is no week of {year}: {error}. Write one of: {FORMS}') from error
            return cls("week", monday, monday + timedelta(days=6))
        if found["month"]:
            return cls._of_months("month", year, int(found["month"]))
        if found["quarter"]:
            return cls._of_months("quarter", year, int(found["quarter"]) * 3 - 2)
        if found["semester"]:
            return cls._of_months("semester", year, int(found["semester"]) * 6 - 5)
        return cls._of_months("year", year, 1)

    @classmethod
    def containing(cls, kind: PeriodKind, day: date) -> Self:
        """The period of that kind in which `day` lies."""
        if kind == "week":
            monday = day - timedelta(days=day.weekday())
            return cls("week", monday, monday + timedelta(days=6))
        length = MONTHS_OF[kind]
        return cls._of_months(kind, day.year, (day.month - 1) // length * length + 1)

    @classmethod
    def _of_months(cls, kind: PeriodKind, year: int, first_month: int) -> Self:
        last_month = first_month + MONTHS_OF[kind] - 1
        last_day = calendar.monthrange(year, last_month)[1]
        return cls(kind, date(year, first_month, 1), date(year, last_month, last_day))

    @property
    def id(self) -> str:
        """As `parse` reads it."""
        year, month = self.first_date.year, self.first_date.month
        names: dict[PeriodKind, Callable[[], str]] = {
            "week": lambda: "{0.year}-W{0.week:02d}".format(self.first_date.isocalendar()),
            "month": lambda: f"{year}-{month:02d}",
            "quarter": lambda: f"{year}-Q{(month + 2) // 3}",
            "semester": lambda: f"{year}-S{(month + 5) // 6}",
            "year": lambda: f"{year}",
        }
        return names[self.kind]()

    @property
    def label(self) -> str:
        """In Indonesian: "Juni 2021", "Triwulan II 2021", "Minggu 25 2021 (21–27 Juni)"."""
        return self.label_in("id")

    def label_in(self, language: Language) -> str:
        """As `label`, or in English: "June 2021", "Quarter II 2021", "Week 25 2021 (21–27 June)"."""
        year, month = self.first_date.year, self.first_date.month
        word = KINDS[language][self.kind]
        names: dict[PeriodKind, Callable[[], str]] = {
            "week": lambda: f"{word} {self._week_label(language)}",
            "month": lambda: month_and_year(self.first_date, language),
            "quarter": lambda: f"{word} {ROMAN[(month - 1) // 3]} {year}",
            "semester": lambda: f"{word} {ROMAN[(month - 1) // 6]} {year}",
            "year": lambda: f"{word} {year}",
        }
        return names[self.kind]()

    def _week_label(self, language: Language) -> str:
        first, last = self.first_date, self.last_date
        week = first.isocalendar()
        until = day_and_month(last, language)
        since = f"{first.day}" if first.month == last.month else day_and_month(first, language)
        dash = "–" if first.month == last.month else " – "
        return f"{week.week} {week.year} ({since}{dash}{until})"

    @property
    def months(self) -> tuple[date, ...]:
        """First days of the calendar months it touches: one to twelve, in order."""
        first = self.first_date.replace(day=1)
        count = (self.last_date.year - first.year) * 12 + self.last_date.month - first.month + 1
        return tuple(
            date(first.year + (first.month - 1 + step) // 12, (first.month - 1 + step) % 12 + 1, 1)
            for step in range(count)
        )

    @property
    def kind_label(self) -> str:
        """The kind in Indonesian, as "triwulan lalu" takes it."""
        return KINDS["id"][self.kind].lower()

    def before(self) -> Self:
        """The period of the same kind that ends the day before this one starts."""
        return type(self).containing(self.kind, self.first_date - timedelta(days=1))
