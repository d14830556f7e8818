"""What others' packages bring along is looked at, and a release says what it is."""

import json
import re
import threading
import time
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from requirements import audit
from requirements.audit import NotAnswered, components, find_vulnerabilities, is_allowed, licences, site_packages_of

REPOSITORY = Path(__file__).resolve().parent.parent
ADVISORY = "GHSA-0000-0000-0001"
LOCK = f"jinja2==3.1.5 \\\n    --hash=sha256:{'0' * 64}\nmarkupsafe==3.0.2 \\\n    --hash=sha256:{'1' * 64}\n"

needs_tools = pytest.mark.skipif(
    not (audit.TOOLS / "pip-audit").exists(), reason="the audit's tools are not installed: make .venv-audit/.locked"
)


@pytest.mark.parametrize("environment", audit.ENVIRONMENTS)
def test_every_package_comes_under_a_licence_that_is_allowed(environment: str) -> None:
    site_packages = site_packages_of(REPOSITORY / audit.ENVIRONMENTS[environment])
    if site_packages is None:
        pytest.skip(f"the environment {environment} is not made")
    stated = licences(site_packages)
    assert len(stated) > 100
    assert {package: licence for package, licence in stated.items() if not is_allowed(licence)} == {}


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("EPL-2.0 OR GPL-2.0-or-later", True),  # we take it under the first
        ("MIT AND GPL-2.0-only", False),  # a part of it is under the second
        ("MIT AND PSF-2.0", True),
        ("GPL-2.0-only OR MIT AND AGPL-3.0-only", False),
        ("MIT AND (Apache-2.0 OR AGPL-3.0-only)", False),  # a person reads it
        ("not stated", False),
    ],
)
def test_of_alternatives_one_must_be_allowed_and_of_parts_all(expression: str, allowed: bool) -> None:
    assert is_allowed(expression) is allowed


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ("License-Expression: Apache-2.0\nClassifier: License :: OSI Approved :: MIT License", "Apache-2.0"),
        ("License: see file\nClassifier: License :: OSI Approved :: BSD License", "BSD-3-Clause"),
        ("Classifier: License :: OSI Approved\nLicense: MIT License", "MIT"),
        ("Classifier: License :: OSI Approved :: GNU Affero General Public License v3", "GNU Affero General Public License v3"),
        ("Summary: nothing said", "not stated"),
    ],
)  # fmt: skip
def test_a_licence_is_what_the_metadata_say_in_their_order(metadata: str, licence: str, tmp_path: Path) -> None:
    install(tmp_path, "some_package", metadata)
    assert licences(tmp_path) == {"some-package": licence}


def test_a_package_under_another_licence_fails_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(tmp_path / ".venv/lib/python3.11/site-packages", "good", "License-Expression: MIT")
    monkeypatch.setattr(audit, "REPOSITORY", tmp_path)
    assert audit.main(["licences"]) == 0
    install(tmp_path / ".venv/lib/python3.11/site-packages", "copyleft", "License-Expression: AGPL-3.0-only")
    assert audit.main(["licences"]) == 1
    assert "copyleft (.venv): AGPL-3.0-only" in capsys.readouterr().out


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A vulnerability service that knows one advisory, of Jinja2; yields the packages it is asked about."""
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            name = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]["name"]
            asked.append(name)
            affected = {
                "package": {"name": "jinja2", "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.1.6"}]}],
            }
            vulnerable = {"vulns": [{"id": ADVISORY, "summary": "made up", "affected": [affected]}]}
            body = json.dumps(vulnerable if name == "jinja2" else {}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("PIP_AUDIT_OSV_URL", f"http://127.0.0.1:{server.server_port}/v1/query")
        yield asked
        server.shutdown()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """A lock file of two packages."""
    (tmp_path / "some.txt").write_text(LOCK)
    return tmp_path / "some.txt"


@needs_tools
def test_an_advisory_is_found_unless_it_is_accepted(service: list[str], lock: Path) -> None:
    assert find_vulnerabilities(lock, {}) == [f"jinja2 3.1.5: {ADVISORY}, mended in 3.1.6"]
    assert sorted(service) == ["jinja2", "markupsafe"]
    assert find_vulnerabilities(lock, {ADVISORY: "templates are ours"}) == []


@needs_tools
def test_where_no_service_answers_it_says_so_in_seconds_and_fails_nothing(
    lock: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_AUDIT_OSV_URL", "http://127.0.0.1:9/v1/query")
    monkeypatch.setattr(audit, "HERE", lock.parent)
    began = time.process_time()
    assert audit.main(["vulnerabilities"]) == 0
    assert time.process_time() - began < audit.REQUEST_SECONDS
    assert capsys.readouterr().out == "vulnerabilities: skipped, no vulnerability service can be reached\n"


@needs_tools
def test_a_lock_that_cannot_be_read_is_no_closed_network(service: list[str], lock: Path) -> None:
    lock.write_text("jinja2==3.1.5\n")  # without a hash
    with pytest.raises(RuntimeError, match=r"some\.txt"):
        find_vulnerabilities(lock, {})
    assert service == []


def test_without_the_tools_it_says_so_and_fails_nothing(
    lock: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotAnswered, match="not installed"):
        find_vulnerabilities(lock, {}, tools=tmp_path)
    monkeypatch.setattr(audit, "TOOLS", tmp_path / "bin")
    assert audit.main(["vulnerabilities"]) in {0, 1}
    assert capsys.readouterr().out.startswith("vulnerabilities: ")


@needs_tools
def test_a_lock_found_clean_is_not_asked_about_again_the_same_day(
    service: list[str], lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock.write_text(LOCK[LOCK.index("markupsafe") :])
    tools = tmp_path / "environment" / "bin"
    tools.parent.mkdir()
    tools.symlink_to(audit.TOOLS)
    monkeypatch.setattr(audit, "HERE", lock.parent)
    monkeypatch.setattr(audit, "TOOLS", tools)
    monkeypatch.setattr(
        audit, "find_vulnerabilities", lambda lock, accepted: find_vulnerabilities(lock, accepted, tools)
    )
    assert audit.main(["vulnerabilities"]) == 0
    assert audit.main(["vulnerabilities"]) == 0
    assert service == ["markupsafe"]
    lock.write_text(LOCK)
    assert audit.main(["vulnerabilities"]) == 1
    assert sorted(service) == ["jinja2", "markupsafe", "markupsafe"]


@needs_tools
def test_the_list_of_components_is_the_same_each_time_and_names_no_address() -> None:
    environment = REPOSITORY / ".venv"
    listed = components(environment)
    assert components(environment) == listed
    assert set(re.findall(r"https?://[^\"]*", listed)) == {"http://cyclonedx.org/schema/bom-1.6.schema.json"}
    assert str(REPOSITORY) not in listed
    bill = json.loads(listed)
    assert {"serialNumber", "timestamp"} & (set(bill) | set(bill["metadata"])) == set()
    assert bill["metadata"]["component"]["version"] == version()
    packages = {component["name"].lower(): component for component in bill["components"]}
    assert len(packages) > 100
    assert packages["pydantic"]["purl"].startswith("pkg:pypi/pydantic@")


def test_every_requirement_is_locked_by_hash_and_by_no_index() -> None:
    wanted = sorted((REPOSITORY / "requirements").glob("*.in"))
    assert len(wanted) >= 4
    for file in wanted:
        text = file.with_suffix(".txt").read_text()
        assert text.count("--hash=sha256:") >= len(re.findall(r"^\S+==", text, re.MULTILINE)) > 10, file.name
        assert re.findall(r"^\s*(?:-i|--(?:extra-)?index-url|--find-links)|https?://", text, re.MULTILINE) == [], (
            file.name
        )


def test_the_changelog_ends_with_the_version_of_the_project() -> None:
    text = (REPOSITORY / "CHANGELOG.md").read_text()
    released = re.findall(r"^## \[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d{2}-\d{2})$", text, re.MULTILINE)
    assert len(re.findall(r"^## ", text, re.MULTILINE)) == len(released) + 1
    assert text.index("## [Unreleased]") < text.index("## [" + version())
    assert ".".join(released[0][:3]) == version()
    numbers = [tuple(map(int, entry[:3])) for entry in released]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[-1] == (1, 0, 0)


def install(site_packages: Path, name: str, metadata: str) -> None:
    """A package that is nothing but its metadata."""
    folder = site_packages / f"{name}-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{metadata}\n")


def version() -> str:
    """The version of the project."""
    return str(tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"])
