"""The guarantees of a night, on the whole way from agencies' protocols to published marts."""

import csv
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.conftest import BROKEN, DBT, FIRST, LAST, Nation, Warehouse

KILL_TRIES = int(os.environ.get("LAPOR_TEST_KILL_TRIES", "1"))  # each some thirty seconds


def test_kota_batam_is_exact(built: Warehouse) -> None:
    (sums,) = built.query(
        "select sum(received_count), sum(routed_count), sum(completed_count), sum(on_hold_count)"
        " from marts.rpt_agency_performance_monthly where agency_code = 'KOTA-21.71'"
    )
    assert tuple(map(int, sums)) == (71, 61, 46, 1)  # type: ignore[call-overload]


def test_batams_own_recap_agrees_with_our_count(built: Warehouse) -> None:
    figures = dict(
        built.query("select figure, verdict from marts.rpt_recap_reconciliation where agency_code = 'KOTA-21.71'")  # type: ignore[arg-type]
    )
    assert {figures[name] for name in ("received", "routed", "completed", "on_hold")} == {"agrees"}


def test_the_survey_of_2020_is_computed_from_its_answers(built: Warehouse) -> None:
    assert [tuple(map(str, row)) for row in built.query(
        "select metric_kind, value, respondent_count, basis from marts.rpt_national_satisfaction where wave = 2020"
    )] == [("TOP2BOX_LAPOR", "75.7", "1329", "computed")]  # fmt: skip


def test_every_row_is_accounted_for(built: Warehouse) -> None:
    (totals,) = built.query(
        """
        select sum(received_count), sum(accepted_count + quarantined_count + held_count + superseded_count),
            sum(received_event_count),
            sum(accepted_event_count + quarantined_event_count + held_event_count + superseded_event_count),
            sum(quarantined_count)
        from marts.fct_deliveries
        """
    )
    received, explained, events, events_explained, quarantined = map(int, totals)  # type: ignore[call-overload]
    assert received == explained > 1000
    assert events == events_explained > 1000
    assert quarantined > 0


def test_broken_agencies_end_in_their_own_ledger_rows(built: Warehouse) -> None:
    states = dict(
        built.query(f"select agency_code, state from ops.deliveries where night = '{LAST}' and resource = 'complaints'")  # type: ignore[arg-type]
    )
    assert {code for code, state in states.items() if state == "failed"} == set(BROKEN)
    assert {state for code, state in states.items() if code not in BROKEN} <= {"received", "empty"}
    reasons = " ".join(
        str(reason) for (reason,) in built.query("select reason from ops.deliveries where state = 'failed'")
    )
    for word in ("no answer within", "HTML page", "answered 500"):
        assert word in reasons


def test_the_last_nights_coverage_explains_every_agency(built: Warehouse) -> None:
    (row,) = built.query(
        "select sum(expected_count), sum(delivered_count), sum(empty_count), sum(late_count), sum(failed_count),"
        f" sum(held_count), sum(not_connected_count) from marts.rpt_coverage_daily where night = '{LAST}'"
    )
    expected, *states = map(int, row)  # type: ignore[call-overload]
    assert expected == sum(states) == 24
    assert states[3] == len(BROKEN)


def test_running_the_night_again_changes_nothing(nation: Nation, built: Warehouse) -> None:
    again = nation.warehouse("nation_again", template=built)
    again.night(LAST)
    assert again.checksums() == built.checksums()


def test_replaying_the_night_from_landing_ends_in_the_same_marts(nation: Nation, built: Warehouse) -> None:
    replayed = nation.warehouse("nation_replayed", template=built)
    replayed.environment["LAPOR_LANDING_URL"] = str(Path(built.environment["LAPOR_STATE_DIR"]) / "landing")
    replayed.environment["LAPOR_CONNECTION_SIMULATOR_HTTP"] = "http://127.0.0.1:9"  # nobody is asked
    replayed.commands(f"python -m extract replay --night {LAST}")
    (before,) = built.query(f"select sum(attempt) from ops.deliveries where night = '{LAST}'")
    (after,) = replayed.query(f"select sum(attempt) from ops.deliveries where night = '{LAST}'")
    assert after > before
    replayed.commands(f"python -m quality --night {LAST}", DBT, f"python -m extract close --night {LAST}")
    assert replayed.checksums() == built.checksums()


@pytest.mark.parametrize("attempt", range(KILL_TRIES))
def test_a_night_killed_anywhere_and_run_again_ends_in_the_same_marts(
    nation: Nation, first_night: Warehouse, built: Warehouse, attempt: int
) -> None:
    seconds = random.Random(f"kill {attempt}").uniform(1, 22)
    killed = nation.warehouse(f"nation_killed_{attempt}", template=first_night)
    assert killed.kill_night_after(LAST, seconds) or seconds > 15, "the night was over before it could be killed"
    killed.night(LAST)
    assert killed.checksums() == built.checksums(), f"killed after {seconds:.1f} s"


def test_no_identity_is_found_in_anything_the_pipeline_writes(nation: Nation, built: Warehouse) -> None:
    """Every name, NIK, phone and e-mail of the ground truth is looked for in the whole database and every file."""
    with (nation.truth / "identities.csv").open(newline="") as file:
        personal = {row["value"] for row in csv.DictReader(file)}
    assert len(personal) > 1000
    state = Path(built.environment["LAPOR_STATE_DIR"])
    agencies = built.query("select distinct agency_code, night from quality.quarantined_record order by 1, 2")
    for agency, night in agencies[:4]:
        built.commands(f"python -m quality feedback --night {night} --agency {agency} --form csv",
                       f"python -m quality feedback --night {night} --agency {agency}")  # fmt: skip
    for workbook in (state / "feedback").rglob("*.xlsx"):
        shutil.unpack_archive(workbook, workbook.with_suffix(""), "zip")
    built.commands(f"python -m quality show --night {LAST}", f"python -m quality alert --night {LAST}",
                   "python -m quality quarantine list", "python -m quality bounds --propose")  # fmt: skip
    dump = state / "everything.sql"
    built.commands(f"python -c 'import subprocess, sys; from warehouse.server import psql_binary; subprocess.run("
                   f"[psql_binary().replace(\"psql\", \"pg_dump\"), \"--data-only\", \"--file={dump}\", sys.argv[1]], check=True)' \"$WAREHOUSE_DSN\"")  # fmt: skip
    assert dump.stat().st_size > 1_000_000
    places = [
        dump,
        *(
            path
            for root in (state, nation.folder / "nation_first", nation.folder / "dbt")
            for path in root.rglob("*")
            if path.is_file()
        ),
    ]
    assert any(path.suffix == ".sealed" for path in places)
    names = [str(path.relative_to(state)) for path in places if path.is_relative_to(state)]
    assert "site/quality/index.html" in names
    assert any(name.startswith("quality/gx") and name.endswith(".html") for name in names), "Data Docs were written"
    assert any(name.startswith("feedback/") and name.endswith("sheet2.xml") for name in names)
    patterns = nation.folder / "personal.txt"
    patterns.write_text("\n".join(sorted(personal)))
    listed = nation.folder / "places.txt"
    listed.write_text("\0".join(map(str, places)))
    found = subprocess.run(
        ["xargs", "-0", "-a", str(listed), "grep", "-l", "-a", "-i", "-F", "-f", str(patterns)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == ""
    told = "\n".join(built.outputs).lower()
    assert not [value for value in personal if value.lower() in told]


def test_the_first_night_told_what_it_held_and_why(first_night: Warehouse) -> None:
    (counted,) = first_night.query(
        f"select count(*) from quality.quarantined_record where night = '{FIRST}' and reasons <> '{{}}'"
    )
    assert counted[0] > 0  # type: ignore[operator]
    assert any("quarantined" in output for output in first_night.outputs)
