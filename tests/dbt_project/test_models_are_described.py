"""Every model says its grain, every column what it means, and every column of a mart has its Indonesian label."""

from pathlib import Path
from typing import Any

import pytest
import yaml

MODELS = Path(__file__).resolve().parent.parent.parent / "dbt_project" / "models"
NO_KEY = {"stg_delivered_keys", "int_stock_flows"}  # rows repeat; their descriptions say so


def described() -> dict[str, tuple[Path, dict[str, Any]]]:
    """Every model in YAML, by name, with the file of its SQL."""
    entries = [
        (path, model)
        for path in MODELS.rglob("*.yml")
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", [])
    ]
    return {model["name"]: (path.with_name(f"{model['name']}.sql"), model) for path, model in entries}


MODELS_DESCRIBED = described()


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
    for column in model["columns"]:
        assert column["description"], f"{name}.{column['name']}"
        if "marts" in sql.parts:
            assert column["config"]["meta"]["label_id"], f"{name}.{column['name']} has no Indonesian label"
        if "marts" in sql.parts and column["name"] == "tracking_id":
            assert column["config"]["meta"]["sensitive"] is True
