"""What a body's report hides also keeps what another body's report will show from giving it away."""

from collections.abc import Iterator, Sequence
from datetime import date

import pytest
from psycopg2.extensions import cursor as Cursor

from reports.contents.frame import FAMILY, SmallCells, small_cells, stand_on
from reports.periods import Period
from reports.suppression import Cell, decide, recoverable
from tests.reports.conftest import Marts

QUARTER = Period.parse("2021-Q2")
# Two provinces by two kinds; received in each of the three months.
AGENCIES = {"KAB-21.02": (1, 0, 2), "KOTA-21.71": (10, 8, 12), "KAB-12.05": (7, 6, 7), "KOTA-12.71": (9, 8, 8)}


@pytest.fixture
def cursor(marts: Marts) -> Iterator[Cursor]:
    """A published night whose marts have the agencies' months, and a cursor of who reports."""
    marts.publish()
    for code, counts in AGENCIES.items():
        for month, count in zip((4, 5, 6), counts, strict=True):
            marts.insert(
                "rpt_panrb_monev_monthly", agency_code=code, kind="kabupaten" if code < "KOTA" else "kota",
                province_code=code.split("-")[1][:2], month=date(2021, month, 1), received_count=count,
            )  # fmt: skip
    with marts.connection, marts.connection.cursor() as opened:
        opened.execute("set role reporter")
        yield opened
        opened.execute("reset role")


def cells(*groups: Sequence[str]) -> list[Cell]:
    """What the agencies of each group received in the quarter."""
    return [
        Cell(
            FAMILY,
            frozenset(f"{code}/{month:%Y-%m}" for code in group for month in QUARTER.months),
            sum(sum(AGENCIES[code]) for code in group),
        )
        for group in groups
    ]


ONE_BY_ONE = [[code] for code in AGENCIES]
PROVINCES = [["KAB-21.02", "KOTA-21.71"], ["KAB-12.05", "KOTA-12.71"]]
KINDS = [["KAB-21.02", "KAB-12.05"], ["KOTA-21.71", "KOTA-12.71"]]


def told(small: SmallCells) -> list[bool]:
    return [cell.is_hidden for cell in small.cells]


def test_a_report_without_kinds_leaves_room_for_one_that_shows_them(cursor: Cursor) -> None:
    shown = cells(*ONE_BY_ONE, *PROVINCES)
    small = small_cells(cursor, stand_on(cursor, "ombudsman", QUARTER), shown)
    assert told(small) == [True] * 4 + [False] * 2  # all four corners: kinds and provinces can both be shown
    kinds = decide(cells(*KINDS), small.cells)
    assert [cell.is_hidden for cell in kinds] == [False, False]
    assert recoverable([*small.cells, *kinds]) == []


def test_decided_by_itself_it_would_have_cost_both_kinds(cursor: Cursor) -> None:
    alone = decide(cells(*ONE_BY_ONE, *PROVINCES))
    assert [cell.is_hidden for cell in alone] == [True, True, False, False, False, False]
    assert [cell.is_hidden for cell in decide(cells(*KINDS), alone)] == [True, True]
