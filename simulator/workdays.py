"""Working days of Indonesian offices: Monday to Friday without national holidays and joint leave (cuti bersama).

The simulator keeps its own calendar because it may not know ours: the warehouse's calendar is checked against dates
that were made without it. Source: data/holidays.csv (PyPI holidays 0.109), 2019-2022.
"""

import csv
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

Seconds = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

DATA = Path(__file__).parent / "data"
DAY_SECONDS = 86_400
OFFICE_OPENS = 8 * 3600
OFFICE_SECONDS = 8 * 3600
CALENDAR_FIRST = date(2018, 12, 1)
CALENDAR_LAST = date(2023, 12, 31)
WIB_OFFSET = 7 * 3600
UNIX_EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - UNIX_EPOCH).days


def cut_off(night: date) -> int:
    """The instant (seconds since 1970 UTC) until which a night sees the world: 24:00 WIB of its date."""
    return (day_number(night) + 1) * DAY_SECONDS - WIB_OFFSET


@lru_cache(maxsize=1)
def holidays() -> dict[date, str]:
    """Name of each holiday and day of joint leave."""
    with (DATA / "holidays.csv").open(encoding="utf-8", newline="") as file:
        return {date.fromisoformat(row["date"]): row["name_id"] for row in csv.DictReader(file)}


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """Arithmetic in working days on arrays of local wall-clock seconds."""

    first: int
    is_working: npt.NDArray[np.bool_]
    before: Seconds
    days: Seconds

    def add(self, local: Seconds, working_days: Floats) -> Seconds:
        """The instant `working_days` of office time (fractions allowed) after each instant; at least a minute later."""
        index = local // DAY_SECONDS - self.first
        elapsed = np.clip((local % DAY_SECONDS - OFFICE_OPENS) / OFFICE_SECONDS, 0, 1)
        target = self.before[index] + np.where(self.is_working[index], elapsed, 0) + working_days
        whole = np.floor(target).astype(np.int64)
        office = OFFICE_OPENS + ((target - whole) * OFFICE_SECONDS).astype(np.int64)
        moment = self.days[np.minimum(whole, len(self.days) - 1)] * DAY_SECONDS + office
        return np.asarray(np.maximum(moment, local + 60))

    def same_time_after(self, local: Seconds, working_days: int) -> Seconds:
        """The same time of day on the n-th working day after each instant's date (day 0 is the date itself)."""
        index = local // DAY_SECONDS - self.first
        target = self.before[index] + self.is_working[index] + working_days - 1
        return self.days[np.minimum(target, len(self.days) - 1)] * DAY_SECONDS + local % DAY_SECONDS


@lru_cache(maxsize=1)
def working_days() -> WorkingDays:
    """The calendar from CALENDAR_FIRST to CALENDAR_LAST."""
    off = set(holidays())
    span = (CALENDAR_LAST - CALENDAR_FIRST).days + 1
    dates = [CALENDAR_FIRST + timedelta(days=number) for number in range(span)]
    is_working = np.array([day.weekday() < 5 and day not in off for day in dates])
    first = day_number(CALENDAR_FIRST)
    return WorkingDays(
        first=first,
        is_working=is_working,
        before=np.concatenate(([0], np.cumsum(is_working)[:-1])).astype(np.int64),
        days=first + np.flatnonzero(is_working).astype(np.int64),
    )
