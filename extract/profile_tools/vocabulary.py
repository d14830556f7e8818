"""What is known of words: the codes that exist, the words that existing profiles read, the names that sources use."""

import csv
import re
from collections import Counter, defaultdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from extract.profile import PROFILES, FieldSpec, Profile, read_profile
from extract.records import COMPLAINTS, EVENTS, KEYS, RATINGS, RECAPS, UNITS
from extract.values import normal
from warehouse.settings import REPOSITORY

FIELD_NAMES = Path(__file__).parent / "field_names.yml"
_SEEDS = REPOSITORY / "dbt_project" / "seeds"
_SEEDED = {
    "report_class": ("report_classes.csv", "report_class"),
    "status": ("statuses.csv", "status_code"),
    "channel": ("channels.csv", "channel_code"),
    "event_type": ("event_types.csv", "event_type"),
}
# No seeds: lists of the contract itself, which do not grow.
_OF_THE_CONTRACT = {
    "input_method": ("MANDIRI", "PETUGAS"),
    "supervision_level": ("NORMATIF", "TIDAK_BERKADAR", "BERKADAR"),
    "actor_level": ("PELAPOR", "ADMIN_NASIONAL", "ADMIN_INSTANSI", "PEJABAT_PENGHUBUNG", "SISTEM"),
}
# What no row of a table can do without: the gate keeps it out, or (the flags) it may be published by mistake.
_ESSENTIAL = {
    COMPLAINTS: (
        "source_system", "tracking_id", "report_class", "status", "received_at", "is_anonymous", "is_secret",
    ),
    EVENTS: ("event_seq", "event_type", "occurred_at"),
    RATINGS: ("source_system", "tracking_id", "stars", "rated_at"),
    RECAPS: ("subject_code", "period_start", "period_end", "received_count"),
    UNITS: ("unit_code", "unit_name"),
}  # fmt: skip
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_LETTER = re.compile(r"[^a-z0-9]+")


def essential(table: str) -> tuple[str, ...]:
    """The columns that a profile of the table must map."""
    return _ESSENTIAL.get(table, KEYS[table])


@lru_cache(maxsize=1)
def codes() -> dict[str, tuple[str, ...]]:
    """The codes that a column with a code list may hold, in the order of the list."""
    found = dict(_OF_THE_CONTRACT)
    for column, (file, name) in _SEEDED.items():
        with (_SEEDS / file).open(encoding="utf-8", newline="") as lines:
            found[column] = tuple(row[name] for row in csv.DictReader(lines))
    return found


@lru_cache(maxsize=1)
def field_names() -> dict[str, Any]:
    """How sources call things: field_names.yml."""
    content: dict[str, Any] = yaml.safe_load(FIELD_NAMES.read_text(encoding="utf-8"))
    return content


def mapped_codes(profile: Profile) -> list[tuple[str, str, str | bool]]:
    """Every word of a profile: the column it is for, the word, the code it stands for."""
    found = []
    for prefix, specs in (("fields", profile.fields), ("events.fields", profile.events.fields)):
        for name, spec in specs.items():
            found += [(f"{prefix}.{name}", word, code) for word, code in (spec.words or {}).items()]
            if isinstance(spec.constant, str):
                found.append((f"{prefix}.{name}", "constant", spec.constant))
    for column in profile.events.columns:
        found += [("events.columns.event_type", word, code) for word, code in column.kinds.items() if code]
        if column.event_type:
            found.append(("events.columns.event_type", "constant", column.event_type))
    return found


@lru_cache(maxsize=1)
def known_words() -> dict[str, dict[str, str]]:
    """Column -> normal word -> the code that most profiles give it, and every code by its own name."""
    votes: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for path in sorted(PROFILES.glob("*.yml")):
        for place, word, code in mapped_codes(read_profile(path.stem)):
            column = place.rpartition(".")[2]
            if isinstance(code, str) and word != "constant":
                votes[column][normal(word)][code] += 1
    for column, listed in codes().items():
        for code in listed:
            for word in (code, code.replace("_", " ")):
                votes[column][normal(word)][code] += 1
    return {
        column: {word: counts.most_common(1)[0][0] for word, counts in words.items()} for column, words in votes.items()
    }


def plain_name(path: str) -> str:
    """A field's name as field_names.yml writes it: `unit.namaOPD` is unit_nama_opd, `No. Tracking` no_tracking."""
    return _NO_LETTER.sub("_", _CAMEL.sub("_", path).lower()).strip("_")


def is_code_column(name: str, spec: FieldSpec) -> bool:
    """Whether a column holds codes and so can be shown by value."""
    return name in codes() or spec.words is not None or spec.type == "boolean" or isinstance(spec.constant, bool)
