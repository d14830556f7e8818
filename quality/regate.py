"""Judge nights again because a rule, a bound, a code list or a profile was mended; by name and note, in the log."""

from datetime import date

from quality.decisions import Outcome
from quality.errors import NotDecidable
from quality.gate import gate
from quality.steward import log, require_name
from quality.suites import rules_by_id
from warehouse.connection import connect


def regate(night: date, by: str, note: str, decision: str = "regated", why: str = "") -> Outcome:
    """Judge one night again and log who asked for it and why; the next build carries out what has changed.

    Raises NotDecidable without a name or a reason, NotEvaluated as the gate does (then nothing is logged).
    """
    require_name(by, note)
    outcome = gate(night)
    connection = connect("gate", "lapor/quality")
    try:
        with connection, connection.cursor() as cursor:
            log(cursor, decision, by, note, delivery=f"night {night}{why}")
    finally:
        connection.close()
    return outcome


def replay(rule_id: str, by: str, note: str) -> list[tuple[date, int, int]]:
    """Judge every night again that has open records of a rule: (night, records before, still open), oldest first.

    For a rule, bound or code list that was mended. Words and formats are the profile's: those nights are read again
    from the landing first (`python -m extract replay`). Raises NotDecidable if there is no such rule or no open record.
    """
    if rule_id not in rules_by_id():
        raise NotDecidable(f"There is no rule {rule_id}. The rules: python -m quality rules")
    before = _open_records(rule_id)
    if not before:
        raise NotDecidable(f"No row stands in quarantine because of {rule_id}.")
    for night in before:
        regate(night, by, note, "replayed", f": {rule_id}")
    after = _open_records(rule_id)
    return [(night, count, after.get(night, 0)) for night, count in before.items()]


def _open_records(rule_id: str) -> dict[date, int]:
    connection = connect("gate", "lapor/quality")
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "select night, count(*) from quality.quarantined_record"
                " where status = 'open' and %s = any(rule_ids) group by night order by night",
                [rule_id],
            )
            return dict(cursor.fetchall())
    finally:
        connection.close()
