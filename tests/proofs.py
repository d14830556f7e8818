"""The tests there are, by the name a table of proofs gives them: `tests/file.py::test` of pytest, `dbt: name` of dbt."""

import re
from functools import cache
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parent.parent
DBT_PROJECT = REPOSITORY / "dbt_project"


@cache
def tests_there_are() -> frozenset[str]:
    """Every test of pytest, and every unit test and singular data test of dbt; read from the files, nothing is run."""
    by_pytest = {
        f"{path.relative_to(REPOSITORY)}::{name}"
        for path in (REPOSITORY / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    by_dbt = {f"dbt: {path.stem}" for path in (DBT_PROJECT / "tests").glob("*.sql")} | {
        f"dbt: {test['name']}"
        for path in (DBT_PROJECT / "models").rglob("*.yml")
        for test in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("unit_tests", [])
    }
    assert len(by_pytest) > 300
    assert len(by_dbt) > 10
    return frozenset(by_pytest | by_dbt)


def missing(proofs: tuple[str, ...]) -> list[str]:
    """Those of the named tests that are not there."""
    return [proof for proof in proofs if proof not in tests_there_are()]
