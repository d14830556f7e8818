"""The paper that agencies read says what the code does: its examples map, its tables are complete, in both languages."""

import ast
import re
from pathlib import Path

import pytest

from extract.connectors import Page, connector_for
from extract.mapping import Mapper
from extract.profile import read_profile
from extract.profile_tools.sampling import kind_of
from extract.profile_tools.vocabulary import codes
from extract.records import COLUMNS, COMPLAINTS, EVENTS, TABLE_OF_RESOURCE
from quality.bounds import read_bounds
from quality.references import NO_REFERENCES
from quality.suites.complaint_events import complaint_events
from quality.suites.complaints import complaints
from quality.suites.deliveries import deliveries

REPOSITORY = Path(__file__).resolve().parents[2]
CONTRACT = (REPOSITORY / "docs" / "data-contract.md").read_text()
HALVES = dict(zip(("id", "en"), CONTRACT.split("# Data contract (English)\n"), strict=True))
EXAMPLES = re.findall(r"^```(json|csv) profile=(\w+)\n(.*?)^```$", CONTRACT, re.MULTILINE | re.DOTALL)
FAILURES = {"DeliveryFailed", "DeliveryLate", "SourceChanged", "Unreadable", "Absent"}
LEAST_LETTERS = 6


@pytest.mark.parametrize(
    ("form", "profile_name", "content"), EXAMPLES, ids=[f"{n} {e[1]}" for n, e in enumerate(EXAMPLES)]
)
def test_an_example_reads_whole_through_the_profile_it_names(form: str, profile_name: str, content: str) -> None:
    profile = read_profile(profile_name)
    said = {"sql": profile.sql, "open311": profile_name.startswith("georeport"), "tabular": form == "csv"}
    page = Page(f"contoh.{form}", content.encode())
    connector = connector_for(kind_of(page, said), profile, None)
    mapper = Mapper(profile, "KOTA-00.00", "Asia/Jakarta", b"s" * 32)
    records = list(connector.read(page).records)
    assert records
    for record in records:
        row, events = mapper.rows(record)
        assert row.problems == []
        assert [event.problems for event in events if event.problems] == []
        assert (profile.table != COMPLAINTS) or events
    mapper.require_fields("example")
    assert mapper.unknown_fields == set()


def test_both_languages_have_the_same_examples_and_headings() -> None:
    assert len(EXAMPLES) == 20
    blocks = {
        language: re.findall(r"^```.*?^```$", text, re.MULTILINE | re.DOTALL) for language, text in HALVES.items()
    }
    assert blocks["id"] == blocks["en"]
    shapes = {language: re.findall(r"^(##+|\|)", text, re.MULTILINE) for language, text in HALVES.items()}
    assert shapes["id"] == shapes["en"]


@pytest.mark.parametrize("language", HALVES)
def test_every_state_of_the_ledger_is_explained(language: str) -> None:
    definition = (REPOSITORY / "warehouse" / "sql" / "030_ops.sql").read_text()
    listed = re.search(r"check \(state in \(([^)]*'not_connected'[^)]*)\)", definition)
    assert listed
    states = re.findall(r"'(\w+)'", listed[1])
    assert len(states) == 6
    assert [state for state in states if f"| `{state}` |" not in HALVES[language]] == []


@pytest.mark.parametrize("language", HALVES)
def test_every_rule_of_the_gate_for_complaints_is_explained(language: str) -> None:
    bounds = read_bounds()
    rules = [
        rule.rule_id for suite in (complaints, complaint_events, deliveries) for rule in suite(NO_REFERENCES, bounds)
    ]
    assert len(rules) > 25
    assert [rule for rule in rules if f"| `{rule}` |" not in HALVES[language]] == []


@pytest.mark.parametrize("language", HALVES)
def test_every_column_code_and_resource_is_named(language: str) -> None:
    computed = {"reporter_key"}
    names = [
        *COLUMNS[COMPLAINTS],
        *COLUMNS[EVENTS],
        *TABLE_OF_RESOURCE,
        *(code for listed in codes().values() for code in listed),
    ]
    assert [name for name in names if f"`{name}`" not in HALVES[language] and name not in computed] == []


def told_messages() -> set[str]:
    """The longest constant piece of every message with which extraction refuses a delivery or a value."""
    found = set()
    for path in sorted((REPOSITORY / "extract").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in FAILURES
                and node.args
            ):
                pieces = [part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant)]
                texts = [piece.strip(" '\"(:,").removesuffix(" (") for piece in pieces if isinstance(piece, str)]
                longest = max(texts, key=len, default="")
                if len(longest) >= LEAST_LETTERS:
                    found.add(longest)
    return found


@pytest.mark.parametrize("language", HALVES)
def test_every_message_that_an_agency_may_get_is_explained(language: str) -> None:
    messages = told_messages()
    assert len(messages) > 50
    assert sorted(message for message in messages if message not in HALVES[language]) == []
