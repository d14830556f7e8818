"""The code lists rows are checked against: the dbt seeds, so that the gate and the marts know the same codes."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from quality.errors import NotEvaluated
from warehouse.settings import REPOSITORY

SEEDS = REPOSITORY / "dbt_project" / "seeds"

# Not a seed: the two ways a complaint is entered are the contract's own words, no list that grows.
INPUT_METHODS = frozenset({"MANDIRI", "PETUGAS"})


@dataclass(frozen=True, slots=True)
class References:
    """Code sets; `categories` holds "MAIN" and "MAIN > LABEL", `agencies` the registry's codes as of the night."""

    report_classes: frozenset[str]
    statuses: frozenset[str]
    channels: frozenset[str]
    event_types: frozenset[str]
    regions: frozenset[str]
    categories: frozenset[str]
    agencies: frozenset[str]


# For reading the texts of rules without judging anything.
NO_REFERENCES = References(*[frozenset[str]()] * 7)


def read_references(agencies: Iterable[str] = (), folder: Path = SEEDS) -> References:
    """The code sets of the seed files in `folder`. Raises NotEvaluated if a file or column is missing or empty."""
    return References(
        report_classes=_codes(folder / "report_classes.csv", "report_class"),
        statuses=_codes(folder / "statuses.csv", "status_code"),
        channels=_codes(folder / "channels.csv", "channel_code"),
        event_types=_codes(folder / "event_types.csv", "event_type"),
        regions=_codes(folder / "regions.csv", "kemendagri_code"),
        categories=frozenset(_categories(folder / "categories.csv")),
        agencies=frozenset(agencies),
    )


def _codes(file: Path, column: str) -> frozenset[str]:
    return frozenset(row[column] for row in _rows(file, column))


def _categories(file: Path) -> Iterator[str]:
    for row in _rows(file, "category_main", "category_label"):
        yield row["category_main"]
        if row["category_label"]:
            yield f"{row['category_main']} > {row['category_label']}"


def _rows(file: Path, *columns: str) -> list[dict[str, str]]:
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except FileNotFoundError:
        raise NotEvaluated(f"{file} does not exist: rows cannot be checked against it. Restore the seed.") from None
    if not rows or not set(columns) <= set(rows[0]):
        raise NotEvaluated(f"{file}: no rows, or no column {' and '.join(columns)}. Restore the seed.")
    return rows
