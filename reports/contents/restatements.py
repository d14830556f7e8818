"""Published figures that have changed since the last issue of a report."""

from collections.abc import Collection
from typing import Any

from psycopg2.extensions import cursor as Cursor

from reports.contents.frame import Basis, SmallCells, base_cell
from reports.periods import Period
from reports.report import Column, Hidden, Table, Value

FIGURE_LABELS = {
    "received_count": "Laporan diterima",
    "routed_count": "Terdisposisi",
    "followed_up_count": "Ditindaklanjuti",
    "completed_count": "Selesai",
    "archived_count": "Diarsipkan",
}


def restatements(cursor: Cursor, basis: Basis, is_hidden: SmallCells | None = None) -> Table:
    """Published agency-month figures of the year that have changed since the last issue of this body, or ever.

    A row is masked when either figure is 1 to 4, or when this report hides the agency's month.
    """
    cursor.execute(
        "select restated.agency_name, restated.month, restated.figure, restated.value_before, restated.value_after,"
        " restated.difference, restated.cause, restated.agency_code from marts.rpt_restatements as restated"
        " where restated.month between date_trunc('year', %(first)s::date) and %(last)s"
        " and (%(agency_code)s::text is null or restated.agency_code = %(agency_code)s)"
        " and restated.restated_night > coalesce((select max(issues.night) from library.issues as issues"
        " where issues.body = %(body)s and issues.agency_code is not distinct from %(agency_code)s"
        " and not issues.is_preview and issues.night < %(night)s), '-infinity')"
        " order by abs(restated.difference) desc, restated.agency_code, restated.month, restated.figure,"
        " restated.restatement",
        {
            "first": basis.period.first_date,
            "last": basis.period.last_date,
            "agency_code": basis.agency_code,
            "body": basis.body,
            "night": basis.night,
        },
    )
    hidden = set() if is_hidden is None else {member for _, members in is_hidden.hidden for member in members}
    return Table(
        name="perubahan_angka",
        title="Perubahan angka sejak terbitan terakhir",
        columns=(
            Column("agency_name", "Instansi", "text"),
            Column("month", "Bulan", "text"),
            Column("figure", "Angka", "text"),
            Column("value_before", "Semula", "count"),
            Column("value_after", "Menjadi", "count"),
            Column("difference", "Selisih", "count"),
            Column("cause", "Sebab", "text"),
        ),
        rows=tuple(_restated(row, hidden) for row in cursor.fetchall()),
        note="Angka bulan yang sudah tutup dapat berubah karena data terlambat atau laporan dibuka kembali.",
        in_pdf_rows=15,
    )


def _restated(row: tuple[Any, ...], hidden: Collection[str]) -> tuple[Value, ...]:
    name, month, figure, before, after, difference, cause, agency_code = row
    is_small = before in range(1, 5) or after in range(1, 5) or base_cell(agency_code, month) in hidden
    values = (Hidden.SMALL,) * 3 if is_small else (before, after, difference)
    return (name, Period.containing("month", month).label, FIGURE_LABELS.get(figure, figure), *values, cause)
