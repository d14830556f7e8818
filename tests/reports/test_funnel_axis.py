"""The axis of n under a funnel: whatever the counts, a reader can tell its scale."""

import re

import pytest

from reports.charts import FunnelPoint, funnel


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (30, 82, {"30", "50", "70"}),
        (250, 3300, {"300", "1.000", "3.000"}),
        (71, 71, {"70", "80"}),
        (16, 16, {"16", "18"}),
        (6, 26000, {"10", "100", "1.000", "10.000"}),
    ],
)
def test_an_axis_of_n_has_at_least_two_round_numbers(low: int, high: int, expected: set[str]) -> None:
    points = [FunnelPoint("", low, 0.4), FunnelPoint("", high, 0.6)]

    chart = funnel(points, target=0.5, limits=(), name="corong", title="Temuan", unit="porsi", n=2, is_simulated=False)

    written = set(re.findall(r">([\d.]+)<", chart.svg))
    assert written == expected
    assert len(written) >= 2
