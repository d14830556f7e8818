"""The dictionary of metrics is what the columns declare: each metric once, the same everywhere."""

from collections.abc import Callable
from typing import Any

import jinja2
import pytest

from tests.proofs import DBT_PROJECT

DECLARED = {
    "name_en": "Completion rate",
    "formula": "completed_count / received_count",
    "numerator": "completed_count",
    "denominator": "received_count",
    "unit": "share",
    "direction": "higher",
    "source": "PANRB, 17 Sep 2020",
    "owner": "Kemen PANRB",
}


class Refused(Exception):
    """dbt's compiler error."""


@pytest.fixture(scope="module")
def metrics_of() -> Callable[..., list[dict[str, str]]]:
    """The macro of that name outside dbt: metrics_of({model: {column: metric}})."""

    class Returned(Exception):
        pass

    def return_(value: Any) -> None:
        raise Returned(value)

    class Exceptions:
        @staticmethod
        def raise_compiler_error(message: str) -> None:
            raise Refused(message)

    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)  # noqa: S701 (SQL, not HTML)
    source = (DBT_PROJECT / "macros" / "metrics.sql").read_text(encoding="utf-8")
    macros = environment.from_string(source, globals={"return": return_, "exceptions": Exceptions}).module

    def call(models: dict[str, dict[str, Any]], rows: list[str] | None = None) -> list[dict[str, str]]:
        nodes = [
            {
                "resource_type": "model",
                "name": model,
                "config": {"meta": {"metric_rows": rows or []} if number == 0 else {}},
                "columns": {
                    column: {"name": column, "meta": {"label_id": "Tingkat penyelesaian", "metric": metric}}
                    for column, metric in columns.items()
                },
            }
            for number, (model, columns) in enumerate(models.items())
        ]
        with pytest.raises(Returned) as returned:
            macros.metrics_of(nodes)  # type: ignore[attr-defined]
        found: list[dict[str, str]] = returned.value.args[0]
        return found

    return call


def test_a_metric_is_declared_once_and_named_elsewhere(metrics_of: Callable[..., list[dict[str, str]]]) -> None:
    found = metrics_of(
        {
            "rpt_b": {"completed_rate": DECLARED, "received_count": None},
            "rpt_a": {"share": "completed_rate"},
            "rpt_c": {"completed_rate": dict(DECLARED)},
        },
        rows=["completed_rate"],
    )
    assert found == [
        {
            **DECLARED,
            "name": "completed_rate",
            "name_id": "Tingkat penyelesaian",
            "models": "rpt_a.share, rpt_b.completed_rate, rpt_b (rows), rpt_c.completed_rate",
        }
    ]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        pytest.param(
            {"rpt_a": {"completed_rate": DECLARED}, "rpt_b": {"completed_rate": {**DECLARED, "denominator": "valid_count"}}},
            "metric completed_rate is declared differently at rpt_a.completed_rate and rpt_b.completed_rate",
            id="two denominators",
        ),
        pytest.param(
            {"rpt_a": {"completed_rate": {"name_en": "Completion rate"}}},
            r"metric completed_rate \(rpt_a.completed_rate\) must say name_en, formula, numerator, denominator",
            id="without a formula",
        ),
        pytest.param(
            {"rpt_a": {"completed_rate": {**DECLARED, "direction": "up"}}},
            "direction is higher, lower or neither",
            id="no direction we know",
        ),
        pytest.param(
            {"rpt_a": {"completed_rate": "completed_rate"}},
            "metric completed_rate stands in rpt_a.completed_rate and is declared nowhere",
            id="nobody declares it",
        ),
    ],
)  # fmt: skip
def test_metrics_that_contradict_each_other_are_refused(
    metrics_of: Callable[..., list[dict[str, str]]], columns: dict[str, Any], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        metrics_of(columns)
