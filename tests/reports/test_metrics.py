"""The page of metrics says what the dictionary says."""

from reports.metrics import page


def test_a_metric_without_a_denominator_has_no_empty_line() -> None:
    metric = {
        "metric": "ikm",
        "name_id": "Indeks Kepuasan Masyarakat",
        "name_en": "Public satisfaction index",
        "formula": "25 * mean of nine elements",
        "numerator": None,
        "denominator": None,
        "unit": "points",
        "direction": "higher",
        "source": "Permen PANRB 14/2017",
        "owner": "Kemen PANRB",
        "models": "rpt_a.ikm, rpt_b.ikm",
    }
    assert page([metric]).split("## ikm\n")[1] == (
        "Indeks Kepuasan Masyarakat / Public satisfaction index\n"
        "\n"
        "- Formula: `25 * mean of nine elements`\n"
        "- Unit: points\n"
        "- Better: higher\n"
        "- Source: Permen PANRB 14/2017\n"
        "- Owner: Kemen PANRB\n"
        "- Stands in: `rpt_a.ikm`, `rpt_b.ikm`\n"
    )
