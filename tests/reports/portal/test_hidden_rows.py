"""What a small row would follow from is hidden with it: worked out by hand on a category's week of three areas."""

from collections.abc import Callable, Iterator
from datetime import date

import httpx
import pytest

from reports.portal.pages import frame
from reports.portal.pages.agencies import USUAL_WINDOW
from reports.portal.pages.scorecard import CENTRAL_METRIC
from reports.portal.small_cells import SmallCells
from tests.dbt_project.raw_world import BATAM
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


@pytest.fixture
def peers(nation: Nation, portal: str) -> Iterator[None]:
    """Batam stands among five comparable peers, and what it received is hidden for another's sake."""
    found = nation.rows(
        "select window_id, peer_group, metric, is_comparable, shrunk_value from marts.rpt_agency_comparison"
        " where agency_code = %s and window_kind = %s and metric = %s",
        (BATAM, USUAL_WINDOW, CENTRAL_METRIC),
    )
    (window, group, metric, was_comparable, value), one = found[0], (BATAM, found[0][0], CENTRAL_METRIC)
    change = (
        "update marts.rpt_agency_comparison set is_comparable = %s, shrunk_value = %s"
        " where agency_code = %s and window_id = %s and metric = %s"
    )
    spread = (
        "update marts.rpt_peer_distribution set (agency_count, p10, p25, p50, p75, p90) = (%s, %s, %s, %s, %s, %s)"
        " where window_id = %s and peer_group = %s and metric = %s"
    )
    key = (window, group, metric)
    was = nation.rows(
        "select agency_count, p10, p25, p50, p75, p90 from marts.rpt_peer_distribution"
        " where window_id = %s and peer_group = %s and metric = %s",
        key,
    )[0]
    nation.rows(change, (True, 0.5, *one))
    nation.rows(spread, (5, 0.1, 0.3, 0.5, 0.7, 0.9, *key))
    frame.forget()
    yield
    nation.rows(change, (was_comparable, value, *one))
    nation.rows(spread, (*was, *key))
    frame.forget()


@pytest.mark.usefixtures("peers")
def test_a_comparable_agency_that_is_hidden_still_has_a_scorecard(
    browser: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SmallCells, "hides", lambda self, area, code, *months: code == BATAM)
    page = browser("panrb").get(f"/instansi/{BATAM}")
    assert page.status_code == 200
    assert "Sebaran tindak lanjut kelompok sebanding" in page.text  # the peers are told, its own place is not
