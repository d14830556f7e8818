"""What is past its time goes, and who asks to be forgotten is: in raw, in the texts, in everything made of them, and for what comes later."""

from contextlib import closing
from datetime import date
from typing import Any

import pytest
from psycopg2.extensions import connection as Connection
from psycopg2.sql import SQL, Identifier

from tests.dbt_project.conftest import Dbt
from tests.dbt_project.raw_world import BATAM, RawWorld
from warehouse.__main__ import main
from warehouse.access import NotErased, Taken, erase, retain
from warehouse.connection import connect

OLD, NIGHT, NEXT = date(2019, 6, 29), date(2021, 6, 29), date(2021, 6, 30)
KEY, OTHER = "kunci-pelapor-satu", "kunci-pelapor-dua"


@pytest.fixture
def stored(warehouse: Connection) -> RawWorld:
    """#1 and #2 of one reporter and #3 of another, one complaint of two years and a day ago, all with texts."""
    world = RawWorld(warehouse)
    for night in (OLD, NIGHT, NEXT):
        world.open(night)
        world.delivery(night, BATAM)
    told(world, OLD, "#0", OTHER)
    told(world, NIGHT, "#1", KEY)
    told(world, NEXT, "#1", KEY)
    told(world, NIGHT, "#2", KEY)
    told(world, NIGHT, "#3", OTHER)
    world.delivery(NEXT, BATAM, "ratings")
    world.rating(NEXT, BATAM, "#1", 5)
    world.run("update raw.ratings set reporter_key = %s", [KEY])
    return world


def told(world: RawWorld, night: date, tracking_id: str, key: str) -> None:
    """A complaint as the loader stores it, with its text."""
    moment = f"{night} 09:00"
    world.complaint(
        night,
        BATAM,
        tracking_id,
        [("MASUK", moment), ("DISPOSISI", moment)],
        reporter_key=key,
        category_main="KESEHATAN",
    )
    text(world, night, tracking_id)


def text(world: RawWorld, night: date, tracking_id: str) -> None:
    world.run(
        "insert into restricted.complaint_texts values (%s, %s, %s, 'lapor', %s, 'judul', 'isi')",
        (world.deliveries[night, BATAM, "complaints"], night, BATAM, tracking_id),
    )


def keys(world: RawWorld) -> list[tuple[Any, ...]]:
    return world.run("select tracking_id, night, reporter_key from raw.complaints order by night, tracking_id")


def texts(world: RawWorld) -> list[Any]:
    return [each for (each,) in world.run("select tracking_id from restricted.complaint_texts order by 1")]


def changed(world: RawWorld) -> list[Any]:
    return [night for (night,) in world.run("select night from ops.nights where changed_seq > 1 order by 1")]


def last_entry(world: RawWorld) -> tuple[Any, ...]:
    return world.run(
        "select action, details, access_log::text from library.access_log order by access_id desc limit 1"
    )[0]


def test_texts_of_more_than_two_years_go_and_nothing_else(stored: RawWorld) -> None:
    assert retain(stored.connection, dry_run=True) == Taken(0, 1, 0, ())
    assert texts(stored) == ["#0", "#1", "#1", "#2", "#3"]
    assert retain(stored.connection) == Taken(0, 1, 0, ())
    assert texts(stored) == ["#1", "#1", "#2", "#3"]
    assert len(keys(stored)) == 5
    assert changed(stored) == []
    action, details, _ = last_entry(stored)
    assert (action, details["texts"], details["texts_before"]) == ("retention", 1, "2019-06-30")
    assert retain(stored.connection).texts == 0


def test_keys_of_reporters_go_when_it_is_asked_for(stored: RawWorld) -> None:
    taken = retain(stored.connection, texts_before=OLD, keys_before=NEXT)
    assert taken == Taken(0, 0, 4, (OLD, NIGHT))
    assert [row for row in keys(stored) if row[2]] == [("#1", NEXT, KEY)]
    assert changed(stored) == [OLD, NIGHT]


def test_an_erased_complaint_stays_without_who_told_it(stored: RawWorld) -> None:
    taken = erase(stored.connection, "permohonan 12/2021", complaint=("lapor", "#1"))
    assert taken == Taken(1, 2, 3, (NIGHT, NEXT))
    assert keys(stored) == [
        ("#0", OLD, OTHER), ("#1", NIGHT, None), ("#2", NIGHT, KEY), ("#3", NIGHT, OTHER), ("#1", NEXT, None),
    ]  # fmt: skip
    assert stored.value("select reporter_key from raw.ratings") is None
    assert texts(stored) == ["#0", "#2", "#3"]
    assert changed(stored) == [NIGHT, NEXT]


def test_a_reporter_is_forgotten_in_all_complaints(stored: RawWorld) -> None:
    taken = erase(stored.connection, "permohonan 12/2021", reporter_key=KEY)
    assert taken == Taken(2, 3, 4, (NIGHT, NEXT))
    assert [key for _, _, key in keys(stored)] == [OTHER, None, None, OTHER, None]
    assert texts(stored) == ["#0", "#3"]


def test_what_comes_in_later_comes_in_without_the_erased(stored: RawWorld) -> None:
    erase(stored.connection, "permohonan 12/2021", complaint=("lapor", "#1"))
    with closing(connect("loader", "lapor/test")) as connection:
        loader = RawWorld(connection, stored.deliveries)
        told(loader, NEXT, "#1", KEY)
        told(loader, NEXT, "#9", OTHER)
        loader.rating(NEXT, BATAM, "#1", 4)
    assert stored.run("select tracking_id, reporter_key from raw.complaints order by row_id desc limit 2") == [
        ("#9", OTHER), ("#1", None),
    ]  # fmt: skip
    assert texts(stored) == ["#0", "#2", "#3", "#9"]


def test_the_log_says_that_and_why_and_not_what(stored: RawWorld) -> None:
    erase(stored.connection, "permohonan 12/2021", reporter_key=KEY)
    action, details, whole = last_entry(stored)
    assert (action, details["reason"], details["keys"], details["nights"]) == ("erase", "permohonan 12/2021", 4, 2)
    assert KEY not in whole
    assert "#1" not in whole


@pytest.mark.parametrize(
    ("reason", "what", "why"),
    [
        pytest.param("", {"complaint": ("lapor", "#1")}, "say why", id="no reason"),
        pytest.param("hapus #1", {"complaint": ("lapor", "#1")}, "say why", id="a reason that tells it"),
        pytest.param("permohonan", {"complaint": ("lapor", "#7")}, "nothing is known", id="a complaint nobody told"),
        pytest.param("permohonan", {"reporter_key": "lain"}, "nothing is known", id="a key nobody has"),
        pytest.param("permohonan", {}, "one complaint", id="nothing named"),
        pytest.param("permohonan", {"complaint": ("lapor", "#1"), "reporter_key": KEY}, "not both", id="both"),
    ],
)  # fmt: skip
def test_an_erasure_that_is_not_clear_changes_nothing(
    stored: RawWorld, reason: str, what: dict[str, Any], why: str
) -> None:
    before = keys(stored)
    with pytest.raises(NotErased, match=why):
        erase(stored.connection, reason, **what)
    assert keys(stored) == before


def test_a_dry_run_counts_and_changes_nothing(stored: RawWorld, capsys: pytest.CaptureFixture[str]) -> None:
    before, entries = keys(stored), stored.value("select count(*) from library.access_log")
    arguments = ["erase", "--source-system", "lapor", "--tracking-id", "#1", "--reason", "permohonan 12/2021"]
    assert main([*arguments, "--dry-run"]) == 0
    assert "1 complaints. 2 texts and 3 reporters' keys would go." in capsys.readouterr().out
    assert keys(stored) == before
    assert changed(stored) == []
    assert stored.value("select count(*) from library.access_log") == entries
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "2 nights changed (2021-06-29 to 2021-06-30)" in said
    assert "python -m extract prune" in said


def test_after_the_next_build_no_table_knows_the_erased_key(world: RawWorld, dbt: Dbt) -> None:
    for night in (NIGHT, NEXT):
        world.open(night)
        world.delivery(night, BATAM)
    # The second within 30 days of the first about the same: a repetition, as long as both are known to be of one reporter.
    told(world, NIGHT, "#1", KEY)
    told(world, NEXT, "#2", KEY)
    build = ("build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")
    dbt(*build)
    world.publish()
    assert "intermediate.int_known_reporters" in tables_with(world, KEY)
    assert world.run("select tracking_id from marts.fct_complaints where is_duplicate or is_repeat") == [("#2",)]

    erase(world.connection, "permohonan 12/2021", reporter_key=KEY)
    dbt(*build, "--exclude-resource-type", "seed")
    world.publish()
    assert tables_with(world, KEY) == set()
    assert world.run("select tracking_id from marts.fct_complaints where is_duplicate or is_repeat") == []
    assert world.value("select count(*) from marts.fct_complaints") == 2


def tables_with(world: RawWorld, value: str) -> set[str]:
    """Every table of ours, whosever, in which a row says the value anywhere."""
    tables = world.run(
        "select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
    )
    assert len(tables) > 100
    query = SQL("select exists (select from {} as line where line::text like %s)")
    return {
        f"{schema}.{table}"
        for schema, table in tables
        if world.run(query.format(Identifier(schema, table)), [f"%{value}%"])[0][0]
    }
