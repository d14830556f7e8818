"""What reference data must be true of, whoever edits a row: dates that follow each other, codes that differ, bands without holes."""

import csv
from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
import yaml

from tests.proofs import DBT_PROJECT

SEEDS = DBT_PROJECT / "seeds"
FIRST_OF_JULY_2021 = "2021-07-01"


def rows_of(seed: str, on: str | None = None) -> list[dict[str, str]]:
    """Rows of a seed; with `on`, those that hold on that day."""
    with (SEEDS / f"{seed}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    return [
        row for row in rows if on is None or (row["valid_from"] <= on and (not row["valid_to"] or row["valid_to"] > on))
    ]


def test_every_seed_is_described_and_every_description_has_its_seed() -> None:
    described = yaml.safe_load((SEEDS / "seeds.yml").read_text(encoding="utf-8"))["seeds"]
    assert {seed["name"] for seed in described} == {path.stem for path in SEEDS.glob("*.csv")}
    assert [seed["name"] for seed in described if not seed["description"].startswith("One row per")] == []
    for seed in described:
        columns = [column["name"] for column in seed.get("columns", []) if column["description"]]
        assert columns == list(rows_of(seed["name"])[0]), f"{seed['name']}: describe every column, in order"
        assert set(seed.get("config", {}).get("column_types", {})) <= set(columns)


@pytest.mark.parametrize("seed", [path.stem for path in sorted(SEEDS.glob("*.csv"))])
def test_a_row_ends_after_it_begins_and_says_its_source(seed: str) -> None:
    rows = rows_of(seed)
    if "valid_from" in rows[0]:
        assert [row for row in rows if not row["valid_from"]] == []
        for row in rows:
            ends = row["valid_to"]
            assert not ends or date.fromisoformat(row["valid_from"]) < date.fromisoformat(ends), row
    if "source" in rows[0]:
        assert [row for row in rows if not row["source"]] == []


def test_the_two_systems_of_region_codes_differ_for_199_of_514_and_collide_for_166() -> None:
    regencies = [row for row in rows_of("regions", FIRST_OF_JULY_2021) if row["kind"] != "provinsi"]
    assert len(regencies) == 514
    of_ministry = {row["kemendagri_code"].replace(".", ""): row["name"] for row in regencies}
    of_statistics = {row["bps_code"]: row["name"] for row in regencies}
    assert sum(row["kemendagri_code"].replace(".", "") != row["bps_code"] for row in regencies) == 199
    assert sum(code in of_statistics and of_statistics[code] != name for code, name in of_ministry.items()) == 166


def test_no_column_of_a_mart_is_a_code_of_just_any_region() -> None:
    columns = [
        (path.stem, column["name"])
        for path in (DBT_PROJECT / "models" / "marts").rglob("*.yml")
        for model in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("models", [])
        for column in model["columns"]
    ]
    assert len(columns) > 100
    assert [place for place in columns if place[1] in {"region_code", "regency_code", "kode_wilayah"}] == []


def test_seven_labels_stand_under_two_main_categories() -> None:
    mains = defaultdict(set)
    for row in rows_of("categories", FIRST_OF_JULY_2021):
        mains[row["category_label"]].add(row["category_main"])
    assert sum(len(under) > 1 for label, under in mains.items() if label) == 7
    assert [row for row in rows_of("categories") if "\u00a0" in row["category_main"] + row["category_label"]] == []


@pytest.mark.parametrize(
    ("seed", "scale"),
    [("skm_grade_bands", "scheme"), ("ombudsman_bands", "assessment")],
)
def test_bands_leave_no_hole_at_two_decimals(seed: str, scale: str) -> None:
    """The published bands have gaps (64.99, 65.00): every value rounded to two decimals first falls into exactly one."""
    by_scale = defaultdict(list)
    for row in rows_of(seed):
        by_scale[row[scale]].append((Decimal(row["lower_bound"]), Decimal(row["upper_bound"])))
    assert by_scale
    for bands in by_scale.values():
        assert [lower - upper for (_, upper), (lower, _) in pairwise(sorted(bands))] == [Decimal("0.01")] * (
            len(bands) - 1
        )
        assert max(upper for _, upper in bands) == 100


@pytest.mark.parametrize(
    ("on", "score", "zone"),
    [
        # The same 80.00 and 53.00 mean other zones in other years.
        ("2021-12-01", "80.00", "kuning"), ("2022-12-01", "80.00", "hijau"),
        ("2021-12-01", "53.00", "kuning"), ("2022-12-01", "53.00", "merah"),
        ("2021-12-01", "81.00", "hijau"), ("2024-12-01", "77.99", "kuning"),
    ],
)  # fmt: skip
def test_a_score_of_the_ombudsman_means_what_it_meant_that_year(on: str, score: str, zone: str) -> None:
    zones = [
        row["zone"]
        for row in rows_of("ombudsman_bands", on)
        if Decimal(row["lower_bound"]) <= Decimal(score) <= Decimal(row["upper_bound"])
    ]
    assert zones == [zone]


def test_limits_say_whether_their_days_are_working_days() -> None:
    units = {(row["rule_code"], row["limit_unit"]) for row in rows_of("sla_rules")}
    assert ("TUTUP_OTOMATIS", "HARI_KERJA") in units
    assert {unit for _, unit in units} == {"HARI", "HARI_KERJA"}
    assert max(Counter(code for code, _ in units).values()) == 1
