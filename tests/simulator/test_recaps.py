"""What agencies state of themselves, and which of it is wrong on purpose."""

from collections import Counter
from datetime import date

import pytest

from simulator.lifecycle import STATUSES, statuses_at
from simulator.recaps import AGREES, DIFFERS, OFF_BY_ONE, PARTS, Recap, state_recaps
from simulator.registry import BATAM
from simulator.workdays import cut_off
from simulator.world import World

LAST = date(2021, 6, 30)


@pytest.fixture(scope="module")
def recaps(nation: World) -> list[Recap]:
    return state_recaps(nation, LAST)


def parts(recap: Recap) -> int:
    states = (recap.unverified, recap.unanswered, recap.in_progress, recap.completed, recap.on_hold, recap.archived)
    return sum(state or 0 for state in states)


def test_seven_of_41_are_wrong_on_purpose(recaps: list[Recap]) -> None:
    assert Counter(recap.truth for recap in recaps) == {AGREES: 34, PARTS: 3, DIFFERS: 2, OFF_BY_ONE: 2}


def test_parts_add_up_except_where_they_should_not(recaps: list[Recap]) -> None:
    full = [recap for recap in recaps if recap.agency_code != BATAM]
    assert len(full) == 40
    wrong = {recap.agency_code for recap in full if parts(recap) != recap.received}
    assert wrong == {recap.agency_code for recap in full if recap.truth == PARTS}


def test_an_honest_recap_is_what_the_agency_has(recaps: list[Recap], nation: World) -> None:
    honest = [recap for recap in recaps if recap.truth == AGREES and recap.agency_code != BATAM]
    assert sum(recap.received or 0 for recap in honest) > 300
    for recap in honest:
        rows = nation.rows_of(nation.position(recap.agency_code))
        status = statuses_at(nation.complaints.times[rows], cut_off(LAST))
        assert recap.received == len(status)
        assert recap.completed == (status == STATUSES.index("SELESAI")).sum()
        assert not nation.complaints.defect[rows].any(), "nothing of it will be quarantined"
        assert not nation.complaints.moved[rows].any()
