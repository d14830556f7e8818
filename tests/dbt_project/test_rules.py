"""A rule that marts filled by changes rest on is watched, and rules told in two places are the same."""

import re
from pathlib import Path

from quality.bounds import read_bounds
from tests.dbt_project.test_seeds import rows_of

PROJECT = Path(__file__).resolve().parent.parent.parent / "dbt_project"
SQL = {path.stem: path.read_text(encoding="utf-8") for path in (PROJECT / "models").rglob("*.sql")}
SEEDS = {path.stem for path in (PROJECT / "seeds").glob("*.csv")}
REFERENCE = re.compile(r"ref\('(\w+)'\)")


def seeds_under(model: str) -> set[str]:
    """The seeds that a model rests on, through whatever models."""
    seen, found, waiting = {"int_build_scope"}, set(), [model]
    while waiting:
        name = waiting.pop()
        if name in SEEDS:
            found.add(name)
        elif name not in seen:
            seen.add(name)
            waiting.extend(REFERENCE.findall(SQL[name]))
    return found


def test_every_rule_under_a_mart_filled_by_changes_is_watched() -> None:
    filled_by_changes = [name for name, sql in SQL.items() if "incremental_strategy='replace_worked_on'" in sql]
    assert len(filled_by_changes) > 5
    macro = re.search(
        r"macro rule_seeds\(\).*?endmacro", (PROJECT / "macros" / "build_scope.sql").read_text(encoding="utf-8"), re.S
    )
    assert macro
    watched = set(re.findall(r"'(\w+)'", macro.group()))
    assert watched <= SEEDS
    forgotten = {name: seeds_under(name) - watched for name in filled_by_changes if seeds_under(name) - watched}
    assert forgotten == {}, "name these seeds in macro rule_seeds of macros/build_scope.sql"


def test_the_gate_and_the_marts_mean_the_same_by_a_duplicate() -> None:
    (rule,) = rows_of("duplicate_rules", on="2021-07-01")[:1]
    assert (rule["rule_code"], rule["limit_unit"]) == ("DUPLICATE", "JAM")
    assert float(rule["limit_count"]) == read_bounds().duplicate_hours
