"""docker-compose.yml and the Dockerfile, as far as they can be asked without an engine that builds and starts them."""

import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from quality.sending import AlertSettings
from reports.portal.settings import PortalSettings
from warehouse.settings import Settings

REPOSITORY = Path(__file__).resolve().parent.parent
TEXT = (REPOSITORY / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text().replace("\\\n", " ")

PROFILES = {
    "single": {
        "postgres", "init", "airflow-api-server", "airflow-dag-processor", "airflow-triggerer", "airflow-scheduler", "portal",
        "metrics",
    },
    "scaled": {
        "postgres", "postgres-replica", "redis", "objects", "landing-bucket", "init", "airflow-api-server",
        "airflow-dag-processor", "airflow-triggerer", "airflow-scheduler-celery", "airflow-worker", "portal", "metrics",
    },
    "superset": {"superset-init", "superset"},
}  # fmt: skip
# Read by who is named: by PostgreSQL's, Redis's and Superset's own start, by a command or health check in the file itself,
# by the clients of OpenLineage and OpenTelemetry.
OF_OTHERS = {
    "POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "PGPASSWORD", "REDISCLI_AUTH",
    "PORTAL_DB_PASSWORD", "AIRFLOW_PASSWORDS", "PART", "SUPERSET_ADMIN_PASSWORD",
    "OPENLINEAGE_API_KEY", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL",
}  # fmt: skip
IN_A_DAG = {"LAPOR_EXTRACT_SHARDS", "LAPOR_REPORT_SHARDS", "LAPOR_NIGHT_MINUTES"}
BY_HAND = {service for service, of in SERVICES.items() if of["restart"] == "no"}


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_has_its_services(profile: str) -> None:
    assert {name for name, service in SERVICES.items() if profile in service["profiles"]} == PROFILES[profile]


def test_a_service_waits_only_for_services_that_are_there_in_its_profiles() -> None:
    awaited = [(name, other) for name, service in SERVICES.items() for other in service.get("depends_on", {})]
    assert len(awaited) > 10
    assert [
        pair for pair in awaited if not set(SERVICES[pair[0]]["profiles"]) <= set(SERVICES[pair[1]]["profiles"])
    ] == []


def test_every_service_that_stays_is_asked_whether_it_is_well_and_starts_again() -> None:
    assert {"init", "landing-bucket", "superset-init"} == BY_HAND
    for name, service in SERVICES.items():
        if name not in BY_HAND:
            assert service["restart"] == "unless-stopped", name
            assert len(service["healthcheck"]["test"]) > 1, name
            assert {"interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"]), name


def test_only_pages_are_reached_from_outside_and_from_this_machine_alone() -> None:
    published = {name: port for name, service in SERVICES.items() for port in service.get("ports", [])}
    assert set(published) == {"portal", "airflow-api-server", "superset"}
    assert all(port.startswith("127.0.0.1:") for port in published.values())


def test_every_image_has_a_version_and_ours_is_that_of_the_project() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    images = {service["image"] for service in SERVICES.values()}
    ours = {f"lapor-{name}:{project['version']}" for name in ("airflow", "portal", "superset")}
    assert {image for image in images if image.startswith("lapor-")} == ours
    bases = images - ours | set(re.findall(r"^ARG PYTHON=(\S+)$", DOCKERFILE, re.MULTILINE))
    assert len(bases) == 4
    assert [image for image in bases if not re.search(r":\d+\.\d+(\.\d+)?(-\w+)*$", image)] == []


def test_services_write_only_where_they_are_meant_to_and_gain_no_rights() -> None:
    for name, service in SERVICES.items():
        assert service["read_only"] is True, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        if name != "objects":  # its start gives up root by itself
            assert service["cap_drop"] == ["ALL"], name
            assert service.get("user") or "build" in service, name
    used = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])


def test_every_variable_passed_is_one_that_is_read() -> None:
    read = {str(of.validation_alias or f"LAPOR_{name.upper()}") for name, of in Settings.model_fields.items()}
    read |= {f"LAPOR_PORTAL_{name.upper()}" for name in PortalSettings.model_fields}
    read |= {f"LAPOR_ALERT_{name.upper()}" for name in AlertSettings.model_fields}
    dags = " ".join(file.read_text() for file in (REPOSITORY / "dags").glob("*.py"))
    assert {name for name in IN_A_DAG if f'"{name}"' not in dags} == set()
    superset = set(
        re.findall(r"[\"'](SUPERSET_[A-Z_]+)[\"']", (REPOSITORY / "superset" / "superset_config.py").read_text())
    )
    passed = {name for service in SERVICES.values() for name in service.get("environment", {})}
    assert len(passed) > 30
    ours = {name for name in passed if not name.startswith("AIRFLOW__")}
    assert ours - read - IN_A_DAG - superset - OF_OTHERS == set()
    assert ours >= OF_OTHERS
    # What the images set is read as well: by us, by dbt, by Python, by Airflow, by Superset.
    set_in_images = set(re.findall(r"\b([A-Z_]{4,})=", " ".join(re.findall(r"^ENV .*$", DOCKERFILE, re.MULTILINE))))
    of_programs = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "MALLOC_ARENA_MAX", "AIRFLOW_HOME",
                   "DBT_TARGET_PATH", "DBT_LOG_PATH", "SUPERSET_CONFIG_PATH", "LAPOR_PIPELINE_BIN"}  # fmt: skip
    assert set_in_images - read - superset == of_programs


def test_every_option_of_airflow_is_one_that_airflow_has() -> None:
    python = REPOSITORY / ".venv-airflow" / "bin" / "python"
    if not python.exists():
        pytest.skip("the Airflow environment is not made: make .venv-airflow/.locked")
    packages = next((REPOSITORY / ".venv-airflow" / "lib").glob("python3.*/site-packages/airflow"))
    known = yaml.safe_load((packages / "config_templates" / "config.yml").read_text())
    provider = "import json; from airflow.providers.celery.get_provider_info import get_provider_info as p; print(json.dumps(p()['config']))"
    known |= json.loads(subprocess.run([python, "-c", provider], capture_output=True, text=True, check=True).stdout)
    options = {f"AIRFLOW__{section}__{name}".upper() for section, of in known.items() for name in of["options"]}
    passed = {name for service in SERVICES.values() for name in service.get("environment", {}) if "__" in name}
    assert len(passed) > 15
    assert passed - options == set()


def test_every_secret_is_left_to_the_environment_and_listed_in_the_example() -> None:
    listed = set(re.findall(r"^([A-Z_]+)=$", (REPOSITORY / ".env.example").read_text(), re.MULTILINE))
    needed = set(re.findall(r"(?<!\$)\$\{([A-Z_]+):\?set it in \.env\}", TEXT))
    assert len(needed) == 12
    assert needed <= listed
    assert re.findall(r"(?:PASSWORD|SECRET|KEY): (?!\$\{)\S", TEXT) == []


@pytest.mark.parametrize("profile", PROFILES)
def test_compose_itself_takes_the_file(profile: str, tmp_path: Path) -> None:
    compose = next((words for words in (["docker", "compose"], ["docker-compose"]) if is_version_2(words)), None)
    if compose is None:
        pytest.skip("docker compose is not installed")
    for name in ("docker-compose.yml", "Dockerfile"):
        shutil.copy(REPOSITORY / name, tmp_path)
    needed = set(re.findall(r"\$\{([A-Z_]+):\?", TEXT))
    (tmp_path / ".env").write_text("".join(f"{name}=x\n" for name in sorted(needed)))
    command = [*compose, "--project-directory", str(tmp_path), "--profile", profile, "config", "--format", "json"]
    environment = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["services"]) == PROFILES[profile]


def is_version_2(words: list[str]) -> bool:
    """Whether these words call Docker Compose, second version or later."""
    if shutil.which(words[0]) is None:
        return False
    said = subprocess.run([*words, "version", "--short"], capture_output=True, text=True, check=False)
    return said.returncode == 0 and not said.stdout.lstrip("v").startswith("1.")


def test_every_image_copies_what_there_is_and_ends_as_somebody_without_rights() -> None:
    stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
    by_name = {re.findall(r"AS (\S+)", stage)[0]: stage for stage in stages}
    built = {service["build"]["target"] for service in SERVICES.values() if "build" in service}
    assert built == {"airflow", "portal", "superset"}
    copied = [
        words for stage in stages for line in re.findall(r"^COPY (.*)$", stage, re.MULTILINE) if (words := line.split())
    ]
    here = [source for words in copied if not words[0].startswith("--from=") for source in words[:-1]]
    assert len(here) > 10
    assert [source for source in here if not (REPOSITORY / source).exists()] == []
    assert {words[0].removeprefix("--from=") for words in copied if words[0].startswith("--")} <= set(by_name)
    for name in built:
        stage = by_name[name]
        parent = by_name.get(stage.split()[0], "")
        assert re.findall(r"^USER (\d+)$", parent + stage, re.MULTILINE)[-1] == "10001", name


def test_every_folder_that_runs_is_in_the_image_and_no_pretended_agency() -> None:
    pipeline = DOCKERFILE.partition("AS pipeline\n")[2]
    for folder in ("dags", "dbt_project", "extract", "quality", "reports", "warehouse"):
        assert f"COPY {folder} {folder}" in pipeline
    assert "simulator" not in DOCKERFILE
    assert "COPY . " not in DOCKERFILE


def test_every_command_of_ours_in_the_file_is_one_there_is() -> None:
    modules = set(re.findall(r'-m"?,? "?([a-z]+(?:\.[a-z_]+)*)', TEXT + DOCKERFILE)) - {"celery", "venv"}
    assert modules == {"warehouse", "reports.portal"}
    for module in modules:
        assert (REPOSITORY / module.replace(".", "/") / "__main__.py").exists()
    scripts = [file for file in shlex.split(SERVICES["superset-init"]["command"][2]) if file.endswith(".py")]
    assert scripts == ["superset/import_dashboards.py"]
    assert all((REPOSITORY / script).exists() for script in scripts)
