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
        Rule(
            rule_id="national_volume_plausible",
            column="loaded_rows",
            expectation=at_most("national_volume_ratio", bounds.national_volume_factor),
            text_en=f"{bounds.national_volume_factor:g} times the nation's usual rows, or less than that part of them",
            text_id=f"jumlah baris nasional {bounds.national_volume_factor:g} kali lipat, atau kurang dari bagian itu",
            action="See whose rows moved. If it is real: python -m quality release --night D --by NAME --note TEXT",
            source="bounds.yml national_volume_factor, national_min_nights, national_min_rows",
            owner="data engineer",
        ),
        Rule(
            rule_id="national_nulls_usual",
            column="category_main",
            expectation=at_most("national_nulls_rise", bounds.national_nulls_rise),
            text_en="far more rows than usual do not say their category, region or channel",
            text_id="jauh lebih banyak baris tanpa kategori, wilayah, atau kanal",
            action="A field of a large source was renamed: see fields_present and unknown_fields in ops.deliveries.",
            source="bounds.yml national_nulls_rise",
            severity="warning",
            owner="data engineer",
        ),
        Rule(
            rule_id="national_mix_usual",
            column="status",
            expectation=at_most("national_mix_distance", bounds.national_mix_distance),
            text_en="classes, channels or states are mixed quite unlike the trailing nights",
            text_id="susunan klasifikasi, kanal, atau status berbeda jauh dari biasanya",
            action="See whose rows say what (quality.agency_metric.counts) and whether a profile changed a word.",
            source="bounds.yml national_mix_distance",
            severity="warning",
            owner="data engineer",
        ),
    ]
