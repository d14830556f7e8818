"""The dictionary of metrics as a page: docs/metrics.md is what this prints, and a test compares the two.

Reads marts.metric_dictionary, which dbt makes from the columns' own YAML, and adds no word about a metric.
"""

from psycopg2.extensions import cursor as Cursor

INTRODUCTION = """\
# What every figure means

Made by `python -m reports metrics > docs/metrics.md` from `marts.metric_dictionary`; do not edit.
A metric is declared in the YAML of a column that holds it (`config.meta.metric`); a build refuses two that differ.

A `share` is 0 to 1, never rounded in the warehouse and null, not 0, where the denominator is 0.
Better: the direction that is better; `neither` says nothing of quality.
Columns `_low` and `_high` beside a metric are the bounds of its 95 % interval.
"""


def dictionary(cursor: Cursor) -> str:
    """The page as Markdown: an entry for each metric, by name."""
    cursor.execute('select * from marts.metric_dictionary order by metric collate "C"')
    names = [column.name for column in cursor.description or []]
    return page([dict(zip(names, row, strict=True)) for row in cursor.fetchall()])


def page(metrics: list[dict[str, str | None]]) -> str:
    """The Markdown of these rows of the mart; what a metric does not have (a denominator) is left out."""
    return "\n".join([INTRODUCTION, *(_entry(metric) for metric in metrics)])


def _entry(metric: dict[str, str | None]) -> str:
    told = {
        "Formula": f"`{metric['formula']}`",
        "Numerator": metric["numerator"],
        "Denominator": metric["denominator"],
        "Unit": metric["unit"],
        "Better": metric["direction"],
        "Source": metric["source"],
        "Owner": metric["owner"],
        "Stands in": ", ".join(f"`{place}`" for place in (metric["models"] or "").split(", ")),
    }
    lines = [f"- {word}: {text}" for word, text in told.items() if text]
    return "\n".join([f"## {metric['metric']}", f"{metric['name_id']} / {metric['name_en']}", "", *lines, ""])
