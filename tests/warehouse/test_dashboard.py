"""The dashboard and the alert rules ask for nothing but what there is, and the rules fire when they should."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from psycopg2.extensions import connection as Connection

from tests.warehouse.test_night_metrics import facts, no_marts
from tests.warehouse.test_status import night, run
from warehouse.backup import MAX_AGE_HOURS
from warehouse.findings import StatusSettings
from warehouse.metrics import Warehouse
from warehouse.nights import LEAST_COVERAGE, PUBLISHED_BY
from warehouse.settings import REPOSITORY

__all__ = ["facts", "night", "no_marts", "run"]

FOLDER = REPOSITORY / "docs" / "observability"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())
RULES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0]["rules"]
OF_PROMQL = {"time", "sum", "by", "count", "min", "or", "and", "vector", "absent"}
SELECTOR = re.compile(r'([a-z_]+)(?:=~|!~|!=|=)"([^"]*)"')


def queries() -> list[tuple[str, str, str]]:
    """Where a query stands, the query, and how its lines are named."""
    panels = [
        (panel["title"], each["expr"], each["legendFormat"])
        for panel in DASHBOARD["panels"]
        for each in panel["targets"]
    ]
    rules = [
        (rule["alert"], rule["expr"], "".join(re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))))
        for rule in RULES
    ]
    return panels + [(name, query, f"{{{{{label}}}}}" if label else "") for name, query, label in rules]


@pytest.fixture
def exposed(
    night: Any, facts: None, warehouse: Connection, monkeypatch: pytest.MonkeyPatch
) -> dict[str, tuple[set[str], set[str]]]:
    """Every metric there can be: its labels, and the values they have in a night with everything in it."""
    monkeypatch.setattr("warehouse.metrics.backup.newest", lambda _: None)
    monkeypatch.setattr("warehouse.metrics.settings", lambda: _WITH_BACKUPS)
    return {
        metric.name: (
            set(metric._labelnames),
            {text for sample in metric.samples for text in sample.labels.values()},
        )
        for metric in Warehouse().collect()
    }


class _WithBackups:
    """Settings of a machine that has a place for backups."""

    warehouse_dsn = None
    backup_dir = backups = state_dir = Path("/")


_WITH_BACKUPS = _WithBackups()


def test_every_query_asks_for_a_metric_and_labels_that_there_are(exposed: dict[str, tuple[set[str], set[str]]]) -> None:
    assert len(queries()) > 20
    for where, query, legend in queries():
        bare = re.sub(r"\{[^}]*\}|[\d.]+e\d+", "", query)
        asked = set(re.findall(r"[a-z_]{2,}", bare)) - OF_PROMQL
        grouped = {label for inside in re.findall(r"by \(([^)]*)\)", query) for label in inside.split(", ")}
        metrics = asked - grouped
        assert metrics, where
        assert metrics <= exposed.keys(), where
        labels = set[str]().union(*(exposed[metric][0] for metric in metrics))
        values = set[str]().union(*(exposed[metric][1] for metric in metrics))
        selected = SELECTOR.findall("".join(re.findall(r"\{[^}]*\}", query)))
        assert {label for label, _ in selected} | grouped | set(re.findall(r"\{\{(\w+)\}\}", legend)) <= labels, where
        assert {text for _, text in selected} <= values, where


def test_every_figure_of_a_night_is_on_the_dashboard(exposed: dict[str, tuple[set[str], set[str]]]) -> None:
    asked = " ".join(query for _, query, _ in queries())
    missing = {metric for metric in exposed if not re.search(rf"{metric}\b", asked)}
    assert missing == {"lapor_night_agencies", "lapor_night_rows_new"}


def test_panels_do_not_lie_on_each_other_and_have_their_own_numbers() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = [
        (panel["gridPos"]["x"] + right, panel["gridPos"]["y"] + down)
        for panel in panels
        for right in range(panel["gridPos"]["w"])
        for down in range(panel["gridPos"]["h"])
    ]
    assert len(set(taken)) == len(taken)
    assert max(column for column, _ in taken) < 24


def test_a_rule_fires_from_where_on_the_status_warns() -> None:
    rules, usual = {rule["alert"]: rule["expr"] for rule in RULES}, StatusSettings()
    assert f"> {24 + PUBLISHED_BY.hour} * 3600" in rules["LaporNightNotPublished"]
    assert f"< {LEAST_COVERAGE}" in rules["LaporCoverageLow"]
    assert f"< {usual.disk_free_percent / 100}" in rules["LaporDiskFilling"]
    assert f"> {MAX_AGE_HOURS:.0f} * 3600" in rules["LaporBackupOld"]
    assert f"lapor_replica_lag_bytes > {usual.replica_lag_mb:.0f}e6" in rules["LaporReplicaBehind"]
    assert f"lapor_replica_lag_seconds > {usual.replica_lag_seconds:.0f} " in rules["LaporReplicaBehind"]


@pytest.fixture
def promtool() -> str:
    """Prometheus's own checker."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    return found


def test_prometheus_itself_takes_the_rules_and_every_query(promtool: str, tmp_path: Path) -> None:
    recorded = [{"record": f"query:{number}", "expr": query} for number, (_, query, _) in enumerate(queries())]
    (tmp_path / "queries.yml").write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": recorded}]}))
    for file in (FOLDER / "alerts.yml", tmp_path / "queries.yml"):
        done = subprocess.run([promtool, "check", "rules", str(file)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def series(name: str, *values: float | str) -> dict[str, str]:
    return {"series": name, "values": " ".join(map(str, values))}


# promtool's clock begins at 1970-01-01 00:00 UTC: the last night ended there, and five in the morning after the next is 29 hours on.
@pytest.mark.parametrize(
    ("alert", "given", "quiet_at", "fires_at"),
    [
        ("LaporNightNotPublished", [series("lapor_published_night_timestamp_seconds", "0x1800"), series("lapor_night_simulated", "0x1800")], "29h", "29h1m"),
        ("LaporCoverageLow", [series("lapor_night_coverage_ratio", 0.9, 0.89), series("lapor_night_published", "1x1")], "0m", "1m"),
        ("LaporDiskFilling", [series('lapor_disk_free_bytes{place="state"}', "14x30"), series('lapor_disk_size_bytes{place="state"}', "100x30")], "14m", "15m"),
        ("LaporBackupOld", [series("lapor_backup_newest_timestamp_seconds", "0x1600")], "26h", "26h1m"),
        ("LaporReplicaBehind", [series('lapor_replica_lag_bytes{replica="a"}', "257000000x30")], "9m", "10m"),
        ("LaporWarehouseDown", [series("lapor_up", "0x30")], "9m", "10m"),
        ("LaporWarehouseDown", [], "9m", "10m"),
    ],
)  # fmt: skip
def test_a_rule_is_quiet_before_its_time_and_fires_then(
    alert: str, given: list[dict[str, str]], quiet_at: str, fires_at: str, tmp_path: Path, promtool: str
) -> None:
    labels = dict(re.findall(r'(\w+)="(\w+)"', given[0]["series"])) if given else {}
    severity = next(rule["labels"]["severity"] for rule in RULES if rule["alert"] == alert)
    bare = [{name: of for name, of in rule.items() if name != "annotations"} for rule in RULES]
    (tmp_path / "alerts.yml").write_text(yaml.safe_dump({"groups": [{"name": "lapor", "rules": bare}]}))
    expected = [
        {"alertname": alert, "eval_time": at, "exp_alerts": [{"exp_labels": {**labels, "severity": severity}}] if fires else []}
        for at, fires in ((quiet_at, False), (fires_at, True))
    ]  # fmt: skip
    case = {
        "rule_files": ["alerts.yml"],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": given, "alert_rule_test": expected}],
    }
    (tmp_path / "case.yml").write_text(yaml.safe_dump(case))
    done = subprocess.run(
        [promtool, "test", "rules", "case.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
