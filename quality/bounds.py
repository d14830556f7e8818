"""The numbers of `bounds.yml`, each with its reason and date beside it there."""

from dataclasses import dataclass, fields
from pathlib import Path

import yaml

from quality.errors import NotEvaluated

BOUNDS_FILE = Path(__file__).parent / "bounds.yml"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Units are in the names; shares are of 1."""

    clock_skew_hours: float
    early_event_hours: float
    bad_share: float
    bad_share_min_rows: int
    bad_event_share_min_events: int
    volume_factor: float
    volume_floor_rows: int
    volume_min_nights: int
    trailing_nights: int
    stated_total_tolerance_rows: int
    stale_file_min_rows: int
    coverage_min_share: float
    coverage_min_expected: int
    recap_repeat_min_total: int
    docs_nights_kept: int
    survey_lowest_score: int
    survey_highest_score: int
    lowest_stars: int
    highest_stars: int
    told_alike_hours: float
    duplicate_hours: float
    text_min_characters: int
    language_min_characters: int
    mass_closing_count: int
    mass_closing_minutes: float
    earliest_received_year: int
    recap_period_days: int
    oldest_recap_years: int
    silence_nights: int
    silence_min_waits: int
    silence_factor: float
    silence_floor_nights: int
    newest_record_hours: float
    mix_distance: float
    mix_min_rows: int
    mix_min_nights: int
    national_volume_factor: float
    national_min_nights: int
    national_min_rows: int
    national_nulls_rise: float
    national_mix_distance: float
    newly_held_min_deliveries: int
    unusual_floor_rows: int
    unusual_factor: float


def read_bounds(file: Path = BOUNDS_FILE) -> Bounds:
    """The bounds of a file. Raises NotEvaluated if a bound is missing, unknown, or stands without reason and date."""
    entries = yaml.safe_load(file.read_text(encoding="utf-8"))
    known = {bound.name for bound in fields(Bounds)}
    if odd := known.symmetric_difference(entries):
        raise NotEvaluated(
            f"{file}: missing or unknown bounds {sorted(odd)}. Make the file name exactly the bounds of bounds.py."
        )
    if unexplained := [name for name, entry in entries.items() if not {"value", "reason", "since"} <= set(entry)]:
        raise NotEvaluated(f"{file}: {unexplained} lack a value, reason or since. Say why the number is what it is.")
    return Bounds(**{name: entry["value"] for name, entry in entries.items()})
