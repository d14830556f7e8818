"""How many complaints each agency receives, and when.

Calibration, not fact: local governments are lognormal with median 15 per half-year and sigma 1.45 (so that a few have a
thousand); ministries and national bodies are a second, heavy component that makes up the national 558 a day.
"""

import csv
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from simulator.registry import BATAM, Agency
from simulator.workdays import DATA, DAY_SECONDS, Floats, Seconds, day_number, holidays

COMPLAINTS_PER_DAY = 558.0
HALF_YEAR_DAYS = 181
REFERENCE_PERIOD = (date(2021, 1, 1), date(2021, 6, 30))
LOCAL_MEDIAN = 15.0
LOCAL_SIGMA = 1.45
LOCAL_CEILING = 1_400.0
CENTRAL_MEDIAN = 130.0
CENTRAL_SIGMA = 1.2
BATAM_PER_HALF_YEAR = 71.0

WEEKDAY_WEIGHTS = np.array([1.18, 1.14, 1.10, 1.07, 1.00, 0.80, 0.71])
HOLIDAY_FACTOR = 0.75
LEBARAN_FACTOR = 0.45
LEBARAN_DAYS = 3
DAY_NOISE = 0.05
# Local hour of receipt: office hours lead, an evening shoulder after work, few at night.
HOUR_WEIGHTS = np.array(
    [6, 4, 3, 2, 3, 6, 14, 30, 60, 80, 84, 70, 58, 66, 64, 56, 46, 38, 36, 40, 42, 34, 22, 12], dtype=np.float64
)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Each complaint's agency (index into the world's agencies) and local wall-clock second of receipt."""

    agency: Seconds
    local: Seconds


def expected_per_half_year(agencies: tuple[Agency, ...], rng: np.random.Generator) -> Floats:
    """Expected complaints of each agency in 181 days; over the whole registry they sum to 558 a day."""
    heavy = _heavy_agencies()
    local = np.minimum(rng.lognormal(np.log(LOCAL_MEDIAN), LOCAL_SIGMA, len(agencies)), LOCAL_CEILING)
    central = rng.lognormal(np.log(CENTRAL_MEDIAN), CENTRAL_SIGMA, len(agencies))
    is_central = np.array([agency.is_central for agency in agencies])
    volumes = np.where(is_central, central, local)
    for index, agency in enumerate(agencies):
        if agency.code in heavy:
            volumes[index] = heavy[agency.code]
        elif agency.code == BATAM:
            volumes[index] = BATAM_PER_HALF_YEAR
    total = COMPLAINTS_PER_DAY * HALF_YEAR_DAYS
    central_total = volumes[is_central].sum()
    if central_total:
        volumes[is_central] *= max(total - volumes[~is_central].sum(), 0.3 * total) / central_total
    return np.asarray(volumes)


def draw_arrivals(per_half_year: Floats, start: date, end: date, rng: np.random.Generator) -> Arrivals:
    """Draw every complaint received from `start` to `end` (both included), by agency in order."""
    weights = day_weights(start, end, rng)
    counts = rng.poisson(per_half_year / HALF_YEAR_DAYS * weights.sum())
    agency = np.repeat(np.arange(len(per_half_year)), counts)
    day = rng.choice(len(weights), size=len(agency), p=weights / weights.sum())
    hour = rng.choice(24, size=len(agency), p=HOUR_WEIGHTS / HOUR_WEIGHTS.sum())
    local = (day_number(start) + day) * DAY_SECONDS + hour * 3600 + rng.integers(0, 3600, len(agency))
    return Arrivals(agency=agency, local=local)


def day_weights(start: date, end: date, rng: np.random.Generator) -> Floats:
    """Intensity of each day, 1 being the average of the first half of 2021: week, holidays, Lebaran, noise."""
    average = _day_factors(*REFERENCE_PERIOD).mean()
    factors = _day_factors(start, end)
    return np.asarray(factors / average * rng.lognormal(0, DAY_NOISE, len(factors)))


def _day_factors(start: date, end: date) -> Floats:
    off = holidays()
    lebaran = [day for day, name in off.items() if "Idul Fitri" in name and "Cuti" not in name]
    dates = [start + timedelta(days=number) for number in range((end - start).days + 1)]
    week = WEEKDAY_WEIGHTS[[day.weekday() for day in dates]]
    return np.asarray(week * [_holiday_factor(day, lebaran, off) for day in dates])


def _holiday_factor(day: date, lebaran: list[date], off: dict[date, str]) -> float:
    if any(abs((day - feast).days) <= LEBARAN_DAYS for feast in lebaran):
        return LEBARAN_FACTOR
    return HOLIDAY_FACTOR if day in off else 1.0


def _heavy_agencies() -> dict[str, float]:
    with (DATA / "heavy_agencies.csv").open(encoding="utf-8", newline="") as file:
        return {row["agency_code"]: float(row["per_half_year"]) for row in csv.DictReader(file)}
