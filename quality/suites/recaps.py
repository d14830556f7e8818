"""Rules for totals that agencies state. Columns are those of quality/sql/recaps.sql."""

from quality.bounds import Bounds
from quality.references import References
from quality.rules import Rule, at_least, at_most, in_set, is_true
from quality.suites.phrases import CONTRACT, FIX_AT_SOURCE, READ_PROBLEMS, one_row_a_key, rest_readable, row_whole


def recaps(references: References, bounds: Bounds) -> list[Rule]:
    """What must hold for a stated total to stand beside ours; contradictory figures are shown, not dropped."""
    return [
        row_whole("recap_row_whole"),
        Rule(
            rule_id="subject_known",
            column="subject_code",
            expectation=in_set("subject_code", references.agencies),
            text_en="the totals are of nobody in the registry",
            text_id="rekap bukan milik instansi dalam registri",
            action="Map the source's name of the agency to its code in the profile, or add the agency to the registry.",
            source="registry: raw.agencies",
            owner="data engineer",
            waivable=False,
        ),
        Rule(
            rule_id="period_present",
            column="period_start",
            expectation=is_true("has_period"),
            text_en="no period, or it ends before it starts",
            text_id="periode kosong, atau berakhir sebelum dimulai",
            action=FIX_AT_SOURCE,
            source=CONTRACT,
            waivable=False,
        ),
        one_row_a_key(
            "recap_unique",
            "period_start",
            (
                "subject_code",
                "period_start",
                "period_end",
            ),
            "the same subject and period stand twice in one night's delivery",
            "instansi dan periode yang sama muncul dua kali dalam satu kiriman",
        ),
        Rule(
            rule_id="counts_readable",
            column="received_count",
            expectation=is_true("counts_are_readable"),
            text_en="a count is not a number",
            text_id="ada jumlah yang bukan angka",
            action=READ_PROBLEMS,
            source=CONTRACT,
        ),
        Rule(
            rule_id="counts_not_negative",
            column="received_count",
            expectation=at_least("lowest_count", 0),
            text_en="a count is negative",
            text_id="ada jumlah negatif",
            action=FIX_AT_SOURCE,
            source=CONTRACT,
        ),
        Rule(
            rule_id="parts_add_up",
            column="received_count",
            expectation=is_true("parts_add_up"),
            text_en="the six states do not add up to the received (judged when all are stated)",
            text_id="jumlah enam status tidak sama dengan laporan diterima",
            action="Ask the agency which figure is right; the reconciliation report shows both.",
            source="domain 0.6: published counts often do not add up; flag, never force",
            severity="warning",
            owner="steward",
        ),
        Rule(
            rule_id="stale_copy",
            column="period_start",
            expectation=is_true("figures_moved_on"),
            text_en="every figure of every subject equals the period before: last period's file under a new date",
            text_id="semua angka sama dengan periode sebelumnya: berkas lama dengan tanggal baru",
            action="Ask the agency for the real figures of the period.",
            source="extraction, trap 12: East Java, January = February 2024",
            severity="warning",
            owner="steward",
        ),
        Rule(
            rule_id="parts_within_whole",
            column="received_count",
            expectation=is_true("parts_within_whole"),
            text_en="a part is larger than the received",
            text_id="ada bagian yang lebih besar daripada laporan diterima",
            action="Ask the agency which figure is right; the reconciliation report shows both.",
            source="domain 0.6: flag, never force",
            severity="warning",
            owner="steward",
        ),
        Rule(
            rule_id="period_begun",
            column="period_end",
            expectation=at_most("days_after_night", bounds.recap_period_days),
            text_en=f"the period ends more than {bounds.recap_period_days} days after the night: a mistyped year",
            text_id=f"periode berakhir lebih dari {bounds.recap_period_days} hari sesudah malam ini: tahun keliru",
            action=FIX_AT_SOURCE,
            source="bounds.yml recap_period_days",
        ),
        Rule(
            rule_id="period_recent",
            column="period_end",
            expectation=at_least("days_after_night", -366 * bounds.oldest_recap_years),
            text_en=f"the period ended more than {bounds.oldest_recap_years} years ago",
            text_id=f"periode berakhir lebih dari {bounds.oldest_recap_years} tahun yang lalu",
            action="Ask the agency whether it meant that period.",
            source="bounds.yml oldest_recap_years",
            severity="warning",
            owner="steward",
        ),
        rest_readable("recap_rest_readable"),
    ]
