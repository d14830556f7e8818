"""An agency's first complaints: what is told once goes straight into its tables, and nothing is ever told twice there."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from typing import Any

import pytest
from psycopg2.extensions import connection as Connection

from extract import ledger
from extract.load import Loader, Part
from extract.records import COLUMNS, COMPLAINTS, EVENTS, Row
from warehouse.connection import connect

NIGHT = date(2021, 6, 28)
MORNING, EVENING = datetime(2021, 6, 1, 2, tzinfo=UTC), datetime(2021, 6, 1, 11, tzinfo=UTC)
TOLD = (
    "select tracking_id, status, source_position, (select count(*) from raw.complaint_events as event"
    " where event.tracking_id = complaint.tracking_id), (select string_agg(title, ',') from restricted.complaint_texts"
    " as text where text.tracking_id = complaint.tracking_id)"
    " from raw.complaints as complaint order by tracking_id nulls last"
)
COUNTED = (
    "select received_rows, loaded_rows, superseded_rows, received_events, loaded_events, superseded_events"
    " from ops.deliveries"
)
Store = Callable[..., int]


@pytest.fixture
def store(warehouse: Connection, build_registry: Any) -> Iterator[Store]:
    """Store the next part of one agency's first delivery."""
    registry = build_registry(["A,complaints,rest,lapor_v3,api,{night}/{agency_code},nightly"])
    with closing(connect("loader")) as connection:
        ledger.open_night(connection, NIGHT, registry)
        (planned,) = ledger.plan(connection, NIGHT, registry)
        loader, count = Loader(connection), 0

        def store_next(*complaints: tuple[Row, list[Row]]) -> int:
            nonlocal count
            count += 1
            events = [event for _, log in complaints for event in log]
            part = Part(count, count == 1, "expected", [row for row, _ in complaints], events, checkpoint="{}")
            return loader.store(planned, part, COMPLAINTS)

        yield store_next


def told(number: int, position: str, updated: datetime = MORNING, **changes: Any) -> tuple[Row, list[Row]]:
    """A complaint with two events."""
    columns = {
        "source_system": "lapor", "tracking_id": f"61{number}", "status": "DIPROSES", "updated_at": updated, **changes,
    }  # fmt: skip
    logged = [
        {"source_system": "lapor", "tracking_id": f"61{number}", "event_seq": 1, "event_type": "MASUK"},
        {"source_system": "lapor", "tracking_id": f"61{number}", "event_seq": 2, "event_type": "VERIFIKASI"},
    ]
    return (
        Row(position, [columns.get(name) for name in COLUMNS[COMPLAINTS]], [], title=f"Judul {number}"),
        [
            Row(f"{position}, event {event['event_seq']}", [event.get(name) for name in COLUMNS[EVENTS]], [])
            for event in logged
        ],
    )


def rows(warehouse: Connection, sql: str) -> list[tuple[Any, ...]]:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def test_what_is_told_once_is_there_once_with_texts_and_events(warehouse: Connection, store: Store) -> None:
    untitled = told(2, "row 2")
    untitled[0].title = None
    assert store(told(1, "row 1"), untitled) == 2
    assert store(told(3, "row 3")) == 1
    assert rows(warehouse, TOLD) == [
        ("611", "DIPROSES", "row 1", 2, "Judul 1"),
        ("612", "DIPROSES", "row 2", 2, None),
        ("613", "DIPROSES", "row 3", 2, "Judul 3"),
    ]
    assert rows(warehouse, "select count(*) from restricted.complaint_texts") == [(2,)]
    assert rows(warehouse, "select distinct night, agency_code from raw.complaint_events") == [(NIGHT, "A")]
    assert rows(warehouse, COUNTED) == [(3, 3, 0, 6, 6, 0)]


def test_of_a_complaint_told_twice_in_a_part_the_newer_stays(warehouse: Connection, store: Store) -> None:
    store(told(1, "row 1", EVENING, status="SELESAI"), told(1, "row 2"), told(2, "row 3"))
    assert rows(warehouse, TOLD) == [
        ("611", "SELESAI", "row 1", 2, "Judul 1"),
        ("612", "DIPROSES", "row 3", 2, "Judul 2"),
    ]
    assert rows(warehouse, COUNTED) == [(3, 2, 1, 6, 4, 2)]


def test_an_event_told_twice_is_there_once(warehouse: Connection, store: Store) -> None:
    complaint, log = told(1, "row 1")
    log[1].values[2] = 1
    store((complaint, log))
    assert rows(warehouse, "select event_seq, event_type from raw.complaint_events") == [(1, "VERIFIKASI")]
    assert rows(warehouse, COUNTED) == [(1, 1, 0, 2, 1, 1)]


def test_of_a_complaint_told_again_in_a_later_part_the_newer_stays(warehouse: Connection, store: Store) -> None:
    store(told(1, "row 1"), told(2, "row 2", EVENING, status="SELESAI"))
    store(told(1, "row 3", EVENING, status="SELESAI"), told(2, "row 4"), told(3, "row 5"))
    assert rows(warehouse, TOLD) == [
        ("611", "SELESAI", "row 3", 2, "Judul 1"),
        ("612", "SELESAI", "row 2", 2, "Judul 2"),
        ("613", "DIPROSES", "row 5", 2, "Judul 3"),
    ]
    assert rows(warehouse, COUNTED) == [(5, 3, 2, 10, 6, 4)]


def test_rows_without_an_id_are_like_no_other(warehouse: Connection, store: Store) -> None:
    for part in range(2):
        store(*((Row(f"row {part}{n}", [None] * len(COLUMNS[COMPLAINTS]), ["row: ragged"]), []) for n in range(2)))
    assert rows(warehouse, "select source_position from raw.complaints order by 1") == [
        ("row 00",), ("row 01",), ("row 10",), ("row 11",),
    ]  # fmt: skip


def test_a_complaint_that_postgresql_refuses_and_that_comes_again_has_its_events_once(
    warehouse: Connection, store: Store
) -> None:
    store(told(1, "row 1", is_secret="perhaps"), told(2, "row 2"))
    store(told(1, "row 3"), told(3, "row 4"))
    assert rows(warehouse, TOLD) == [
        ("611", "DIPROSES", "row 3", 2, "Judul 1"),
        ("612", "DIPROSES", "row 2", 2, "Judul 2"),
        ("613", "DIPROSES", "row 4", 2, "Judul 3"),
        (None, None, "row 1", 0, None),
    ]
    assert rows(warehouse, "select _problems from raw.complaints where tracking_id is null") == [
        (["row: refused by PostgreSQL (SQLSTATE 22P02)"],)
    ]
    assert rows(warehouse, COUNTED) == [(4, 4, 0, 8, 6, 2)]


def test_without_the_right_to_pass_row_security_the_same_is_stored_by_way_of_staging(
    warehouse: Connection, store: Store
) -> None:
    administer(warehouse, "alter role loader nobypassrls")
    try:
        assert store(told(1, "row 1"), told(2, "row 2")) == 2
    finally:
        administer(warehouse, "alter role loader bypassrls")
    assert rows(warehouse, TOLD) == [
        ("611", "DIPROSES", "row 1", 2, "Judul 1"),
        ("612", "DIPROSES", "row 2", 2, "Judul 2"),
    ]


def administer(warehouse: Connection, statement: str) -> None:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(statement)
