"""What our packages bring along: python requirements/audit.py vulnerabilities | licences [--list] | sbom FOLDER

vulnerabilities: whether an advisory is known of a locked version (pip-audit, OSV). A lock that was found clean is asked
about again after a day. Where no vulnerability service can be reached it says "skipped" and is no failure.
licences: whether every installed package is under a licence that audit.toml allows.
sbom: a CycloneDX list of components of each environment; the same environment gives the same bytes.

Exit codes: 0 nothing found, or skipped; 1 found, in the words printed.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import time
import tomllib
from collections import Counter
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
ENVIRONMENTS = {"pipeline": ".venv", "airflow": ".venv-airflow", "superset": ".venv-superset"}  # the last is optional
TOOLS = REPOSITORY / ".venv-audit" / "bin"
RULES = HERE / "audit.toml"

REQUEST_SECONDS = 5
LOCK_SECONDS = 300
ASKED_AGAIN_AFTER_SECONDS = 24 * 3600
# How pip-audit fails when nobody answers it, as opposed to a lock file that it cannot read.
UNREACHABLE = re.compile(r"requests\.exceptions\.|network may be blocking")


class NotAnswered(RuntimeError):
    """No vulnerability service can be asked here; the message says why."""


def find_vulnerabilities(lock: Path, accepted: dict[str, str], tools: Path = TOOLS) -> list[str]:
    """Lines "package version: advisory, mended in ..." of a lock file, without the accepted advisories.

    Raises NotAnswered, RuntimeError if pip-audit fails otherwise.
    """
    if not (tools / "pip-audit").exists():
        raise NotAnswered("pip-audit is not installed")
    ignored = [option for advisory in accepted for option in ("--ignore-vuln", advisory)]
    command = [
        str(tools / "pip-audit"), "--requirement", str(lock), "--require-hashes", "--disable-pip",
        "--vulnerability-service", "osv", "--timeout", str(REQUEST_SECONDS), "--format", "json",
        "--progress-spinner", "off", *ignored,
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LOCK_SECONDS)
    except subprocess.TimeoutExpired:
        raise NotAnswered(f"the vulnerability service took more than {LOCK_SECONDS} s") from None
    if not done.stdout.startswith("{"):
        if UNREACHABLE.search(done.stderr):
            raise NotAnswered("no vulnerability service can be reached")
        raise RuntimeError(f"pip-audit could not read {lock.name}:\n{done.stderr[-2000:]}")
    packages = json.loads(done.stdout)["dependencies"]
    if not any("vulns" in package for package in packages):
        raise NotAnswered("the vulnerability service knows none of our packages")
    found = [(package, advisory) for package in packages for advisory in package.get("vulns", [])]
    return [
        f"{package['name']} {package['version']}: {advisory['id']},"
        f" mended in {' '.join(advisory['fix_versions']) or 'none yet'}"
        for package, advisory in found
    ]


def licences(site_packages: Path) -> dict[str, str]:
    """Package -> its licence as an SPDX expression, or in its own words where those audit.toml does not know."""
    rules = _rules()["licences"]
    return {
        name: rules["read"].get(name) or _stated(package, rules["called"])
        for package in distributions(path=[str(site_packages)])
        for name in [package.metadata["Name"].lower().replace("_", "-").replace(".", "-")]
    }


def is_allowed(expression: str) -> bool:
    """Whether audit.toml allows an SPDX expression: every part of one of its alternatives.

    An expression with parentheses is not allowed: it is to be read by a person.
    """
    allowed = set(_rules()["licences"]["allowed"])
    return any(set(alternative.split(" AND ")) <= allowed for alternative in expression.split(" OR "))


def components(environment: Path, tools: Path = TOOLS) -> str:
    """CycloneDX JSON of what is installed in an environment: without times, serial numbers and addresses."""
    command = [
        str(tools / "cyclonedx-py"), "environment", "--pyproject", str(REPOSITORY / "pyproject.toml"),
        "--output-reproducible", "--output-format", "JSON", "--no-validate", str(environment / "bin" / "python"),
    ]  # fmt: skip
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise RuntimeError(f"cyclonedx-py could not list {environment.name}:\n{made.stderr[-2000:]}")
    return json.dumps(_without_addresses(json.loads(made.stdout)), indent=1, sort_keys=True) + "\n"


def site_packages_of(environment: Path) -> Path | None:
    """Where an environment keeps its packages; None if it is not made."""
    return next(environment.glob("lib/python3.*/site-packages"), None)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python requirements/audit.py", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("vulnerabilities")
    licences_of = commands.add_parser("licences")
    licences_of.add_argument("--list", action="store_true", help="every package with its licence")
    commands.add_parser("sbom").add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    match options.command:
        case "vulnerabilities":
            return _report_vulnerabilities()
        case "licences":
            return _report_licences(is_listed=options.list)
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, folder in ENVIRONMENTS.items():
        if not site_packages_of(REPOSITORY / folder):
            continue
        file = options.folder / f"{name}.cdx.json"
        file.write_text(components(REPOSITORY / folder))
        print(file)
    return 0


def _report_vulnerabilities() -> int:
    accepted = _rules()["accepted"]
    found = []
    for lock in sorted(HERE.glob("*.txt")):
        if _is_known_clean(lock, accepted):
            continue
        try:
            vulnerable = find_vulnerabilities(lock, accepted)
        except NotAnswered as reason:
            print(f"vulnerabilities: skipped, {reason}")
            break
        found += [f"{lock.name}: {line}" for line in vulnerable]
        if not vulnerable:
            _mark(lock, accepted).touch()
    else:
        print(f"vulnerabilities: {len(found)} known of the locked versions")
    if found:
        print("\n".join(found))
        print(f"Lock a mended version (make lock), or name the advisory with the reason in {RULES.name}.")
    return 1 if found else 0


def _report_licences(*, is_listed: bool) -> int:
    stated: dict[tuple[str, str], str] = {}
    for folder in ENVIRONMENTS.values():
        site_packages = site_packages_of(REPOSITORY / folder)
        if site_packages:
            stated |= {(name, folder): licence for name, licence in licences(site_packages).items()}
    if is_listed:
        print("\n".join(f"{name:<45} {licence:<40} {folder}" for (name, folder), licence in sorted(stated.items())))
    counts = Counter(stated.values()).most_common()
    print(f"licences: {len(stated)} packages: {', '.join(f'{licence} {count}' for licence, count in counts)}")
    refused = [f"{name} ({folder}): {licence}" for (name, folder), licence in stated.items() if not is_allowed(licence)]
    if refused:
        print("Not allowed:", *refused, sep="\n")
        print(f"Do without the package, or say in {RULES.name} what its licence is and why it may be used.")
    return 1 if refused else 0


def _rules() -> dict[str, Any]:
    return tomllib.loads(RULES.read_text())


def _stated(package: Distribution, called: dict[str, str]) -> str:
    """The licence as the metadata have it: the expression, else the classifiers, else the old field."""
    metadata = package.metadata
    if "License-Expression" in metadata:
        return metadata["License-Expression"]
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in metadata.get_all("Classifier") or []
        if line.startswith("License :: ") and line != "License :: OSI Approved"
    ]
    lines = [line.strip() for field in metadata.get_all("License") or [] for line in field.splitlines() if line.strip()]
    words = classifiers or lines[:1] or ["not stated"]  # some put the whole text into the old field
    return " AND ".join(sorted({called.get(word, word) for word in words}))


def _without_addresses(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _without_addresses(value) for key, value in part.items() if key != "externalReferences"}
    return [_without_addresses(value) for value in part] if isinstance(part, list) else part


def _mark(lock: Path, accepted: dict[str, str]) -> Path:
    """A file that stands for this lock and these exceptions having been found clean."""
    digest = hashlib.sha256(lock.read_bytes() + json.dumps(accepted, sort_keys=True).encode()).hexdigest()
    return TOOLS.parent / f".clean-{lock.stem}-{digest[:16]}"


def _is_known_clean(lock: Path, accepted: dict[str, str]) -> bool:
    mark = _mark(lock, accepted)
    return mark.exists() and time.time() - mark.stat().st_mtime < ASKED_AGAIN_AFTER_SECONDS


if __name__ == "__main__":
    sys.exit(main())
