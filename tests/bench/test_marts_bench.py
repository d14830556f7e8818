"""The bench of the marts: what it asks, what it writes, and what it calls held."""

from contextlib import closing
from datetime import timedelta

import pytest
from psycopg2.extensions import connection as Connection

from bench.extract.cost import Cost
from bench.marts import fill, scale
from bench.marts.scale import Answer, Build
from warehouse.connection import warehouse_dsn


def build(history: int, wall: float, old_news: str = "anywhere") -> Build:
    return Build(history, "night", Cost(wall, wall, 1.0, 2.0, 100.0), old_news)


def test_a_question_is_a_heading_with_a_block_of_sql() -> None:
    text = (
        "# Title\n\n## PANRB\n\n### 1. One\n```sql\nselect 1;\n```\n\n### Words\n\n### 2. Two\n```sql\nselect 2\n```\n"
    )
    assert scale.questions(text) == [("1. One", "select 1;\n"), ("2. Two", "select 2\n")]


def test_the_95th_percentile_of_twenty_is_the_second_slowest() -> None:
    assert Answer("q", 1, tuple(float(number) for number in range(1, 21))).p95 == 19.0


@pytest.mark.parametrize(("long", "word"), [(20.0, "held"), (20.1, "MISSED")])
def test_the_bar_is_the_last_night_of_the_longest_history_against_the_shortest(long: float, word: str) -> None:
    builds = [build(10, 99.0), build(10, 10.0), build(100, 500.0), build(100, long)]
    assert word in scale.report(builds, []).splitlines()[-1]


def test_each_kind_of_old_news_has_its_own_bar() -> None:
    builds = [build(10, 10.0), build(10, 10.0, "ageing"), build(100, 30.0), build(100, 15.0, "ageing")]
    anywhere, ageing = scale.report(builds, []).splitlines()[-2:]
    assert (anywhere.split(": ")[1][:6], anywhere[-7:]) == ("3.00 x", "MISSED)")
    assert (ageing.split(": ")[1][:6], ageing[-5:]) == ("1.50 x", "held)")


@pytest.mark.parametrize("history", [5_000_000, 10_000_000])
def test_ageing_news_is_as_old_however_long_the_history(warehouse: Connection, history: int) -> None:
    """Past the recent days by an exponential of one year: exp(-1) = 36.8 % more than a year past them."""
    values = {"first": history, "recent": fill.DAILY * fill.NEWS_DAYS, "mean": fill.DAILY * 365, "salt": 1}
    year = fill.DAILY * (fill.NEWS_DAYS + 365)
    with closing(warehouse), warehouse.cursor() as cursor:
        cursor.execute("create schema bench")
        cursor.execute(fill._FUNCTIONS.format(daily=fill.DAILY))
        cursor.execute(
            f"select avg((({fill.OLD_NEWS['ageing']}) > {year})::int) from generate_series(1, 10000) as draw",
            values,
        )
        ((share,),) = cursor.fetchall()
        warehouse.rollback()
    # 5 million reach 1,351 days back: the 3.4 % that would be older come round to the youngest.
    assert float(share) == pytest.approx(0.368, abs=0.045)


def test_a_slow_question_is_named() -> None:
    quick, slow = Answer("Quick", 1, (0.1,) * 20), Answer("Slow", 1, (0.4,) * 20)
    assert scale.report([build(1, 1.0)], [quick, slow]).splitlines()[-1] == "questions over 300 ms: Slow (MISSED)"


def test_a_history_and_a_night_are_what_the_ledger_says(warehouse: Connection) -> None:
    with closing(warehouse), warehouse.cursor() as cursor:
        try:
            fill.fill_history(warehouse_dsn(), 2_000)
            fill.fill_night(warehouse_dsn(), fill.HISTORY_NIGHT + timedelta(days=1), 200)
            cursor.execute(
                "select night, count(*), count(distinct tracking_id) from raw.complaints group by night order by night"
            )
            history, after = cursor.fetchall()
            assert history == (fill.HISTORY_NIGHT, 2_000, 2_000)
            # A tenth of the changes are new; of the news, two may be of the same complaint.
            assert 150 < after[1] <= 200
            cursor.execute(
                "select count(*) from raw.complaints where night > %s and tracking_id::int > 2000", [fill.HISTORY_NIGHT]
            )
            assert cursor.fetchone() == (20,)
            cursor.execute(
                "select sum(loaded_rows) filter (where resource = 'complaints'), sum(loaded_events), sum(loaded_rows) filter (where resource = 'ratings')"
                " from ops.deliveries"
            )
            ledger = cursor.fetchone()
            cursor.execute(
                "select (select count(*) from raw.complaints), (select count(*) from raw.complaint_events), (select count(*) from raw.ratings)"
            )
            assert ledger == cursor.fetchone()
        finally:
            cursor.execute("drop schema if exists bench cascade")
            warehouse.commit()
