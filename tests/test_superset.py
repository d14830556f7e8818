"""Superset's dashboards speak of what the marts have: each column, dataset, chart and place on a dashboard leads on."""

import json
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy.engine import make_url

REPOSITORY = Path(__file__).resolve().parent.parent
BUNDLE = REPOSITORY / "superset" / "dashboards"
MARTS = REPOSITORY / "dbt_project" / "models" / "marts"
STAMP = "DATA SIMULASI, bukan kinerja sebenarnya"
SIMPLE, SQL = "SIMPLE", "SQL"
WORD = re.compile(r"[a-z_][a-z0-9_]*")
SQL_WORDS = {
    "sum",
    "nullif",
    "max",
    "min",
    "count",
    "distinct",
    "bool_or",
    "double",
    "precision",
    "case",
    "when",
    "then",
    "else",
    "end",
}


def read(kind: str) -> dict[str, dict[str, Any]]:
    """uuid -> what the bundle's files of a kind say, e.g. of "charts"."""
    files = [yaml.safe_load(path.read_text()) for path in sorted((BUNDLE / kind).rglob("*.yaml"))]
    assert files, kind
    by_uuid = {file["uuid"]: file for file in files}
    assert len(by_uuid) == len(files), f"two of {kind} have one uuid"
    return by_uuid


def columns_of_marts() -> dict[str, dict[str, str]]:
    """Mart -> column -> type, as its YAML promises them."""
    models = [
        model for path in MARTS.rglob("*.yml") for model in (yaml.safe_load(path.read_text()) or {}).get("models", [])
    ]
    return {model["name"]: {column["name"]: column["data_type"] for column in model["columns"]} for model in models}


def names_in(expression: str) -> set[str]:
    """The columns that an SQL expression names."""
    return set(WORD.findall(re.sub(r"'[^']*'", "", expression))) - SQL_WORDS


def asked_of(params: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """The columns and the metrics that a chart asks its dataset for."""
    columns = {
        *params.get("groupby", []),
        *params.get("all_columns", []),
        *([params["x_axis"]] if "x_axis" in params else []),
    }
    columns |= {json.loads(order)[0] for order in params.get("order_by_cols", [])}
    for condition in params["adhoc_filters"]:
        columns |= (
            {condition["subject"]} if condition["expressionType"] == SIMPLE else names_in(condition["sqlExpression"])
        )
    metrics = {*params.get("metrics", []), *([sort] if (sort := params.get("timeseries_limit_metric")) else [])}
    return columns, metrics


def test_every_dataset_is_a_mart_and_every_column_one_of_its() -> None:
    marts = columns_of_marts()
    databases = read("databases")
    for dataset in read("datasets").values():
        assert dataset["schema"] == "marts"
        assert dataset["sql"] is None, "a query of its own would pass by the marts' YAML"
        assert dataset["database_uuid"] in databases
        assert {c["column_name"]: c["type"].lower() for c in dataset["columns"]} == marts[dataset["table_name"]], (
            dataset["table_name"]
        )
        for metric in dataset["metrics"]:
            strangers = names_in(metric["expression"]) - set(marts[dataset["table_name"]])
            assert not strangers, (dataset["table_name"], metric["metric_name"], strangers)


def test_every_chart_asks_a_dataset_there_for_columns_and_metrics_it_has() -> None:
    datasets = read("datasets")
    for chart in read("charts").values():
        dataset = datasets[chart["dataset_uuid"]]
        columns, metrics = asked_of(chart["params"])
        assert columns | metrics, f"{chart['slice_name']} asks for nothing"
        assert columns <= {column["column_name"] for column in dataset["columns"]}, chart["slice_name"]
        assert metrics <= {metric["metric_name"] for metric in dataset["metrics"]}, chart["slice_name"]
        assert chart["params"]["viz_type"] == chart["viz_type"]


def test_every_dashboard_begins_with_what_the_data_are_and_shows_charts_that_are_there() -> None:
    datasets, charts, dashboards = read("datasets"), read("charts"), read("dashboards")
    assert {dashboard["slug"] for dashboard in dashboards.values()} == {
        "lapor-nasional",
        "lapor-instansi",
        "lapor-kepuasan",
        "lapor-mutu",
    }
    shown: list[str] = []
    for dashboard in dashboards.values():
        position = dashboard["position"]
        first = position[position[position["GRID_ID"]["children"][0]]["children"][0]]
        chart = charts[first["meta"]["uuid"]]
        (metric,) = chart["params"]["metrics"]
        expression = next(
            m["expression"] for m in datasets[chart["dataset_uuid"]]["metrics"] if m["metric_name"] == metric
        )
        assert STAMP in expression
        assert "is_simulated" in expression
        shown += [
            piece["meta"]["uuid"] for piece in position.values() if isinstance(piece, dict) and piece["type"] == "CHART"
        ]
        for chosen in dashboard["metadata"]["native_filter_configuration"]:
            (target,) = chosen["targets"]
            assert target["column"]["name"] in {
                column["column_name"] for column in datasets[target["datasetUuid"]]["columns"]
            }
    assert set(shown) == set(charts), "each chart on a dashboard, and no dashboard with one that is not there"


def test_the_bundle_holds_no_address_and_no_secret() -> None:
    (database,) = read("databases").values()
    assert database["sqlalchemy_uri"] == "postgresql+psycopg2://warehouse.invalid/lapor"
    assert not database["expose_in_sqllab"]
    assert not database["allow_dml"]
    assert 'IN_THE_BUNDLE = "warehouse.invalid"' in (REPOSITORY / "superset" / "superset_config.py").read_text()


def test_what_is_handed_to_superset_is_the_whole_bundle_by_its_paths() -> None:
    contents_of = runpy.run_path(str(REPOSITORY / "superset" / "import_dashboards.py"))["contents_of"]
    contents = contents_of(BUNDLE)
    assert yaml.safe_load(contents["metadata.yaml"])["type"] == "assets"
    assert len(contents) == len(list(BUNDLE.rglob("*.yaml"))) > 30
    assert {name.split("/")[0] for name in contents} == {
        "metadata.yaml",
        "databases",
        "datasets",
        "charts",
        "dashboards",
    }


def test_the_address_of_the_environment_takes_the_bundle_s_place_and_reads_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SUPERSET_SECRET_KEY", "x" * 42)
    monkeypatch.setenv(
        "SUPERSET_WAREHOUSE_URI", "postgresql+psycopg2://login:word@warehouse.example:5433/lapor?sslmode=verify-full"
    )
    settings = runpy.run_path(str(REPOSITORY / "superset" / "superset_config.py"))
    (database,) = read("databases").values()
    uri, engine = settings["DB_CONNECTION_MUTATOR"](make_url(database["sqlalchemy_uri"]), {}, None, None, None)
    assert (
        uri.render_as_string(hide_password=False)
        == "postgresql+psycopg2://login:word@warehouse.example:5433/lapor?sslmode=verify-full"
    )
    assert "default_transaction_read_only=on" in engine["connect_args"]["options"]
    other = make_url("postgresql+psycopg2://somewhere.example/other")
    assert settings["DB_CONNECTION_MUTATOR"](other, {}, None, None, None) == (other, {})
    assert settings["PUBLIC_ROLE_LIKE"] is None
    assert not settings["AUTH_USER_REGISTRATION"]
    assert not [
        source
        for sources in settings["TALISMAN_CONFIG"]["content_security_policy"].values()
        for source in sources
        if "http" in source
    ]


def test_it_does_not_start_without_its_secrets() -> None:
    secrets = {
        "SUPERSET_SECRET_KEY": "x" * 42,
        "SUPERSET_WAREHOUSE_URI": "postgresql+psycopg2://login@warehouse.example/lapor",
    }
    for missing in secrets:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SUPERSET_")}
        environment |= {name: value for name, value in secrets.items() if name != missing}
        done = subprocess.run(
            [sys.executable, "superset/superset_config.py"],
            cwd=REPOSITORY,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0
        assert f"{missing} is missing" in done.stderr
