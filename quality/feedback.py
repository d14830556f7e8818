"""What an agency is told about its delivery: which row, which column, which rule, what to correct. In Bahasa Indonesia.

A workbook (or CSV) that can be sent as it is: no value of any row stands in it but the complaint's own number, so no
citizen's word or name can. Cells are text, never formulas.
"""

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import xlsxwriter
from psycopg2.extensions import connection as Connection

from quality.errors import NotEvaluated
from quality.markup import SIMULATED
from quality.quarantine import KEYS
from quality.rules import Owner, Rule
from quality.suites import rules_by_id
from warehouse.connection import connect
from warehouse.settings import settings

RESOURCES = {
    "complaints": "laporan", "complaint_events": "riwayat laporan", "survey_responses": "survei", "recaps": "rekap",
    "ratings": "penilaian", "units": "unit kerja", "agency_activity": "aktivitas",
}  # fmt: skip
WHAT_TO_DO: dict[Owner, str] = {
    "agency": "Perbaiki di sistem Anda; versi yang benar ikut diambil malam berikutnya.",
    "data engineer": "Diperbaiki di pihak kami; bila ini kata atau kolom baru, beri tahu kami artinya.",
    "steward": "Mohon konfirmasi kepada kami apakah angka ini benar.",
}
VERDICTS = {
    "pass": "diterima",
    "pass_with_quarantine": "diterima, sebagian baris ditahan",
    "held": "ditahan seluruhnya",
}
_HEADINGS = ("Sumber daya", "Nomor", "Letak", "Kolom", "Akibat", "Yang keliru", "Yang perlu dilakukan", "Kaidah")
_WIDTHS = (16, 22, 26, 18, 14, 60, 60, 26)


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that one row broke."""

    resource: str
    number: str
    place: str
    rule: Rule

    def cells(self) -> tuple[str, ...]:
        """The finding as a row of the workbook."""
        return (
            self.resource, self.number, self.place, self.rule.column,
            "ditahan" if self.rule.severity == "critical" else "catatan",
            self.rule.text_id, WHAT_TO_DO[self.rule.owner], self.rule.rule_id,
        )  # fmt: skip


def feedback(
    night: date, agency_code: str, form: Literal["xlsx", "csv"], folder: Path | None = None
) -> tuple[Path, int]:
    """Write the agency's findings of a night and return the file and how many there are.

    The file is `<state>/feedback/<night>/<agency>.<form>`. Raises NotEvaluated if the night was not gated for the
    agency.
    """
    connection = connect("gate", "lapor/quality feedback")
    try:
        head, deliveries = _deliveries(connection, night, agency_code)
        findings = _findings(connection, night, agency_code)
    finally:
        connection.close()
    target = (folder or settings().state_dir / "feedback") / str(night)
    target.mkdir(parents=True, exist_ok=True)
    path = target / f"{agency_code}.{form}"
    if form == "csv":
        _write_csv(path, findings)
    else:
        _write_workbook(path, head, deliveries, findings)
    return path, len(findings)


def _deliveries(connection: Connection, night: date, agency_code: str) -> tuple[list[str], list[tuple[str, ...]]]:
    """The sheet's head, and for each resource what became of it."""
    texts = {rule_id: rule.text_id for rule_id, rule in rules_by_id().items()}
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            select agency.name, night.is_simulated
            from ops.nights as night
            inner join raw.agencies as agency on agency.agency_code = %(agency)s and agency.night <= night.night
            where night.night = %(night)s
            order by agency.night desc
            limit 1
            """,
            {"agency": agency_code, "night": night},
        )
        found = cursor.fetchone()
        cursor.execute(
            """
            select delivery.resource, delivery.received_rows, verdict.verdict, verdict.rule_ids
            from ops.deliveries as delivery
            inner join quality.agency_verdict as verdict using (night, agency_code, resource, attempt)
            where night = %s and agency_code = %s
            order by delivery.resource
            """,
            [night, agency_code],
        )
        rows = cursor.fetchall()
    if found is None or not rows:
        raise NotEvaluated(
            f"nothing of {agency_code} was judged on {night}: there is nothing to tell. "
            f"Gate the night first: python -m quality --night {night}"
        )
    name, is_simulated = found
    head = [f"Umpan balik kiriman data: {name}", f"Malam {night:%d-%m-%Y}"] + ([SIMULATED] if is_simulated else [])
    return head, [
        (
            RESOURCES.get(resource, resource), f"{count:,}".replace(",", "."), VERDICTS[verdict],
            "; ".join(texts[rule_id] for rule_id in rule_ids if rule_id in texts),
        )
        for resource, count, verdict, rule_ids in rows
    ]  # fmt: skip


def _findings(connection: Connection, night: date, agency_code: str) -> list[Finding]:
    rules = rules_by_id()
    findings = []
    with connection, connection.cursor() as cursor:
        for table in KEYS:
            number = "raw.tracking_id" if "tracking_id" in KEYS[table] else "null"
            cursor.execute(
                f"""
                select raw.source_position, {number}, broken.rule_id
                from raw.{table} as raw
                inner join (
                    select row_id, unnest(rule_ids) as rule_id
                    from quality.quarantined_record
                    where table_name = %(table)s and night = %(night)s and status in ('open', 'discarded')
                    union all
                    select row_id, rule_id
                    from quality.row_flag
                    where table_name = %(table)s and night = %(night)s
                ) as broken using (row_id)
                where raw.night = %(night)s and raw.agency_code = %(agency)s
                order by raw.row_id, broken.rule_id
                """,
                {"table": table, "night": night, "agency": agency_code},
            )
            findings += [
                Finding(RESOURCES[table], tracking_id or "", position, rules[rule_id])
                for position, tracking_id, rule_id in cursor.fetchall()
                if rule_id in rules
            ]
    return findings


def _write_csv(path: Path, findings: list[Finding]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(_HEADINGS)
        writer.writerows([_no_formula(cell) for cell in finding.cells()] for finding in findings)


def _no_formula(cell: str) -> str:
    """A cell that a spreadsheet does not take for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _write_workbook(path: Path, head: list[str], deliveries: list[tuple[str, ...]], findings: list[Finding]) -> None:
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as workbook:
        bold, wrapped = workbook.add_format({"bold": True}), workbook.add_format({"text_wrap": True, "valign": "top"})
        summary = workbook.add_worksheet("Ringkasan")
        for row, text in enumerate(head):
            summary.write_string(row, 0, text, bold)
        start = len(head) + 1
        for column, heading in enumerate(("Sumber daya", "Baris diterima", "Keputusan", "Alasan")):
            summary.write_string(start, column, heading, bold)
        for row, cells in enumerate(deliveries, start=start + 1):
            for column, cell in enumerate(cells):
                summary.write_string(row, column, cell, wrapped)
        summary.set_column(0, 2, 30)
        summary.set_column(3, 3, 80)
        rows = workbook.add_worksheet("Baris")
        for column, (heading, width) in enumerate(zip(_HEADINGS, _WIDTHS, strict=True)):
            rows.set_column(column, column, width)
            rows.write_string(0, column, heading, bold)
        for row, finding in enumerate(findings, start=1):
            for column, cell in enumerate(finding.cells()):
                rows.write_string(row, column, cell, wrapped)
        rows.freeze_panes(1, 0)
        rows.autofilter(0, 0, max(len(findings), 1), len(_HEADINGS) - 1)
