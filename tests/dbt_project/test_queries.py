"""docs/queries.md asks twenty questions of the marts, each with how to read the answer.

That every one runs as an analyst may run it, a built night shows (test_a_built_night.py).
"""

import re
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PAGE = REPOSITORY / "docs" / "queries.md"
MARTS = REPOSITORY / "dbt_project" / "models" / "marts"
QUESTION = re.compile(
    r"^### (?P<number>\d+)\. (?P<text>.+)\n```sql\n(?P<sql>[^`]+)```\nReading: (?P<reading>.+)$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the page, its SQL and how to read the answer."""

    number: int
    text: str
    sql: str
    reading: str


def questions() -> list[Question]:
    """The questions in the order of the page."""
    found = QUESTION.finditer(PAGE.read_text(encoding="utf-8"))
    return [Question(int(match["number"]), match["text"], match["sql"], match["reading"]) for match in found]


def test_the_page_asks_twenty_questions() -> None:
    assert [question.number for question in questions()] == list(range(1, 21))
    assert PAGE.read_text(encoding="utf-8").count("```sql") == 20


def test_a_question_goes_to_marts_and_puts_its_answer_in_order() -> None:
    known = {path.stem for path in MARTS.rglob("*.sql")}
    for question in questions():
        asked = set(re.findall(r"(?:from|join) (\w+\.\w+)", question.sql))
        assert asked, question.text
        assert asked <= {f"marts.{name}" for name in known}, question.text
        assert "select *" not in question.sql
        assert "order by" in question.sql, question.text


def test_every_report_on_complaints_answers_a_question() -> None:
    asked = " ".join(question.sql for question in questions())
    reports = {path.stem for path in MARTS.rglob("rpt_*.sql")}
    left_out = {name for name in reports if f"marts.{name}" not in asked}
    assert len(reports) > 15
    # Seen through another: months of agencies in windows, the nation's in its agencies', lists that are printed as they are, and other
    # bodies' percentages.
    assert left_out <= {
        "rpt_agency_performance_monthly",
        "rpt_agency_satisfaction",
        "rpt_ksp_longest_open",
        "rpt_ombudsman_agencies_quarterly",
        "rpt_national_mix_monthly",
        "rpt_national_timeliness",
        "rpt_panrb_monev_province_monthly",
        "rpt_peer_distribution",
        "rpt_stated_percentages",
        "rpt_survival_curves",
    }
