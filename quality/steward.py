"""What a steward decides about rows in quarantine: let them in as they are, keep them out for good, or think again.

Every decision is by name and note, is logged in quality.decision_log (which nobody can change), and holds for the same
bad content when it comes again. The next build carries it out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from quality.errors import NotDecidable
from quality.suites import rules_by_id
from warehouse.connection import connect

Status = Literal["open", "waived", "discarded"]
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records: by number, or by what they have in common. Empty = all."""

    record_ids: Sequence[int] = ()
    night: date | None = None
    agencies: Sequence[str] = ()
    rules: Sequence[str] = ()
    statuses: Sequence[str] = field(default=("open",))

    def clause(self) -> tuple[str, dict[str, object]]:
        """The condition on quality.quarantined_record, and its values."""
        conditions = {
            "status = any(%(statuses)s)": ("statuses", list(self.statuses)),
            "record_id = any(%(record_ids)s)": ("record_ids", list(self.record_ids)),
            "agency_code = any(%(agencies)s)": ("agencies", list(self.agencies)),
            "rule_ids && %(rules)s::text[]": ("rules", list(self.rules)),
            "night = %(night)s": ("night", self.night),
        }
        wanted = {condition: named for condition, named in conditions.items() if named[1]}
        return " and ".join(wanted), dict(wanted.values())


def listed(wanted: Wanted) -> str:
    """The records in a few columns, newest night first; no value of any row, for a row may hold anything."""
    connection = connect("gate", "lapor/quality quarantine")
    clause, values = wanted.clause()
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "select record_id, night::text, agency_code, table_name, source_position,"
                " array_to_string(rule_ids, ', '), times_seen, status, coalesce(decided_by || ': ' || note, '')"
                f" from quality.quarantined_record where {clause}"
                " order by night desc, agency_code, record_id",
                values,
            )
            rows = cursor.fetchall()
    finally:
        connection.close()
    if not rows:
        return "No such record is in quarantine."
    lines = ["record  night       agency         table             place                        rules; seen; status"]
    for record, night, agency, table, place, rules, seen, status, decision in rows[:_SHOWN]:
        told = f"{rules}; {seen} night{'s' if seen > 1 else ''}; {status}{f' ({decision})' if decision else ''}"
        lines.append(f"{record:>6}  {night}  {agency:13.13}  {table:16.16}  {place:27.27}  {told}")
    if len(rows) > _SHOWN:
        lines.append(f"... and {len(rows) - _SHOWN:,} more: name an agency or a rule")
    lines.append("Why each rule, and what to do: python -m quality rules")
    return "\n".join(lines)


def decide(wanted: Wanted, status: Status, by: str, note: str) -> int:
    """Set the status of these records and return how many changed.

    `waived` lets the rows in as they are, `discarded` keeps them out for good, `open` takes an earlier decision back.
    Raises NotDecidable, and decides nothing, when there are none, or when a row that is to be waived lacks what the
    marts cannot do without (its key, its being a row at all).
    """
    require_name(by, note)
    connection = connect("gate", "lapor/quality quarantine")
    try:
        return _decide(connection, wanted, status, by, note)
    finally:
        connection.close()


def _decide(connection: Connection, wanted: Wanted, status: Status, by: str, note: str) -> int:
    clause, values = wanted.clause()
    with connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('lapor.quality.gate'))")
        cursor.execute(
            f"select record_id, rule_ids from quality.quarantined_record where {clause} and status <> %(status)s"
            " and status in ('open', 'waived', 'discarded') for update",
            {**values, "status": status},
        )
        found = cursor.fetchall()
        if not found:
            raise NotDecidable("No such record can be decided on. See: python -m quality quarantine list --status open")
        if status == "waived":
            _refuse_what_cannot_be_waived(found)
        ids = [record_id for record_id, _ in found]
        cursor.execute(
            "update quality.quarantined_record set status = %s, decided_by = %s, note = %s where record_id = any(%s)",
            [status, by, note, ids],
        )
        log(cursor, status, by, note, ids)
        cursor.execute(
            "update ops.nights set changed_seq = changed_seq + 1 where night in"
            " (select night from quality.quarantined_record where record_id = any(%s))",
            [ids],
        )
    return len(ids)


def _refuse_what_cannot_be_waived(found: Sequence[tuple[int, list[str]]]) -> None:
    needed = {rule_id for rule_id, rule in rules_by_id().items() if not rule.waivable}
    stuck = {record_id: sorted(needed.intersection(rule_ids)) for record_id, rule_ids in found}
    if stuck := {record_id: rule_ids for record_id, rule_ids in stuck.items() if rule_ids}:
        record_id, rule_ids = next(iter(stuck.items()))
        raise NotDecidable(
            f"{len(stuck)} of these rows cannot be let in, for the marts need what they lack (record {record_id}: "
            f"{', '.join(rule_ids)}). Have the agency correct them, or discard them."
        )


def require_name(by: str, note: str) -> None:
    """Raises NotDecidable if a decision comes without the name of who takes it, or without a reason."""
    if not by.strip() or not note.strip():
        raise NotDecidable("A decision needs a name (--by) and a reason (--note): someone will ask.")


def log(cursor: Cursor, decision: str, by: str, note: str, record_ids: Sequence[int] = (), delivery: str = "") -> None:
    """Write one decision into the log."""
    cursor.execute(
        "insert into quality.decision_log (decision, decided_by, note, record_ids, delivery)"
        " values (%s, %s, %s, %s, %s)",
        [decision, by, note, list(record_ids), delivery or None],
    )
