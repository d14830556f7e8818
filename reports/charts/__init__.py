"""Charts in the house style: data in, an SVG out that serves the document and the page alike.

Every chart says its finding, its unit and its n, carries the stamp of a simulated registry, can be read in grey and by
ear. What a chart shows is decided by its caller: nothing here reads the warehouse, suppresses or computes a figure.
"""

from reports.charts.comparisons import FunnelLimit, FunnelPoint, Interval, caterpillar, funnel, peers
from reports.charts.drawing import Chart
from reports.charts.lines import Break, Curve, FlowDay, Line, stock_flow, survival, trend
from reports.charts.provinces import province_map

__all__ = [
    "Break",
    "Chart",
    "Curve",
    "FlowDay",
    "FunnelLimit",
    "FunnelPoint",
    "Interval",
    "Line",
    "caterpillar",
    "funnel",
    "peers",
    "province_map",
    "stock_flow",
    "survival",
    "trend",
]
