"""What several rules say in the same words, and the rules that every resource has."""

from quality.references import References
from quality.rules import Rule, in_set, is_true, unique

CONTRACT = "the canonical contract: warehouse/sql/040_raw.sql"
FIX_AT_SOURCE = (
    "The agency corrects the record in its system; the corrected version comes with a later night and clears this one."
)
READ_PROBLEMS = (
    "Read _problems of the row in raw; correct the format in the agency's profile, or the record at the agency."
)
ADD_WORD = (
    "Add the source's word to the agency's profile in extract/profiles if it means a known code, "
    "then extract and gate the night again."
)
LOADER_FAULT = "The loader keeps one row per key, so this is our fault: extract the agency's night again."
RELEASE = (
    "If the agency confirms it: python -m quality release --night D --agency A --resource R --by NAME --note TEXT."
)
NOTHING_DOUBLE = "architecture, guarantee 4: nothing is double"


def row_whole(
    rule_id: str,
    text_en: str = "the source's row could not be taken apart",
    text_id: str = "baris dari sumber tidak dapat diurai",
) -> Rule:
    """The loader could take the row apart at all; column row_is_whole."""
    return Rule(
        rule_id=rule_id,
        column="_problems",
        expectation=is_true("row_is_whole"),
        text_en=text_en,
        text_id=text_id,
        action=FIX_AT_SOURCE,
        source=CONTRACT,
        waivable=False,
    )


def one_row_a_key(rule_id: str, column: str, key: tuple[str, ...], text_en: str, text_id: str) -> Rule:
    """The night's delivery of an agency has one row a key."""
    return Rule(
        rule_id=rule_id,
        column=column,
        expectation=unique("agency_code", *key),
        text_en=text_en,
        text_id=text_id,
        action=LOADER_FAULT,
        source=NOTHING_DOUBLE,
        owner="data engineer",
        waivable=False,
    )


def region_known(rule_id: str, references: References) -> Rule:
    """The region is one of Kemendagri's; column kemendagri_code."""
    return Rule(
        rule_id=rule_id,
        column="kemendagri_code",
        expectation=in_set("kemendagri_code", references.regions),
        text_en="region code is none of Kemendagri's",
        text_id="kode wilayah bukan kode Kemendagri",
        action="Look whether the source sends BPS codes: 199 regions differ. Name the right column in the profile.",
        source="domain 0.8; seed regions",
        severity="warning",
        owner="data engineer",
    )


def rest_readable(rule_id: str) -> Rule:
    """What no rule of its own speaks of could be read too; column rest_is_readable."""
    return Rule(
        rule_id=rule_id,
        column="_problems",
        expectation=is_true("rest_is_readable"),
        text_en="a column that nothing counts on could not be read and is empty",
        text_id="kolom pelengkap tidak terbaca dan dikosongkan",
        action=READ_PROBLEMS,
        source=CONTRACT,
        severity="warning",
    )
