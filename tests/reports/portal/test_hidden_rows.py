"""What a small row would follow from is hidden with it: worked out by hand on a category's week of three areas."""

from collections.abc import Callable, Iterator
from datetime import date

import httpx
import pytest

from reports.portal.pages import frame
from tests.reports.portal.conftest import Nation, settings_of

Machine = Callable[..., httpx.Client]
WEEK = date(2021, 6, 7)
CATEGORY = "KATEGORI_UJI"
NATION, CATEGORIES = "NASIONAL", "rpt_category_trends_weekly"
AREAS = {"21": 9, "31": 3, "32": 20, NATION: 32}


@pytest.fixture
def week(nation: Nation, portal: str) -> Iterator[None]:
    """A category of which three areas received 9, 3 and 20 in a week, and the nation all 32."""
    for area, count in AREAS.items():
        nation.rows(
            "insert into marts.rpt_category_trends_weekly"
            " select (jsonb_populate_record(trends, jsonb_build_object("
            "'category_main', %s::text, 'area_code', %s::text, 'week', %s::date, 'received_count', %s::integer))).*"
            " from marts.rpt_category_trends_weekly as trends limit 1",
            (CATEGORY, area, WEEK, count),
        )
    frame.forget()
    yield
    nation.rows("delete from marts.rpt_category_trends_weekly where category_main = %s", (CATEGORY,))
    frame.forget()


def shown(machine: Machine) -> dict[str, int]:
    """Area -> count of the week, of the rows that KSP is shown."""
    rows: list[dict[str, object]] = []
    client, cursor = machine("ksp"), None
    while True:
        asked = {"limit": 500} | ({"cursor": cursor} if cursor else {})
        told = client.get("/marts/rpt_category_trends_weekly", params=asked).json()
        rows, cursor = rows + told["rows"], told["next_cursor"]
        if cursor is None:
            break
    mine = [row for row in rows if row["category_main"] == CATEGORY]
    assert len(mine) == len(AREAS)
    assert {row["area_code"] for row in mine if row["received_count"] is None} == {
        row["area_code"] for row in mine if row["is_hidden"]
    }
    return {str(row["area_code"]): int(str(row["received_count"])) for row in mine if not row["is_hidden"]}


@pytest.mark.usefixtures("week")
def test_a_small_area_does_not_follow_from_the_nation_and_the_other_areas(machine: Machine) -> None:
    seen = shown(machine)
    assert "31" not in seen
    assert seen != {"21": 9, "32": 20, NATION: 32}
    # One more is hidden, and no more than that: the 9 or the 20 of another area, or the nation's 32.
    assert len(seen) == 2


@pytest.mark.usefixtures("week")
def test_one_row_more_is_hidden_for_the_small_one_s_sake_and_none_else() -> None:
    kept = {key for key in frame.hidden_rows(CATEGORIES) if key.startswith(CATEGORY) and key.endswith(f"/{WEEK}")}
    assert f"{CATEGORY}/31/{WEEK}" in kept
    assert len(kept) == 2
    assert kept <= {f"{CATEGORY}/{area}/{WEEK}" for area in (*AREAS, NATION)}


@pytest.mark.usefixtures("week")
def test_working_them_out_needs_one_connection_at_a_time(machine: Machine) -> None:
    client = machine("ksp")
    with settings_of(connections="1", wait_seconds="1"):
        assert client.get("/marts/rpt_category_trends_weekly").status_code == 200
