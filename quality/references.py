"""The code lists rows are checked against: the dbt seeds, so that the gate and the marts know the same codes."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from quality.errors import NotEvaluated
from warehouse.settings import REPOSITORY

SEEDS = REPOSITORY / "dbt_project" / "seeds"

# Not a seed: the two ways a complaint is entered are the contract's own words, no list that grows.
INPUT_METHODS = frozenset({"MANDIRI", "PETUGAS"})

Period = tuple[date, date | None]


@dataclass(frozen=True, slots=True)
class References:
    """Code sets; `categories` holds "MAIN" and "MAIN > LABEL", `agencies` the registry's codes as of the night.

    `regions` and `categories` map each code to the periods it is in force (from, to; to is excluded, None = open).
    `transitions` holds "BEFORE > AFTER" event types, `scales` the lowest and highest score of each survey,
    `attributes` "SURVEY attribute".
    """

    report_classes: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    event_types: frozenset[str] = frozenset()
    transitions: frozenset[str] = frozenset()
    agencies: frozenset[str] = frozenset()
    regions: Mapping[str, list[Period]] = field(default_factory=dict)
    categories: Mapping[str, list[Period]] = field(default_factory=dict)
    scales: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    attributes: frozenset[str] = frozenset()


# For reading the texts of rules without judging anything.
NO_REFERENCES = References()


def read_references(agencies: Iterable[str] = (), folder: Path = SEEDS) -> References:
    """The code sets of the seed files in `folder`.

    Raises NotEvaluated if a file or column is missing or empty, or a date or score in it is none.
    """
    return References(
        report_classes=_codes(folder / "report_classes.csv", "report_class"),
        statuses=_codes(folder / "statuses.csv", "status_code"),
        channels=_codes(folder / "channels.csv", "channel_code"),
        event_types=_codes(folder / "event_types.csv", "event_type"),
        transitions=frozenset(
            f"{row['event_type']} > {row['may_be_followed_by']}"
            for row in _rows(folder / "event_transitions.csv", "event_type", "may_be_followed_by")
        ),
        agencies=frozenset(agencies),
        regions=_periods(folder / "regions.csv", "kemendagri_code"),
        categories=_periods(folder / "categories.csv", "category_main", "category_label"),
        scales=_scales(folder / "survey_waves.csv"),
        attributes=frozenset(
            f"{row['survey_code']} {row['attribute']}"
            for row in _rows(folder / "survey_attributes.csv", "survey_code", "attribute")
        ),
    )


def _codes(file: Path, column: str) -> frozenset[str]:
    return frozenset(row[column] for row in _rows(file, column))


def _periods(file: Path, column: str, label: str | None = None) -> dict[str, list[Period]]:
    periods: dict[str, list[Period]] = defaultdict(list)
    for row in _rows(file, column, "valid_from", "valid_to", *([label] if label else [])):
        try:
            until = row["valid_to"]
            period = date.fromisoformat(row["valid_from"]), date.fromisoformat(until) if until else None
        except ValueError as error:
            raise NotEvaluated(f"{file}: {row[column]}: {error}. Mend valid_from and valid_to.") from None
        for code in _names(row, column, label):
            periods[code].append(period)
    return dict(periods)


def _names(row: dict[str, str], column: str, label: str | None) -> Iterator[str]:
    """The code itself, or with a label the parent and the pair."""
    yield row[column]
    if label and row[label]:
        yield f"{row[column]} > {row[label]}"


def _scales(file: Path) -> dict[str, tuple[float, float]]:
    try:
        return {
            row["survey_code"]: (float(row["lowest_score"]), float(row["highest_score"]))
            for row in _rows(file, "survey_code", "lowest_score", "highest_score")
        }
    except ValueError as error:
        raise NotEvaluated(f"{file}: {error}. Mend lowest_score and highest_score.") from None


def _rows(file: Path, *columns: str) -> list[dict[str, str]]:
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except FileNotFoundError:
        raise NotEvaluated(f"{file} does not exist: rows cannot be checked against it. Restore the seed.") from None
    if not rows or not set(columns) <= set(rows[0]):
        raise NotEvaluated(f"{file}: no rows, or no column {' and '.join(columns)}. Restore the seed.")
    return rows
