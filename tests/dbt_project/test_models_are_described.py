"""Every model says its grain and key, every column what it means; a mart also its Indonesian labels and who may see what.

`make lint` runs this file: it reads YAML and SQL only. That the columns described are those there are, a built night shows
(test_a_built_night.py); the marts' contracts are checked by dbt in every build.
"""

import csv
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).resolve().parent.parent.parent / "dbt_project"
MODELS = PROJECT / "models"
NO_KEY = {
    "stg_delivered_keys",
    "stg_delivered_rating_keys",
    "int_stock_flows",
}  # rows repeat; their descriptions say so
ACCESS_KEYS = {"level", "agency_column", "secret_column", "suppress_below", "readers"}
READERS = ["panrb_analyst", "ombudsman_reader", "ksp_reader", "agency_reader"]
# KSP reads agencies by name in its own reports and in reference tables only.
KSP_BY_AGENCY = {"rpt_ksp_strategic_issues_weekly", "rpt_ksp_longest_open"}
ACCESS_LEVELS = {"complaint", "person", "aggregate", "reference"}
IDENTIFYING = {"tracking_id", "duplicate_of", "respondent_key"}
NEVER_IN_A_MART = {"reporter_key", "reporter_name", "text", "title", "nik", "phone", "email"}
NOT_METRICS = {
    "rpt_agency_comparison": {"value"},  # its rows are metrics: config.meta.metric_rows
    "rpt_stated_percentages": {"stated_percent", "computed_percent"},
    "rpt_national_satisfaction": {"margin_published"},
    "rpt_peer_distribution": {"p10", "p25", "p50", "p75", "p90"},  # of the metrics of rpt_agency_comparison
}
HOW_TO_DECLARE = "declare config.meta.access as models/overview.md says (section: Who may see what)"


def described() -> dict[str, tuple[Path, dict[str, Any]]]:
    """Every model in YAML, by name, with the file of its SQL."""
    entries = [
        (path, model)
        for path in MODELS.rglob("*.yml")
        for model in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("models", [])
    ]
    return {model["name"]: (path.with_name(f"{model['name']}.sql"), model) for path, model in entries}


MODELS_DESCRIBED = described()
MARTS = {name: model for name, (sql, model) in MODELS_DESCRIBED.items() if "marts" in sql.parts}


def meta(node: dict[str, Any]) -> dict[str, Any]:
    """config.meta of a model or column."""
    found: dict[str, Any] = node.get("config", {}).get("meta", {})
    return found


def test_every_sql_file_is_described() -> None:
    assert len(MODELS_DESCRIBED) > 30
    assert {path.stem for path in MODELS.rglob("*.sql")} == set(MODELS_DESCRIBED)


@pytest.mark.parametrize("name", MODELS_DESCRIBED)
def test_a_model_says_its_grain_key_and_columns(name: str) -> None:
    sql, model = MODELS_DESCRIBED[name]
    assert model["description"].startswith("One row")
    assert len(sql.read_text(encoding="utf-8").splitlines()) <= 150
    tests = [next(iter(test)) for test in model.get("data_tests", [])]
    assert ("primary_key" in tests) is (name not in NO_KEY)
    columns = [column["name"] for column in model["columns"]]
    assert len(columns) == len(set(columns))
    assert [column["name"] for column in model["columns"] if not column.get("description")] == []


def test_every_mart_keeps_its_contract() -> None:
    settings = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    assert settings["models"]["lapor"]["marts"]["+contract"] == {"enforced": True}
    assert [name for name, model in MARTS.items() if "contract" in model.get("config", {})] == []
    loosened = [name for name in MARTS if "contract" in MODELS_DESCRIBED[name][0].read_text(encoding="utf-8")]
    assert loosened == []


@pytest.mark.parametrize("name", MARTS)
def test_a_column_of_a_mart_has_its_type_and_indonesian_label(name: str) -> None:
    assert [column["name"] for column in MARTS[name]["columns"] if not column.get("data_type")] == []
    labels = [meta(column).get("label_id") for column in MARTS[name]["columns"]]
    assert [column["name"] for column, label in zip(MARTS[name]["columns"], labels, strict=True) if not label] == []


@pytest.mark.parametrize("name", MARTS)
def test_a_mart_says_who_may_see_what(name: str) -> None:
    model = MARTS[name]
    columns = {column["name"]: column for column in model["columns"]}
    access = meta(model).get("access")
    assert access, f"{name}: {HOW_TO_DECLARE}"
    assert ACCESS_KEYS <= set(access) <= ACCESS_KEYS | {"why_not_suppressed", "why_not_pulled", "count_columns"}, (
        f"{name}: {HOW_TO_DECLARE}"
    )
    assert access["level"] in ACCESS_LEVELS
    named = {access[key] for key in ("agency_column", "secret_column")} - {None} | set(access.get("count_columns", []))
    assert named <= set(columns), f"{name} names a column it does not have"
    sensitive = {column for column in columns if meta(columns[column]).get("sensitive")}
    assert IDENTIFYING & set(columns) <= sensitive
    assert NEVER_IN_A_MART & set(columns) == set()
    if access["level"] == "complaint":
        assert access["agency_column"]
        assert access["secret_column"]
        assert "tracking_id" in sensitive
        assert {column for column in columns if column.endswith("_at")} <= sensitive
    elif access["level"] == "person":
        assert access["agency_column"]
        assert sensitive
    else:
        assert sensitive == set(), f"{name} shows what identifies a complaint or person: its level is not aggregate"
        assert access["secret_column"] is None
    if access["level"] == "aggregate":
        assert bool(access["suppress_below"]) is not bool(access.get("why_not_suppressed")), "one of the two"


@pytest.mark.parametrize("name", MARTS)
def test_a_mart_is_open_to_those_its_level_allows(name: str) -> None:
    access = meta(MARTS[name])["access"]
    assert access["readers"] == [reader for reader in READERS if reader in access["readers"]], (
        "known, each once, in order"
    )
    if access["level"] == "complaint":
        assert access["readers"] == ["panrb_analyst", "ombudsman_reader"]
    elif access["level"] == "person":
        assert access["readers"] == []
    else:
        assert access["readers"][:2] == ["panrb_analyst", "ombudsman_reader"]
    if access["level"] == "aggregate" and "agency_reader" in access["readers"]:
        # Its own rows, or nobody's.
        assert access["agency_column"] or "agency_name" not in {column["name"] for column in MARTS[name]["columns"]}
    if access["level"] == "aggregate" and "ksp_reader" in access["readers"]:
        assert not access["agency_column"] or name in KSP_BY_AGENCY
    assert bool(access["suppress_below"]) is bool(access.get("count_columns")), "the counts of people it is judged by"


def test_who_reads_a_mart_is_said_in_one_place() -> None:
    settings = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    assert "{{ grant_access() }}" in settings["models"]["lapor"]["marts"]["+post-hook"]
    files = [PROJECT / "dbt_project.yml", *MODELS.rglob("*.yml")]
    granting = [path.name for path in files if re.search(r"^\s*\+?grants:", path.read_text("utf-8"), re.MULTILINE)]
    assert granting == []
    assert [
        name for name in MARTS if re.search(r"grants|post_hook", MODELS_DESCRIBED[name][0].read_text("utf-8"))
    ] == []


@pytest.mark.parametrize("name", [name for name in MARTS if name.startswith("rpt_")])
def test_every_measure_of_a_report_is_a_metric_of_the_dictionary(name: str) -> None:
    measures = [
        column
        for column in MARTS[name]["columns"]
        if column["data_type"] == "numeric" or "_working_days_" in column["name"]
        if not column["name"].endswith(("_low", "_high"))
    ]
    unexplained = [column["name"] for column in measures if not meta(column).get("metric")]
    assert set(unexplained) <= NOT_METRICS.get(name, set()), "declare config.meta.metric (macros/metrics.sql)"


def test_a_model_whose_rows_are_metrics_names_those_of_its_seed() -> None:
    with (PROJECT / "seeds" / "comparison_metrics.csv").open(encoding="utf-8") as file:
        compared = [row["metric"] for row in csv.DictReader(file)]
    assert compared
    assert meta(MARTS["rpt_agency_comparison"])["metric_rows"] == compared


def test_every_report_says_who_reads_it() -> None:
    exposures = yaml.safe_load((MODELS / "exposures.yml").read_text(encoding="utf-8"))["exposures"]
    assert len(exposures) > 5
    read = {name for exposure in exposures for node in exposure["depends_on"] for name in re.findall(r"'(\w+)'", node)}
    assert {name for name in MARTS if name.startswith("rpt_")} - read == set()
    assert [
        exposure["name"] for exposure in exposures if not exposure["description"] or not exposure["owner"]["name"]
    ] == []
