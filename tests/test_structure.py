"""The house keeps its walls: who may import whom, which folders exist, and that the papers match the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from quality.sending import AlertSettings
from reports.portal.settings import PortalSettings
from warehouse.findings import StatusSettings
from warehouse.settings import Settings

REPOSITORY = Path(__file__).resolve().parent.parent
OURS = {"bench", "dags", "extract", "quality", "reports", "simulator", "warehouse"}
MAY_IMPORT = {
    "warehouse": set(),
    "simulator": set(),
    "extract": {"warehouse"},
    "quality": {"warehouse"},
    "reports": {"warehouse"},
    "dags": set(),
}
ONLY_IN = {"airflow": "dags", "great_expectations": "quality", "altair": "reports"}
FORBIDDEN_FOLDERS = {"utils", "common", "helpers", "plugins", "scripts"}
SETTINGS = {
    str(field.validation_alias) if field.validation_alias else f"{of.model_config['env_prefix']}{name.upper()}"
    for of in (Settings, PortalSettings, AlertSettings, StatusSettings)
    for name, field in of.model_fields.items()
}
NOT_OURS = {".git", ".venv", ".venv-airflow", ".state", "__pycache__", "target", "logs"}


def files_of(folder: str) -> list[Path]:
    """Python files of one of our folders; there must be some."""
    files = [file for file in (REPOSITORY / folder).rglob("*.py") if not NOT_OURS & set(file.parts)]
    assert files, f"{folder}/ holds no Python file: nothing was checked"
    return files


def imported_packages(file: Path) -> Iterator[tuple[int, str]]:
    """Line and top package of every import, wherever in the file it stands."""
    for node in ast.walk(ast.parse(file.read_text(), str(file))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.lineno, node.module.partition(".")[0]


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_a_folder_imports_only_whom_it_may_know(folder: str) -> None:
    strangers = [
        f"{file.relative_to(REPOSITORY)}:{line} imports {package}"
        for file in files_of(folder)
        for line, package in imported_packages(file)
        if package in OURS - MAY_IMPORT[folder] - {folder}
    ]
    assert strangers == []


@pytest.mark.parametrize(("package", "home"), ONLY_IN.items())
def test_a_heavy_library_stays_in_its_folder(package: str, home: str) -> None:
    users = {
        folder
        for folder in MAY_IMPORT
        for file in files_of(folder)
        for _, name in imported_packages(file)
        if name == package
    }
    assert users == {home}


def test_only_the_settings_read_our_environment() -> None:
    readers = {
        str(file.relative_to(REPOSITORY))
        for folder in ("extract", "quality", "reports", "warehouse")
        for file in files_of(folder)
        if re.search(r"os\.(environ\.get|environ\[|getenv)", file.read_text())
        and not re.search(r"os\.environ\[[^]]+\] = ", file.read_text())
    }
    assert readers == {"warehouse/settings.py"}


def test_no_folder_is_a_drawer_for_the_rest() -> None:
    ours = [path for path in REPOSITORY.iterdir() if path.is_dir() and not path.name.startswith(".")]
    folders = {
        path
        for folder in ours
        for path in (folder, *folder.rglob("*"))
        if path.is_dir() and not NOT_OURS & set(path.parts)
    }
    assert len(folders) > 10
    assert [str(path) for path in folders if path.name in FORBIDDEN_FOLDERS] == []


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_no_file_is_too_long_to_read(folder: str) -> None:
    assert {file.name: size for file in files_of(folder) if (size := len(file.read_text().splitlines())) >= 400} == {}


def make_targets() -> list[str]:
    targets = re.findall(r"^([a-z-]+):.*## ", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert len(targets) > 5
    return targets


def test_the_readme_names_every_make_target() -> None:
    readme = (REPOSITORY / "README.md").read_text()
    assert [target for target in make_targets() if f"make {target}" not in readme] == []


def test_the_example_environment_lists_every_setting() -> None:
    listed = set(re.findall(r"^(?:# )?([A-Z_0-9]+)=", (REPOSITORY / ".env.example").read_text(), re.MULTILINE))
    assert SETTINGS
    assert SETTINGS - listed == set()


def test_the_example_environment_names_no_setting_that_is_not_read() -> None:
    dags = "".join(file.read_text() for file in files_of("dags"))
    read_by_dags = set(re.findall(r"LAPOR_[A-Z_]+", dags)) - SETTINGS
    listed = set(
        re.findall(
            r"^(?:# )?(LAPOR_(?!CONNECTION_|CREDENTIAL_|HOST_KEY_)[A-Z_0-9]+)=",
            (REPOSITORY / ".env.example").read_text(),
            re.MULTILINE,
        )
    )
    assert listed
    assert listed - SETTINGS - read_by_dags == set()
