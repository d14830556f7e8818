"""Rules for the night as a whole: one row per resource. Columns are those of quality/sql/night.sql.

Critical here holds the night: the build does not start, the verdicts of its deliveries stand for a later build.
"""

from quality.bounds import Bounds
from quality.references import References
from quality.rules import Rule, at_least, at_most


def night(_references: References, bounds: Bounds) -> list[Rule]:
    """What must hold before anything national is published from this night."""
    return [
        Rule(
            rule_id="coverage",
            column="state",
            expectation=at_least("coverage", bounds.coverage_min_share),
            text_en=f"fewer than {bounds.coverage_min_share:.0%} of the agencies that were asked answered",
            text_id=f"kurang dari {bounds.coverage_min_share:.0%} instansi yang diminta menjawab",
            action="See reason in ops.deliveries; if the fault is ours or the network's, extract and gate again.",
            source="bounds.yml coverage_min_share, coverage_min_expected",
            owner="data engineer",
        ),
        Rule(
            rule_id="all_asked",
            column="state",
            expectation=at_most("not_asked_count", 0),
            text_en="some agencies were not asked at all",
            text_id="ada instansi yang belum diminta sama sekali",
            action="Expected in a rerun of a few agencies; otherwise a shard did not run: extract the night again.",
            source="architecture, guarantee 8: coverage is part of every figure",
            severity="warning",
            owner="data engineer",
        ),
    ]
