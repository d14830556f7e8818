"""Decisions about single rows: by name and note, logged, kept for the same bad content, refused where the marts would break."""

import psycopg2
import pytest

from quality.__main__ import PASSED, REFUSED, main
from quality.gate import gate
from quality.steward import Wanted, decide, listed
from tests.quality.world import BATAM, NIGHT, World
from warehouse.connection import connect

BY = ("--by", "Steward A", "--note", "the agency confirmed it by letter 12")


@pytest.fixture
def kept_out(world: World) -> World:
    """Ten good rows, one closed before it was created, one without an id, one of an unknown class."""
    delivery = world.delivery()
    for _ in range(10):
        world.complaint(delivery)
    received = world.run("select min(received_at) from raw.complaints")[0][0]
    world.complaint(delivery, tracking_id="6100001", completed_at=received.replace(year=2020))
    world.complaint(delivery, tracking_id=None, _problems=["tracking_id: missing"])
    world.complaint(delivery, tracking_id="6100003", report_class="KELUHAN")
    gate(NIGHT)
    return world


def records(world: World) -> dict[str, tuple[int, str, str | None]]:
    """Rule -> (record, status, by)."""
    rows = world.run("select rule_ids[1], record_id, status, decided_by from quality.quarantined_record")
    return {rule: (record, status, by) for rule, record, status, by in rows}


def seq(world: World) -> int:
    return int(world.run("select changed_seq from ops.nights where night = %s", [NIGHT])[0][0])


def test_a_waived_row_enters_and_the_log_says_who_and_why(kept_out: World, capsys: pytest.CaptureFixture[str]) -> None:
    record, _, _ = records(kept_out)["closed_before_created"]
    before = seq(kept_out)
    assert main(["quarantine", "waive", "--record", str(record), *BY]) == PASSED
    assert "1 row waived by Steward A" in capsys.readouterr().out
    assert records(kept_out)["closed_before_created"] == (record, "waived", "Steward A")
    assert seq(kept_out) == before + 1
    assert kept_out.run("select decision, decided_by, note, record_ids from quality.decision_log") == [
        ("waived", "Steward A", "the agency confirmed it by letter 12", [record])
    ]
    gate(NIGHT)
    assert records(kept_out)["closed_before_created"][1] == "waived"


def test_a_row_without_its_key_cannot_be_waived_but_discarded(
    kept_out: World, capsys: pytest.CaptureFixture[str]
) -> None:
    record, _, _ = records(kept_out)["key_present"]
    assert main(["quarantine", "waive", "--record", str(record), *BY]) == REFUSED
    assert "key_present" in capsys.readouterr().err
    assert records(kept_out)["key_present"][1] == "open"
    assert main(["quarantine", "discard", "--record", str(record), *BY]) == PASSED
    assert records(kept_out)["key_present"][1] == "discarded"


def test_a_decision_can_be_taken_back(kept_out: World) -> None:
    wanted = Wanted(agencies=[BATAM], rules=["class_known"], statuses=["open", "waived", "discarded"])
    assert decide(wanted, "discarded", "Steward A", "no such class") == 1
    assert main(["quarantine", "reopen", "--agency", BATAM, "--rule", "class_known", *BY]) == PASSED
    assert records(kept_out)["class_known"][1] == "open"
    assert kept_out.run("select decision from quality.decision_log order by decision_id") == [("discarded",), ("open",)]


@pytest.mark.parametrize(
    "arguments",
    [
        ["quarantine", "discard", "--record", "1", "--by", "", "--note", "x"],
        ["quarantine", "discard", "--record", "1", "--by", "A", "--note", " "],
        ["quarantine", "discard", "--night", str(NIGHT), *BY],
        ["quarantine", "discard", "--agency", BATAM, *BY],
        ["quarantine", "discard", "--record", "999999", *BY],
    ],
    ids=["no name", "no reason", "a whole night", "a whole agency", "no such record"],
)
def test_what_cannot_be_decided_changes_nothing(kept_out: World, arguments: list[str]) -> None:
    before = records(kept_out)
    assert main(arguments) == REFUSED
    assert records(kept_out) == before
    assert kept_out.run("select 1 from quality.decision_log") == []


def test_the_list_names_places_and_rules_and_no_value(kept_out: World) -> None:
    told = listed(Wanted(night=NIGHT))
    assert len(told.splitlines()) == 5  # heading, three rows, where to read on
    assert "closed_before_created; 1 night; open" in told
    assert "KELUHAN" not in told
    assert listed(Wanted(rules=["status_known"])) == "No such record is in quarantine."


def test_what_was_decided_cannot_be_unwritten(kept_out: World) -> None:
    record, _, _ = records(kept_out)["class_known"]
    decide(Wanted(record_ids=[record]), "discarded", "Steward A", "x")
    connection = connect("gate")
    for change in ("update quality.decision_log set note = 'y'", "delete from quality.decision_log"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege), connection, connection.cursor() as cursor:
            cursor.execute(change)
    connection.close()
