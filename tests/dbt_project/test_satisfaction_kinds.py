"""Families of satisfaction measures never meet: one kind a mart, no model over two marts, SKM's grades for SKM's index alone."""

import re

import pytest

from tests.dbt_project.test_models_are_described import MARTS, MODELS_DESCRIBED

KIND_OF = {
    "rpt_national_satisfaction": "TOP2BOX_LAPOR",
    "rpt_agency_satisfaction": "IKM_SKM",
    "rpt_ratings_monthly": "RATING",
}
# What a mart of one family is made of: reading two of a row's sources would let them meet before the mart.
SOURCES_OF = {
    "TOP2BOX_LAPOR": {"rpt_national_satisfaction", "int_survey_scores", "int_survey_precision"},
    "IKM_SKM": {"rpt_agency_satisfaction", "int_skm_answers"},
    "RATING": {"rpt_ratings_monthly", "int_rated_completions", "fct_ratings"},
}


def test_every_satisfaction_mart_is_of_one_kind() -> None:
    assert set(KIND_OF) == {name for name in MARTS if MODELS_DESCRIBED[name][0].parent.name == "satisfaction"}
    for name, kind in KIND_OF.items():
        tests = [test["one_metric_kind"] for test in MARTS[name]["data_tests"] if "one_metric_kind" in test]
        assert tests == [{"arguments": {"metric_kind": kind}}]


@pytest.mark.parametrize("name", MODELS_DESCRIBED)
def test_no_model_reads_two_kinds(name: str) -> None:
    read = set(re.findall(r"ref\('(\w+)'\)", MODELS_DESCRIBED[name][0].read_text(encoding="utf-8")))
    assert len([kind for kind, sources in SOURCES_OF.items() if read & sources]) <= 1


def test_only_the_ikm_is_graded() -> None:
    grading = [
        name for name, (sql, _) in MODELS_DESCRIBED.items() if "skm_grade_bands" in sql.read_text(encoding="utf-8")
    ]
    assert grading == ["rpt_agency_satisfaction"]
    graded = {name for name, mart in MARTS.items() if any("grade" in column["name"] for column in mart["columns"])}
    assert graded == {"rpt_agency_satisfaction", "rpt_panrb_monev_monthly"}
    assert "ref('rpt_agency_satisfaction')" in MODELS_DESCRIBED["rpt_panrb_monev_monthly"][0].read_text(
        encoding="utf-8"
    )


def test_elements_weigh_the_same_and_no_weight_is_rounded() -> None:
    sql = MODELS_DESCRIBED["rpt_agency_satisfaction"][0].read_text(encoding="utf-8")
    assert "25 * sum(element_mean) / count(*)" in sql
    assert "0.11" not in sql
